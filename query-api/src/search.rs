//! The search for people, conversations and words of messages.

use crate::params::{comma_separated, limit, parsed};
use crate::problem::{list_problem, tables_unavailable};
use crate::response::List;
use crate::state::{Fresh, QueryState};
use aide::axum::ApiRouter;
use aide::axum::routing::get_with;
use axum::extract::State;
use gate::{Agent, Json, Problem, Query};
use projections::queries::filter::Viewer;
use projections::queries::search::{
    self, ConversationHit, Effort, MessageHit, PersonHit, Search, SearchError, SearchKind, SearchText,
};
use projections::queries::{Cursor, Limit, ListError, Listed};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::future::Future;

pub fn routes() -> ApiRouter<QueryState> {
    ApiRouter::new().api_route(
        "/v1/search",
        get_with(find, |op| {
            op.id("search")
                .tag("conversations")
                .summary("People, conversations and messages by words and filters")
                .description(DESCRIPTION)
        }),
    )
}

const DESCRIPTION: &str = "`q` has words and phrases in quotation marks, all of which are found; `-word` leaves out what \
    has a word. Case and accents do not count, and the last word may be only the beginning of one. In scripts without \
    spaces any part of a sentence is found. Names of people are found by the beginnings of their words, also with a wrong \
    letter, and numbers by their first or last digits.\n\n\
    Filters: `from:` (a name of a customer or an agent, or `me`), `is:` (a status, `unread`, `unassigned`, `note`), \
    `has:attachment`, `label:`, `channel:` (a kind or a name), `assignee:` (`me`, `none`, a name), `team:` (`none`, a \
    name), `priority:`, `before:` and `after:` (a day in UTC, or a moment of RFC 3339). A value with spaces is in \
    quotation marks. A conversation has all labels that are named, and one value of every other filter.\n\n\
    Messages and conversations are listed newest first, people by how well they fit. What was searched for is marked in \
    segments of text. Notes are found as well, deleted messages are not. One request reads a bounded part of the index: \
    when the filters leave out nearly everything with the words, a page is short or empty although `next_cursor` says \
    that there is more.";

/// The text that is searched for, and the page.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SearchParams {
    /// Words, phrases and filters: `refund from:ana is:unread label:vip before:2026-11-01`. At most 400 bytes.
    q: String,
    /// One or several of `people`, `conversations` and `messages`, separated by commas. Without it, those that have the
    /// filters of `q`.
    #[serde(default, deserialize_with = "comma_separated")]
    #[schemars(with = "String")]
    kinds: Vec<SearchKind>,
    /// The results of each kind, between 1 and 200. The default is 50.
    #[serde(default, deserialize_with = "limit")]
    #[schemars(with = "Option<u8>", range(min = 1, max = 200))]
    limit: Limit,
    /// The `next_cursor` of the page before. `kinds` then names one kind.
    #[serde(default, deserialize_with = "parsed")]
    #[schemars(with = "Option<String>")]
    cursor: Option<Cursor>,
}

/// The results of each kind that was searched.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(rename = "SearchResult")]
struct Found {
    #[serde(skip_serializing_if = "Option::is_none")]
    people: Option<List<PersonHit>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    conversations: Option<List<ConversationHit>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    messages: Option<List<MessageHit>>,
}

async fn find(
    caller: Agent,
    State(state): State<QueryState>,
    Fresh(tables): Fresh,
    Query(params): Query<SearchParams>,
) -> Result<Json<Found>, Problem> {
    let text: SearchText = params.q.parse().map_err(|error| search_problem(SearchError::Invalid(error)))?;
    let kinds = kinds(&params, &text)?;
    let viewer = Viewer { account: caller.account, reader: Some(caller.user), now: state.clock.now() };
    let search =
        Search { text: &text, viewer, limit: params.limit, after: params.cursor, effort: Effort::default() };
    let readers = tables.readers();
    let mut found = Found::default();
    for kind in kinds {
        match kind {
            SearchKind::People => found.people = Some(page(search::people(readers, &search)).await?),
            SearchKind::Conversations => {
                found.conversations = Some(page(search::conversations(readers, &search)).await?);
            }
            SearchKind::Messages => found.messages = Some(page(search::messages(readers, &search)).await?),
        }
    }
    Ok(Json(found))
}

/// The kinds that are searched, each once.
fn kinds(params: &SearchParams, text: &SearchText) -> Result<Vec<SearchKind>, Problem> {
    let named = |kind: &SearchKind| params.kinds.contains(kind);
    let has_filters = |kind: &SearchKind| text.check_kind(*kind).is_ok();
    let kinds: Vec<SearchKind> = match params.kinds.is_empty() {
        true => SearchKind::ALL.into_iter().filter(has_filters).collect(),
        false => SearchKind::ALL.into_iter().filter(named).collect(),
    };
    if params.cursor.is_some() && (params.kinds.is_empty() || kinds.len() > 1) {
        return Err(Problem::unreadable("A cursor is of one kind: name it in `kinds`.").field("kinds"));
    }
    Ok(kinds)
}

async fn page<T>(found: impl Future<Output = Result<Listed<T>, SearchError>>) -> Result<List<T>, Problem> {
    found.await.map(|listed| List::page(listed, |row| row).0).map_err(search_problem)
}

fn search_problem(error: SearchError) -> Problem {
    match error {
        SearchError::Invalid(error) => Problem::unprocessable("q", error.to_string()),
        SearchError::Cursor(error) => list_problem(ListError::Cursor(error)),
        SearchError::Db(error) => tables_unavailable(error),
    }
}
