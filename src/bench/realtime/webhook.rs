//! From the webhook to the frame at the agent's client, a thousand times a second with a thousand agents connected.
//!
//! They are the ten agents of each of a hundred accounts. Each conversation is joined by one of them, whose client gets
//! the message, and all ten get the row of the conversation.

use super::super::engines::Engines;
use super::super::latencies::Latencies;
use super::super::server::Server;
use super::super::table::Table;
use super::accounts::Accounts;
use super::agent::Agent;
use anyhow::{Context, ensure};
use gate::Role;
use serde::Deserialize;
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

const ACCOUNTS: u64 = 100;
const AGENTS: u64 = 10;
/// The conversations that each agent has joined.
const JOINED: u64 = 5;
const A_SECOND: u64 = 1_000;
const WARM: u64 = 3;
const SECONDS: u64 = 20;
/// How long after the last webhook its frame may come.
const LATEST: Duration = Duration::from_secs(10);

/// The number of a message, and when its frame came.
type Seen = (u64, Instant);

#[derive(Deserialize)]
struct Message {
    content: String,
}

pub async fn measure(folder: &Path, postgres: Option<&str>, table: &mut Table) -> anyhow::Result<()> {
    let engines = Engines::new(&folder.join("webhook"), postgres).await?;
    let accounts = Accounts::new(ACCOUNTS, AGENTS, AGENTS * JOINED);
    accounts.seed(&engines).await?;
    let server = Arc::new(Server::start(&engines, &accounts.desks[0]).await?);
    let (seen, mut frames) = mpsc::unbounded_channel();
    let clients = listen(&server, &accounts, &seen).await?;
    // The first moments fill caches and connections on both sides and are not counted.
    run(&server, &accounts, 0, A_SECOND * WARM, &mut frames).await?;
    eprintln!("{A_SECOND} webhooks a second for {SECONDS} seconds, {} agents listen", clients.len());
    let before = server.processor_time()?;
    let delays = run(&server, &accounts, A_SECOND * WARM, A_SECOND * SECONDS, &mut frames).await?;
    let used = (server.processor_time()? - before).as_secs_f64();
    eprintln!(
        "{} frames; {:.2} ms of processor time each",
        delays.count(),
        used * 1e3 / delays.count() as f64
    );
    let (engine, p99) = if engines.are_postgres() { ("PostgreSQL: ", 25.0) } else { ("", 20.0) };
    let what =
        format!("{engine}webhook received to the agent's frame, {A_SECOND}/s, {} agents", clients.len());
    table.at_most(&format!("{what}: median"), "ms", delays.percentile(50), 5.0);
    table.at_most(&format!("{what}: p99"), "ms", delays.percentile(99), p99);
    drop((clients, server));
    engines.remove().await
}

/// Connects the agents, each of whom joins its conversations.
async fn listen(
    server: &Server,
    accounts: &Accounts,
    seen: &mpsc::UnboundedSender<Seen>,
) -> anyhow::Result<JoinSet<anyhow::Result<()>>> {
    let mut clients = JoinSet::new();
    for desk in &accounts.desks {
        for (number, user) in (0..).zip(&desk.agents) {
            let auth = json!({ "token": server.token_in(desk.account, *user, Role::Agent)? });
            let (mut agent, _) = Agent::connect(server.address(), &auth).await?;
            for customer in number * JOINED..(number + 1) * JOINED {
                agent.join(desk.conversation(customer)).await?;
            }
            let seen = seen.clone();
            clients.spawn(async move {
                loop {
                    let event = agent.event().await?;
                    if !event.is("conversation:message") {
                        continue;
                    }
                    let at = Instant::now();
                    let message: Message = event.object()?;
                    let number = message.content.strip_prefix("Message ").context("another message")?;
                    seen.send((number.parse()?, at))?;
                }
            });
        }
    }
    Ok(clients)
}

/// Sends webhooks at an even rate. Returns the times until their frames came.
async fn run(
    server: &Arc<Server>,
    accounts: &Accounts,
    first: u64,
    count: u64,
    frames: &mut mpsc::UnboundedReceiver<Seen>,
) -> anyhow::Result<Latencies> {
    let mut ticks = tokio::time::interval(Duration::from_micros(1_000_000 / A_SECOND));
    // A late tick does not change the average rate.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let targets: Vec<_> = accounts.targets().map(|(desk, customer)| (desk.clone(), customer)).collect();
    let mut sending = JoinSet::new();
    for number in first..first + count {
        ticks.tick().await;
        let server = server.clone();
        let (desk, customer) = targets[number as usize % targets.len()].clone();
        sending.spawn(async move {
            let (id, words) = (format!("wamid.realtime.{number}"), format!("Message {number}"));
            let began = Instant::now();
            server.customer_writes_to(&desk, customer, &id, &words).await?;
            anyhow::Ok((number, began, began.elapsed()))
        });
    }
    let (mut began, mut acknowledged) = (vec![None; count as usize], Latencies::default());
    while let Some(sent) = sending.join_next().await {
        let (number, at, took) = sent??;
        began[(number - first) as usize] = Some(at);
        acknowledged.note(took);
    }
    let mut delays = Latencies::default();
    while delays.count() < count as usize {
        let next = tokio::time::timeout(LATEST, frames.recv()).await;
        let (number, at) = next.context("a message was not pushed")?.context("the clients ended")?;
        let sent = began.get((number - first) as usize).copied().flatten();
        delays.note(at - sent.context("a message that was not sent")?);
    }
    ensure!(frames.try_recv().is_err(), "a message was pushed twice");
    eprintln!(
        "acknowledged after {:.2} ms (median) and {:.2} ms (p99); pushed after {:.2} ms (p90), {:.2} ms (the last)",
        acknowledged.percentile(50),
        acknowledged.percentile(99),
        delays.percentile(90),
        delays.percentile(100),
    );
    Ok(delays)
}
