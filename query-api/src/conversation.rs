//! One conversation: itself with its recent messages, now or as it was; its messages, assignments, clocks.

use crate::answer::{List, Paging, Tagged, limit};
use crate::asking::{Fresh, QueryState, parsed, unlisted, unreadable};
use crate::snapshot::{Moment, past};
use aide::axum::ApiRouter;
use aide::axum::routing::get_with;
use axum::extract::State;
use event_schemas::conversation::AssignStrategy;
use event_schemas::message::{Attachment, ContentType, Delivery, SenderType, SlaMetric, Template};
use event_schemas::routing::{Decision, Ineligible};
use event_schemas::{ConversationId, MessageId, SlaPolicyId, TeamId, Timestamp, UserId};
use gate::{Agent, Json, Path, Problem, Query};
use projections::queries::conversations::ListedConversation;
use projections::queries::details::{self, From as Where, Messages};
use projections::queries::list::{RunningTimer, running_timers};
use projections::queries::{Cursor, Limit};
use projections::read_models::assignments::AssignmentRow;
use projections::read_models::messages::MessageRow;
use projections::read_models::sla_timers::SlaTimerRow;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub fn routes() -> ApiRouter<QueryState> {
    ApiRouter::new()
        .api_route(
            "/v1/conversations/{id}",
            get_with(one, |op| {
                op.id("getConversation")
                    .tag("conversations")
                    .summary("A conversation with its recent messages, now or as it was")
            }),
        )
        .api_route(
            "/v1/conversations/{id}/messages",
            get_with(messages, |op| {
                op.id("listMessages").tag("messages").summary("Messages and notes, oldest first, both ways")
            }),
        )
        .api_route(
            "/v1/conversations/{id}/assignments",
            get_with(assignments, |op| {
                op.id("listAssignments")
                    .tag("conversations")
                    .summary("Who had it, from when until when, and who decided")
            }),
        )
        .api_route(
            "/v1/conversations/{id}/sla",
            get_with(clocks, |op| op.id("getConversationSla").tag("service levels").summary("Its clocks")),
        )
        .api_route(
            "/v1/sla-timers",
            get_with(running, |op| {
                op.id("listSlaTimers")
                    .tag("service levels")
                    .summary("The clocks somebody waits for, the next deadline first")
            }),
        )
}

/// A conversation, its clocks, and what was said of late.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ConversationDetail")]
struct Detail {
    #[serde(flatten)]
    conversation: ListedConversation,
    /// Oldest first.
    messages: Vec<Message>,
    /// Send it as `before` to the messages' own address for what came earlier.
    earlier_messages: Option<String>,
    sla_timers: Vec<Clock>,
}

