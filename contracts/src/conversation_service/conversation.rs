//! A conversation in the words of the contract.

use super::ConversationService;
use super::message::Message;
use super::tables::tables_unavailable;
use event_schemas::message::{ChannelType, Status};
use event_schemas::{AccountId, ChannelId, ConversationId, Timestamp, UserId};
use follower::Db;
use gate::Problem;
use projections::queries::conversations;
use projections::read_models::inbox::ConversationRow;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The status of a conversation in this contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ServiceConversationStatus")]
pub enum ServiceStatus {
    /// The program answers.
    Active,
    /// It has ended. A further message of the customer makes it active again, unless it was closed.
    Resolved,
    /// A human agent was requested, or has it.
    HandedOff,
    /// It was closed because it was inactive.
    Expired,
}

/// A conversation.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "ServiceConversation")]
pub struct Conversation {
    pub id: ConversationId,
    pub tenant_id: AccountId,
    pub outlet_id: ChannelId,
    pub customer_phone: String,
    pub customer_name: Option<String>,
    pub status: ServiceStatus,
    /// Whether a human agent was requested since the program last had the conversation.
    pub handoff_requested: bool,
    /// The agent who has the conversation, or else the one who was requested by name.
    pub handoff_agent_id: Option<UserId>,
    pub handoff_reason: Option<String>,
    pub started_at: Timestamp,
    /// When it was resolved or expired.
    pub ended_at: Option<Timestamp>,
    pub last_message_at: Timestamp,
}

/// A conversation, with its messages when they were asked for.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "ServiceConversationDetail")]
pub(super) struct ConversationDetail {
    #[serde(flatten)]
    pub conversation: Conversation,
    /// As they were said, oldest first. Present only with `include_messages=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messages: Option<Vec<Message>>,
}

impl Conversation {
    pub fn of(row: &ConversationRow) -> Self {
        Self {
            id: row.id,
            tenant_id: row.account_id,
            outlet_id: row.channel_id,
            customer_phone: phone(row.channel_type, &row.contact_identifier),
            customer_name: row.display_name.clone(),
            status: status(row),
            handoff_requested: row.handoff_requested,
            handoff_agent_id: row.assignee_id.or(row.handoff_agent_id),
            handoff_reason: row.handoff_reason.clone(),
            started_at: row.created_at,
            ended_at: row.resolved_at.or(row.closed_at),
            last_message_at: row.last_message_at,
        }
    }
}

fn status(row: &ConversationRow) -> ServiceStatus {
    match row.status {
        Status::Closed if row.expired_at.is_some() => ServiceStatus::Expired,
        Status::Resolved | Status::Closed => ServiceStatus::Resolved,
        Status::Assigned => ServiceStatus::HandedOff,
        Status::Open | Status::Bot | Status::Pending
            if row.handoff_requested || row.assignee_id.is_some() =>
        {
            ServiceStatus::HandedOff
        }
        Status::Open | Status::Bot | Status::Pending => ServiceStatus::Active,
    }
}

/// A phone number with its plus sign, which is stored without. Identifiers of other forms stay as they are.
fn phone(channel: ChannelType, identifier: &str) -> String {
    match channel {
        ChannelType::WhatsApp | ChannelType::Sms
            if !identifier.is_empty() && identifier.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            format!("+{identifier}")
        }
        ChannelType::WhatsApp
        | ChannelType::Sms
        | ChannelType::Telegram
        | ChannelType::Messenger
        | ChannelType::Email
        | ChannelType::WebChat
        | ChannelType::Api => identifier.to_owned(),
    }
}

impl ConversationService {
    /// The account's conversation, from these tables.
    pub(super) async fn conversation(
        &self,
        tables: &Db,
        account: AccountId,
        id: ConversationId,
    ) -> Result<Conversation, Problem> {
        let found = conversations::find(tables.readers(), account, id, None).await;
        let found = found.map_err(tables_unavailable)?.ok_or_else(|| Problem::not_found("conversation"))?;
        Ok(Conversation::of(&found.conversation))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_number_is_shown_with_its_plus_sign_and_other_identifiers_as_they_are() {
        assert_eq!(phone(ChannelType::WhatsApp, "628123456789"), "+628123456789");
        assert_eq!(phone(ChannelType::WhatsApp, "ID.13491208655302741918"), "ID.13491208655302741918");
        assert_eq!(phone(ChannelType::Api, "628123456789"), "628123456789");
        assert_eq!(phone(ChannelType::Api, "+628123456789"), "+628123456789");
    }
}
