//! From a provider's webhook to events. It is acknowledged only once everything in it is in the log.
//!
//! A provider delivers again what was not acknowledged, and sometimes what was: a message's event is named
//! after the provider's own id of it, so that the second time changes nothing.

use crate::Commands;
use crate::execute::{CommandError, Context, LoadError, Versioned};
use domain::contact::{ContactHome, See};
use domain::conversation::{Opening, Receive, RecordDelivery, Rejection, Report};
use event_schemas::catalogue::Channel;
use event_schemas::inbound::WebhookRejected;
use event_schemas::message::{ChannelType, Delivery, Priority};
use event_schemas::{
    AccountId, Actor, ChannelId, ContactId, ContactIdentifierId, ConversationId, EventId, InboundEvent,
    MessageId, NewEvent, StreamId,
};
use event_store::{AppendError, Expected, Unavailable};
use futures::future::join_all;
use providers::{Inbound, InboundMessage, InboundStatus, Proof, Refused, Unreadable};
use serde_json::Map;
use std::collections::HashMap;
use std::sync::Arc;
use uuid::Uuid;

/// How many of a contact's earlier conversations are searched for a message that a status is about.
const EARLIER_CONVERSATIONS: u32 = 3;

/// What a webhook came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    pub messages: usize,
    pub statuses: usize,
    /// Parts that could not be read, and are kept for the administrator.
    pub rejected: usize,
}

/// Why a webhook was not taken.
#[derive(Debug, thiserror::Error)]
pub enum InboundError {
    #[error("there is no such channel")]
    NoSuchChannel,
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The channel has no secret of its own; a service's token must be shown.
    #[error("this channel has no secret: send a service's token, or give the channel one")]
    TokenNeeded,
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    #[error(transparent)]
    Failed(Box<dyn std::error::Error + Send + Sync>),
}

impl From<LoadError> for InboundError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Unavailable(unavailable) => Self::Unavailable(unavailable),
            damaged @ LoadError::Damaged { .. } => Self::Failed(Box::new(damaged)),
        }
    }
}

impl<R: std::error::Error + Send + Sync + 'static> From<CommandError<R>> for InboundError {
    fn from(error: CommandError<R>) -> Self {
        match error {
            CommandError::Unavailable(unavailable) => Self::Unavailable(unavailable),
            other => Self::Failed(Box::new(other)),
        }
    }
}

/// What came, and how it came.
pub struct Webhook<'a> {
    pub channel_type: ChannelType,
    pub channel_id: ChannelId,
    pub headers: &'a providers::HeaderMap,
    pub body: &'a [u8],
    pub correlation_id: Uuid,
    pub traceparent: Option<String>,
    /// The account of the service whose token came with it, if one did.
    pub shown_account: Option<AccountId>,
}

/// What is to be remembered of who writes, where it was looked up, and as what.
type News = (Arc<Versioned<ContactHome>>, StreamId, See);

/// A channel and whose it is.
struct Place {
    account: AccountId,
    channel: Channel,
}

impl Commands {
    /// The provider asks whether the webhook is ours: what to echo.
    pub async fn handshake(
        &self,
        channel_type: ChannelType,
        channel_id: ChannelId,
        query: &[(String, String)],
    ) -> Result<String, InboundError> {
        let place = self.place(channel_type, channel_id).await?;
        let place = self.place_now(place).await?;
        let provider = self.providers.of(channel_type).ok_or(InboundError::NoSuchChannel)?;
        Ok(provider.handshake(&place.channel, query)?)
    }

    /// Takes in everything a webhook holds.
    pub async fn take_in(&self, webhook: Webhook<'_>) -> Result<Taken, InboundError> {
        let mut place = self.place(webhook.channel_type, webhook.channel_id).await?;
        let provider = self.providers.of(webhook.channel_type).ok_or(InboundError::NoSuchChannel)?;
        let proof = match provider.verify(&place.channel, webhook.headers, webhook.body) {
            Ok(proof) => proof,
            // The secret may have been changed a moment ago.
            Err(_) => {
                place = self.place_now(place).await?;
                provider.verify(&place.channel, webhook.headers, webhook.body)?
            }
        };
        match proof {
            Proof::Signed => {}
            Proof::TokenNeeded if webhook.shown_account == Some(place.account) => {}
            Proof::TokenNeeded => return Err(InboundError::TokenNeeded),
        }
        let parts = match provider.read(&place.channel, webhook.body, self.clock.now()) {
            Ok(parts) => parts,
            Err(unreadable) => vec![Inbound::Unreadable(unreadable)],
        };
        let context = Context {
            account: place.account,
            actor: Actor::contact(),
            correlation_id: webhook.correlation_id,
            causation_id: None,
            traceparent: webhook.traceparent,
            occurred_at: None,
            key: None,
            if_match: None,
        };
        self.apply(&place, &context, parts).await
    }

