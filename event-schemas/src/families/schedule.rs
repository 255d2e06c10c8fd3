//! Messages to the customer that are to be sent later. None of these events is a message: the message is sent by
//! `MessageSent`, with the id that it has here.

use crate::ConversationEvent;
use crate::events::events;
use crate::message::{Content, Template, words};
use crate::{MessageId, Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

events! {
    /// Messages that are to be sent later.
    pub enum ScheduleEvent in ConversationEvent::Schedule {
        MessageScheduled = 1,
        MessageRescheduled = 1,
        ScheduledMessageHeld = 1,
        ScheduledMessageCancelled = 1,
    }
}

impl ScheduleEvent {
    /// The message that it is about.
    pub fn message_id(&self) -> MessageId {
        match self {
            Self::MessageScheduled(event) => event.message_id,
            Self::MessageRescheduled(event) => event.message_id,
            Self::ScheduledMessageHeld(event) => event.message_id,
            Self::ScheduledMessageCancelled(event) => event.message_id,
        }
    }
}

words! {
    /// Why a message is sent later.
    ScheduleReason {
        /// Its sender can take it back for some seconds.
        UndoSend = "undo_send",
        /// Its sender has chosen the time.
        SendLater = "send_later",
    }
}

words! {
    /// The fate of a scheduled message when others write before its time.
    IfWritten {
        Send = "send",
        /// The message is held until an agent decides.
        Hold = "hold",
    }
}

words! {
    /// Why a scheduled message was not sent at its time.
    HoldReason {
        /// Others have written since it was scheduled.
        WrittenSince = "written_since",
        /// The conversation is closed. It can never be sent.
        Closed = "closed",
        /// The channel is switched off or was retired.
        ChannelOff = "channel_off",
        /// The provider takes no text any more.
        OutsideReplyWindow = "outside_reply_window",
        /// Verbatim was not running at its time, and for too long after it.
        Overdue = "overdue",
        /// The conversation refuses the message for another reason.
        Refused = "refused",
    }
}

/// An agent's message to the customer is to be sent at a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MessageScheduled {
    /// The id of the message when it is sent.
    pub message_id: MessageId,
    pub send_at: Timestamp,
    pub reason: ScheduleReason,
    pub if_written: IfWritten,
    pub sender_id: UserId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender_name: Option<String>,
    #[serde(flatten)]
    pub body: Content,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<Template>,
    /// The message that this one answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_reply_to: Option<MessageId>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
}

/// A scheduled message has another time. A message that was held waits for its new time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MessageRescheduled {
    pub message_id: MessageId,
    pub send_at: Timestamp,
    pub if_written: IfWritten,
}

/// The time of a scheduled message has come and it was not sent. It waits until an agent sends, changes or cancels it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScheduledMessageHeld {
    pub message_id: MessageId,
    pub reason: HoldReason,
    /// The reason in words.
    pub detail: String,
}

/// A scheduled message was cancelled: it is never sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScheduledMessageCancelled {
    pub message_id: MessageId,
}
