//! The start of a server with a long log: the time until it is ready, the time until it routes, and its memory.
//!
//! The control is the same program with an almost empty log. Both are killed before each start.

use super::engines::Engines;
use super::median;
use super::seed::{Desk, INTERVAL};
use super::server::Server;
use super::table::Table;
use crate::progress::ProgressLine;
use anyhow::ensure;
use event_schemas::agent::{
    AgentRegistered, CapacityReleased, CapacityReserved, Preferences, PreferencesChanged,
};
use event_schemas::catalogue::CatalogueKind;
use event_schemas::routing::{Queue, QueueDefined, RoutingStrategy};
use event_schemas::{
    Actor, AgentEvent, CatalogueEvent, Clock, QueueId, Recorded, StreamId, Timestamp, UserId, Version,
};
use event_store::EventStore;
use gate::Role;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The size of the log.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub events: u64,
    pub agents: u64,
    /// The number of open conversations, all of which are assigned.
    pub open: u64,
}

/// The number of events of a closed conversation with its contact and the agent's capacity.
const EVENTS_OF_CLOSED: u64 = 9;
/// The number of events that are appended at once.
const BATCH: usize = 8_000;
const TIME_LIMIT: Duration = Duration::from_secs(120);

struct Measured {
    /// Seconds from the start of the process.
    ready: f64,
    routed: f64,
    /// Megabytes after the first assignment.
    memory: f64,
}

pub async fn measure(
    folder: &Path,
    postgres: Option<&str>,
    size: Size,
    rounds: usize,
    table: &mut Table,
) -> anyhow::Result<()> {
    let small = Size { events: 100, agents: 10, open: 1 };
    let control = one(&Engines::new(&folder.join("startup-control"), postgres).await?, small, rounds).await?;
    let ours = one(&Engines::new(&folder.join("startup"), postgres).await?, size, rounds).await?;
    let log = format!("{} events, {} agents, {} open conversations", size.events, size.agents, size.open);
    // The control: an almost empty log.
    table.at_most_beside(&format!("start with {log}: ready"), "s", ours.ready, control.ready, 2.0);
    let assigned = "the same: the first new conversation is assigned";
    table.at_most_beside(assigned, "s", ours.routed, control.routed, 2.0);
    table.at_most_beside("the same: memory", "MB", ours.memory, control.memory, 300.0);
    Ok(())
}

async fn one(engines: &Engines, size: Size, rounds: usize) -> anyhow::Result<Measured> {
    let desk = Desk::with_agents(&Clock::System, size.agents);
    let store = engines.open_log().await?;
    let events = Writer::new(&desk, &store).write(size).await?;
    let mut line = ProgressLine::start("events projected");
    engines.open_tables().await?.rebuild(&store, |progress| line.show(progress.events, events)).await?;
    line.finish(events);
    store.close().await;
    // The process managers read the log once, as they did while it grew.
    let server = Server::start(engines, &desk).await?;
    server.stop().await?;
    let (mut ready, mut routed, mut memory) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds as u64 {
        let began = Instant::now();
        let mut server = Server::spawn(engines, &desk)?;
        server.wait_until_ready().await?;
        ready.push(began.elapsed().as_secs_f64());
        let customer = 90_000_000 + round;
        server.customer_writes(customer, &format!("wamid.startup.{round}"), "Good morning").await?;
        until_assigned(&server, customer).await?;
        routed.push(began.elapsed().as_secs_f64());
        memory.push(server.memory()?);
        server.stop().await?;
    }
    Ok(Measured { ready: median(ready), routed: median(routed), memory: median(memory) })
}

