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
use providers::{
    Inbound, InboundMessage, InboundStatus, Method, Proof, RefusedWebhook, Request, Response, UnreadablePart,
};
use serde_json::Map;
use std::collections::HashMap;
use std::sync::Arc;
use uuid::Uuid;

/// How many of a contact's earlier conversations are searched for a message that a status is about.
const EARLIER_CONVERSATIONS: u32 = 3;

/// The numbers of parts that a webhook held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WebhookReceipt {
    pub messages: usize,
    pub statuses: usize,
    /// Parts that could not be read. They are stored for the administrator.
    pub rejected: usize,
}

/// Why a request on a webhook is refused.
#[derive(Debug, thiserror::Error)]
pub enum InboundWebhookError {
    #[error("there is no such channel")]
    NoSuchChannel,
    #[error(transparent)]
    Refused(#[from] RefusedWebhook),
    /// The channel has no secret: the request must have a service's token.
    #[error("this channel has no secret: send a service's token, or give the channel one")]
    TokenNeeded,
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    #[error(transparent)]
    Failed(Box<dyn std::error::Error + Send + Sync>),
}

impl From<LoadError> for InboundWebhookError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Unavailable(unavailable) => Self::Unavailable(unavailable),
            damaged @ LoadError::Damaged { .. } => Self::Failed(Box::new(damaged)),
        }
    }
}

impl<R: std::error::Error + Send + Sync + 'static> From<CommandError<R>> for InboundWebhookError {
    fn from(error: CommandError<R>) -> Self {
        match error {
            CommandError::Unavailable(unavailable) => Self::Unavailable(unavailable),
            other => Self::Failed(Box::new(other)),
        }
    }
}

/// A request on a channel's webhook.
pub struct InboundWebhook<'a> {
    pub channel_type: ChannelType,
    pub channel_id: ChannelId,
    pub request: Request<'a>,
    pub correlation_id: Uuid,
    pub traceparent: Option<String>,
    /// The account of the service whose token the request has. `None` when it has no token of a service.
    pub token_account: Option<AccountId>,
}

/// The answer to a request on a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebhookAnswer {
    /// The provider expects exactly this response.
    Response(Response),
    /// The provider accepts any successful response.
    Receipt(WebhookReceipt),
}

/// A contact's fold, its stream, and the command that updates it.
type ContactUpdate = (Arc<Versioned<ContactHome>>, StreamId, See);

/// A channel and its account.
struct ChannelOfAccount {
    account: AccountId,
    channel: Channel,
}

impl Commands {
    /// Answers a provider's verification request, or stores every part of a signed request.
    pub async fn receive_webhook(
        &self,
        webhook: InboundWebhook<'_>,
    ) -> Result<WebhookAnswer, InboundWebhookError> {
        let request = &webhook.request;
        let mut channel = self.recent_channel(webhook.channel_type, webhook.channel_id).await?;
        let provider = self.providers.of(webhook.channel_type).ok_or(InboundWebhookError::NoSuchChannel)?;
        if request.method == Method::GET {
            // The token may have been changed a moment ago, and the provider asks only once.
            channel = self.current_channel(channel).await?;
        }
        if let Some(response) = provider.handshake(&channel.channel, request)? {
            return Ok(WebhookAnswer::Response(response));
        }
        let proof = match provider.verify(&channel.channel, request) {
            Ok(proof) => proof,
            // The secret may have been changed a moment ago.
            Err(_) => {
                channel = self.current_channel(channel).await?;
                provider.verify(&channel.channel, request)?
            }
        };
        match proof {
            Proof::Signed => {}
            Proof::TokenNeeded if webhook.token_account == Some(channel.account) => {}
            Proof::TokenNeeded => return Err(InboundWebhookError::TokenNeeded),
        }
        let parts = match provider.read(&channel.channel, request, self.clock.now()) {
            Ok(parts) => parts,
            Err(unreadable) => vec![Inbound::Unreadable(unreadable)],
        };
        let context = Context {
            account: channel.account,
            actor: Actor::contact(),
            correlation_id: webhook.correlation_id,
            causation_id: None,
            traceparent: webhook.traceparent,
            occurred_at: None,
            key: None,
            if_match: None,
        };
        let receipt = self.apply(&channel, &context, parts).await?;
        Ok(match provider.respond(&channel.channel, request) {
            Some(response) => WebhookAnswer::Response(response),
            None => WebhookAnswer::Receipt(receipt),
        })
    }

