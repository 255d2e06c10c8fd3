//! A conversation as lists show it, in JSON. It is put together when the row changes, which is far less often
//! than it is looked at.

use crate::read_models::inbox::ConversationRow;
use event_schemas::message::{ChannelType, Priority, SenderType, SlaMetric, Status};
use event_schemas::{
    AccountId, ChannelId, ContactId, ConversationId, Position, SlaPolicyId, TeamId, Timestamp, UserId,
    Version,
};
use serde::Serialize;
use serde_json::{Map, Value};

#[derive(Serialize)]
struct Card<'r> {
    id: ConversationId,
    account_id: AccountId,
    channel_id: ChannelId,
    channel_type: ChannelType,
    contact_id: ContactId,
    contact_identifier: &'r str,
    display_name: Option<&'r str>,
    ordinal: u32,
    assignee_id: Option<UserId>,
    assignee_name: Option<&'r str>,
    team_id: Option<TeamId>,
    status: Status,
    priority: Priority,
    subject: Option<&'r str>,
    language: Option<&'r str>,
    labels: &'r [String],
    first_reply_at: Option<Timestamp>,
    resolved_at: Option<Timestamp>,
    closed_at: Option<Timestamp>,
    snoozed_until: Option<Timestamp>,
    last_message_at: Timestamp,
    last_message_preview: Option<&'r str>,
    last_message_sender_type: Option<SenderType>,
    unanswered_since: Option<Timestamp>,
    message_count: u32,
    received_count: u32,
    sent_count: u32,
    note_count: u32,
    reopened_count: u32,
    sla_policy_id: Option<SlaPolicyId>,
    sla_metric: Option<SlaMetric>,
    sla_due_at: Option<Timestamp>,
    sla_state: Option<&'r str>,
    sla_breached_count: u32,
    bot_context: Option<&'r Map<String, Value>>,
    metadata: &'r Map<String, Value>,
    created_at: Timestamp,
    updated_at: Timestamp,
    version: Version,
    position: Position,
}

/// The row as a list shows it.
pub fn list_json(row: &ConversationRow) -> String {
    let none = Map::new();
    let card = Card {
        id: row.id,
        account_id: row.account_id,
        channel_id: row.channel_id,
        channel_type: row.channel_type,
        contact_id: row.contact_id,
        contact_identifier: &row.contact_identifier,
        display_name: row.display_name.as_deref(),
        ordinal: row.ordinal,
        assignee_id: row.assignee_id,
        assignee_name: row.assignee_name.as_deref(),
        team_id: row.team_id,
        status: row.status,
        priority: row.priority,
        subject: row.subject.as_deref(),
        language: row.language.as_deref(),
        labels: &row.labels.0,
        first_reply_at: row.first_reply_at,
        resolved_at: row.resolved_at,
        closed_at: row.closed_at,
        snoozed_until: row.snoozed_until,
        last_message_at: row.last_message_at,
        last_message_preview: row.last_message_preview.as_deref(),
        last_message_sender_type: row.last_message_sender_type,
        unanswered_since: row.unanswered_since,
        message_count: row.message_count,
        received_count: row.received_count,
        sent_count: row.sent_count,
        note_count: row.note_count,
        reopened_count: row.reopened_count,
        sla_policy_id: row.sla_policy_id,
        sla_metric: row.sla_metric,
        sla_due_at: row.sla_due_at,
        sla_state: row.sla_state.as_deref(),
        sla_breached_count: row.sla_breached_count,
        bot_context: row.bot_context.as_ref().map(|context| &context.0),
        metadata: row.metadata.as_ref().map_or(&none, |metadata| &metadata.0),
        created_at: row.created_at,
        updated_at: row.updated_at,
        version: row.version,
        position: row.position,
    };
    serde_json::to_string(&card)
        .unwrap_or_else(|impossible| unreachable!("a row always serialises: {impossible}"))
}
