//! Storing a customer's message.

use super::{ChannelOfAccount, InboundWebhookError};
use crate::Commands;
use crate::customers::{Customer, Identifiers, NamedCustomer};
use crate::execute::{CommandError, Context, Read};
use crate::turns::Turn;
use domain::contact::{IdentifierState, See, is_number};
use domain::conversation::{Opening, Receive, ReceiveEdited, Rejection};
use event_schemas::message::Priority;
use event_schemas::{EventId, MessageId};
use providers::InboundMessage;
use serde_json::Map;
use std::sync::Arc;

/// How a message was stored.
enum Stored {
    InOpenConversation,
    /// A conversation began with it, now or when it was delivered before.
    AtFirst,
}

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
        let of = receiver.identifiers();
        let named = NamedCustomer {
            identifiers: all_identifiers(&message.from, &message.also_known_as),
            received_from: Some(message.from.clone()),
            changed_to: None,
        };
        let (mut customer, _turns) = self.named_customer(of, &named, context).await?;
        let see = |customer: &Customer| See {
            account_id: of.account,
            channel_type: of.kind,
            identifier: customer.identifier.clone(),
            display_name: message.display_name.clone(),
        };
        let unkeyed = Context { key: None, ..context.clone() };
        // The contact of an id is stored before its conversation begins: another process may be joining the id to a number.
        // A number is joined to nothing.
        if !customer.is_known() && !is_number(&customer.identifier) {
            let (state, stream) = (Arc::clone(&customer.state), of.stream(&customer.identifier));
            self.contacts.execute_on(state, &stream, &see(&customer), &unkeyed).await?;
            customer = self.settled(of, &named, context).await?;
        }
        let see = see(&customer);
        let is_new = IdentifierState::changes_contact(&customer.state.state, &see);
        let (updated, received) = futures::join!(
            async {
                if !is_new {
                    return Ok(());
                }
                let (state, stream) = (Arc::clone(&customer.state), of.stream(&customer.identifier));
                self.contacts.execute_on(state, &stream, &see, &unkeyed).await.map(|_| ())
            },
            self.receive_into_conversation(receiver, context, &message, customer.clone(), edit_id),
        );
        updated?;
        match received? {
            Stored::InOpenConversation => Ok(()),
            Stored::AtFirst => {
                let (channel, identifiers) = (receiver.channel.id, &named.identifiers);
                Ok(self.continue_begun::<Rejection>(of, channel, identifiers, context).await?)
            }
        }
    }

    /// The customer of a message, after what it tells about the customer's identifiers is stored. The turns are held while
    /// the message is stored that makes an identifier known.
    async fn named_customer(
        &self,
        of: Identifiers,
        named: &NamedCustomer,
        context: &Context,
    ) -> Result<(Customer, Vec<Turn>), InboundWebhookError> {
        let is_stored = |customer: &Customer| customer.is_settled && named.address(customer).is_none();
        let customer = self.customer(of, &named.identifiers, Read::Cached).await?;
        if customer.is_known() && is_stored(&customer) {
            return Ok((customer, Vec::new()));
        }
        let turns = self.naming_turns(of, &named.identifiers).await?;
        let customer = self.customer(of, &named.identifiers, Read::Cached).await?;
        Ok(match (is_stored(&customer), customer.is_known()) {
            // A caller before this one has stored it meanwhile.
            (true, true) => (customer, Vec::new()),
            // Unknown identifiers are not cached, so that this was read from the log.
            (true, false) => (customer, turns),
            (false, _) => (self.settled(of, named, context).await?, turns),
        })
    }

    /// Appends the message to the contact's open conversation, or begins one with it.
    async fn receive_into_conversation(
        &self,
        receiver: &ChannelOfAccount,
        context: &Context,
        message: &InboundMessage,
        mut customer: Customer,
        edit_id: Option<&str>,
    ) -> Result<Stored, InboundWebhookError> {
        let ChannelOfAccount { account, channel } = receiver;
        let event_id = EventId::reported(channel.id, &message.provider_message_id, "received");
        let of = receiver.identifiers();
        let mut read = Read::Cached;
        // After each refusal the next conversation is tried. The bound only ends a loop by a defect.
        for _ in 0..16 {
            let found = self.current_of_customer(of, channel.id, &customer.names, read).await?;
            let current = found.current;
            let begins = current.fold.version.is_none();
            if begins && customer.is_known() && read == Read::Cached {
                // Another process may have joined the identifier to another one.
                let names = std::slice::from_ref(&customer.identifier);
                customer = self.customer(of, names, Read::Log).await?;
                read = Read::Log;
                continue;
            }
            let command = Receive {
                opening: Opening {
                    account_id: *account,
                    channel_id: channel.id,
                    channel_type: channel.channel_type,
                    contact_id: customer.contact_id,
                    contact_identifier: current.identifier.clone(),
                    display_name: customer.name_with_profile(message.display_name.as_deref()),
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
            let is_further = match received {
                Ok(outcome) => outcome.wrote && !begins,
                Err(CommandError::KeyReused) => false,
                Err(CommandError::Rejected(Rejection::Closed)) => {
                    self.current_conversations.set_closed(channel.id, &current.identifier, current.ordinal);
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            self.close_others::<Rejection>(context, current.id, &found.other_open).await?;
            return Ok(if is_further { Stored::InOpenConversation } else { Stored::AtFirst });
        }
        Err(InboundWebhookError::Contended)
    }
}

/// All identifiers of a customer, that of the sender first.
pub(super) fn all_identifiers(from: &str, also_known_as: &[String]) -> Vec<String> {
    std::iter::once(from.to_owned()).chain(also_known_as.iter().cloned()).collect()
}
