//! The messages of the customer, the agents, the bot and the system, and internal notes; and what a provider reports
//! beside them: edits, deletions, reactions and notices. These are no messages: they ask nothing.

use crate::ConversationEvent;
use crate::events::events;
use crate::message::{Content, SenderType, Template, words};
use crate::{ChannelId, MessageId, Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::time::Duration;

events! {
    /// Messages and notes.
    pub enum MessageEvent in ConversationEvent::Message {
        MessageReceived = 1,
        MessageSent = 2,
        NoteAdded = 1,
        MessageEdited = 1,
        MessageRevoked = 1,
        ReactionChanged = 1,
        NoticeReceived = 1,
    }
}

/// A message of the customer was received.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MessageReceived {
    pub message_id: MessageId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_message_id: Option<String>,
    #[serde(flatten)]
    pub body: Content,
    /// The provider's id of the message that this one answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    /// When the customer sent it, by the provider's clock.
    pub sent_at: Timestamp,
    /// Further data: intent, confidence, data of the provider.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
}

impl MessageReceived {
    /// When the customer said it, for its place among the messages of the conversation. Providers give whole seconds: a
    /// message that came within its second was said when it came, a late one at the end of its second. A provider's clock
    /// that is ahead does not count.
    pub fn said_at(&self, received_at: Timestamp) -> Timestamp {
        let is_whole = self.sent_at.as_micros() % 1_000_000 == 0;
        let latest = self.sent_at + Duration::from_micros(if is_whole { 999_999 } else { 0 });
        latest.min(received_at)
    }
}

/// The channel and the contact of an outgoing message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Addressee {
    pub channel_id: ChannelId,
    /// The contact's identifier on the channel: a phone number, an address.
    pub contact_identifier: String,
}

/// A message of an agent, the bot or the system to the customer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MessageSent {
    pub message_id: MessageId,
    /// The addressee. Absent in events of version 1, whose addressee is in the event that opened the
    /// conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Addressee>,
    pub sender_type: SenderType,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender_id: Option<UserId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender_name: Option<String>,
    #[serde(flatten)]
    pub body: Content,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<Template>,
    /// The message that this one answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_reply_to: Option<MessageId>,
    /// The provider's id of that message, for the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_reply_to_provider_id: Option<String>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
    /// When its sender scheduled it. Absent when it was sent at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduled_at: Option<Timestamp>,
}

/// An internal note of an agent. It is never sent to the customer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NoteAdded {
    pub message_id: MessageId,
    pub author_id: UserId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author_name: Option<String>,
    pub content: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<UserId>,
}

words! {
    /// The place of a version among the versions of a message.
    MessageVersion {
        /// The message has this version from now on.
        Newest = "newest",
        /// A newer version was received before, or the message was deleted. The message stays as it is.
        Earlier = "earlier",
        /// The message was received in this version: the original had not been received.
        First = "first",
    }
}

/// The sender of a message changed it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MessageEdited {
    pub message_id: MessageId,
    /// The provider's id of this version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_message_id: Option<String>,
    pub version: MessageVersion,
    /// The whole message as this version has it.
    #[serde(flatten)]
    pub body: Content,
    /// When the sender wrote this version, by the provider's clock.
    pub sent_at: Timestamp,
}

/// The sender of a message deleted it for both sides. The log keeps the message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MessageRevoked {
    pub message_id: MessageId,
    /// The provider's id of the deletion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_message_id: Option<String>,
    /// When the sender deleted it, by the provider's clock.
    pub sent_at: Timestamp,
}

/// A person reacted to a message with an emoji, or took the reaction back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReactionChanged {
    /// The message that the reaction is to.
    pub message_id: MessageId,
    /// The side that reacted. Each has at most one reaction to a message.
    pub sender_type: SenderType,
    /// Absent when the reaction was taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emoji: Option<String>,
    /// The provider's id of the change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_message_id: Option<String>,
    /// When they reacted, by the provider's clock.
    pub sent_at: Timestamp,
    /// Whether a later change was received before this one. Then the present reaction stays.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub superseded: bool,
}

/// The provider told something about the contact: the contact changed the number, opened the chat
/// for the first time, voted in a poll.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NoticeReceived {
    /// The provider's word for the kind of notice.
    pub notice: String,
    /// The provider's text. Empty when it gives none.
    #[serde(default)]
    pub content: String,
    /// The provider's data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Value>,
    /// The provider's id of the notice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_message_id: Option<String>,
    /// When it happened, by the provider's clock.
    pub sent_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_message_was_said_in_its_second_and_another_one_when_it_came() {
        let micros = |second: i64, micros: i64| Timestamp::from_micros(second * 1_000_000 + micros);
        for (sent_at, received_at, said_at) in [
            (micros(10, 0), micros(10, 300_000), micros(10, 300_000)),
            (micros(10, 0), micros(12, 300_000), micros(10, 999_999)),
            (micros(10, 250_000), micros(12, 0), micros(10, 250_000)),
            (micros(15, 0), micros(12, 0), micros(12, 0)),
        ] {
            let message = MessageReceived {
                message_id: MessageId::from_u128(1),
                provider_message_id: None,
                body: Content::text("Hello"),
                reply_to: None,
                sent_at,
                metadata: Map::new(),
            };
            assert_eq!(message.said_at(received_at), said_at, "{sent_at} received at {received_at}");
        }
    }
}
