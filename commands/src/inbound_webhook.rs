//! Turns a request on a provider's webhook into events. The request is acknowledged once all its parts are in
//! the log.
//!
//! A provider repeats requests that were not acknowledged, and sometimes others too. The id of a message's
//! event is derived from the provider's id of the message, so that a repeated request changes nothing.

mod change;
mod message;
mod rejection;
mod status;

use crate::Commands;
use crate::credentials::Unopenable;
use crate::customers::Identifiers;
use crate::execute::{CommandError, Context, LoadError, Read};
use event_schemas::catalogue::Channel;
use event_schemas::message::ChannelType;
use event_schemas::{AccountId, Actor, ChannelId, StreamId};
use event_store::Unavailable;
use futures::future::join_all;
use providers::{Inbound, Proof, RefusedWebhook, Request, Response, UnreadablePart};
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;
use uuid::Uuid;

/// The numbers of the parts of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WebhookReceipt {
    pub messages: usize,
    /// Edits, deletions, reactions and notices.
    pub changes: usize,
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
    /// The channel's provider sends more requests than the limit allows.
    #[error("this channel receives more requests than the limit allows")]
    TooMany { wait: Duration },
    /// The request cannot be checked until the key is back or the credential is entered anew.
    #[error(transparent)]
    Unopenable(#[from] Unopenable),
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// Too many callers write to the same conversation.
    #[error("too many callers write to this conversation at the same time; try again")]
    Contended,
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
            CommandError::Contended => Self::Contended,
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

/// A channel and its account.
struct ChannelOfAccount {
    account: AccountId,
    channel: Channel,
}

impl ChannelOfAccount {
    fn identifiers(&self) -> Identifiers {
        Identifiers { account: self.account, kind: self.channel.channel_type }
    }
}

/// The parts of a request, by customer.
#[derive(Default)]
struct Runs {
    all: HashMap<usize, Run>,
    by_name: HashMap<String, usize>,
}

/// The parts of one customer, with their numbers in the request.
#[derive(Default)]
struct Run {
    names: BTreeSet<String>,
    parts: Vec<(usize, Inbound)>,
}

impl Runs {
    /// Adds a part. It may show that those of several runs are one customer's. Parts that name no customer are applied one
    /// after the other.
    fn add(&mut self, mut names: Vec<String>, index: usize, part: Inbound) {
        if names.is_empty() {
            names.push(String::new());
        }
        let mut run = Run::default();
        for same in names.iter().filter_map(|name| self.by_name.get(name)) {
            let Some(other) = self.all.remove(same) else { continue };
            if other.parts.len() > run.parts.len() {
                let smaller = std::mem::replace(&mut run, other);
                run.absorb(smaller);
            } else {
                run.absorb(other);
            }
        }
        run.names.extend(names);
        run.parts.push((index, part));
        for name in &run.names {
            self.by_name.insert(name.clone(), index);
        }
        self.all.insert(index, run);
    }
}

impl Run {
    fn absorb(&mut self, other: Self) {
        self.names.extend(other.names);
        self.parts.extend(other.parts);
    }

    /// The parts in their order. An earlier message gets the identifiers that a later one names.
    fn into_parts(mut self) -> Vec<Inbound> {
        self.parts.sort_by_key(|(index, _)| *index);
        let mut parts: Vec<Inbound> = self.parts.into_iter().map(|(_, part)| part).collect();
        for part in &mut parts {
            if let Inbound::Message(message) = part {
                let others = self.names.iter().filter(|name| **name != message.from);
                message.also_known_as = others.cloned().collect();
            }
        }
        parts
    }
}

/// The identifiers that a part names its customer by.
fn identifiers_of(part: &Inbound) -> Vec<String> {
    let (from, also_known_as) = match part {
        Inbound::Message(message) => (&message.from, &message.also_known_as),
        Inbound::Edit(edit) => (&edit.message.from, &edit.message.also_known_as),
        Inbound::Revoke(revoke) => (&revoke.from, &revoke.also_known_as),
        Inbound::Reaction(reaction) => (&reaction.from, &reaction.also_known_as),
        Inbound::Notice(notice) => (&notice.from, &notice.also_known_as),
        Inbound::Status(status) => match &status.recipient {
            Some(recipient) => (recipient, &status.recipient_also_known_as),
            None => return Vec::new(),
        },
        Inbound::Unreadable(_) => return Vec::new(),
    };
    message::all_identifiers(from, also_known_as)
}

impl Commands {
    /// Checks that there is such a channel, before a stranger's body is read.
    pub async fn find_webhook(&self, kind: ChannelType, id: ChannelId) -> Result<(), InboundWebhookError> {
        self.recent_receiver(kind, id).await.map(|_| ())
    }

    /// Answers a provider's verification request, or stores every part of a signed request. `count` counts the request
    /// of the account once its sender is known, and returns the time to wait when there are too many.
    pub async fn receive_webhook(
        &self,
        webhook: InboundWebhook<'_>,
        count: impl FnOnce(AccountId) -> Result<(), Duration>,
    ) -> Result<WebhookAnswer, InboundWebhookError> {
        let request = &webhook.request;
        let recent = self.recent_receiver(webhook.channel_type, webhook.channel_id).await?;
        let mut receiver = self.with_credentials(recent)?;
        let provider = self.providers.of(webhook.channel_type).ok_or(InboundWebhookError::NoSuchChannel)?;
        if !matches!(provider.handshake(&receiver.channel, request), Ok(None)) {
            // The token may have been changed just before, and the provider sends this request only once.
            receiver = self.current_receiver(receiver).await?;
            if let Some(response) = provider.handshake(&receiver.channel, request)? {
                return Ok(WebhookAnswer::Response(response));
            }
        }
        let proof = match provider.verify(&receiver.channel, request) {
            Ok(proof) => proof,
            // The secret may have been changed just before.
            Err(_) => {
                receiver = self.current_receiver(receiver).await?;
                provider.verify(&receiver.channel, request)?
            }
        };
        match proof {
            Proof::Signed => {}
            Proof::TokenNeeded if webhook.token_account == Some(receiver.account) => {}
            Proof::TokenNeeded => return Err(InboundWebhookError::TokenNeeded),
        }
        count(receiver.account).map_err(|wait| InboundWebhookError::TooMany { wait })?;
        let parts = match provider.read(&receiver.channel, request, self.clock.now()) {
            Ok(parts) => parts,
            Err(unreadable) => vec![Inbound::Unreadable(unreadable)],
        };
        let context = Context {
            traceparent: webhook.traceparent,
            ..Context::of(receiver.account, Actor::contact(), webhook.correlation_id)
        };
        let receipt = self.apply(&receiver, &context, parts).await?;
        Ok(match provider.respond(&receiver.channel, request) {
            Some(response) => WebhookAnswer::Response(response),
            None => WebhookAnswer::Receipt(receipt),
        })
    }

    /// The channel as it is stored, at most one second old.
    async fn recent_receiver(
        &self,
        kind: ChannelType,
        id: ChannelId,
    ) -> Result<ChannelOfAccount, InboundWebhookError> {
        let found = self.channel_accounts.account_of(id).await;
        let account = found
            .map_err(|error| LoadError::of(&StreamId::inbound(id), error))?
            .ok_or(InboundWebhookError::NoSuchChannel)?;
        let channel = self.recent_channel(account, id).await?.ok_or(InboundWebhookError::NoSuchChannel)?;
        if channel.channel_type != kind {
            return Err(InboundWebhookError::NoSuchChannel);
        }
        Ok(ChannelOfAccount { account, channel })
    }

    /// The channel with its credentials in plain text.
    fn with_credentials(
        &self,
        ChannelOfAccount { account, channel }: ChannelOfAccount,
    ) -> Result<ChannelOfAccount, Unopenable> {
        Ok(ChannelOfAccount { account, channel: self.opened_for_use(account, &channel)? })
    }

    /// The current channel with its credentials in plain text.
    async fn current_receiver(
        &self,
        ChannelOfAccount { account, channel }: ChannelOfAccount,
    ) -> Result<ChannelOfAccount, InboundWebhookError> {
        let channel = self.channel(account, channel.id).await?.ok_or(InboundWebhookError::NoSuchChannel)?;
        Ok(self.with_credentials(ChannelOfAccount { account, channel })?)
    }

    /// Applies one customer's parts one after the other, in their order, and different customers' parts concurrently.
    async fn apply(
        &self,
        receiver: &ChannelOfAccount,
        context: &Context,
        parts: Vec<Inbound>,
    ) -> Result<WebhookReceipt, InboundWebhookError> {
        if parts.len() == 1 {
            return self.apply_run(receiver, context, parts).await;
        }
        let mut runs = Runs::default();
        for (index, part) in parts.into_iter().enumerate() {
            let mut names = identifiers_of(&part);
            if !names.is_empty() {
                names = self.customer(receiver.identifiers(), &names, Read::Cached).await?.names;
            }
            runs.add(names, index, part);
        }
        let runs = runs.all.into_values().map(|run| self.apply_run(receiver, context, run.into_parts()));
        let mut receipt = WebhookReceipt::default();
        for run in join_all(runs).await {
            let run = run?;
            receipt.messages += run.messages;
            receipt.changes += run.changes;
            receipt.statuses += run.statuses;
            receipt.rejected += run.rejected;
        }
        Ok(receipt)
    }

    async fn apply_run(
        &self,
        receiver: &ChannelOfAccount,
        context: &Context,
        run: Vec<Inbound>,
    ) -> Result<WebhookReceipt, InboundWebhookError> {
        let mut receipt = WebhookReceipt::default();
        for part in run {
            match part {
                Inbound::Message(message) => {
                    self.receive_message(receiver, context, message).await?;
                    receipt.messages += 1;
                }
                Inbound::Edit(edit) => {
                    self.edit_message(receiver, context, edit).await?;
                    receipt.changes += 1;
                }
                Inbound::Revoke(revoke) => {
                    let recorded = self.revoke_message(receiver, context, &revoke).await?;
                    self.count_change(receiver, context, recorded, revoke.as_received, &mut receipt).await?;
                }
                Inbound::Reaction(reaction) => {
                    let recorded = self.change_reaction(receiver, context, &reaction).await?;
                    self.count_change(receiver, context, recorded, reaction.as_received, &mut receipt)
                        .await?;
                }
                Inbound::Notice(notice) => {
                    let recorded = self.record_notice(receiver, context, &notice).await?;
                    self.count_change(receiver, context, recorded, notice.as_received, &mut receipt).await?;
                }
                Inbound::Status(status) => match self.record_status(receiver, context, &status).await? {
                    Ok(()) => receipt.statuses += 1,
                    Err(unknown) => {
                        self.record_rejection(receiver, context, &unknown).await?;
                        receipt.rejected += 1;
                    }
                },
                Inbound::Unreadable(unreadable) => {
                    self.record_rejection(receiver, context, &unreadable).await?;
                    receipt.rejected += 1;
                }
            }
        }
        Ok(receipt)
    }

    /// Counts a change, or stores it as a rejection when no conversation has it.
    async fn count_change(
        &self,
        receiver: &ChannelOfAccount,
        context: &Context,
        recorded: Result<(), change::NotRecorded>,
        part: Vec<u8>,
        receipt: &mut WebhookReceipt,
    ) -> Result<(), InboundWebhookError> {
        match recorded {
            Ok(()) => receipt.changes += 1,
            Err(reason) => {
                let unknown = UnreadablePart { part, reason: reason.to_owned() };
                self.record_rejection(receiver, context, &unknown).await?;
                receipt.rejected += 1;
            }
        }
        Ok(())
    }
}
