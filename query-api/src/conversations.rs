//! The inbox: lists of conversations, and the counts of its tabs.

use crate::params::{comma_separated, limit, parsed};
use crate::past_inbox::past_inbox;
use crate::problem::{list_problem, tables_unavailable};
use crate::response::List;
use crate::state::{Fresh, FreshOnDemand, QueryState};
use aide::OperationOutput;
use aide::axum::ApiRouter;
use aide::axum::routing::get_with;
use aide::generate::GenContext;
use aide::openapi::{Operation, Response as ApiResponse};
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use event_schemas::message::{Priority, Status};
use event_schemas::{ChannelId, ContactId, TeamId, Timestamp, UserId};
use gate::{Agent, Caller, Json, Problem, Query};
use projections::queries::conversations::{
    AssigneeFilter, Conversations, ListJson, ListedConversation, Sort, SortBy, list_json,
};
use projections::queries::{Cursor, Limit, Listed};
use projections::read_models::tab_counts::{ByStatus, counts};
use projections::snapshot::Moment;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::str::FromStr;

pub fn routes() -> ApiRouter<QueryState> {
    ApiRouter::new()
        .api_route(
            "/v1/conversations",
            get_with(inbox, |op| {
                op.id("listConversations")
                    .tag("conversations")
                    .summary("Conversations, filtered and sorted, in pages, now or at an earlier moment")
                    .description(
                        "A list of the past (`as_of`) has no `Verbatim-Position`. Each conversation is as it was at \
                         the moment, but for `contact_id`, which is the contact as it is known now. At most 20,000 \
                         conversations may come into question: those that have the status now, and those that have \
                         changed since.",
                    )
            }),
        )
        .api_route(
            "/v1/conversations/counts",
            get_with(tab_counts, |op| {
                op.id("countConversations")
                    .tag("conversations")
                    .summary("The number of conversations in each tab of the inbox")
            }),
        )
}

/// A filter by assignee, relative to the caller.
#[derive(Clone, Copy, Debug)]
enum Assignee {
    Me,
    Unassigned,
    Agent(UserId),
}

impl FromStr for Assignee {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text {
            "me" => Ok(Self::Me),
            "none" => Ok(Self::Unassigned),
            id => id.parse().map(Self::Agent).map_err(|_| "neither `me`, `none`, nor an agent's id"),
        }
    }
}

impl Assignee {
    fn for_caller(self, caller: &Caller) -> AssigneeFilter {
        match self {
            Self::Me => AssigneeFilter::Agent(caller.user),
            Self::Unassigned => AssigneeFilter::Unassigned,
            Self::Agent(user) => AssigneeFilter::Agent(user),
        }
    }
}

/// The sort as the parameter has it, for example `last_message_at:desc`.
#[derive(Clone, Copy, Debug)]
struct SortParam(Sort);

impl FromStr for SortParam {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, &'static str> {
        const ALLOWED: &str = "not one of last_message_at, created_at, priority, unanswered_since, sla_due_at, with :asc or :desc";
        let (name, direction) = text.split_once(':').unwrap_or((text, "desc"));
        let by = match name {
            "last_message_at" => SortBy::LastMessage,
            "created_at" => SortBy::Created,
            "priority" => SortBy::Priority,
            "unanswered_since" => SortBy::Unanswered,
            "sla_due_at" => SortBy::SlaDue,
            _ => return Err(ALLOWED),
        };
        match direction {
            "asc" => Ok(Self(Sort { by, descending: false })),
            "desc" => Ok(Self(Sort { by, descending: true })),
            _ => Err(ALLOWED),
        }
    }
}

/// The filters, the sort and the page of the list.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ConversationParams {
    /// One or several statuses, separated by commas: `open,assigned`.
    #[serde(default, deserialize_with = "comma_separated")]
    #[schemars(with = "String")]
    status: Vec<Status>,
    /// `me`, `none`, or an agent's id.
    #[serde(default, deserialize_with = "parsed")]
    #[schemars(with = "Option<String>")]
    assignee_id: Option<Assignee>,
    #[serde(default)]
    team_id: Option<TeamId>,
    #[serde(default)]
    channel_id: Option<ChannelId>,
    #[serde(default)]
    contact_id: Option<ContactId>,
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    priority: Option<Priority>,
    #[serde(default)]
    updated_since: Option<Timestamp>,
    /// `last_message_at` (the default, `:desc`), `created_at`, `priority`, `unanswered_since` or `sla_due_at`,
    /// with `:asc` or `:desc`. Without a direction the newest, the most urgent or the latest comes first.
    #[serde(default, deserialize_with = "parsed")]
    #[schemars(with = "Option<String>")]
    sort: Option<SortParam>,
    /// Between 1 and 200. The default is 50.
    #[serde(default, deserialize_with = "limit")]
    #[schemars(with = "Option<u8>", range(min = 1, max = 200))]
    limit: Limit,
    /// The `next_cursor` of the page before. What changed while the pages were read follows after the last one, so
    /// that no customer who writes meanwhile is missed. A conversation may therefore come twice: the later row is the newer.
    #[serde(default, deserialize_with = "parsed")]
    #[schemars(with = "Option<String>")]
    cursor: Option<Cursor>,
    /// A time (RFC 3339) or a position of the log. The list is shown as it was at that moment.
    #[serde(default, deserialize_with = "parsed")]
    #[schemars(with = "Option<String>")]
    as_of: Option<Moment>,
}

