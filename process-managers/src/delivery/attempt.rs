//! One message, one try: look at what the log says, hand it to the provider, write down what came of it.

use super::Office;
use super::outbox::{Again, Claimed};
use commands::execute::{CommandError, Context};
use domain::conversation::{RecordDelivery, Report};
use event_schemas::catalogue::Channel;
use event_schemas::message::Delivery;
use event_schemas::{
    ChannelId, ConversationEvent, Event, EventId, MessageEvent, Recorded, StreamId, Timestamp,
};
use futures::FutureExt;
use providers::{DeliveryError, Dispatched, Outgoing};
use std::error::Error;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

/// How long to wait when something in the house, not the provider, stands in the way.
pub(super) const HOUSE_TROUBLE: Duration = Duration::from_millis(500);

/// What the log and the catalogue say of a message before it is tried.
enum Prospect {
    /// The log tells its end already.
    Settled,
    /// It can never be sent.
    Hopeless {
        because: Recorded,
        code: &'static str,
        reason: String,
    },
    Ready {
        because: Recorded,
        channel: Channel,
        outgoing: Box<Outgoing>,
    },
}

/// Tries it. Answers until when the provider wants the whole channel left alone, if it said so.
pub(super) async fn attempt(office: &Office, channel: ChannelId, claimed: Claimed) -> Option<Timestamp> {
    match AssertUnwindSafe(try_once(office, channel, &claimed)).catch_unwind().await {
        Ok(left_alone_until) => left_alone_until,
        Err(_panic) => {
            // A fault of ours, which may have come after the request went out.
            tracing::error!(message_id = %claimed.message_id, "an attempt broke off");
            put_back(office, &claimed, Again::Unknown, office.clock().now() + office.settings.grace).await;
            None
        }
    }
}

async fn try_once(office: &Office, channel: ChannelId, claimed: &Claimed) -> Option<Timestamp> {
    let prospect = match look(office, channel, claimed).await {
        Ok(prospect) => prospect,
        Err(error) => {
            tracing::warn!(
                message_id = %claimed.message_id,
                error = &*error as &dyn Error,
                "a message waits: what it says cannot be read just now"
            );
            put_back(office, claimed, Again::NotTried, office.clock().now() + HOUSE_TROUBLE).await;
            return None;
        }
    };
    match prospect {
        Prospect::Settled => {
            remove(office, claimed).await;
            None
        }
        Prospect::Hopeless { because, code, reason } => {
            fail(office, claimed, &because, code.to_owned(), reason).await;
            None
        }
        Prospect::Ready { because, channel, outgoing } => {
            send(office, claimed, &because, &channel, &outgoing).await
        }
    }
}

async fn look(
    office: &Office,
    channel: ChannelId,
    claimed: &Claimed,
) -> Result<Prospect, Box<dyn Error + Send + Sync>> {
    let commands = &office.commands;
    let stream = StreamId::conversation(claimed.conversation_id);
    let (because, fold, channel) = futures::join!(
        commands.store.find(EventId(claimed.message_id.0)),
        commands.conversations.current(&stream),
        commands.channel(claimed.account_id, channel),
    );
    let (Some(because), fold, channel) = (because?, fold?, channel?) else { return Ok(Prospect::Settled) };
    let Ok(conversation) = fold.state.opened() else { return Ok(Prospect::Settled) };
    if conversation.delivery(claimed.message_id) != Some(Delivery::Queued) {
        return Ok(Prospect::Settled);
    }
    let hopeless =
        |because, code, reason: &str| Ok(Prospect::Hopeless { because, code, reason: reason.to_owned() });
    let Ok(Event::Conversation(ConversationEvent::Message(MessageEvent::MessageSent(message)))) =
        Event::read(&because)
    else {
        return hopeless(because, "unreadable", "what it says cannot be read");
    };
    if office.settings.is_too_late(claimed, office.clock().now()) {
        return hopeless(because, "gave_up", "it was tried for too long");
    }
    let Some(channel) = channel.filter(|channel| channel.is_enabled) else {
        return hopeless(because, "channel_retired", "the channel is retired or switched off");
    };
    let outgoing = Box::new(Outgoing {
        conversation_id: claimed.conversation_id,
        to: conversation.contact_identifier.clone(),
        message,
    });
    Ok(Prospect::Ready { because, channel, outgoing })
}

