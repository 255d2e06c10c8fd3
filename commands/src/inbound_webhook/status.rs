//! Storing the provider's status of an outgoing message.

use super::message::all_identifiers;
use super::{ChannelOfAccount, InboundWebhookError};
use crate::Commands;
use crate::execute::{CommandError, Context, Read};
use domain::conversation::{Opened, RecordDelivery, Rejection, Report};
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
            Ok(outcome) => {
                if let Ok(conversation) = outcome.state.state.opened() {
                    self.learn_of_recipient(receiver, context, status, &conversation.contact_identifier)
                        .await?;
                }
                Ok(Ok(()))
            }
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
        let recipient = all_identifiers(recipient, &status.recipient_also_known_as);
        let is_sent =
            |conversation: &Opened| conversation.outgoing_by_provider_id(&status.provider_message_id);
        Ok(self.in_recent_conversations(receiver, &recipient, EARLIER_CONVERSATIONS, is_sent).await?)
    }

    /// Stores that the recipient has several identifiers: the customer to whom an agent wrote by number may answer with an
    /// id alone.
    async fn learn_of_recipient(
        &self,
        receiver: &ChannelOfAccount,
        context: &Context,
        status: &InboundStatus,
        contact_identifier: &str,
    ) -> Result<(), InboundWebhookError> {
        let Some(recipient) = &status.recipient else { return Ok(()) };
        let of = receiver.identifiers();
        let addressee = self.customer(of, &[contact_identifier.to_owned()], Read::Cached).await?;
        let mut identifiers = all_identifiers(recipient, &status.recipient_also_known_as);
        let is_addressee = |name: &String| {
            addressee.names.contains(name)
                || of.other_forms(name).iter().any(|other| addressee.names.contains(other))
        };
        if !identifiers.iter().any(is_addressee) {
            return Ok(());
        }
        identifiers.push(contact_identifier.to_owned());
        Ok(self.join_all(of, identifiers, context).await?)
    }
}
