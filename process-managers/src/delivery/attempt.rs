//! One attempt to deliver a message: look up its state in the log, send it to the provider, record the result.

use super::{OutgoingMessage, Settings};
use crate::past::SideEffects;
use crate::record::{Recorded, record};
use commands::Commands;
use commands::credentials::{self, Unopenable};
use commands::customers::Identifiers;
use commands::execute::Context;
use domain::conversation::{RecordDelivery, Report};
use domain::past::{Trigger, WhyPast};
use event_schemas::catalogue::Channel;
use event_schemas::message::Delivery;
use event_schemas::{ConversationEvent, Event, EventId, MessageEvent, Recorded as Record, StreamId};
use follower::outbox::{Attempt, Dispatcher, Outcome, RETRY, RetryReason};
use futures::future::BoxFuture;
use providers::{DeliveryError, Dispatched, Outgoing};
use std::error::Error;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The commands and settings of an attempt.
pub(super) struct DeliveryContext {
    pub commands: Arc<Commands>,
    pub settings: Settings,
    pub side_effects: SideEffects,
}

/// The state of a message in the log and the catalogue before an attempt.
enum MessageState {
    /// The end of the delivery is in the log already.
    Ended,
    /// The message can never be sent.
    Undeliverable {
        cause: Record,
        code: &'static str,
        reason: String,
    },
    Ready {
        cause: Record,
        channel: Channel,
        outgoing: Box<Outgoing>,
    },
}

impl Dispatcher<OutgoingMessage> for DeliveryContext {
    fn attempt<'a>(
        &'a self,
        message: &'a OutgoingMessage,
        stop: &'a CancellationToken,
    ) -> BoxFuture<'a, Attempt> {
        Box::pin(async move {
            match self.lookup(message).await {
                Ok(MessageState::Ended) => Outcome::Over.into(),
                Ok(MessageState::Undeliverable { cause, code, reason }) => {
                    self.fail(message, &cause, code.to_owned(), reason, stop).await.into()
                }
                Ok(MessageState::Ready { cause, channel, outgoing }) => {
                    self.send(message, &cause, &channel, &outgoing, stop).await
                }
                Err(error) if error.is::<Unopenable>() => {
                    // It is reported already. All messages of the channel wait.
                    let at = self.commands.clock.now() + credentials::RETRY;
                    let outcome = Outcome::Retry { reason: RetryReason::NotTried, at };
                    Attempt { outcome, pause_queue_until: Some(at) }
                }
                Err(error) => {
                    tracing::warn!(
                        message_id = %message.message_id,
                        error = &*error as &dyn Error,
                        "internal error, delivery postponed"
                    );
                    let at = self.commands.clock.now() + RETRY;
                    Outcome::Retry { reason: RetryReason::NotTried, at }.into()
                }
            }
        })
    }
}

impl DeliveryContext {
    /// Reads what the log and the catalogue say of the message.
    ///
    /// The message itself says its channel and addressee. The conversation is loaded all the same, because only its
    /// stream says whether the message has ended, and the outbox may not have read that yet: after a restart attempts
    /// begin before the follower has caught up, tables that were lost are filled from the beginning of the log, and for a
    /// moment two processes may hold the lease. The provider's status reports come by webhooks and their event ids are
    /// derived from the provider's ids, so that they cannot be looked up by the message. Loading costs the events that
    /// are not in the cache, and recording the outcome needs the same state.
    async fn lookup(&self, message: &OutgoingMessage) -> Result<MessageState, Box<dyn Error + Send + Sync>> {
        let commands = &self.commands;
        let stream = StreamId::conversation(message.conversation_id);
        let (cause, loaded, channel) = futures::join!(
            commands.store.find(EventId(message.message_id.0)),
            commands.conversations.current(&stream),
            commands.channel(message.account_id, message.channel_id),
        );
        let (Some(cause), loaded, channel) = (cause?, loaded?, channel?) else {
            return Ok(MessageState::Ended);
        };
        let Ok(conversation) = loaded.state.opened() else { return Ok(MessageState::Ended) };
        if conversation.delivery(message.message_id) != Some(Delivery::Queued) {
            return Ok(MessageState::Ended);
        }
        let undeliverable = |cause, code, reason: &str| {
            Ok(MessageState::Undeliverable { cause, code, reason: reason.to_owned() })
        };
        let Ok(Event::Conversation(ConversationEvent::Message(MessageEvent::MessageSent(sent)))) =
            Event::read(&cause)
        else {
            return undeliverable(cause, "unreadable", "the message cannot be read");
        };
        let trigger = Trigger::Event { at: message.queued_at, position: cause.position };
        if self.side_effects.withheld(trigger) == Some(WhyPast::LogMoved) {
            let reason = "the log was moved before the message was sent";
            return undeliverable(cause, "log_moved", reason);
        }
        if self.settings.is_too_late(message, commands.clock.now()) {
            return undeliverable(cause, "gave_up", "the time limit of delivery has passed");
        }
        let Some(channel) = channel.filter(|channel| channel.is_enabled) else {
            return undeliverable(cause, "channel_retired", "the channel is retired or disabled");
        };
        let channel = commands.opened_for_use(message.account_id, &channel)?;
        // Messages of version 1 do not name their addressee: their conversation does.
        let to = sent.to.as_ref().map_or(&conversation.contact_identifier, |to| &to.contact_identifier);
        // The customer may have another number since, or be reached better by another identifier.
        let of = Identifiers { account: conversation.account_id, kind: channel.channel_type };
        let to = commands.address_of(of, to).await?;
        let outgoing = Box::new(Outgoing { conversation_id: message.conversation_id, to, message: sent });
        Ok(MessageState::Ready { cause, channel, outgoing })
    }