    async fn recent_channel(
        &self,
        kind: ChannelType,
        id: ChannelId,
    ) -> Result<ChannelOfAccount, InboundWebhookError> {
        let found = self.channel_accounts.account_of(id).await;
        let account = found
            .map_err(|error| LoadError::of(&StreamId::inbound(id), error))?
            .ok_or(InboundWebhookError::NoSuchChannel)?;
        let channel = self.channel_of_late(account, id).await?.ok_or(InboundWebhookError::NoSuchChannel)?;
        if channel.channel_type != kind {
            return Err(InboundWebhookError::NoSuchChannel);
        }
        Ok(ChannelOfAccount { account, channel })
    }

    /// The channel as the log has it now.
    async fn current_channel(
        &self,
        ChannelOfAccount { account, channel }: ChannelOfAccount,
    ) -> Result<ChannelOfAccount, InboundWebhookError> {
        let channel = self.channel(account, channel.id).await?.ok_or(InboundWebhookError::NoSuchChannel)?;
        Ok(ChannelOfAccount { account, channel })
    }

    /// Applies one contact's parts one after the other, in their order, and different contacts' parts concurrently.
    async fn apply(
        &self,
        channel: &ChannelOfAccount,
        context: &Context,
        parts: Vec<Inbound>,
    ) -> Result<WebhookReceipt, InboundWebhookError> {
        let mut by_contact: HashMap<String, Vec<Inbound>> = HashMap::new();
        for part in parts {
            let contact = match &part {
                Inbound::Message(message) => message.from.clone(),
                Inbound::Status(status) => status.recipient.clone().unwrap_or_default(),
                Inbound::Unreadable(_) => String::new(),
            };
            by_contact.entry(contact).or_default().push(part);
        }
        let runs = by_contact.into_values().map(|run| self.apply_run(channel, context, run));
        let mut taken = WebhookReceipt::default();
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
        channel: &ChannelOfAccount,
        context: &Context,
        run: Vec<Inbound>,
    ) -> Result<WebhookReceipt, InboundWebhookError> {
        let mut taken = WebhookReceipt::default();
        for part in run {
            match part {
                Inbound::Message(message) => {
                    self.receive(channel, context, message).await?;
                    taken.messages += 1;
                }
                Inbound::Status(status) => match self.record(channel, context, &status).await? {
                    Ok(()) => taken.statuses += 1,
                    Err(stranger) => {
                        self.record_rejection(channel, context, &stranger).await?;
                        taken.rejected += 1;
                    }
                },
                Inbound::Unreadable(unreadable) => {
                    self.record_rejection(channel, context, &unreadable).await?;
                    taken.rejected += 1;
                }
            }
        }
        Ok(taken)
    }

    async fn receive(
        &self,
        channel: &ChannelOfAccount,
        context: &Context,
        message: InboundMessage,
    ) -> Result<(), InboundWebhookError> {
        let ChannelOfAccount { account, channel: definition } = channel;
        let (contact_id, meet) = self.identify_contact(*account, definition.channel_type, &message).await?;
        let (met, received) = futures::join!(
            async {
                match meet {
                    Some((home, stream, see)) => {
                        self.contacts.execute_on(home, &stream, &see, context).await.map(|_| ())
                    }
                    None => Ok(()),
                }
            },
            self.receive_into(channel, context, &message, contact_id),
        );
        met?;
        received
    }

