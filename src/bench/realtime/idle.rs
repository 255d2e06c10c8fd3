//! Ten thousand agents who are connected and get nothing: how soon they are let in, and the memory that they take.

use super::super::engines::Engines;
use super::super::process;
use super::super::server::Server;
use super::super::table::Table;
use super::accounts::Accounts;
use super::agent::Agent;
use super::node::Node;
use anyhow::ensure;
use gate::Role;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

const AGENTS: u64 = 10;
const ACCOUNTS: u64 = 1_000;
/// The connections that are opened at the same time.
const AT_ONCE: usize = 128;
/// The file descriptors that this process and the server need besides those of the connections.
const OTHER_FILES: u64 = 200;
/// The server has become idle when it has used no processor time for so long.
const SETTLED: Duration = Duration::from_secs(2);

struct Measured {
    /// Seconds until the last connection was let in.
    accepted: f64,
    /// Kilobytes of a connection.
    each: f64,
    /// Megabytes of the process with all connections.
    all: f64,
}

pub async fn measure(
    folder: &Path,
    postgres: Option<&str>,
    control: &Path,
    table: &mut Table,
) -> anyhow::Result<()> {
    let connections = ACCOUNTS * AGENTS;
    let allowed = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    if allowed.maximum.is_some_and(|most| most < connections + OTHER_FILES) {
        eprintln!(
            "{connections} connections are not measured: a process may open {:?} files",
            allowed.maximum
        );
        return Ok(());
    }
    let engines = Engines::new(&folder.join("idle"), postgres).await?;
    let accounts = Accounts::new(ACCOUNTS, AGENTS, 1);
    accounts.seed(&engines).await?;
    let projections = Server::start_part("projections", &engines, &accounts.desks[0]).await?;
    let server = projections.start_beside("realtime", &engines).await?;
    let mut auths = Vec::new();
    for desk in &accounts.desks {
        for agent in &desk.agents {
            auths.push(json!({ "token": server.token_in(desk.account, *agent, Role::Agent)? }));
        }
    }
    eprintln!("{connections} connections");
    let ours = connect(server.address(), server.pid()?, &auths).await?;
    drop((server, projections));
    let each = "memory of an idle connection";
    let accepted = format!("{connections} connections let in");
    match Node::start(control).await? {
        Some(node) => {
            let control = connect(node.address(), node.pid()?, &auths).await?;
            table.at_most_beside(each, "kB", ours.each, control.each, 10.0);
            table.at_most_beside(
                &format!("memory of {connections} connections"),
                "MB",
                ours.all,
                control.all,
                120.0,
            );
            table.at_most_beside(&accepted, "s", ours.accepted, control.accepted, 3.0);
        }
        None => {
            table.at_most(each, "kB", ours.each, 10.0);
            table.at_most(&format!("memory of {connections} connections"), "MB", ours.all, 120.0);
            table.at_most(&accepted, "s", ours.accepted, 3.0);
        }
    }
    engines.remove().await
}

async fn connect(address: SocketAddr, pid: u32, auths: &[Value]) -> anyhow::Result<Measured> {
    let before = process::memory(pid)?;
    let at_once = Arc::new(Semaphore::new(AT_ONCE));
    let (mut opening, began) = (JoinSet::new(), Instant::now());
    for auth in auths {
        let (at_once, auth) = (at_once.clone(), auth.clone());
        opening.spawn(async move {
            let _place = at_once.acquire().await?;
            let (agent, _) = Agent::connect(address, &auth).await?;
            anyhow::Ok(agent)
        });
    }
    let agents = opening.join_all().await.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    let accepted = began.elapsed().as_secs_f64();
    settle(pid).await?;
    let all = process::memory(pid)?;
    ensure!(agents.len() == auths.len(), "connections were lost");
    Ok(Measured { accepted, each: (all - before) * 1024.0 / agents.len() as f64, all })
}

async fn settle(pid: u32) -> anyhow::Result<()> {
    let mut used = process::processor_time(pid)?;
    loop {
        tokio::time::sleep(SETTLED).await;
        let now = process::processor_time(pid)?;
        // The server polls the log even when nothing happens.
        if now - used <= SETTLED / 20 {
            return Ok(());
        }
        used = now;
    }
}
