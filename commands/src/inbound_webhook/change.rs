//! Storing what is no message: edits, deletions, reactions and notices. Each is recorded in the conversation that has the
//! message, also in a closed one. What cannot be recorded there is stored as a rejection, so that nothing is lost.

use super::message::all_identifiers;
use super::{ChannelOfAccount, InboundWebhookError};
use crate::Commands;
use crate::current_conversation::CurrentOfCustomer;
use crate::customers::NamedCustomer;
use crate::execute::{CommandError, Context, LoadError, Read};
use domain::aggregate::Decide;
use domain::conversation::{Conversation, Edit, Opened, React, RecordNotice, Rejection, Revoke};
use event_schemas::conversation::NoticeReceived;
use event_schemas::{ChannelId, ConversationId, EventId, MessageId, StreamId};
use providers::{InboundEdit, InboundNotice, InboundReaction, InboundRevoke};
use std::fmt::Debug;

/// The number of a contact's earlier conversations that are searched for a message. WhatsApp lets a customer react for
/// 30 days, delete for two days, and edit for 15 minutes.
const EARLIER_CONVERSATIONS: u32 = 8;

/// Why a change was not recorded in a conversation.
pub(super) type NotRecorded = &'static str;

impl Commands {
    /// Records a new version of a message. A message that was not received is received in this version.
    pub(super) async fn edit_message(
        &self,
        receiver: &ChannelOfAccount,
        context: &Context,
        edit: InboundEdit,
    ) -> Result<(), InboundWebhookError> {
        let message = &edit.message;
        let context = keyed(receiver, context, &edit.provider_edit_id, "edited");
        let customer = all_identifiers(&message.from, &message.also_known_as);
        let found = self.message_of_contact(receiver, &customer, &message.provider_message_id).await?;
        if let Some((conversation, message_id)) = found {
            let command = Edit {
                message_id,
                edit_id: edit.provider_edit_id.clone(),
                body: message.body.clone(),
                sent_at: message.sent_at,
            };
            if self.record_change(conversation, &command, &context).await? {
                return Ok(());
            }
        }
        self.receive_version(receiver, &context, edit.message, Some(&edit.provider_edit_id)).await
    }

    pub(super) async fn revoke_message(
        &self,
        receiver: &ChannelOfAccount,
        context: &Context,
        revoke: &InboundRevoke,
    ) -> Result<Result<(), NotRecorded>, InboundWebhookError> {
        let context = keyed(receiver, context, &revoke.provider_revoke_id, "revoked");
        let customer = all_identifiers(&revoke.from, &revoke.also_known_as);
        let (conversation, message_id) =
            match self.message_of_contact(receiver, &customer, &revoke.message).await? {
                Some(found) => found,
                None => {
                    let names = self.customer(receiver.identifiers(), &customer, Read::Log).await?.names;
                    let id = received_id(receiver, &revoke.message);
                    (self.current_of(receiver, &names).await?.current.id, id)
                }
            };
        let command =
            Revoke { message_id, revoke_id: revoke.provider_revoke_id.clone(), sent_at: revoke.sent_at };
        let recorded = self.record_change(conversation, &command, &context).await?;
        Ok(recorded.then_some(()).ok_or("the deletion of a message that was not received"))
    }

    pub(super) async fn change_reaction(
        &self,
        receiver: &ChannelOfAccount,
        context: &Context,
        reaction: &InboundReaction,
    ) -> Result<Result<(), NotRecorded>, InboundWebhookError> {
        const UNKNOWN: NotRecorded = "a reaction to a message that Verbatim does not have";
        let context = keyed(receiver, context, &reaction.provider_reaction_id, "reacted");
        let customer = all_identifiers(&reaction.from, &reaction.also_known_as);
        let found = self.message_of_contact(receiver, &customer, &reaction.message).await?;
        let Some((conversation, message_id)) = found else { return Ok(Err(UNKNOWN)) };
        let command = React {
            message_id,
            reaction_id: reaction.provider_reaction_id.clone(),
            emoji: reaction.emoji.clone(),
            sent_at: reaction.sent_at,
        };
        Ok(self.record_change(conversation, &command, &context).await?.then_some(()).ok_or(UNKNOWN))
    }