    async fn place(&self, kind: ChannelType, id: ChannelId) -> Result<Place, InboundError> {
        let found = self.channel_accounts.account_of(id).await;
        let account = found
            .map_err(|error| LoadError::of(&StreamId::inbound(id), error))?
            .ok_or(InboundError::NoSuchChannel)?;
        let channel = self.channel_of_late(account, id).await?.ok_or(InboundError::NoSuchChannel)?;
        if channel.channel_type != kind {
            return Err(InboundError::NoSuchChannel);
        }
        Ok(Place { account, channel })
    }

    /// The same as the log has it at this moment.
    async fn place_now(&self, Place { account, channel }: Place) -> Result<Place, InboundError> {
        let channel = self.channel(account, channel.id).await?.ok_or(InboundError::NoSuchChannel)?;
        Ok(Place { account, channel })
    }

    /// One contact's parts one after the other, as they came; different contacts' at the same time.
    async fn apply(
        &self,
        place: &Place,
        context: &Context,
        parts: Vec<Inbound>,
    ) -> Result<Taken, InboundError> {
        let mut by_contact: HashMap<String, Vec<Inbound>> = HashMap::new();
        for part in parts {
            let contact = match &part {
                Inbound::Message(message) => message.from.clone(),
                Inbound::Status(status) => status.recipient.clone().unwrap_or_default(),
                Inbound::Unreadable(_) => String::new(),
            };
            by_contact.entry(contact).or_default().push(part);
        }
        let runs = by_contact.into_values().map(|run| self.apply_run(place, context, run));
        let mut taken = Taken::default();
        for run in join_all(runs).await {
            let run = run?;
            taken.messages += run.messages;
            taken.statuses += run.statuses;
            taken.rejected += run.rejected;
        }
        Ok(taken)
    }

    async fn apply_run(
        &self,
        place: &Place,
        context: &Context,
        run: Vec<Inbound>,
    ) -> Result<Taken, InboundError> {
        let mut taken = Taken::default();
        for part in run {
            match part {
                Inbound::Message(message) => {
                    self.receive(place, context, message).await?;
                    taken.messages += 1;
                }
                Inbound::Status(status) => match self.record(place, context, &status).await? {
                    Ok(()) => taken.statuses += 1,
                    Err(stranger) => {
                        self.keep(place, context, &stranger).await?;
                        taken.rejected += 1;
                    }
                },
                Inbound::Unreadable(unreadable) => {
                    self.keep(place, context, &unreadable).await?;
                    taken.rejected += 1;
                }
            }
        }
        Ok(taken)
    }

    async fn receive(
        &self,
        place: &Place,
        context: &Context,
        message: InboundMessage,
    ) -> Result<(), InboundError> {
        let Place { account, channel } = place;
        let (contact_id, meet) = self.meet(*account, channel.channel_type, &message).await?;
        let (met, received) = futures::join!(
            async {
                match meet {
                    Some((home, stream, see)) => {
                        self.contacts.execute_on(home, &stream, &see, context).await.map(|_| ())
                    }
                    None => Ok(()),
                }
            },
            self.receive_into(place, context, &message, contact_id),
        );
        met?;
        received
    }

    /// Who it is, and what is to be remembered of them, if anything is new.
    async fn meet(
        &self,
        account: AccountId,
        kind: ChannelType,
        message: &InboundMessage,
    ) -> Result<(ContactId, Option<News>), InboundError> {
        let identifier_id = ContactIdentifierId::of(account, kind.as_str(), &message.from);
        let stream = StreamId::contact(identifier_id);
        let home = self.contacts.cached(&stream).await?;
        let contact_id = home.state.contact_id().unwrap_or_else(|| identifier_id.own_contact());
        let see = See {
            account_id: account,
            channel_type: kind,
            identifier: message.from.clone(),
            display_name: message.display_name.clone(),
        };
        let news = ContactHome::is_news(&home.state, &see).then_some((home, stream, see));
        Ok((contact_id, news))
    }

