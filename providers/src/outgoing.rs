//! Outgoing messages, and the outcome of sending one to its provider.

use event_schemas::conversation::MessageSent;
use event_schemas::{ConversationId, MessageId};
use std::error::Error;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A message to a customer.
#[derive(Clone, Debug, PartialEq)]
pub struct Outgoing {
    pub conversation_id: ConversationId,
    /// The contact's identifier on this kind of channel.
    pub to: String,
    pub message: MessageSent,
}

impl Outgoing {
    pub fn callback_data(&self) -> CallbackData {
        CallbackData { conversation_id: self.conversation_id, message_id: self.message.message_id }
    }
}

/// The ids that are sent with an outgoing message and returned with its statuses. So a status names its message without
/// a lookup, also when the process ended before the result of the attempt was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CallbackData {
    pub conversation_id: ConversationId,
    pub message_id: MessageId,
}

impl fmt::Display for CallbackData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.conversation_id, self.message_id)
    }
}

/// The callback data is from another program that sends from the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not <conversation>:<message>")]
pub struct NotOurs;

impl FromStr for CallbackData {
    type Err = NotOurs;
    fn from_str(text: &str) -> Result<Self, NotOurs> {
        let (conversation, message) = text.split_once(':').ok_or(NotOurs)?;
        Ok(Self {
            conversation_id: conversation.parse().map_err(|_| NotOurs)?,
            message_id: message.parse().map_err(|_| NotOurs)?,
        })
    }
}

/// The provider accepted the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispatched {
    pub provider_message_id: String,
    /// The addressee's identifiers that the provider names: it may know the customer by another one.
    pub addressee: Vec<String>,
}

/// The error that caused another one.
pub type Source = Box<dyn Error + Send + Sync>;

/// The provider did not accept the message, or it is not known whether it did.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// A later attempt may succeed: a rate limit, the provider is down. The provider has not accepted the
    /// message.
    #[error("try again: {reason}")]
    TryAgain {
        /// The wait that the provider asks for.
        after: Option<Duration>,
        reason: String,
        #[source]
        source: Option<Source>,
    },
    /// No attempt will succeed: the number does not exist, the provider's policy forbids the message.
    #[error("given up with {code}: {reason}")]
    GiveUp { code: String, reason: String },
    /// The provider may have accepted the message: a time-out, a lost connection, a response that cannot be
    /// read. An immediate second attempt might send the message twice.
    #[error("it is not known whether the provider accepted the message: {reason}")]
    Unknown {
        reason: String,
        #[source]
        source: Option<Source>,
    },
}
