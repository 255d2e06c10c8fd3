//! Storing a customer's message.

use super::{ChannelOfAccount, InboundWebhookError};
use crate::Commands;
use crate::execute::{CommandError, Context, Versioned};
use domain::contact::{IdentifierState, See};
use domain::conversation::{Opening, Receive, ReceiveEdited, Rejection};
use event_schemas::message::{ChannelType, Priority};
use event_schemas::{AccountId, ContactId, ContactIdentifierId, EventId, MessageId, StreamId};
use providers::InboundMessage;
use serde_json::Map;
use std::sync::Arc;

/// The state of an identifier, its stream, and the command that updates it.
type ContactUpdate = (Arc<Versioned<IdentifierState>>, StreamId, See);

impl Commands {
    pub(super) async fn receive_message(
        &self,
        receiver: &ChannelOfAccount,
        context: &Context,
        message: InboundMessage,
    ) -> Result<(), InboundWebhookError> {
        self.receive_version(receiver, context, message, None).await
    }

    /// Receives a message. `edit_id` is the provider's id of the edit that brings this version of it.
    pub(super) async fn receive_version(
        &self,
        receiver: &ChannelOfAccount,
        context: &Context,
        message: InboundMessage,
        edit_id: Option<&str>,
    ) -> Result<(), InboundWebhookError> {
        let ChannelOfAccount { account, channel } = receiver;
        let (contact_id, update) = self.identify_contact(*account, channel.channel_type, &message).await?;
        let (updated, received) = futures::join!(
            async {
                match update {
                    Some((identifier, stream, see)) => {
                        let context = Context { key: None, ..context.clone() };
                        self.contacts.execute_on(identifier, &stream, &see, &context).await.map(|_| ())
                    }
                    None => Ok(()),
                }
            },
            self.receive_into_conversation(receiver, context, &message, contact_id, edit_id),
        );
        updated?;
        received
    }

    /// The contact of the message. The update is `None` when the message has no new facts about the contact.
    async fn identify_contact(
        &self,
        account: AccountId,
        kind: ChannelType,
        message: &InboundMessage,
    ) -> Result<(ContactId, Option<ContactUpdate>), InboundWebhookError> {
        let identifier_id = ContactIdentifierId::of(account, kind.as_str(), &message.from);
        let stream = StreamId::contact(identifier_id);
        let identifier = self.contacts.cached(&stream).await?;
        let contact_id = identifier.state.contact_id().unwrap_or_else(|| identifier_id.own_contact());
        let see = See {
            account_id: account,
            channel_type: kind,
            identifier: message.from.clone(),
            display_name: message.display_name.clone(),
        };
        let update =
            IdentifierState::changes_contact(&identifier.state, &see).then_some((identifier, stream, see));
        Ok((contact_id, update))
    }

    /// Appends the message to the contact's open conversation, or begins one with it.
    async fn receive_into_conversation(
        &self,
        receiver: &ChannelOfAccount,
        context: &Context,
        message: &InboundMessage,
        contact_id: ContactId,
        edit_id: Option<&str>,
    ) -> Result<(), InboundWebhookError> {
        let ChannelOfAccount { account, channel } = receiver;
        let event_id = EventId::reported(channel.id, &message.provider_message_id, "received");
        // After each refusal the next conversation is tried. The bound only ends a loop by a defect.
        for _ in 0..16 {
            let current =
                self.current_conversations.current(&self.conversations, channel.id, &message.from).await?;
            let begins = current.fold.version.is_none();
            let command = Receive {
                opening: Opening {
                    account_id: *account,
                    channel_id: channel.id,
                    channel_type: channel.channel_type,
                    contact_id,
                    contact_identifier: message.from.clone(),
                    display_name: message.display_name.clone(),
                    ordinal: current.ordinal,
                    subject: None,
                    priority: Priority::Normal,
                    language: None,
                    metadata: Map::new(),
                    sla: if begins { self.sla_for(*account, channel.id, None).await? } else { None },
                },
                message_id: MessageId::from(event_id),
                provider_message_id: Some(message.provider_message_id.clone()),
                body: message.body.clone(),
                reply_to: message.reply_to.clone(),
                sent_at: message.sent_at,
                metadata: message.metadata.clone(),
            };
            let (fold, stream) = (current.fold, &current.stream);
            let received = match edit_id {
                None => self.conversations.execute_on(fold, stream, &command, context).await,
                Some(edit_id) => {
                    let command = ReceiveEdited { message: command, edit_id: edit_id.to_owned() };
                    self.conversations.execute_on(fold, stream, &command, context).await
                }
            };
            match received {
                Ok(_) | Err(CommandError::KeyReused) => return Ok(()),
                Err(CommandError::Rejected(Rejection::Closed)) => {
                    self.current_conversations.set_closed(channel.id, &message.from, current.ordinal);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(InboundWebhookError::Contended)
    }
}
