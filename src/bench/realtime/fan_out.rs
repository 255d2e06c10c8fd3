//! The processor time of deliveries: a thousand agents, ten in each Socket.IO room, fifty thousand deliveries a second.
//!
//! A message of a customer is two pushes to the ten agents of its account, all of whom have joined its conversation:
//! the message, and the row of the conversation. The measured process follows the log by itself; another one fills the
//! tables, and this one appends the messages and reads the clients. The control sends the same
//! objects to as many Socket.IO rooms with ten clients each.

use super::super::engines::Engines;
use super::super::median;
use super::super::process;
use super::super::server::Server;
use super::super::table::Table;
use super::accounts::Accounts;
use super::agent::Agent;
use super::node::Node;
use anyhow::ensure;
use event_store::EventStore;
use gate::Role;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

const ACCOUNTS: u64 = 100;
const AGENTS: u64 = 10;
/// The conversations of each account. With fewer, two messages of one conversation are often read together.
const CONVERSATIONS: u64 = 5;
const DELIVERIES_A_SECOND: u64 = 50_000;
/// The pushes of one message.
const PUSHES: [&str; 2] = ["conversation:message", "conversation:updated"];
const MESSAGES_A_SECOND: u64 = DELIVERIES_A_SECOND / AGENTS / PUSHES.len() as u64;
const WARM: Duration = Duration::from_secs(2);
const SPAN: Duration = Duration::from_secs(8);
/// All deliveries have come when none has come for so long.
const QUIET: Duration = Duration::from_millis(500);
const COUNTED: f64 = 100_000.0;

pub async fn measure(
    folder: &Path,
    postgres: Option<&str>,
    control: &Path,
    rounds: usize,
    table: &mut Table,
) -> anyhow::Result<()> {
    let engines = Engines::new(&folder.join("fan-out"), postgres).await?;
    let mut accounts = Accounts::new(ACCOUNTS, AGENTS, CONVERSATIONS);
    accounts.seed(&engines).await?;
    let projections = Server::start_part("projections", &engines, &accounts.desks[0]).await?;
    let server = projections.start_beside("realtime", &engines).await?;
    let store = engines.open_log().await?;
    let events = pushes_of_message(&server, &mut accounts, &store).await?;
    let ours = Audience::of(server.address(), &server, &accounts).await?;
    let mut node = Node::start(control).await?;
    let theirs = match &node {
        Some(node) => Some(Audience::of(node.address(), &server, &accounts).await?),
        None => None,
    };
    let rooms: Vec<String> =
        accounts.targets().map(|(desk, customer)| desk.conversation(customer).to_string()).collect();
    let (mut our_times, mut their_times) = (Vec::new(), Vec::new());
    for round in 1..=rounds {
        eprintln!("deliveries, round {round} of {rounds}");
        accounts.append_evenly(&store, MESSAGES_A_SECOND, WARM).await?;
        let measuring = ours.begin(server.pid()?).await?;
        accounts.append_evenly(&store, MESSAGES_A_SECOND, SPAN).await?;
        our_times.push(measuring.end("ours").await?);
        if let (Some(node), Some(theirs)) = (&mut node, &theirs) {
            let sent_for = |span: Duration| json!({ "rooms": rooms, "events": events, "rate": MESSAGES_A_SECOND, "seconds": span.as_secs() });
            node.send(&sent_for(WARM)).await?;
            let measuring = theirs.begin(node.pid()?).await?;
            node.send(&sent_for(SPAN)).await?;
            their_times.push(measuring.end("the control").await?);
        }
    }
    let what = "processor time of 100,000 deliveries, 50,000/s to 1,000 agents in rooms of ten";
    let ours = median(our_times);
    if node.is_some() {
        let control = median(their_times);
        table.at_most_beside(what, "s", ours, control, 0.55);
        table.within("the same, beside Socket.IO for Node", "s", ours, control, 0.4);
    } else {
        table.at_most(what, "s", ours, 0.55);
    }
    store.close().await;
    drop((server, projections));
    engines.remove().await
}

/// The names and objects of the pushes that a message causes. The control sends the same.
async fn pushes_of_message(
    server: &Server,
    accounts: &mut Accounts,
    store: &Arc<dyn EventStore>,
) -> anyhow::Result<Vec<(&'static str, Value)>> {
    let desk = accounts.desks[0].clone();
    let token = server.token_in(desk.account, desk.agents[0], Role::Agent)?;
    let (mut agent, _) = Agent::connect(server.address(), &json!({ "token": token })).await?;
    agent.join(desk.conversation(0)).await?;
    accounts.append(store, 1).await?;
    let mut pushes = Vec::new();
    while pushes.len() < PUSHES.len() {
        let event = agent.event().await?;
        if let Some(name) = PUSHES.into_iter().find(|name| event.is(name)) {
            pushes.push((name, event.object()?));
        }
    }
    Ok(pushes)
}

/// The clients of a server, which count the pushes that they get.
struct Audience {
    deliveries: Arc<AtomicU64>,
    /// The clients end when this is dropped.
    _clients: JoinSet<anyhow::Result<()>>,
}

impl Audience {
    async fn of(address: SocketAddr, server: &Server, accounts: &Accounts) -> anyhow::Result<Self> {
        let deliveries = Arc::<AtomicU64>::default();
        let mut clients = JoinSet::new();
        for desk in &accounts.desks {
            for agent in &desk.agents {
                let auth = json!({ "token": server.token_in(desk.account, *agent, Role::Agent)? });
                let (mut agent, _) = Agent::connect(address, &auth).await?;
                for customer in 0..CONVERSATIONS {
                    agent.join(desk.conversation(customer)).await?;
                }
                let deliveries = deliveries.clone();
                clients.spawn(async move {
                    loop {
                        let event = agent.event().await?;
                        if PUSHES.iter().any(|name| event.is(name)) {
                            deliveries.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
        }
        Ok(Self { deliveries, _clients: clients })
    }

    /// Waits until no delivery comes any more, and returns their number.
    async fn quiet(&self) -> u64 {
        loop {
            let before = self.deliveries.load(Ordering::Relaxed);
            tokio::time::sleep(QUIET).await;
            if self.deliveries.load(Ordering::Relaxed) == before {
                return before;
            }
        }
    }

    /// Begins to measure the process that serves the clients.
    async fn begin(&self, pid: u32) -> anyhow::Result<Measuring<'_>> {
        let deliveries = self.quiet().await;
        Ok(Measuring {
            audience: self,
            pid,
            deliveries,
            used: process::processor_time(pid)?,
            at: Instant::now(),
        })
    }
}

struct Measuring<'a> {
    audience: &'a Audience,
    pid: u32,
    deliveries: u64,
    used: Duration,
    at: Instant,
}

impl Measuring<'_> {
    /// The seconds of processor time of 100,000 deliveries.
    async fn end(self, name: &str) -> anyhow::Result<f64> {
        let deliveries = self.audience.quiet().await - self.deliveries;
        let took = (self.at.elapsed() - QUIET).as_secs_f64();
        let used = (process::processor_time(self.pid)? - self.used).as_secs_f64();
        eprintln!(
            "{name}: {deliveries} deliveries, {:.0} a second, {used:.2} s of processor time",
            deliveries as f64 / took
        );
        ensure!(deliveries > 0, "nothing was delivered");
        Ok(used / deliveries as f64 * COUNTED)
    }
}
