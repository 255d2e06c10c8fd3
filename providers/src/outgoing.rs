//! What goes to a provider, and what comes of it.

use event_schemas::conversation::MessageSent;
use event_schemas::{ConversationId, MessageId};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A message on its way out.
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

/// What travels with an outgoing message and comes back with its statuses, so that a status names its
/// message without a look-up and a crash between sending and remembering can be made good.
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

/// Not ours: another program sends by the same number.
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

/// The provider took it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispatched {
    pub provider_message_id: String,
}

/// It did not, or nobody can say.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// It may work later: a rate limit, the provider is down. The provider has not taken the message.
    #[error("try again: {reason}")]
    TryAgain {
        /// How long the provider asks to be left alone.
        after: Option<Duration>,
        reason: String,
        #[source]
        source: Option<reqwest::Error>,
    },
    /// It never will: no such number, refused by policy.
    #[error("given up with {code}: {reason}")]
    GiveUp { code: String, reason: String },
    /// The request may have reached the provider: a time-out, a broken connection, an answer that makes no
    /// sense. Sending again at once might send twice.
    #[error("nobody knows whether it was taken: {reason}")]
    Unknown {
        reason: String,
        #[source]
        source: Option<reqwest::Error>,
    },
}