    /// Records a notice in the contact's conversation. A notice begins none. One that the customer's number or id has
    /// changed makes the new one known, so that the customer's next message continues the conversation.
    pub(super) async fn record_notice(
        &self,
        receiver: &ChannelOfAccount,
        context: &Context,
        notice: &InboundNotice,
    ) -> Result<Result<(), NotRecorded>, InboundWebhookError> {
        let context = keyed(receiver, context, &notice.provider_notice_id, "noticed");
        let of = receiver.identifiers();
        // A notice that is delivered again may be older than a further change.
        let is_repeated = self.conversations.stream_of_key(&context).await?.is_some();
        let named = NamedCustomer {
            identifiers: all_identifiers(&notice.from, &notice.also_known_as),
            received_from: None,
            changed_to: notice.changed_to.clone().filter(|_| !is_repeated),
        };
        let mut customer = self.customer(of, &named.identifiers, Read::Log).await?;
        if customer.contact_is_known {
            let _turns = self.naming_turns(of, &named.identifiers).await?;
            customer = self.settled(of, &named, &context).await?;
        }
        let found = self.current_of(receiver, &customer.names).await?;
        let command = RecordNotice {
            notice: NoticeReceived {
                notice: notice.notice.clone(),
                content: notice.content.clone(),
                details: notice.details.clone(),
                provider_message_id: Some(notice.provider_notice_id.clone()),
                sent_at: notice.sent_at,
            },
        };
        let recorded = self.record_change(found.current.id, &command, &context).await?;
        self.close_others::<Rejection>(&context, found.current.id, &found.other_open).await?;
        Ok(recorded.then_some(()).ok_or("a notice about a contact who has no open conversation"))
    }

    /// Whether the conversation has the change, now or since an earlier delivery.
    async fn record_change<C>(
        &self,
        conversation: ConversationId,
        command: &C,
        context: &Context,
    ) -> Result<bool, InboundWebhookError>
    where
        C: Decide<Conversation, Rejection = Rejection> + Debug + Sync,
    {
        match self.conversations.execute(&StreamId::conversation(conversation), command, context).await {
            Ok(_) | Err(CommandError::KeyReused) => Ok(true),
            Err(
                CommandError::NotFound
                | CommandError::Rejected(Rejection::NoSuchMessage(_) | Rejection::NotOpened),
            ) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn current_of(
        &self,
        receiver: &ChannelOfAccount,
        names: &[String],
    ) -> Result<CurrentOfCustomer, LoadError> {
        self.current_of_customer(receiver.identifiers(), receiver.channel.id, names, Read::Cached).await
    }

    /// The conversation and the id of a message of the contact's recent conversations, by the provider's id.
    async fn message_of_contact(
        &self,
        receiver: &ChannelOfAccount,
        identifiers: &[String],
        provider_message_id: &str,
    ) -> Result<Option<(ConversationId, MessageId)>, LoadError> {
        let received = received_id(receiver, provider_message_id);
        let is_in = |conversation: &Opened| {
            let is_received = conversation.has_message(received).then_some(received);
            is_received.or_else(|| conversation.outgoing_by_provider_id(provider_message_id))
        };
        self.in_recent_conversations(receiver, identifiers, EARLIER_CONVERSATIONS, is_in).await
    }

    /// Searches the recent conversations on the channel of the customer whom the identifiers name, under each identifier
    /// the newest first. What is not found in memory is searched in the log: another process may have stored it.
    pub(super) async fn in_recent_conversations<T>(
        &self,
        receiver: &ChannelOfAccount,
        identifiers: &[String],
        earlier: u32,
        look: impl Fn(&Opened) -> Option<T>,
    ) -> Result<Option<(ConversationId, T)>, LoadError> {
        for read in [Read::Cached, Read::Log] {
            let names = self.customer(receiver.identifiers(), identifiers, read).await?.names;
            for name in &names {
                let found = self.in_conversations_of(receiver.channel.id, name, earlier, read, &look).await?;
                if found.is_some() {
                    return Ok(found);
                }
            }
        }
        Ok(None)
    }

    async fn in_conversations_of<T>(
        &self,
        channel: ChannelId,
        name: &str,
        earlier: u32,
        read: Read,
        look: impl Fn(&Opened) -> Option<T>,
    ) -> Result<Option<(ConversationId, T)>, LoadError> {
        let current = self.current_conversations.current(&self.conversations, channel, name, read).await?;
        for ordinal in (current.ordinal.saturating_sub(earlier)..=current.ordinal).rev() {
            let id = ConversationId::of(channel, name, ordinal);
            let stream = StreamId::conversation(id);
            let fold = self.conversations.read(&stream, read).await?;
            if let Some(found) = fold.state.opened().ok().and_then(&look) {
                return Ok(Some((id, found)));
            }
        }
        Ok(None)
    }
}

/// The id that a customer's message has, or will have.
fn received_id(receiver: &ChannelOfAccount, provider_message_id: &str) -> MessageId {
    EventId::reported(receiver.channel.id, provider_message_id, "received").into()
}

/// The context of a change. A repeated delivery of it changes nothing.
fn keyed(receiver: &ChannelOfAccount, context: &Context, provider_id: &str, fact: &str) -> Context {
    let id = EventId::reported(receiver.channel.id, provider_id, fact);
    Context { key: Some(format!("webhook:{id}")), ..context.clone() }
}