async fn until_assigned(server: &Server, customer: u64) -> anyhow::Result<()> {
    let token = server.token(server.desk().agents[0], Role::Administrator)?;
    let path = format!("/v1/conversations/{}", server.desk().conversation(customer));
    let began = Instant::now();
    loop {
        if let Some(body) = server.find(&path, &token).await? {
            let row: Value = serde_json::from_str(&body)?;
            if row["assignee_id"].is_string() {
                return Ok(());
            }
        }
        ensure!(began.elapsed() < TIME_LIMIT, "the conversation was not assigned in {TIME_LIMIT:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Writes the log: the queue, the agents, and conversations whose agents' capacity is reserved and released.
struct Writer<'d> {
    desk: &'d Desk,
    store: &'d Arc<dyn EventStore>,
    /// The next version of each agent's stream.
    versions: HashMap<UserId, u64>,
    events: Vec<Recorded>,
}

impl<'d> Writer<'d> {
    fn new(desk: &'d Desk, store: &'d Arc<dyn EventStore>) -> Self {
        Self { desk, store, versions: HashMap::new(), events: Vec::new() }
    }

    /// Returns the number of events.
    async fn write(mut self, size: Size) -> anyhow::Result<u64> {
        let closed = size.events.saturating_sub(size.open * 5) / EVENTS_OF_CLOSED;
        let conversations = closed + size.open;
        let (mut began, length) = self.desk.period(&Clock::System, conversations);
        self.events.extend(self.desk.settings(began));
        self.define_queue(began);
        for (number, agent) in (0..).zip(&self.desk.agents) {
            self.register(*agent, number, size, began);
        }
        let mut line = ProgressLine::start("events written");
        let (mut written, mut writing) = (0, tokio::spawn(async { anyhow::Ok(()) }));
        for customer in 0..conversations {
            let is_open = customer >= closed;
            let agent = self.desk.agent_of(customer);
            let conversation_id = self.desk.conversation(customer);
            let account_id = self.desk.account;
            let reserved = CapacityReserved {
                user_id: agent,
                account_id,
                conversation_id,
                conversation_version: Version(1),
                overridden: None,
                counted: false,
                renewed: false,
            };
            self.desk.add_conversation(&mut self.events, customer, is_open, false, began);
            self.agent_event(agent, reserved.into(), began + Duration::from_secs(60));
            if !is_open {
                let released = CapacityReleased { user_id: agent, account_id, conversation_id };
                self.agent_event(agent, released.into(), began + length);
            }
            began = began + INTERVAL;
            if self.events.len() >= BATCH || customer + 1 == conversations {
                let batch = std::mem::take(&mut self.events);
                written += batch.len() as u64;
                // While a batch is written, the next one is generated.
                writing.await??;
                let store = Arc::clone(self.store);
                writing = tokio::spawn(async move {
                    store.import(batch).await?;
                    Ok(())
                });
                line.show(written, size.events);
            }
        }
        writing.await??;
        line.finish(written);
        Ok(written)
    }

    fn define_queue(&mut self, at: Timestamp) {
        let queue = Queue {
            id: QueueId::from_u128(1),
            name: "All".to_owned(),
            team_id: None,
            strategy: RoutingStrategy::LeastBusy,
            penalties: BTreeMap::new(),
            max_waiting: None,
            overflow_team_id: None,
            offer_seconds: Queue::OFFER_SECONDS,
            ask_again_seconds: Queue::ASK_AGAIN_SECONDS,
            when_offline: Queue::WHEN_OFFLINE,
            give_back_seconds: Queue::GIVE_BACK_SECONDS,
            announcement: None,
            timeout_seconds: None,
        };
        let stream = StreamId::catalogue(CatalogueKind::Queues, self.desk.account);
        let event = CatalogueEvent::from(QueueDefined { queue });
        self.events.push(self.desk.recorded(&stream, 0, &event, Actor::system("bench"), at));
    }

    /// Registers an agent. All but the first have no capacity beyond their open conversations.
    fn register(&mut self, user_id: UserId, number: u64, size: Size, at: Timestamp) {
        let account_id = self.desk.account;
        let full = u32::try_from(size.open.div_ceil(size.agents)).unwrap_or(u32::MAX);
        let preferences = Preferences {
            max_concurrent_conversations: if number == 0 { full.saturating_add(1_000) } else { full.max(1) },
            auto_accept: true,
            ..Preferences::default()
        };
        let registered =
            AgentRegistered { account_id, user_id, name: format!("Agent {number}"), email: None };
        self.agent_event(user_id, registered.into(), at);
        self.agent_event(
            user_id,
            PreferencesChanged { user_id, account_id: Some(account_id), preferences }.into(),
            at,
        );
    }

    fn agent_event(&mut self, user: UserId, event: AgentEvent, at: Timestamp) {
        let version = self.versions.entry(user).or_default();
        let actor = Actor::system("bench");
        self.events.push(self.desk.recorded(&StreamId::agent(user), *version, &event, actor, at));
        *version += 1;
    }
}
