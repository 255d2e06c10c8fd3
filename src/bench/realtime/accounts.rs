//! Accounts with agents and open conversations, and the customers' messages in them.

use super::super::engines::Engines;
use super::super::seed::Desk;
use crate::progress::ProgressLine;
use event_schemas::conversation::MessageReceived;
use event_schemas::message::Content;
use event_schemas::{Actor, Clock, ConversationEvent, EventId, Metadata, NewEvent, Position, StreamId};
use event_store::{EventStore, Expected};
use futures::future::try_join_all;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// The pause between two groups of appends.
const PAUSE: Duration = Duration::from_millis(10);

pub struct Accounts {
    pub desks: Vec<Desk>,
    /// The open conversations of each account.
    each: u64,
    /// The messages that were appended.
    written: u64,
}

impl Accounts {
    pub fn new(accounts: u64, agents: u64, conversations: u64) -> Self {
        let desks = (0..accounts).map(|_| Desk::with_agents(&Clock::System, agents)).collect();
        Self { desks, each: conversations, written: 0 }
    }

    /// Appends the accounts' channels and conversations, and fills the tables.
    pub async fn seed(&self, engines: &Engines) -> anyhow::Result<()> {
        let store = engines.open_log().await?;
        let (began, _) = self.desks[0].period(&Clock::System, self.each);
        let mut written = 0;
        for desk in &self.desks {
            let mut events = desk.settings(began).to_vec();
            for customer in 0..self.each {
                desk.add_conversation(&mut events, customer, true, false, began);
            }
            for events in events.chunks(8_000) {
                written += events.len() as u64;
                store.import(events.to_vec()).await?;
            }
        }
        let mut line = ProgressLine::start("events projected");
        engines.open_tables().await?.rebuild(&store, |progress| line.show(progress.events, written)).await?;
        line.finish(written);
        store.close().await;
        Ok(())
    }

    /// All accounts and customers, in the order in which messages come.
    pub fn targets(&self) -> impl Iterator<Item = (&Desk, u64)> {
        (0..self.desks.len() as u64 * self.each).map(|message| self.target(message))
    }

    /// The account and the customer of a message: each account in turn, and in each its conversations in turn.
    fn target(&self, message: u64) -> (&Desk, u64) {
        let accounts = self.desks.len() as u64;
        (&self.desks[(message % accounts) as usize], message / accounts % self.each)
    }

    /// Appends so many messages at once. Returns the position of the last one.
    pub async fn append(&mut self, store: &Arc<dyn EventStore>, count: u64) -> anyhow::Result<Position> {
        let appends = (self.written..self.written + count).map(|message| {
            let (desk, customer) = self.target(message);
            let stream = StreamId::conversation(desk.conversation(customer));
            let event = received(desk, message);
            async move { store.append(&stream, Expected::Any, vec![event]).await }
        });
        let appended = try_join_all(appends).await?;
        self.written += count;
        Ok(appended.iter().map(|appended| appended.position).max().unwrap_or(Position::at(0)))
    }

    /// Appends messages at an even rate.
    pub async fn append_evenly(
        &mut self,
        store: &Arc<dyn EventStore>,
        a_second: u64,
        span: Duration,
    ) -> anyhow::Result<()> {
        let mut ticks = tokio::time::interval(PAUSE);
        // A late tick does not change the average rate.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let groups = span.as_millis() as u64 / PAUSE.as_millis() as u64;
        let (mut done, total) = (0, a_second * span.as_millis() as u64 / 1_000);
        for group in 1..=groups {
            ticks.tick().await;
            let due = total * group / groups;
            self.append(store, due - done).await?;
            done = due;
        }
        Ok(())
    }
}

fn received(desk: &Desk, message: u64) -> NewEvent {
    let clock = Clock::System;
    let now = clock.now();
    let id = format!("wamid.pushed.{message}");
    let event = ConversationEvent::from(MessageReceived {
        message_id: EventId::reported(desk.channel, &id, "received").into(),
        provider_message_id: Some(id),
        body: Content::text(format!(
            "Message {message}: it has still not arrived. Can you find out where it is?"
        )),
        reply_to: None,
        sent_at: now,
        metadata: serde_json::Map::new(),
    });
    let metadata = Metadata {
        account_id: desk.account,
        actor: Actor::contact(),
        correlation_id: clock.fresh_id(),
        causation_id: None,
        traceparent: None,
        request: None,
        credential: None,
        occurred_at: now,
    };
    NewEvent::of(clock.event_id(), &event, metadata)
}
