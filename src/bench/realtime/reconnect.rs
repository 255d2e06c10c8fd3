//! Five hundred agents whose process is killed while messages come, and who all come back at once at another one.

use super::super::engines::Engines;
use super::super::server::Server;
use super::super::table::Table;
use super::accounts::Accounts;
use super::agent::{Agent, in_order};
use anyhow::Context;
use event_schemas::Position;
use gate::Role;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinSet;

const ACCOUNTS: u64 = 50;
const AGENTS: u64 = 10;
const A_SECOND: u64 = 500;
/// Messages come for so long before the kill, and after it.
const SPAN: Duration = Duration::from_secs(3);
/// All agents have come back by then, or the measurement has failed.
const LATEST: Duration = Duration::from_secs(60);

/// The record of an agent's client until the end.
struct Client {
    /// When it had the first push that came after the kill.
    resumed: Option<Instant>,
    was_reset: bool,
    pushes: u64,
}

pub async fn measure(folder: &Path, postgres: Option<&str>, table: &mut Table) -> anyhow::Result<()> {
    let engines = Engines::new(&folder.join("reconnect"), postgres).await?;
    let mut accounts = Accounts::new(ACCOUNTS, AGENTS, 1);
    accounts.seed(&engines).await?;
    let projections = Server::start_part("projections", &engines, &accounts.desks[0]).await?;
    let first = projections.start_beside("realtime", &engines).await?;
    let other = projections.start_beside("realtime", &engines).await?;
    let store = engines.open_log().await?;
    let (killed, at_kill) = watch::channel(None);
    let (ended, end) = watch::channel(None);
    let mut clients = JoinSet::new();
    for desk in &accounts.desks {
        for user in &desk.agents {
            let token = first.token_in(desk.account, *user, Role::Agent)?;
            let (mut agent, _) = Agent::connect(first.address(), &json!({ "token": token })).await?;
            agent.join(desk.conversation(0)).await?;
            clients.spawn(follow(agent, token, other.address(), at_kill.clone(), end.clone()));
        }
    }
    accounts.append_evenly(&store, A_SECOND, SPAN).await?;
    eprintln!("a process is killed, and its {} clients come back", clients.len());
    let before = store.end().await?;
    let began = Instant::now();
    first.stop().await?;
    killed.send_replace(before);
    // One message of each account at once, so that each client has something to get.
    accounts.append(&store, ACCOUNTS).await?;
    accounts.append_evenly(&store, A_SECOND, SPAN).await?;
    ended.send_replace(store.end().await?);
    accounts.append(&store, ACCOUNTS).await?;
    let done = tokio::time::timeout(LATEST, clients.join_all()).await.context("not all clients came back")?;
    let (mut slowest, mut resets, mut pushes) = (Duration::ZERO, 0, 0);
    for client in done {
        let client = client?;
        let resumed = client.resumed.context("a client got nothing after the kill")?;
        slowest = slowest.max(resumed - began);
        resets += u64::from(client.was_reset);
        pushes += client.pushes;
    }
    eprintln!("{pushes} pushes, each after the one that it names");
    let what = "500 clients reconnecting at once after a kill";
    table.at_most(&format!("{what}: the last has resumed"), "s", slowest.as_secs_f64(), 2.0);
    table.at_most(&format!("{what}: resets"), "", resets as f64, 0.0);
    store.close().await;
    drop((other, projections));
    engines.remove().await
}

/// Gets pushes, comes back at the other process, and ends with the first push after the end.
async fn follow(
    mut agent: Agent,
    token: String,
    other: SocketAddr,
    killed: watch::Receiver<Option<Position>>,
    end: watch::Receiver<Option<Position>>,
) -> anyhow::Result<Client> {
    let first = agent.last();
    let (mut events, mut resumed, mut was_reset) = (Vec::new(), None, false);
    loop {
        let Ok(event) = agent.event().await else {
            let (next, sync) = Agent::reconnect(other, &token, &agent.last()).await?;
            was_reset |= sync.object::<Value>()?["mode"] != "resumed";
            agent = next;
            continue;
        };
        let is_after = |moment: &watch::Receiver<Option<Position>>| {
            moment.borrow().is_some_and(|moment| event.position().is_some_and(|position| position > moment))
        };
        if resumed.is_none() && is_after(&killed) {
            resumed = Some(Instant::now());
        }
        let is_last = is_after(&end);
        events.push(event);
        if is_last {
            break;
        }
    }
    if !was_reset {
        in_order(first.offset(), &events)?;
    }
    Ok(Client { resumed, was_reset, pushes: events.len() as u64 })
}
