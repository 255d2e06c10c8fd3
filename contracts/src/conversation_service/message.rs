//! A message in the words of the contract, and the last messages of a conversation.

use super::ConversationService;
use super::tables::{list_unavailable, tables_unavailable};
use event_schemas::message::SenderType;
use event_schemas::{AccountId, ConversationId, MessageId, Timestamp, UserId};
use follower::Db;
use gate::Problem;
use projections::queries::Limit;
use projections::read_models::messages::{self, MessageRow, Messages, PageFrom};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The most messages of an answer.
pub(super) const MOST_MESSAGES: usize = 1_000;

/// The sender of a message in this contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ServiceSenderType")]
pub enum Sender {
    Customer,
    /// The program that answers, the bot, or Verbatim itself.
    Llm,
    Agent,
}

impl From<SenderType> for Sender {
    fn from(sender: SenderType) -> Self {
        match sender {
            SenderType::Contact => Self::Customer,
            SenderType::Agent => Self::Agent,
            SenderType::Bot | SenderType::System => Self::Llm,
        }
    }
}

/// A message of the customer or to the customer. Internal notes are never shown.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "ServiceMessage")]
pub struct Message {
    pub id: MessageId,
    pub conversation_id: ConversationId,
    pub sender_type: Sender,
    /// The agent's id. `null` for the customer and for programs.
    pub sender_id: Option<UserId>,
    /// The text. For a message without text its kind, such as `[image]`; empty when the message was deleted.
    pub content: String,
    /// The provider's id of the message. `null` when it has none yet.
    pub whatsapp_message_id: Option<String>,
    /// When it was said.
    pub timestamp: Timestamp,
    /// `null` when there are none.
    pub metadata: Option<Map<String, Value>>,
}

impl Message {
    pub fn of(conversation_id: ConversationId, row: MessageRow) -> Self {
        let is_agents = row.sender_type == SenderType::Agent;
        let content = match row.content.is_empty() && row.revoked_at.is_none() {
            true => format!("[{}]", row.content_type),
            false => row.content,
        };
        Self {
            id: row.id,
            conversation_id,
            sender_type: row.sender_type.into(),
            sender_id: row.sender_id.filter(|_| is_agents),
            content,
            whatsapp_message_id: row.provider_message_id,
            timestamp: row.said_at,
            metadata: row.metadata.map(|metadata| metadata.0),
        }
    }
}

impl ConversationService {
    /// A message of the account's conversation, from these tables.
    pub(super) async fn message(
        &self,
        tables: &Db,
        account: AccountId,
        conversation: ConversationId,
        id: MessageId,
    ) -> Result<Message, Problem> {
        let found = messages::find(tables.readers(), account, conversation, id).await;
        let found = found.map_err(tables_unavailable)?.ok_or_else(|| Problem::not_found("message"))?;
        Ok(Message::of(conversation, found))
    }

    /// The last messages of a conversation as they were said, oldest first, without notes.
    pub(super) async fn last_messages(
        &self,
        tables: &Db,
        account: AccountId,
        conversation: ConversationId,
        count: usize,
    ) -> Result<Vec<Message>, Problem> {
        let (mut newest_first, mut from) = (Vec::new(), PageFrom::End);
        // With more than is wanted, because notes are left out.
        let limit = Limit::new((2 * count).min(Limit::MOST)).unwrap_or_default();
        while newest_first.len() < count {
            let query = Messages { account, conversation, from, limit };
            let page = messages::list(tables.readers(), query).await.map_err(list_unavailable)?;
            let said = page.rows.into_iter().rev().filter(|row| !row.is_private);
            newest_first.extend(said.map(|row| Message::of(conversation, row)));
            match page.next {
                Some(cursor) => from = PageFrom::Before(cursor),
                None => break,
            }
        }
        newest_first.truncate(count);
        newest_first.reverse();
        Ok(newest_first)
    }
}