    /// The contact who writes, and the update of the contact if there is one.
    async fn identify_contact(
        &self,
        account: AccountId,
        kind: ChannelType,
        message: &InboundMessage,
    ) -> Result<(ContactId, Option<ContactUpdate>), InboundWebhookError> {
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
        channel: &ChannelOfAccount,
        context: &Context,
        message: &InboundMessage,
        contact_id: ContactId,
    ) -> Result<(), InboundWebhookError> {
        let ChannelOfAccount { account, channel: definition } = channel;
        let event_id = EventId::reported(definition.id, &message.provider_message_id, "received");
        // Each try that is refused moved on by a whole conversation; the bound only stops a fault of ours.
        for _ in 0..16 {
            let current =
                self.current_conversations.current(&self.conversations, definition.id, &message.from).await?;
            let begins = current.fold.version.is_none();
            let command = Receive {
                opening: Opening {
                    account_id: *account,
                    channel_id: definition.id,
                    channel_type: definition.channel_type,
                    contact_id,
                    contact_identifier: message.from.clone(),
                    display_name: message.display_name.clone(),
                    ordinal: current.ordinal,
                    subject: None,
                    priority: Priority::Normal,
                    language: None,
                    metadata: Map::new(),
                    sla: if begins { self.promise(*account, definition.id, None).await? } else { None },
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
                    self.current_conversations.passed(definition.id, &message.from, current.ordinal);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(InboundWebhookError::Failed(Box::new(CommandError::<Rejection>::Contended)))
    }

    /// The inner answer is what to keep when the status is about no message of ours.
    async fn record(
        &self,
        channel: &ChannelOfAccount,
        context: &Context,
        status: &InboundStatus,
    ) -> Result<Result<(), UnreadablePart>, InboundWebhookError> {
        let stranger = || {
            Ok(Err(UnreadablePart {
                part: format!("{status:?}"),
                reason: "a status of a message that was not sent from here".to_owned(),
            }))
        };
        let Some((conversation, message_id)) = self.message_of_status(channel, status).await? else {
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

    async fn message_of_status(
        &self,
        channel: &ChannelOfAccount,
        status: &InboundStatus,
    ) -> Result<Option<(ConversationId, MessageId)>, InboundWebhookError> {
        if let Some(about) = status.about {
            return Ok(Some((about.conversation_id, about.message_id)));
        }
        let Some(recipient) = &status.recipient else { return Ok(None) };
        let current =
            self.current_conversations.current(&self.conversations, channel.channel.id, recipient).await?;
        for back in 0..=EARLIER_CONVERSATIONS {
            let Some(ordinal) = current.ordinal.checked_sub(back) else { break };
            let id = ConversationId::of(channel.channel.id, recipient, ordinal);
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
    async fn record_rejection(
        &self,
        channel: &ChannelOfAccount,
        context: &Context,
        unreadable: &UnreadablePart,
    ) -> Result<(), InboundWebhookError> {
        let event = InboundEvent::from(WebhookRejected {
            channel_id: channel.channel.id,
            channel_type: channel.channel.channel_type,
            reason: unreadable.reason.clone(),
            body: unreadable.part.clone(),
            body_base64: None,
        });
        let id = EventId::reported(channel.channel.id, &unreadable.part, "rejected");
        let metadata = event_schemas::Metadata {
            account_id: channel.account,
            actor: context.actor.clone(),
            correlation_id: context.correlation_id,
            causation_id: None,
            traceparent: context.traceparent.clone(),
            occurred_at: self.clock.now(),
        };
        metrics::counter!("verbatim_webhook_rejections_total").increment(1);
        let stream = StreamId::inbound(channel.channel.id);
        match self.store.append(&stream, Expected::Any, vec![NewEvent::of(id, &event, metadata)]).await {
            Ok(_) | Err(AppendError::PartlyRecorded { .. }) => Ok(()),
            Err(AppendError::Unavailable(unavailable)) => Err(unavailable.into()),
            Err(error @ (AppendError::Conflict { .. } | AppendError::TooMany { .. })) => {
                Err(InboundWebhookError::Failed(Box::new(error)))
            }
        }
    }
}