    async fn receive_into(
        &self,
        place: &Place,
        context: &Context,
        message: &InboundMessage,
        contact_id: ContactId,
    ) -> Result<(), InboundError> {
        let Place { account, channel } = place;
        let event_id = EventId::reported(channel.id, &message.provider_message_id, "received");
        // Each try that is refused moved on by a whole conversation; the bound only stops a fault of ours.
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
                    sla: if begins { self.promise(*account, channel.id, None).await? } else { None },
                },
                message_id: MessageId::from(event_id),
                provider_message_id: Some(message.provider_message_id.clone()),
                body: message.body.clone(),
                reply_to: message.reply_to.clone(),
                sent_at: message.sent_at,
                metadata: message.metadata.clone(),
            };
            match self.conversations.execute_on(current.fold, &current.stream, &command, context).await {
                Ok(_) => return Ok(()),
                Err(CommandError::Rejected(Rejection::Closed)) => {
                    self.current_conversations.passed(channel.id, &message.from, current.ordinal);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(InboundError::Failed(Box::new(CommandError::<Rejection>::Contended)))
    }

    /// The inner answer is what to keep when the status is about no message of ours.
    async fn record(
        &self,
        place: &Place,
        context: &Context,
        status: &InboundStatus,
    ) -> Result<Result<(), Unreadable>, InboundError> {
        let stranger = || {
            Ok(Err(Unreadable {
                part: format!("{status:?}"),
                reason: "a status of a message that was not sent from here".to_owned(),
            }))
        };
        let Some((conversation, message_id)) = self.whom_it_is_about(place, status).await? else {
            return stranger();
        };
        let report = match status.status {
            Delivery::Queued => return stranger(),
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
            ) => stranger(),
            Err(error) => Err(error.into()),
        }
    }

    async fn whom_it_is_about(
        &self,
        place: &Place,
        status: &InboundStatus,
    ) -> Result<Option<(ConversationId, MessageId)>, InboundError> {
        if let Some(about) = status.about {
            return Ok(Some((about.conversation_id, about.message_id)));
        }
        let Some(recipient) = &status.recipient else { return Ok(None) };
        let current =
            self.current_conversations.current(&self.conversations, place.channel.id, recipient).await?;
        for back in 0..=EARLIER_CONVERSATIONS {
            let Some(ordinal) = current.ordinal.checked_sub(back) else { break };
            let id = ConversationId::of(place.channel.id, recipient, ordinal);
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

    /// Keeps what could not be read, whole; the same again is kept once.
    async fn keep(
        &self,
        place: &Place,
        context: &Context,
        unreadable: &Unreadable,
    ) -> Result<(), InboundError> {
        let event = InboundEvent::from(WebhookRejected {
            channel_id: place.channel.id,
            channel_type: place.channel.channel_type,
            reason: unreadable.reason.clone(),
            body: unreadable.part.clone(),
            body_base64: None,
        });
        let id = EventId::reported(place.channel.id, &unreadable.part, "rejected");
        let metadata = event_schemas::Metadata {
            account_id: place.account,
            actor: context.actor.clone(),
            correlation_id: context.correlation_id,
            causation_id: None,
            traceparent: context.traceparent.clone(),
            occurred_at: self.clock.now(),
        };
        metrics::counter!("verbatim_webhook_rejections_total").increment(1);
        let stream = StreamId::inbound(place.channel.id);
        match self.store.append(&stream, Expected::Any, vec![NewEvent::of(id, &event, metadata)]).await {
            Ok(_) | Err(AppendError::PartlyRecorded { .. }) => Ok(()),
            Err(AppendError::Unavailable(unavailable)) => Err(unavailable.into()),
            Err(error @ (AppendError::Conflict { .. } | AppendError::TooMany { .. })) => {
                Err(InboundError::Failed(Box::new(error)))
            }
        }
    }
}