    async fn send(
        &self,
        message: &OutgoingMessage,
        cause: &Record,
        channel: &Channel,
        outgoing: &Outgoing,
        stop: &CancellationToken,
    ) -> Attempt {
        let Some(provider) = self.commands.providers.of(channel.channel_type) else {
            let reason = format!("this version cannot send messages by {}", channel.channel_type);
            return self.fail(message, cause, "unsupported_channel".into(), reason, stop).await.into();
        };
        let result = provider.deliver(channel, outgoing).await;
        let now = self.commands.clock.now();
        metrics::counter!("verbatim_delivery_attempts_total", "outcome" => outcome_of(&result)).increment(1);
        match result {
            Ok(Dispatched { provider_message_id, addressee }) => {
                let of = Identifiers { account: message.account_id, kind: channel.channel_type };
                self.commands.learn_of_addressee(of, &outgoing.to, addressee, cause).await;
                let report = RecordDelivery {
                    message_id: message.message_id,
                    provider_message_id: Some(provider_message_id),
                    time: now,
                    report: Report::Dispatched,
                };
                self.record(message, cause, report, stop).await.into()
            }
            Err(DeliveryError::GiveUp { code, reason }) => {
                self.fail(message, cause, code, reason, stop).await.into()
            }
            Err(DeliveryError::TryAgain { after, reason, .. }) => {
                let pause_queue_until = after.map(|after| now + after.min(self.settings.give_up_after));
                let wait = self.settings.schedule.wait_after(message.attempts, seed(message));
                let next = wait.map(|wait| (now + wait).max(pause_queue_until.unwrap_or(now)));
                let outcome = match next.filter(|next| !self.settings.is_too_late(message, *next)) {
                    Some(at) => Outcome::Retry { reason: RetryReason::Refused, at },
                    None => self.fail(message, cause, "gave_up".into(), reason, stop).await,
                };
                Attempt { outcome, pause_queue_until }
            }
            Err(DeliveryError::Unknown { reason, .. }) => {
                let message_id = message.message_id;
                tracing::warn!(%message_id, reason, "it is not known whether the provider accepted a message");
                Outcome::Retry { reason: RetryReason::Unknown, at: now + self.settings.grace }.into()
            }
        }
    }

    async fn fail(
        &self,
        message: &OutgoingMessage,
        cause: &Record,
        code: String,
        reason: String,
        stop: &CancellationToken,
    ) -> Outcome {
        tracing::info!(
            message_id = %message.message_id,
            conversation_id = %message.conversation_id,
            attempts = message.attempts,
            code,
            "a message will not be delivered"
        );
        let report = RecordDelivery {
            message_id: message.message_id,
            provider_message_id: None,
            time: self.commands.clock.now(),
            report: Report::Failed { code, reason },
        };
        self.record(message, cause, report, stop).await
    }

    async fn record(
        &self,
        message: &OutgoingMessage,
        cause: &Record,
        report: RecordDelivery,
        stop: &CancellationToken,
    ) -> Outcome {
        let stream = StreamId::conversation(message.conversation_id);
        let context = Context::because_of(cause, "delivery");
        let outcome = match &report.report {
            Report::Failed { code, .. } if code == "gave_up" => "gave_up",
            Report::Failed { .. } => "failed",
            Report::Dispatched | Report::Delivered | Report::Read => "dispatched",
        };
        let recorded = record(&self.commands, &stream, &report, &context, &message.message_id, stop).await;
        if let Recorded::Yes { .. } = recorded {
            metrics::counter!("verbatim_deliveries_total", "outcome" => outcome).increment(1);
        }
        recorded.into()
    }
}