async fn inbox(
    State(state): State<QueryState>,
    caller: Agent,
    fresh: FreshOnDemand,
    Query(params): Query<ConversationParams>,
) -> Result<Inbox, Problem> {
    let as_of = params.as_of;
    let query = Conversations {
        reader: Some(caller.user),
        statuses: params.status,
        assignee: params.assignee_id.map(|assignee| assignee.for_caller(&caller)),
        team: params.team_id,
        channel: params.channel_id,
        contact: params.contact_id,
        label: params.label,
        priority: params.priority,
        updated_since: params.updated_since,
        sort: params.sort.map(|SortParam(sort)| sort).unwrap_or_default(),
        limit: params.limit,
        after: params.cursor,
        ..Conversations::of(caller.account)
    };
    let page = match as_of {
        None => {
            let tables = fresh.view(&state).await?;
            list_json(tables.readers(), &query).await.map_err(list_problem)?
        }
        Some(moment) => {
            let Listed { rows, next } = past_inbox(&state, &fresh, &query, moment).await?;
            let json = serde_json::to_string(&rows).map_err(|error| {
                tracing::error!(%error, "a list of conversations cannot be written as JSON");
                Problem::internal()
            })?;
            ListJson { json, next }
        }
    };
    Ok(Inbox { page })
}

/// A page of the inbox. The table has each conversation as JSON, which the response only joins. The JSON is that of a
/// [`ListedConversation`].
pub struct Inbox {
    pub page: ListJson,
}

impl IntoResponse for Inbox {
    fn into_response(self) -> Response {
        let next = self.page.next.map_or("null".to_owned(), |cursor| format!("\"{cursor}\""));
        let body = format!("{{\"data\":{},\"next_cursor\":{next}}}", self.page.json);
        ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
    }
}

impl OperationOutput for Inbox {
    type Inner = List<ListedConversation>;
    fn operation_response(ctx: &mut GenContext, operation: &mut Operation) -> Option<ApiResponse> {
        Json::<List<ListedConversation>>::operation_response(ctx, operation)
    }
    fn inferred_responses(
        ctx: &mut GenContext,
        operation: &mut Operation,
    ) -> Vec<(Option<u16>, ApiResponse)> {
        Json::<List<ListedConversation>>::inferred_responses(ctx, operation)
    }
}

type StatusCounts = BTreeMap<&'static str, i64>;

/// The number of conversations, by tab and status.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ConversationCounts")]
struct Counts {
    /// All conversations that are not closed.
    all: i64,
    /// The caller's conversations that are not closed.
    mine: i64,
    /// Unassigned conversations that are neither resolved nor closed.
    unassigned: i64,
    by_status: StatusCounts,
    mine_by_status: StatusCounts,
    unassigned_by_status: StatusCounts,
    /// The counts of each team, by its id.
    teams: BTreeMap<String, StatusCounts>,
    /// The counts of each assignee, by the agent's id.
    assignees: BTreeMap<String, StatusCounts>,
}

fn status_counts(counts: &ByStatus) -> StatusCounts {
    Status::ALL.iter().map(|status| (status.as_str(), counts.get(status).copied().unwrap_or(0))).collect()
}

fn sum(counts: &ByStatus, without: &[Status]) -> i64 {
    counts.iter().filter(|(status, _)| !without.contains(status)).map(|(_, count)| count).sum()
}

async fn tab_counts(caller: Agent, Fresh(tables): Fresh) -> Result<Json<Counts>, Problem> {
    let found =
        counts(tables.readers(), caller.account, Some(caller.user)).await.map_err(tables_unavailable)?;
    Ok(Json(Counts {
        all: sum(&found.all, &[Status::Closed]),
        mine: sum(&found.mine, &[Status::Closed]),
        unassigned: sum(&found.unassigned, &[Status::Resolved, Status::Closed]),
        by_status: status_counts(&found.all),
        mine_by_status: status_counts(&found.mine),
        unassigned_by_status: status_counts(&found.unassigned),
        teams: found.teams.iter().map(|(team, counts)| (team.to_string(), status_counts(counts))).collect(),
        assignees: found
            .assignees
            .iter()
            .map(|(user, counts)| (user.to_string(), status_counts(counts)))
            .collect(),
    }))
}