async fn send(
    office: &Office,
    claimed: &Claimed,
    because: &Recorded,
    channel: &Channel,
    outgoing: &Outgoing,
) -> Option<Timestamp> {
    let Some(provider) = office.commands.providers.of(channel.channel_type) else {
        let reason = format!("nothing can be sent by {} yet", channel.channel_type);
        fail(office, claimed, because, "unsupported_channel".into(), reason).await;
        return None;
    };
    let answer = provider.deliver(channel, outgoing).await;
    let now = office.clock().now();
    metrics::counter!("verbatim_delivery_attempts_total", "outcome" => told(&answer)).increment(1);
    match answer {
        Ok(Dispatched { provider_message_id }) => {
            let report = RecordDelivery {
                message_id: claimed.message_id,
                provider_message_id: Some(provider_message_id),
                time: now,
                report: Report::Dispatched,
            };
            record(office, claimed, because, report).await;
            None
        }
        Err(DeliveryError::GiveUp { code, reason }) => {
            fail(office, claimed, because, code, reason).await;
            None
        }
        Err(DeliveryError::TryAgain { after, reason, .. }) => {
            let patience = after.map(|after| now + after.min(office.settings.give_up_after));
            let wait = office.settings.schedule.wait_after(claimed.attempts, seed(claimed));
            let next = wait.map(|wait| (now + wait).max(patience.unwrap_or(now)));
            match next.filter(|next| !office.settings.is_too_late(claimed, *next)) {
                Some(next) => put_back(office, claimed, Again::Unanswered, next).await,
                None => fail(office, claimed, because, "gave_up".into(), reason).await,
            }
            patience
        }
        Err(DeliveryError::Unknown { reason, .. }) => {
            tracing::warn!(message_id = %claimed.message_id, reason, "nobody knows whether a message was taken");
            put_back(office, claimed, Again::Unknown, now + office.settings.grace).await;
            None
        }
    }
}

fn told(answer: &Result<Dispatched, DeliveryError>) -> &'static str {
    match answer {
        Ok(_) => "dispatched",
        Err(DeliveryError::TryAgain { .. }) => "try_again",
        Err(DeliveryError::GiveUp { .. }) => "refused",
        Err(DeliveryError::Unknown { .. }) => "unknown",
    }
}

/// Messages that failed together come back at different times, each always at the same.
fn seed(claimed: &Claimed) -> u64 {
    claimed.message_id.0.as_u64_pair().1
}

async fn fail(office: &Office, claimed: &Claimed, because: &Recorded, code: String, reason: String) {
    tracing::info!(
        message_id = %claimed.message_id,
        conversation_id = %claimed.conversation_id,
        attempts = claimed.attempts,
        code,
        "a message will not be delivered"
    );
    let report = RecordDelivery {
        message_id: claimed.message_id,
        provider_message_id: None,
        time: office.clock().now(),
        report: Report::Failed { code, reason },
    };
    record(office, claimed, because, report).await;
}

/// Writes the end into the log, however long the log takes to be there. The outbox learns of it from the
/// log. When the process is stopped first, the message is found `attempting` and asked after again.
async fn record(office: &Office, claimed: &Claimed, because: &Recorded, report: RecordDelivery) {
    let stream = StreamId::conversation(claimed.conversation_id);
    let context = Context::because_of(because, "delivery");
    let outcome = match &report.report {
        Report::Failed { code, .. } if code == "gave_up" => "gave_up",
        Report::Failed { .. } => "failed",
        Report::Dispatched | Report::Delivered | Report::Read => "dispatched",
    };
    loop {
        match office.commands.conversations.execute(&stream, &report, &context).await {
            Ok(done) => {
                metrics::counter!("verbatim_deliveries_total", "outcome" => outcome).increment(1);
                if !done.wrote {
                    // Nothing new comes by the log.
                    remove(office, claimed).await;
                }
                return;
            }
            Err(CommandError::Unavailable(_) | CommandError::Contended) => {
                tracing::warn!(message_id = %claimed.message_id, outcome, "the log cannot be told what became of a message; trying again");
                if office.pause(HOUSE_TROUBLE).await.is_break() {
                    return;
                }
            }
            Err(
                error @ (CommandError::Rejected(_)
                | CommandError::NotFound
                | CommandError::VersionMismatch { .. }
                | CommandError::KeyReused
                | CommandError::Damaged { .. }),
            ) => {
                tracing::error!(message_id = %claimed.message_id, outcome, error = &error as &dyn Error, "the log does not take what became of a message");
                return remove(office, claimed).await;
            }
        }
    }
}

async fn put_back(office: &Office, claimed: &Claimed, again: Again, at: Timestamp) {
    while let Err(error) = office.outbox.put_back(claimed.message_id, again, at).await {
        tracing::warn!(message_id = %claimed.message_id, error = &error as &dyn Error, "the outbox cannot be written; trying again");
        if office.pause(HOUSE_TROUBLE).await.is_break() {
            return;
        }
    }
}

async fn remove(office: &Office, claimed: &Claimed) {
    while let Err(error) = office.outbox.remove(claimed.message_id).await {
        tracing::warn!(message_id = %claimed.message_id, error = &error as &dyn Error, "the outbox cannot be written; trying again");
        if office.pause(HOUSE_TROUBLE).await.is_break() {
            return;
        }
    }
}
