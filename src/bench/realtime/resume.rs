//! An agent who comes back and missed ten thousand pushes.

use super::super::engines::Engines;
use super::super::median;
use super::super::server::Server;
use super::super::table::Table;
use super::accounts::Accounts;
use super::agent::{Agent, Event, Last, in_order};
use anyhow::ensure;
use gate::Role;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Instant;

const MISSED: u64 = 10_000;
/// Messages of as many conversations in turn, so that no two of them become one push.
const CONVERSATIONS: u64 = 1_000;

pub async fn measure(
    folder: &Path,
    postgres: Option<&str>,
    rounds: usize,
    table: &mut Table,
) -> anyhow::Result<()> {
    let engines = Engines::new(&folder.join("resume"), postgres).await?;
    let mut accounts = Accounts::new(1, 2, CONVERSATIONS);
    accounts.seed(&engines).await?;
    let desk = accounts.desks[0].clone();
    let projections = Server::start_part("projections", &engines, &desk).await?;
    let server = projections.start_beside("realtime", &engines).await?;
    let token = server.token(desk.agents[0], Role::Agent)?;
    let auth = json!({ "token": token });
    let (away, _) = Agent::connect(server.address(), &auth).await?;
    let last = away.last();
    drop(away);
    let (mut witness, _) = Agent::connect(server.address(), &auth).await?;
    let store = engines.open_log().await?;
    let writing = async {
        for _ in 0..MISSED / 500 {
            accounts.append(&store, 500).await?;
        }
        anyhow::Ok(())
    };
    // All clients of the account get the same pushes.
    let witnessing = rows(&mut witness);
    tokio::try_join!(writing, witnessing)?;
    store.close().await;
    let mut times = Vec::new();
    for _ in 0..rounds {
        times.push(resume(&server, &token, &last).await?);
    }
    table.at_most(&format!("resumed after {MISSED} missed pushes"), "ms", median(times), 200.0);
    drop((server, projections));
    engines.remove().await
}

/// The events until the last of the rows of conversations.
async fn rows(agent: &mut Agent) -> anyhow::Result<Vec<Event>> {
    let (mut events, mut rows) = (Vec::with_capacity(MISSED as usize), 0);
    while rows < MISSED {
        let event = agent.event().await?;
        rows += u64::from(event.is("conversation:updated"));
        events.push(event);
    }
    Ok(events)
}

/// The milliseconds from opening the connection to the last of the missed pushes, which come in order.
async fn resume(server: &Server, token: &str, last: &Last) -> anyhow::Result<f64> {
    let began = Instant::now();
    let (mut agent, sync) = Agent::reconnect(server.address(), token, last).await?;
    let events = rows(&mut agent).await?;
    let took = began.elapsed().as_secs_f64() * 1_000.0;
    ensure!(sync.object::<Value>()?["mode"] == "resumed", "not resumed: {}", sync.text());
    in_order(last.offset(), &events)?;
    Ok(took)
}