fn outcome_of(result: &Result<Dispatched, DeliveryError>) -> &'static str {
    match result {
        Ok(_) => "dispatched",
        Err(DeliveryError::TryAgain { .. }) => "try_again",
        Err(DeliveryError::GiveUp { .. }) => "refused",
        Err(DeliveryError::Unknown { .. }) => "unknown",
    }
}

/// The seed of the waits of a message, so that messages that failed together are not sent again together.
fn seed(message: &OutgoingMessage) -> u64 {
    message.message_id.0.as_u64_pair().1
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use event_schemas::conversation::{ConversationOpened, MessageDispatched, MessageSent};
    use event_schemas::message::{ChannelType, Content, Priority, SenderType};
    use event_schemas::{
        AccountId, Actor, ChannelId, Clock, ContactId, ConversationId, MessageId, Metadata, NewEvent, Version,
    };
    use event_store::Expected;
    use event_store::sqlite::SqliteStore;
    use follower::outbox::JobState;
    use providers::{Providers, Timeouts};

    const ACCOUNT: AccountId = AccountId::from_u128(0xacc);
    const CHANNEL: ChannelId = ChannelId::from_u128(1);

    async fn append(commands: &Commands, stream: &StreamId, id: EventId, event: ConversationEvent) {
        let metadata = Metadata {
            account_id: ACCOUNT,
            actor: Actor::system("test"),
            correlation_id: id.0,
            causation_id: None,
            traceparent: None,
            request: None,
            credential: None,
            occurred_at: commands.clock.now(),
        };
        let event = NewEvent::of(id, &event, metadata);
        commands.store.append(stream, Expected::Any, vec![event]).await.unwrap();
    }

    #[tokio::test]
    async fn a_message_that_has_ended_is_settled_before_the_outbox_has_read_so() {
        let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::System);
        let store = SqliteStore::open(folder.path().join("events.db"), clock.clone()).await.unwrap();
        let providers = Providers::new([], Timeouts::default(), clock.clone()).unwrap();
        let commands = Arc::new(Commands::new(store, Arc::new(providers), clock.clone()));
        let side_effects = SideEffects {
            manager: "test",
            past: commands.past().await.unwrap(),
            history: Default::default(),
            clock: clock.clone(),
        };
        let delivery =
            DeliveryContext { commands: Arc::clone(&commands), settings: Settings::default(), side_effects };
        let conversation_id = ConversationId::of(CHANNEL, "a", 0);
        let stream = StreamId::conversation(conversation_id);
        let opened = ConversationOpened {
            conversation_id,
            account_id: ACCOUNT,
            channel_id: CHANNEL,
            channel_type: ChannelType::WhatsApp,
            contact_id: ContactId::from_u128(1),
            contact_identifier: "a".into(),
            display_name: None,
            ordinal: 0,
            subject: None,
            priority: Priority::Normal,
            language: None,
            metadata: Default::default(),
        };
        append(&commands, &stream, clock.event_id(), opened.into()).await;
        let sent_by = clock.event_id();
        let message_id = MessageId::from(sent_by);
        let sent = MessageSent {
            message_id,
            to: None,
            sender_type: SenderType::System,
            sender_id: None,
            sender_name: None,
            body: Content::text("Hello"),
            template: None,
            in_reply_to: None,
            in_reply_to_provider_id: None,
            metadata: Default::default(),
            scheduled_at: None,
        };
        append(&commands, &stream, sent_by, sent.into()).await;
        let message = OutgoingMessage {
            message_id,
            account_id: ACCOUNT,
            conversation_id,
            channel_id: CHANNEL,
            version: Version(1),
            state: JobState::Attempting,
            attempts: 1,
            queued_at: clock.now(),
            next_attempt_at: clock.now(),
        };
        // There is no channel to send it by.
        let state = delivery.lookup(&message).await.unwrap();
        assert!(matches!(state, MessageState::Undeliverable { code: "channel_retired", .. }));

        let dispatched = MessageDispatched {
            message_id,
            provider_message_id: "wamid.by-status".to_owned(),
            time: clock.now(),
        };
        append(&commands, &stream, clock.event_id(), dispatched.into()).await;
        assert!(matches!(delivery.lookup(&message).await.unwrap(), MessageState::Ended));
    }
}
