//! The inbox: lists of conversations, and how many each tab holds.

use crate::answer::{List, limit};
use crate::asking::{Fresh, QueryState, parsed, several, unlisted, unreadable};
use aide::OperationOutput;
use aide::axum::ApiRouter;
use aide::axum::routing::get_with;
use aide::generate::GenContext;
use aide::openapi::{Operation, Response as ApiResponse};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use event_schemas::message::{ChannelType, Priority, SenderType, SlaMetric, Status};
use event_schemas::{
    AccountId, ChannelId, ContactId, ConversationId, Position, SlaPolicyId, TeamId, Timestamp, UserId,
    Version,
};
use gate::{Agent, Caller, Json, Problem, Query};
use projections::queries::by_subject::{ByStatus, counts};
use projections::queries::conversations::{
    AssigneeFilter, Conversations, ListJson, ListedConversation, Sort, SortBy, list_json,
};
use projections::queries::{Cursor, Limit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::str::FromStr;

pub fn routes() -> ApiRouter<QueryState> {
    ApiRouter::new()
        .api_route(
            "/v1/conversations",
            get_with(inbox, |op| {
                op.id("listConversations")
                    .tag("conversations")
                    .summary("Conversations: filtered, sorted, in pages")
            }),
        )
        .api_route(
            "/v1/conversations/counts",
            get_with(tab_counts, |op| {
                op.id("countConversations")
                    .tag("conversations")
                    .summary("How many each tab of the inbox holds")
            }),
        )
}

/// A conversation as the inbox shows it (requirement 000, section 1.1, and what an inbox needs besides).
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Conversation")]
pub struct View {
    id: ConversationId,
    account_id: AccountId,
    channel_id: ChannelId,
    channel_type: ChannelType,
    contact_id: ContactId,
    contact_identifier: String,
    display_name: Option<String>,
    /// Which conversation of this contact on this channel it is, from 0.
    ordinal: u32,
    assignee_id: Option<UserId>,
    assignee_name: Option<String>,
    team_id: Option<TeamId>,
    status: Status,
    priority: Priority,
    subject: Option<String>,
    language: Option<String>,
    labels: Vec<String>,
    /// When an agent first answered.
    first_reply_at: Option<Timestamp>,
    resolved_at: Option<Timestamp>,
    closed_at: Option<Timestamp>,
    snoozed_until: Option<Timestamp>,
    last_message_at: Timestamp,
    last_message_preview: Option<String>,
    last_message_sender_type: Option<SenderType>,
    /// Since when the customer waits for an agent.
    unanswered_since: Option<Timestamp>,
    /// How many of the customer's messages the caller has not seen.
    unread_count: u32,
    message_count: u32,
    received_count: u32,
    sent_count: u32,
    note_count: u32,
    reopened_count: u32,
    sla_policy_id: Option<SlaPolicyId>,
    /// The promise whose deadline is next, and when that is.
    sla_metric: Option<SlaMetric>,
    sla_due_at: Option<Timestamp>,
    /// Of its clocks the one that needs most attention: `breached`, `running`, `paused`, `met`, `cancelled`.
    sla_state: Option<String>,
    sla_breached_count: u32,
    /// What the bot learned before it handed over.
    bot_context: Option<Map<String, Value>>,
    metadata: Map<String, Value>,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// The version of its stream; of a single conversation also the `ETag`.
    version: Version,
    /// The place of its last event in the log.
    position: Position,
}

impl From<ListedConversation> for View {
    fn from(ListedConversation { conversation: row, unread }: ListedConversation) -> Self {
        Self {
            id: row.id,
            account_id: row.account_id,
            channel_id: row.channel_id,
            channel_type: row.channel_type,
            contact_id: row.contact_id,
            contact_identifier: row.contact_identifier,
            display_name: row.display_name,
            ordinal: row.ordinal,
            assignee_id: row.assignee_id,
            assignee_name: row.assignee_name,
            team_id: row.team_id,
            status: row.status,
            priority: row.priority,
            subject: row.subject,
            language: row.language,
            labels: row.labels.0,
            first_reply_at: row.first_reply_at,
            resolved_at: row.resolved_at,
            closed_at: row.closed_at,
            snoozed_until: row.snoozed_until,
            last_message_at: row.last_message_at,
            last_message_preview: row.last_message_preview,
            last_message_sender_type: row.last_message_sender_type,
            unanswered_since: row.unanswered_since,
            unread_count: unread,
            message_count: row.message_count,
            received_count: row.received_count,
            sent_count: row.sent_count,
            note_count: row.note_count,
            reopened_count: row.reopened_count,
            sla_policy_id: row.sla_policy_id,
            sla_metric: row.sla_metric,
            sla_due_at: row.sla_due_at,
            sla_state: row.sla_state,
            sla_breached_count: row.sla_breached_count,
            bot_context: row.bot_context.map(|json| json.0),
            metadata: row.metadata.map(|json| json.0).unwrap_or_default(),
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
            position: row.position,
        }
    }
}

/// AssigneeFilter conversations.
#[derive(Clone, Copy, Debug)]
enum Assignee {
    Me,
    Nobody,
    Agent(UserId),
}

impl FromStr for Assignee {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text {
            "me" => Ok(Self::Me),
            "none" => Ok(Self::Nobody),
            id => id.parse().map(Self::Agent).map_err(|_| "neither `me`, `none`, nor an agent's id"),
        }
    }
}

