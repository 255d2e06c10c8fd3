//! One conversation, now or at an earlier moment, and its messages, assignments and SLA timers.

use crate::params::{Paging, limit, parsed};
use crate::problem::{list_problem, tables_unavailable};
use crate::response::{List, Tagged};
use crate::snapshot::snapshot;
use crate::state::{Fresh, FreshOnDemand, QueryState};
use aide::axum::ApiRouter;
use aide::axum::routing::get_with;
use axum::extract::State;
use event_schemas::{ConversationId, MessageId};
use gate::{Agent, Json, Path, Problem, Query};
use projections::queries::conversations::{self, ListedConversation};
use projections::queries::message::Message;
use projections::queries::{Cursor, Limit};
use projections::read_models::assignments::{self, AssignmentRow};
use projections::read_models::messages::{self, MessageRow, Messages, PageFrom};
use projections::read_models::sla_timers::{self, RunningTimer, SlaTimerRow};
use projections::snapshot::Moment;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub fn routes() -> ApiRouter<QueryState> {
    ApiRouter::new()
        .api_route(
            "/v1/conversations/{id}",
            get_with(one, |op| {
                op.id("getConversation")
                    .tag("conversations")
                    .summary("A conversation with its recent messages, now or at an earlier moment")
                    .description(
                        "A view of the past (`as_of`) is read from the log: it has no `Verbatim-Position`.",
                    )
            }),
        )
        .api_route(
            "/v1/conversations/{id}/messages",
            get_with(list_messages, |op| {
                op.id("listMessages").tag("messages").summary(
                    "Messages and notes as they were said, oldest first, in pages in both directions",
                )
            }),
        )
        .api_route(
            "/v1/conversations/{id}/messages/{message_id}",
            get_with(one_message, |op| {
                op.id("getMessage").tag("messages").summary("One message or note of a conversation")
            }),
        )
        .api_route(
            "/v1/conversations/{id}/assignments",
            get_with(list_assignments, |op| {
                op.id("listAssignments")
                    .tag("conversations")
                    .summary("The assignments of a conversation, with their times and who decided them")
            }),
        )
        .api_route(
            "/v1/conversations/{id}/sla",
            get_with(list_timers, |op| {
                op.id("getConversationSla").tag("service levels").summary("The SLA timers of a conversation")
            }),
        )
        .api_route(
            "/v1/sla-timers",
            get_with(list_running_timers, |op| {
                op.id("listSlaTimers")
                    .tag("service levels")
                    .summary("Running SLA timers, the next deadline first")
            }),
        )
}

/// A conversation with its SLA timers and its most recent messages.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ConversationDetail")]
struct Detail {
    #[serde(flatten)]
    conversation: ListedConversation,
    /// As they were said, oldest first.
    messages: Vec<Message>,
    /// The value of `before` with which the list of messages continues. `null` when there are no earlier messages.
    earlier_messages: Option<String>,
    sla_timers: Vec<SlaTimerRow>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AsOfParams {
    /// A time (RFC 3339) or a position of the log. The conversation is shown as it was at that moment.
    #[serde(default, deserialize_with = "parsed")]
    #[schemars(with = "Option<String>")]
    as_of: Option<Moment>,
}

/// The number of messages that are shown with a conversation.
const RECENT: usize = 50;

async fn one(
    State(state): State<QueryState>,
    caller: Agent,
    fresh: FreshOnDemand,
    Path(id): Path<ConversationId>,
    Query(params): Query<AsOfParams>,
) -> Result<Tagged<Detail>, Problem> {
    if let Some(moment) = params.as_of {
        fresh.check_log(&state).await?;
        let snapshot = snapshot(&state, caller.account, id, moment).await?;
        let unread = snapshot.unread(caller.user);
        let sla_timers = snapshot.timers();
        let mut messages = snapshot.messages;
        let earlier = messages.len().saturating_sub(RECENT);
        messages.drain(..earlier);
        let earlier = messages.first().filter(|_| earlier > 0).map(|row| messages::cursor(row).to_string());
        let listed = ListedConversation::new(snapshot.conversation, unread);
        return Ok(detail(listed, messages, earlier, sla_timers));
    }
    let tables = fresh.view(&state).await?;
    let readers = tables.readers();
    let found = conversations::find(readers, caller.account, id, Some(caller.user)).await;
    let found = found.map_err(tables_unavailable)?.ok_or_else(|| Problem::not_found("conversation"))?;
    let query =
        Messages { account: caller.account, conversation: id, from: PageFrom::End, limit: Limit::default() };
    let messages = messages::list(readers, query).await.map_err(list_problem)?;
    let timers =
        sla_timers::of_conversation(readers, caller.account, id).await.map_err(tables_unavailable)?;
    let earlier = messages.next.map(|cursor| cursor.to_string());
    Ok(detail(found, messages.rows, earlier, timers))
}

fn detail(
    listed: ListedConversation,
    messages: Vec<MessageRow>,
    earlier_messages: Option<String>,
    sla_timers: Vec<SlaTimerRow>,
) -> Tagged<Detail> {
    let id = listed.conversation.id;
    let version = listed.conversation.version;
    let messages = messages.into_iter().map(|row| Message::of(id, row)).collect();
    Tagged { version, body: Detail { conversation: listed, messages, earlier_messages, sla_timers } }
}

/// The page of messages. The newest messages when neither `before` nor `after` is given.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct MessageParams {
    /// The `cursor` of a message; the page has the messages before it.
    #[serde(default, deserialize_with = "parsed")]
    #[schemars(with = "Option<String>")]
    before: Option<Cursor>,
    /// The `cursor` of a message; the page has the messages after it. A message that came late is listed where it was
    /// said, so it may be before a cursor that was read earlier; the event streams have every message when it comes.
    #[serde(default, deserialize_with = "parsed")]
    #[schemars(with = "Option<String>")]
    after: Option<Cursor>,
    /// The `next_cursor` of the page before. The pages go on in the same direction: backwards from the newest
    /// message, or forwards when `after` is given too.
    #[serde(default, deserialize_with = "parsed")]
    #[schemars(with = "Option<String>")]
    cursor: Option<Cursor>,
    /// Between 1 and 200. The default is 50.
    #[serde(default, deserialize_with = "limit")]
    #[schemars(with = "Option<u8>", range(min = 1, max = 200))]
    limit: Limit,
}

