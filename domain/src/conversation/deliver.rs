//! The provider's reports on an outgoing message. A status never goes back: a late `delivered` after `read`
//! changes nothing.

use super::{Conversation, Rejection};
use crate::aggregate::Decide;
use event_schemas::conversation::{MessageDelivered, MessageDispatched, MessageFailed, MessageRead};
use event_schemas::message::Delivery;
use event_schemas::{ConversationEvent, MessageId, Timestamp};

/// The provider's report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    Dispatched,
    Delivered,
    Read,
    Failed { code: String, reason: String },
}

/// Records the provider's report on an outgoing message.
#[derive(Clone, Debug)]
pub struct RecordDelivery {
    pub message_id: MessageId,
    /// The provider's id. `None` for a failure before the provider gave one.
    pub provider_message_id: Option<String>,
    pub time: Timestamp,
    pub report: Report,
}

/// The order of the states. A message can fail only before it is reported as delivered.
fn rank(delivery: Delivery) -> u8 {
    match delivery {
        Delivery::Queued => 0,
        Delivery::Dispatched => 1,
        Delivery::Failed => 2,
        Delivery::Delivered => 3,
        Delivery::Read => 4,
    }
}

impl Report {
    fn delivery(&self) -> Delivery {
        match self {
            Self::Dispatched => Delivery::Dispatched,
            Self::Delivered => Delivery::Delivered,
            Self::Read => Delivery::Read,
            Self::Failed { .. } => Delivery::Failed,
        }
    }
}

impl Decide<Conversation> for RecordDelivery {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, _: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        // Reports on the last messages can be received after the conversation was closed.
        let conversation = state.opened()?;
        let present =
            conversation.delivery(self.message_id).ok_or(Rejection::NoSuchMessage(self.message_id))?;
        if rank(self.report.delivery()) <= rank(present) {
            return Ok(Vec::new());
        }
        let message_id = self.message_id;
        let time = self.time;
        let provider_message_id = self
            .provider_message_id
            .clone()
            .or_else(|| conversation.provider_id(message_id).map(str::to_owned));
        Ok(vec![match &self.report {
            Report::Failed { code, reason } => MessageFailed {
                message_id,
                provider_message_id,
                time,
                code: code.clone(),
                reason: reason.clone(),
            }
            .into(),
            Report::Dispatched => MessageDispatched {
                message_id,
                provider_message_id: provider_message_id.unwrap_or_default(),
                time,
            }
            .into(),
            Report::Delivered => MessageDelivered {
                message_id,
                provider_message_id: provider_message_id.unwrap_or_default(),
                time,
            }
            .into(),
            Report::Read => {
                MessageRead { message_id, provider_message_id: provider_message_id.unwrap_or_default(), time }
                    .into()
            }
        }])
    }
}
