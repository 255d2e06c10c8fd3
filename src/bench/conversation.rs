//! A long conversation: the cost of an agent's reply must not depend on the number of messages.
//!
//! The control is the same in a conversation of ten messages. The replies to the conversations take turns, so that
//! the disk is the same for all.

use super::engines::Engines;
use super::latencies::Latencies;
use super::seed::Desk;
use super::table::Table;
use commands::Commands;
use commands::execute::Context;
use domain::conversation::{Conversation, Opening, Receive, RecordDelivery, Report, Send, Sender};
use domain::{Decide, Evolve};
use event_schemas::message::{ChannelType, Content, Priority, SenderType};
use event_schemas::{
    Actor, Clock, ContactIdentifierId, ConversationEvent, MessageId, Metadata, NewEvent, StreamId, Timestamp,
    UserId,
};
use event_store::{EventStore, Expected};
use providers::{Providers, Timeouts};
use serde_json::Map;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// The lengths, in messages. The first is the control.
const LENGTHS: [u64; 3] = [10, 1_000, 10_000];
/// The number of replies that are measured in each conversation.
const REPLIES: usize = 500;
/// The number of events that are appended at once.
const BATCH: usize = 500;

struct Long {
    messages: u64,
    stream: StreamId,
    state: Conversation,
    /// The events not yet in the log.
    events: Vec<ConversationEvent>,
}

pub async fn measure(folder: &Path, table: &mut Table) -> anyhow::Result<()> {
    let engines = Engines::new(&folder.join("conversation"), None).await?;
    let clock = Clock::System;
    let desk = Desk::new(&clock);
    let store = engines.open_log().await?;
    let mut conversations = Vec::new();
    for (customer, messages) in (0..).zip(LENGTHS) {
        let mut long = begun(&desk, &clock, customer, messages)?;
        long.append(&desk, &clock, &*store).await?;
        conversations.push(long);
    }
    let providers = Providers::new([], Timeouts::default(), clock.clone())?;
    let commands = Commands::new(Arc::clone(&store), Arc::new(providers), clock.clone());
    let mut loading = Vec::new();
    for long in &conversations {
        let began = Instant::now();
        commands.conversations.current(&long.stream).await?;
        loading.push(began.elapsed().as_secs_f64() * 1e3);
    }
    let replies = replies(&desk, &clock, &commands, &conversations).await?;
    let decisions: Vec<f64> = conversations.iter().map(|long| decision(&desk, &clock, long)).collect();
    store.close().await;
    let named = |long: &Long| format!("of {} messages", long.messages);
    for (index, long) in conversations.iter().enumerate().skip(1) {
        let (ours, control) = (replies[index].percentile(50), replies[0].percentile(50));
        table.within(&format!("a reply in a conversation {}", named(long)), "ms", ours, control, 2.0);
    }
    for (long, took) in conversations.iter().zip(decisions) {
        let what = format!("the decision and its state alone, {}", named(long));
        table.at_most(&what, "µs", took, 10.0);
    }
    for (long, took) in conversations.iter().zip(loading) {
        eprintln!("a conversation {} was first loaded in {took:.2} ms", named(long));
    }
    Ok(())
}

/// A conversation in which customer and agent take turns, and the provider reports on each answer.
fn begun(desk: &Desk, clock: &Clock, customer: u64, messages: u64) -> anyhow::Result<Long> {
    let mut long = Long {
        messages,
        stream: StreamId::conversation(desk.conversation(customer)),
        state: Conversation::default(),
        events: Vec::new(),
    };
    let phone = Desk::phone(customer);
    for number in 0..messages {
        let message_id = MessageId(clock.fresh_id());
        let provider_message_id = format!("wamid.{customer}.{number}");
        if number % 2 == 0 {
            let contact = ContactIdentifierId::of(desk.account, "whatsapp", &phone).own_contact();
            long.then(&Receive {
                opening: Opening {
                    account_id: desk.account,
                    channel_id: desk.channel,
                    channel_type: ChannelType::WhatsApp,
                    contact_id: contact,
                    contact_identifier: phone.clone(),
                    display_name: None,
                    ordinal: 0,
                    subject: None,
                    priority: Priority::Normal,
                    language: None,
                    metadata: Map::new(),
                    sla: None,
                },
                message_id,
                provider_message_id: Some(provider_message_id),
                body: Content::text("Where is my order?"),
                reply_to: None,
                sent_at: clock.now(),
                metadata: Map::new(),
            })?;
        } else {
            long.then(&reply(desk, message_id))?;
            long.then(&RecordDelivery {
                message_id,
                provider_message_id: Some(provider_message_id),
                time: clock.now(),
                report: Report::Read,
            })?;
        }
    }
    Ok(long)
}

impl Long {
    fn then(
        &mut self,
        command: &impl Decide<Conversation, Rejection = domain::conversation::Rejection>,
    ) -> anyhow::Result<()> {
        let now = Clock::System.now();
        for event in command.decide(&self.state, now)? {
            self.state.evolve(&event, now);
            self.events.push(event);
        }
        Ok(())
    }

    async fn append(&mut self, desk: &Desk, clock: &Clock, store: &dyn EventStore) -> anyhow::Result<()> {
        let mut expected = Expected::NoStream;
        for batch in self.events.chunks(BATCH) {
            let events = batch
                .iter()
                .map(|event| NewEvent::of(clock.event_id(), event, metadata(desk, clock.now())))
                .collect();
            expected = Expected::Exact(store.append(&self.stream, expected, events).await?.version);
        }
        self.events.clear();
        Ok(())
    }
}

fn metadata(desk: &Desk, at: Timestamp) -> Metadata {
    Metadata {
        account_id: desk.account,
        actor: Actor::system("bench"),
        correlation_id: Clock::System.fresh_id(),
        causation_id: None,
        traceparent: None,
        request: None,
        credential: None,
        occurred_at: at,
    }
}

fn reply(desk: &Desk, message_id: MessageId) -> Send {
    let agent: Option<UserId> = desk.agents.first().copied();
    Send {
        message_id,
        sender: Sender { sender_type: SenderType::Agent, id: agent, name: Some("Ana".to_owned()) },
        body: Content::text("It is on its way."),
        template: None,
        in_reply_to: None,
        metadata: Map::new(),
        scheduled_at: None,
        reply_window: None,
        handoff: None,
        automatic_limit: None,
    }
}

/// Replies as the API executes them: decided, durable, and kept for the next command.
async fn replies(
    desk: &Desk,
    clock: &Clock,
    commands: &Commands,
    conversations: &[Long],
) -> anyhow::Result<Vec<Latencies>> {
    let mut took = vec![Latencies::default(); conversations.len()];
    for _ in 0..REPLIES {
        for (long, took) in conversations.iter().zip(&mut took) {
            let context = Context::of(desk.account, Actor::system("bench"), clock.fresh_id());
            let command = reply(desk, MessageId(clock.fresh_id()));
            let began = Instant::now();
            commands.conversations.execute(&long.stream, &command, &context).await?;
            took.note(began.elapsed());
        }
    }
    Ok(took)
}

/// The microseconds of a decision and of the state that follows, while the state before is kept.
fn decision(desk: &Desk, clock: &Clock, long: &Long) -> f64 {
    let command = reply(desk, MessageId(clock.fresh_id()));
    let now = clock.now();
    let began = Instant::now();
    for _ in 0..REPLIES {
        let mut next = long.state.clone();
        for event in command.decide(&next, now).unwrap_or_default() {
            next.evolve(&event, now);
        }
        black_box(&next);
    }
    began.elapsed().as_secs_f64() * 1e6 / REPLIES as f64
}