impl Assignee {
    fn as_seen_by(self, caller: &Caller) -> AssigneeFilter {
        match self {
            Self::Me => AssigneeFilter::Agent(caller.user),
            Self::Nobody => AssigneeFilter::Unassigned,
            Self::Agent(user) => AssigneeFilter::Agent(user),
        }
    }
}

/// `last_message_at:desc`
#[derive(Clone, Copy, Debug)]
struct SortWords(Sort);

impl FromStr for SortWords {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, &'static str> {
        const ALLOWED: &str = "not one of last_message_at, created_at, priority, unanswered_since, sla_due_at, with :asc or :desc";
        let (name, way) = text.split_once(':').unwrap_or((text, "asc"));
        let by = match name {
            "last_message_at" => SortBy::LastMessage,
            "created_at" => SortBy::Created,
            "priority" => SortBy::Priority,
            "unanswered_since" => SortBy::Unanswered,
            "sla_due_at" => SortBy::SlaDue,
            _ => return Err(ALLOWED),
        };
        match way {
            "asc" => Ok(Self(Sort { by, descending: false })),
            "desc" => Ok(Self(Sort { by, descending: true })),
            _ => Err(ALLOWED),
        }
    }
}

/// Which conversations, in which order.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// Several are separated by commas: `open,assigned`.
    #[serde(default, deserialize_with = "several")]
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
    /// with `:asc` or `:desc`.
    #[serde(default, deserialize_with = "parsed")]
    #[schemars(with = "Option<String>")]
    sort: Option<SortWords>,
    /// Between 1 and 200; 50 where nothing is said.
    #[serde(default, deserialize_with = "limit")]
    #[schemars(with = "Option<u8>", range(min = 1, max = 200))]
    limit: Limit,
    /// The `next_cursor` of the page before.
    #[serde(default, deserialize_with = "parsed")]
    #[schemars(with = "Option<String>")]
    cursor: Option<Cursor>,
}

async fn inbox(caller: Agent, Fresh(tables): Fresh, Query(asked): Query<Asked>) -> Result<Inbox, Problem> {
    let question = Conversations {
        reader: Some(caller.user),
        statuses: asked.status,
        assignee: asked.assignee_id.map(|assignee| assignee.as_seen_by(&caller)),
        team: asked.team_id,
        channel: asked.channel_id,
        contact: asked.contact_id,
        label: asked.label,
        priority: asked.priority,
        updated_since: asked.updated_since,
        sort: asked.sort.map(|SortWords(sort)| sort).unwrap_or_default(),
        limit: asked.limit,
        after: asked.cursor,
        ..Conversations::of(caller.account)
    };
    let page = list_json(tables.readers(), &question).await.map_err(unlisted)?;
    Ok(Inbox { page })
}

/// A page of the inbox. The tables hold each conversation as it is shown, and here they are only strung
/// together; a [`View`] of the same row reads the same.
struct Inbox {
    page: ListJson,
}

impl IntoResponse for Inbox {
    fn into_response(self) -> Response {
        let next = self.page.next.map_or("null".to_owned(), |cursor| format!("\"{cursor}\""));
        let body = format!("{{\"data\":{},\"next_cursor\":{next}}}", self.page.json);
        ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
    }
}

impl OperationOutput for Inbox {
    type Inner = List<View>;
    fn operation_response(ctx: &mut GenContext, operation: &mut Operation) -> Option<ApiResponse> {
        Json::<List<View>>::operation_response(ctx, operation)
    }
    fn inferred_responses(
        ctx: &mut GenContext,
        operation: &mut Operation,
    ) -> Vec<(Option<u16>, ApiResponse)> {
        Json::<List<View>>::inferred_responses(ctx, operation)
    }
}

type Words = BTreeMap<&'static str, i64>;

/// How many conversations there are, by tab and status.
#[derive(Debug, Serialize, JsonSchema)]
struct Counts {
    /// All that are not closed.
    all: i64,
    /// The caller's own that are not closed.
    mine: i64,
    /// Nobody's that are neither resolved nor closed.
    unassigned: i64,
    by_status: Words,
    mine_by_status: Words,
    unassigned_by_status: Words,
    /// By the team's id.
    teams: BTreeMap<String, Words>,
    /// By the agent's id.
    assignees: BTreeMap<String, Words>,
}

fn words(counts: &ByStatus) -> Words {
    Status::ALL.iter().map(|status| (status.as_str(), counts.get(status).copied().unwrap_or(0))).collect()
}

fn sum(counts: &ByStatus, without: &[Status]) -> i64 {
    counts.iter().filter(|(status, _)| !without.contains(status)).map(|(_, count)| count).sum()
}

async fn tab_counts(caller: Agent, Fresh(tables): Fresh) -> Result<Json<Counts>, Problem> {
    let found = counts(tables.readers(), caller.account, Some(caller.user)).await.map_err(unreadable)?;
    Ok(Json(Counts {
        all: sum(&found.all, &[Status::Closed]),
        mine: sum(&found.mine, &[Status::Closed]),
        unassigned: sum(&found.unassigned, &[Status::Resolved, Status::Closed]),
        by_status: words(&found.all),
        mine_by_status: words(&found.mine),
        unassigned_by_status: words(&found.unassigned),
        teams: found.teams.iter().map(|(team, counts)| (team.to_string(), words(counts))).collect(),
        assignees: found.assignees.iter().map(|(user, counts)| (user.to_string(), words(counts))).collect(),
    }))
}
