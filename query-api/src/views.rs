//! The conversations of a view, and their number.

use crate::catalogues::visible;
use crate::conversations::Inbox;
use crate::params::Paging;
use crate::problem::{list_problem, tables_unavailable};
use crate::state::{Fresh, QueryState};
use aide::axum::ApiRouter;
use aide::axum::routing::get_with;
use axum::extract::State;
use event_schemas::catalogue::{SavedView, ViewSort};
use event_schemas::{SavedViewId, Timestamp};
use gate::{Agent, Json, Path, Problem, Query};
use projections::queries::conversations::{Conversations, Sort, SortBy, count, list_json};
use schemars::JsonSchema;
use serde::Serialize;

pub fn routes() -> ApiRouter<QueryState> {
    ApiRouter::new()
        .api_route(
            "/v1/views/{id}/conversations",
            get_with(conversations, |op| {
                op.id("listConversationsOfView")
                    .tag("conversations")
                    .summary("The conversations of a view, in its order, in pages")
                    .description(
                        "Conditions such as `unanswered_for` count back from the moment of the request, and `me` is you. \
                         When the order of the view was changed meanwhile, a cursor is refused: begin again without it.",
                    )
            }),
        )
        .api_route(
            "/v1/views/{id}/count",
            get_with(count_view, |op| {
                op.id("countConversationsOfView")
                    .tag("conversations")
                    .summary("The number of conversations of a view")
            }),
        )
}

/// More conversations of a view are not counted.
const MOST_COUNTED: usize = 10_000;

/// The number of conversations of a view.
#[derive(Debug, Serialize, JsonSchema)]
struct ViewCount {
    /// At most 10,000.
    count: usize,
    /// Whether there are more.
    has_more: bool,
}

/// The view as a query, for this caller at this moment.
fn query(caller: &Agent, view: SavedView, now: Timestamp) -> Conversations {
    let by = match view.sort_by {
        ViewSort::LastMessage => SortBy::LastMessage,
        ViewSort::Created => SortBy::Created,
        ViewSort::Priority => SortBy::Priority,
        ViewSort::Unanswered => SortBy::Unanswered,
        ViewSort::SlaDue => SortBy::SlaDue,
    };
    let sort = Sort { by, descending: view.descending };
    let all = Conversations { reader: Some(caller.user), sort, ..Conversations::of(caller.account) };
    all.filtered_by(view.filter, now)
}

async fn conversations(
    State(state): State<QueryState>,
    caller: Agent,
    Fresh(tables): Fresh,
    Path(id): Path<SavedViewId>,
    Query(Paging { limit, cursor }): Query<Paging>,
) -> Result<Inbox, Problem> {
    let view = visible::<SavedView>(&caller, &tables, id).await?.item;
    let query = Conversations { limit, after: cursor, ..query(&caller, view, state.clock.now()) };
    let page = list_json(tables.readers(), &query).await.map_err(list_problem)?;
    Ok(Inbox { page })
}

async fn count_view(
    State(state): State<QueryState>,
    caller: Agent,
    Fresh(tables): Fresh,
    Path(id): Path<SavedViewId>,
) -> Result<Json<ViewCount>, Problem> {
    let view = visible::<SavedView>(&caller, &tables, id).await?.item;
    let query = query(&caller, view, state.clock.now());
    let counted = count(tables.readers(), &query, MOST_COUNTED + 1).await.map_err(tables_unavailable)?;
    Ok(Json(ViewCount { count: counted.min(MOST_COUNTED), has_more: counted > MOST_COUNTED }))
}
