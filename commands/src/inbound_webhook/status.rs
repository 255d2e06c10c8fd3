//! Storing the provider's status of an outgoing message.

use super::{ChannelOfAccount, InboundWebhookError};
use crate::Commands;
use crate::execute::{CommandError, Context};
use domain::conversation::{RecordDelivery, Rejection, Report};
use event_schemas::message::Delivery;
use event_schemas::{ConversationId, MessageId, StreamId};
use providers::{InboundStatus, UnreadablePart};

/// The number of a contact's earlier conversations that are searched for the message of a status.
const EARLIER_CONVERSATIONS: u32 = 3;

impl Commands {
    /// Records the status of an outgoing message. The inner error is the part to store as a rejection when
    /// Verbatim did not send the message.
    pub(super) async fn record_status(
        &self,
        receiver: &ChannelOfAccount,
        context: &Context,
        status: &InboundStatus,
    ) -> Result<Result<(), UnreadablePart>, InboundWebhookError> {
        let unknown = || {
            Ok(Err(UnreadablePart {
                part: status.as_received.clone(),
                reason: "a status of a message that Verbatim did not send".to_owned(),
            }))
        };
        let Some((conversation, message_id)) = self.message_of_status(receiver, status).await? else {
            return unknown();
        };
        let report = match status.status {
            Delivery::Queued => return unknown(),
            Delivery::Dispatched => Report::Dispatched,
            Delivery::Delivered => Report::Delivered,
            Delivery::Read => Report::Read,
            Delivery::Failed => {
                let (code, reason) = status.error.clone().unwrap_or_default();
                Report::Failed { code, reason }
            }
        };
        let command = RecordDelivery {
            message_id,
            provider_message_id: Some(status.provider_message_id.clone()),
            time: status.time,
            report,
        };
        match self.conversations.execute(&StreamId::conversation(conversation), &command, context).await {
            Ok(_) => Ok(Ok(())),
            Err(
                CommandError::NotFound
                | CommandError::Rejected(Rejection::NoSuchMessage(_) | Rejection::NotOpened),
            ) => unknown(),
            Err(error) => Err(error.into()),
        }
    }

    /// The conversation and the message that the status is about. `None` when no message of the contact's
    /// recent conversations has the provider's id.
    async fn message_of_status(
        &self,
        receiver: &ChannelOfAccount,
        status: &InboundStatus,
    ) -> Result<Option<(ConversationId, MessageId)>, InboundWebhookError> {
        if let Some(about) = status.about {
            return Ok(Some((about.conversation_id, about.message_id)));
        }
        let Some(recipient) = &status.recipient else { return Ok(None) };
        let current =
            self.current_conversations.current(&self.conversations, receiver.channel.id, recipient).await?;
        for back in 0..=EARLIER_CONVERSATIONS {
            let Some(ordinal) = current.ordinal.checked_sub(back) else { break };
            let id = ConversationId::of(receiver.channel.id, recipient, ordinal);
            let fold = self.conversations.cached(&StreamId::conversation(id)).await?;
            let found =
                fold.state.opened().ok().and_then(|conversation| {
                    conversation.outgoing_by_provider_id(&status.provider_message_id)
                });
            if let Some(message) = found {
                return Ok(Some((id, message)));
            }
        }
        Ok(None)
    }
}