/// A message, or a note that only colleagues see.
#[derive(Debug, Serialize, JsonSchema)]
struct Message {
    id: MessageId,
    conversation_id: ConversationId,
    /// `inbound`: the customer's. `outbound`: ours, notes too.
    direction: Direction,
    sender_type: SenderType,
    sender_id: Option<UserId>,
    sender_name: Option<String>,
    /// An internal note.
    is_private: bool,
    content: String,
    content_type: ContentType,
    attachments: Vec<Attachment>,
    details: Option<Value>,
    template: Option<Template>,
    mentions: Vec<UserId>,
    provider_message_id: Option<String>,
    /// The provider's id of the message this one answers.
    reply_to: Option<String>,
    in_reply_to: Option<MessageId>,
    /// How far an outgoing message has come.
    delivery: Option<DeliveryState>,
    metadata: Map<String, Value>,
    sent_at: Timestamp,
    created_at: Timestamp,
    /// Send it as `before` or `after` to page from here.
    cursor: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Direction {
    Inbound,
    Outbound,
}

/// The provider's word on an outgoing message.
#[derive(Debug, Serialize, JsonSchema)]
struct DeliveryState {
    state: Delivery,
    dispatched_at: Option<Timestamp>,
    delivered_at: Option<Timestamp>,
    read_at: Option<Timestamp>,
    failed_at: Option<Timestamp>,
    error_code: Option<String>,
    error_reason: Option<String>,
}

impl Message {
    fn of(conversation_id: ConversationId, row: MessageRow) -> Self {
        let cursor = details::place(&row).to_string();
        let direction = match row.sender_type {
            SenderType::Contact => Direction::Inbound,
            SenderType::Agent | SenderType::Bot | SenderType::System => Direction::Outbound,
        };
        Self {
            id: row.id,
            conversation_id,
            direction,
            sender_type: row.sender_type,
            sender_id: row.sender_id,
            sender_name: row.sender_name,
            is_private: row.is_private,
            content: row.content,
            content_type: row.content_type,
            attachments: row.attachments.map(|attachments| attachments.0).unwrap_or_default(),
            details: row.details.map(|details| details.0),
            template: row.template.map(|template| template.0),
            mentions: row.mentions.map(|mentions| mentions.0).unwrap_or_default(),
            provider_message_id: row.provider_message_id,
            reply_to: row.reply_to,
            in_reply_to: row.in_reply_to,
            delivery: row.delivery.map(|state| DeliveryState {
                state,
                dispatched_at: row.dispatched_at,
                delivered_at: row.delivered_at,
                read_at: row.read_at,
                failed_at: row.failed_at,
                error_code: row.error_code,
                error_reason: row.error_reason,
            }),
            metadata: row.metadata.map(|metadata| metadata.0).unwrap_or_default(),
            sent_at: row.sent_at,
            created_at: row.created_at,
            cursor,
        }
    }
}

/// One SLA clock.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SlaTimer")]
struct Clock {
    metric: SlaMetric,
    policy_id: SlaPolicyId,
    /// Which run of this clock in the conversation, from 1.
    generation: u32,
    /// `running`, `paused`, `met`, `breached` or `cancelled`.
    state: String,
    started_at: Timestamp,
    /// None while it stands still.
    due_at: Option<Timestamp>,
    warn_at: Option<Timestamp>,
    warned: bool,
    /// Seconds of business time that are left while it stands still.
    remaining_seconds: Option<f64>,
    /// When the deed was done, or nobody waited any more.
    ended_at: Option<Timestamp>,
}

impl From<SlaTimerRow> for Clock {
    fn from(row: SlaTimerRow) -> Self {
        Self {
            metric: row.metric,
            policy_id: row.policy_id,
            generation: row.generation,
            state: row.state,
            started_at: row.started_at,
            due_at: row.due_at,
            warn_at: row.warn_at,
            warned: row.warned,
            remaining_seconds: row.remaining.map(|micros| micros as f64 / 1e6),
            ended_at: row.ended_at,
        }
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct When {
    /// A time (RFC 3339) or a position of the log: the conversation as it was then.
    #[serde(default, deserialize_with = "parsed")]
    #[schemars(with = "Option<String>")]
    as_of: Option<Moment>,
}

/// How many messages come with a conversation.
const RECENT: usize = 50;

async fn one(
    State(state): State<QueryState>,
    caller: Agent,
    Fresh(tables): Fresh,
    Path(id): Path<ConversationId>,
    Query(when): Query<When>,
) -> Result<Tagged<Detail>, Problem> {
    if let Some(moment) = when.as_of {
        let past = past(&state, caller.account, id, moment).await?;
        let unread = past.unread(caller.user);
        let sla_timers = past.timers().into_iter().map(Clock::from).collect();
        let mut messages = past.messages;
        let earlier = messages.len().saturating_sub(RECENT);
        messages.drain(..earlier);
        let earlier = messages.first().filter(|_| earlier > 0).map(|row| details::place(row).to_string());
        let listed = ListedConversation { conversation: past.conversation, unread };
        return Ok(detail(listed, messages, earlier, sla_timers));
    }
    let readers = tables.readers();
    let query =
        Messages { account: caller.account, conversation: id, from: Where::End, limit: Limit::default() };
    let (found, messages, clocks) = futures::join!(
        details::conversation(readers, caller.account, id, Some(caller.user)),
        details::messages(readers, query),
        details::timers(readers, caller.account, id),
    );
    let found = found.map_err(unreadable)?.ok_or_else(|| Problem::not_found("conversation"))?;
    let messages = messages.map_err(unlisted)?;
    let clocks = clocks.map_err(unreadable)?;
    let earlier = messages.next.map(|cursor| cursor.to_string());
    Ok(detail(found, messages.rows, earlier, clocks.into_iter().map(Clock::from).collect()))
}

fn detail(
    listed: ListedConversation,
    messages: Vec<MessageRow>,
    earlier_messages: Option<String>,
    sla_timers: Vec<Clock>,
) -> Tagged<Detail> {
    let id = listed.conversation.id;
    let version = listed.conversation.version;
    let messages = messages.into_iter().map(|row| Message::of(id, row)).collect();
    Tagged { version, what: Detail { conversation: listed, messages, earlier_messages, sla_timers } }
}

/// Which messages; the newest where nothing is said.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// A message's `cursor`: those before it.
    #[serde(default, deserialize_with = "parsed")]
    #[schemars(with = "Option<String>")]
    before: Option<Cursor>,
    /// A message's `cursor`: those after it.
    #[serde(default, deserialize_with = "parsed")]
    #[schemars(with = "Option<String>")]
    after: Option<Cursor>,
    /// Between 1 and 200; 50 where nothing is said.
    #[serde(default, deserialize_with = "limit")]
    #[schemars(with = "Option<u8>", range(min = 1, max = 200))]
    limit: Limit,
}

async fn messages(
    caller: Agent,
    Fresh(tables): Fresh,
    Path(id): Path<ConversationId>,
    Query(asked): Query<Asked>,
) -> Result<Json<List<Message>>, Problem> {
    let from = match (asked.before, asked.after) {
        (None, None) => Where::End,
        (Some(cursor), None) => Where::Before(cursor),
        (None, Some(cursor)) => Where::After(cursor),
        (Some(_), Some(_)) => {
            return Err(Problem::unreadable("Either `before` or `after`, not both.").field("after"));
        }
    };
    exists(&tables, &caller, id).await?;
    let query = Messages { account: caller.account, conversation: id, from, limit: asked.limit };
    let listed = details::messages(tables.readers(), query).await.map_err(unlisted)?;
    Ok(List::page(listed, |row| Message::of(id, row)))
}

async fn exists(tables: &follower::Db, caller: &Agent, id: ConversationId) -> Result<(), Problem> {
    let found = details::conversation(tables.readers(), caller.account, id, None).await;
    found.map_err(unreadable)?.map(|_| ()).ok_or_else(|| Problem::not_found("conversation"))
}

/// Who had a conversation for a while.
#[derive(Debug, Serialize, JsonSchema)]
struct Assignment {
    assignee_id: Option<UserId>,
    assignee_name: Option<String>,
    team_id: Option<TeamId>,
    strategy: AssignStrategy,
    assigned_by: Option<UserId>,
    reason: Option<String>,
    /// Who could have had it, in the order in which they are asked, and who could not for which reason; when
    /// Verbatim chose.
    decision: Option<Decision>,
    /// What a supervisor insisted in spite of.
    overridden: Option<Ineligible>,
    from: Timestamp,
    /// None: still.
    until: Option<Timestamp>,
}

impl From<AssignmentRow> for Assignment {
    fn from(row: AssignmentRow) -> Self {
        Self {
            assignee_id: row.assignee_id,
            assignee_name: row.assignee_name,
            team_id: row.team_id,
            strategy: row.strategy.0,
            assigned_by: row.assigned_by,
            reason: row.reason,
            decision: row.decision.map(|decision| decision.0),
            overridden: row.overridden.map(|reason| reason.0),
            from: row.from_at,
            until: row.until_at,
        }
    }
}

async fn assignments(
    caller: Agent,
    Fresh(tables): Fresh,
    Path(id): Path<ConversationId>,
) -> Result<Json<List<Assignment>>, Problem> {
    exists(&tables, &caller, id).await?;
    let rows = details::assignments(tables.readers(), caller.account, id).await.map_err(unreadable)?;
    Ok(List::whole(rows, Assignment::from))
}

async fn clocks(
    caller: Agent,
    Fresh(tables): Fresh,
    Path(id): Path<ConversationId>,
) -> Result<Json<List<Clock>>, Problem> {
    exists(&tables, &caller, id).await?;
    let rows = details::timers(tables.readers(), caller.account, id).await.map_err(unreadable)?;
    Ok(List::whole(rows, Clock::from))
}

/// A clock, and in which conversation it runs.
#[derive(Debug, Serialize, JsonSchema)]
struct RunningSlaTimer {
    conversation_id: ConversationId,
    #[serde(flatten)]
    clock: Clock,
}

impl From<RunningTimer> for RunningSlaTimer {
    fn from(running: RunningTimer) -> Self {
        Self { conversation_id: running.conversation, clock: running.timer.into() }
    }
}

async fn running(
    caller: Agent,
    Fresh(tables): Fresh,
    Query(paging): Query<Paging>,
) -> Result<Json<List<RunningSlaTimer>>, Problem> {
    let page = paging.of(caller.account);
    let listed = running_timers(tables.readers(), page).await.map_err(unlisted)?;
    Ok(List::page(listed, RunningSlaTimer::from))
}
