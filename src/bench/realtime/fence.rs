//! A query on every push, at a process chosen at random: no answer may be older than the push.

use super::super::engines::Engines;
use super::super::server::Server;
use super::super::table::Table;
use super::accounts::Accounts;
use super::agent::{Agent, Event};
use crate::progress::ProgressLine;
use anyhow::{Context, ensure};
use event_schemas::Clock;
use gate::Role;
use serde::Deserialize;
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

const ACCOUNTS: u64 = 4;
const CONVERSATIONS: u64 = 250;
/// The messages whose queries are not answered yet. Fewer than the conversations, so that each message is one push.
const IN_PROGRESS: usize = 400;
/// The messages that are appended at once, as many to each account.
const GROUP: u32 = 100;

/// The fields of a row that the push and the answer both have.
#[derive(Deserialize)]
struct Row {
    id: String,
    version: u64,
}

pub async fn measure(
    folder: &Path,
    postgres: Option<&str>,
    pushes: u64,
    table: &mut Table,
) -> anyhow::Result<()> {
    let engines = Engines::new(&folder.join("fence"), postgres).await?;
    let mut accounts = Accounts::new(ACCOUNTS, 1, CONVERSATIONS);
    accounts.seed(&engines).await?;
    let first = Arc::new(Server::start(&engines, &accounts.desks[0]).await?);
    let other = Arc::new(first.start_beside("query-api", &engines).await?);
    let free = Arc::new(Semaphore::new(IN_PROGRESS));
    let mut clients = JoinSet::new();
    let groups = pushes / u64::from(GROUP);
    let pushes = groups * u64::from(GROUP);
    // Each account gets a message in turn.
    let each = pushes / ACCOUNTS;
    for desk in &accounts.desks {
        let token = first.token_in(desk.account, desk.agents[0], Role::Agent)?;
        let (agent, _) = Agent::connect(first.address(), &json!({ "token": token })).await?;
        clients.spawn(query(agent, token, [first.clone(), other.clone()], each, free.clone()));
    }
    let store = engines.open_log().await?;
    let mut line = ProgressLine::start("queries on pushes");
    let writing = async {
        for group in 0..groups {
            free.acquire_many(GROUP).await?.forget();
            accounts.append(&store, u64::from(GROUP)).await?;
            line.show(group * u64::from(GROUP), pushes);
        }
        anyhow::Ok(())
    };
    let answering = async {
        let mut older = 0;
        while let Some(done) = clients.join_next().await {
            older += done??;
        }
        anyhow::Ok(older)
    };
    let ((), older) = tokio::try_join!(writing, answering)?;
    line.finish(pushes);
    let engine = if engines.are_postgres() { "PostgreSQL: " } else { "" };
    let what = format!(
        "{engine}{pushes} pushes, each with a query at a random process: answers older than the push"
    );
    table.at_most(&what, "", older as f64, 0.0);
    store.close().await;
    drop((first, other));
    engines.remove().await
}

/// Asks for the row of each push. Returns how many answers were older than the push.
async fn query(
    mut agent: Agent,
    token: String,
    servers: [Arc<Server>; 2],
    pushes: u64,
    free: Arc<Semaphore>,
) -> anyhow::Result<u64> {
    let mut queries = JoinSet::new();
    let (mut older, mut seen) = (0, 0);
    while seen < pushes {
        let event = agent.event().await?;
        if !event.is("conversation:updated") {
            continue;
        }
        seen += 1;
        let chosen = Clock::System.fresh_id().as_u128() as usize % servers.len();
        queries.spawn(is_older(servers[chosen].clone(), token.clone(), event, free.clone()));
        while let Some(done) = queries.try_join_next() {
            older += u64::from(done??);
        }
    }
    for done in queries.join_all().await {
        older += u64::from(done?);
    }
    Ok(older)
}

/// Whether the answer of this process is older than the push.
async fn is_older(
    server: Arc<Server>,
    token: String,
    push: Event,
    free: Arc<Semaphore>,
) -> anyhow::Result<bool> {
    let row: Row = push.object()?;
    let position = push.position().context("a push without a position")?.to_string();
    let body = server.get_after(&format!("/v1/conversations/{}", row.id), &token, &position).await?;
    let answer: Row = serde_json::from_str(&body)?;
    ensure!(answer.id == row.id, "another conversation was answered");
    free.add_permits(1);
    Ok(answer.version < row.version)
}