async fn list_messages(
    caller: Agent,
    Fresh(tables): Fresh,
    Path(id): Path<ConversationId>,
    Query(params): Query<MessageParams>,
) -> Result<Json<List<Message>>, Problem> {
    let from = match (params.before, params.after) {
        (None, None) => params.cursor.map_or(PageFrom::End, PageFrom::Before),
        (Some(before), None) => PageFrom::Before(params.cursor.unwrap_or(before)),
        (None, Some(after)) => PageFrom::After(params.cursor.unwrap_or(after)),
        (Some(_), Some(_)) => {
            return Err(Problem::unreadable("Send either `before` or `after`, not both.").field("after"));
        }
    };
    exists(&tables, &caller, id).await?;
    let query = Messages { account: caller.account, conversation: id, from, limit: params.limit };
    let listed = messages::list(tables.readers(), query).await.map_err(list_problem)?;
    Ok(List::page(listed, |row| Message::of(id, row)))
}

async fn one_message(
    caller: Agent,
    Fresh(tables): Fresh,
    Path((id, message)): Path<(ConversationId, MessageId)>,
) -> Result<Json<Message>, Problem> {
    let found =
        messages::find(tables.readers(), caller.account, id, message).await.map_err(tables_unavailable)?;
    found.map(|row| Json(Message::of(id, row))).ok_or_else(|| Problem::not_found("message"))
}

async fn exists(tables: &follower::ReadView, caller: &Agent, id: ConversationId) -> Result<(), Problem> {
    let found = conversations::find(tables.readers(), caller.account, id, None).await;
    found.map_err(tables_unavailable)?.map(|_| ()).ok_or_else(|| Problem::not_found("conversation"))
}

async fn list_assignments(
    caller: Agent,
    Fresh(tables): Fresh,
    Path(id): Path<ConversationId>,
) -> Result<Json<List<AssignmentRow>>, Problem> {
    exists(&tables, &caller, id).await?;
    let rows = assignments::of_conversation(tables.readers(), caller.account, id)
        .await
        .map_err(tables_unavailable)?;
    Ok(List::whole(rows, |row| row))
}

async fn list_timers(
    caller: Agent,
    Fresh(tables): Fresh,
    Path(id): Path<ConversationId>,
) -> Result<Json<List<SlaTimerRow>>, Problem> {
    exists(&tables, &caller, id).await?;
    let rows = sla_timers::of_conversation(tables.readers(), caller.account, id)
        .await
        .map_err(tables_unavailable)?;
    Ok(List::whole(rows, |row| row))
}

async fn list_running_timers(
    caller: Agent,
    Fresh(tables): Fresh,
    Query(paging): Query<Paging>,
) -> Result<Json<List<RunningTimer>>, Problem> {
    let page = paging.of(caller.account);
    sla_timers::running(tables.readers(), page).await.map(List::rows).map_err(list_problem)
}
