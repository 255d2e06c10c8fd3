//! The inbox of an account with a long history, while customers write; and the server's memory.

use super::engines::Engines;
use super::latencies::Latencies;
use super::server::{Server, next_cursor};
use super::table::Table;
use super::webhook::seeded;
use anyhow::Context;
use event_schemas::Position;
use gate::Role;
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

const CLIENTS: usize = 8;
const SECONDS: u64 = 20;
const MESSAGES_A_SECOND: u64 = 200;

/// The queries.
const MINE: &str = "/v1/conversations?status=assigned&assignee_id=me&sort=last_message_at:desc&limit=25";
const UNASSIGNED: &str = "/v1/conversations?status=open&assignee_id=none&sort=unanswered_since:asc&limit=25";
const ALL: &str = "/v1/conversations?sort=last_message_at:desc&limit=25";
const COUNTS: &str = "/v1/conversations/counts";
/// The list at an earlier moment.
const PAST: &str = "/v1/conversations?status=open,assigned,pending&sort=last_message_at:desc&limit=25";
/// The number of moments, spread over the whole log.
const MOMENTS: u64 = 40;
const NAMES: [&str; 5] = ["mine", "unassigned", "all", "page 200", "tab counts"];

/// The figures of one account's inbox.
struct Measured {
    pages: Vec<Latencies>,
    /// The list at each of the earlier moments.
    past: Latencies,
    memory: f64,
}

pub async fn measure(
    folder: &Path,
    postgres: Option<&str>,
    conversations: u64,
    table: &mut Table,
) -> anyhow::Result<()> {
    let (engine, limit) = if postgres.is_some() { ("PostgreSQL: ", 8.0) } else { ("", 5.0) };
    let tenth = Engines::new(&folder.join("inbox-tenth"), postgres).await?;
    let tenth = one(tenth, conversations / 10).await?;
    let whole = Engines::new(&folder.join("inbox"), postgres).await?;
    let whole = one(whole, conversations).await?;
    for ((name, small), large) in NAMES.into_iter().zip(&tenth.pages).zip(&whole.pages) {
        let what = format!("{engine}inbox, {conversations} conversations: {name}, p99 of {}", large.count());
        let (small, large) = (small.percentile(99), large.percentile(99));
        table.at_most(&what, "ms", large, limit);
        table.within(
            &format!("the same beside {} conversations", conversations / 10),
            "ms",
            large,
            small,
            2.0,
        );
    }
    let what = format!("{engine}inbox as it was at an earlier moment, slowest of {}", whole.past.count());
    table.at_most(&what, "ms", whole.past.percentile(100), 500.0);
    table.at_most(&format!("memory of serve with {conversations} conversations"), "MB", whole.memory, 250.0);
    Ok(())
}

/// The memory of an empty, idle server.
pub async fn idle_memory(folder: &Path, table: &mut Table) -> anyhow::Result<()> {
    let engines = Engines::new(&folder.join("idle"), None).await?;
    let desk = seeded(&engines, 1, 1).await?;
    let server = Server::start(&engines, &desk).await?;
    table.at_most("memory of serve, idle", "MB", server.memory()?, 60.0);
    server.stop().await
}

async fn one(engines: Engines, conversations: u64) -> anyhow::Result<Measured> {
    eprintln!("an account with {conversations} conversations");
    let desk = seeded(&engines, conversations, conversations / 10).await?;
    let server = Arc::new(Server::start(&engines, &desk).await?);
    eprintln!("memory of serve before the first request: {:.1} MB", server.memory()?);
    let stop = CancellationToken::new();
    let customers = tokio::spawn(write(Arc::clone(&server), conversations, stop.clone()));
    run_queries(&server, Duration::from_secs(2)).await?;
    eprintln!("{CLIENTS} clients query for {SECONDS} seconds, {MESSAGES_A_SECOND} messages arrive a second");
    let before = server.processor_time()?;
    let pages = run_queries(&server, Duration::from_secs(SECONDS)).await?;
    let used = server.processor_time()? - before;
    for (name, latencies) in NAMES.into_iter().zip(&pages) {
        eprintln!(
            "{name}: {} answers, {:.2} ms (median), {:.2} ms (p99)",
            latencies.count(),
            latencies.percentile(50),
            latencies.percentile(99),
        );
    }
    eprintln!("serve used {:.1} of {SECONDS} seconds of processor time", used.as_secs_f64());
    stop.cancel();
    customers.await??;
    let past = past_lists(&server).await?;
    let memory = server.memory()?;
    eprintln!("memory of serve afterwards: {memory:.1} MB");
    drop(server);
    engines.remove().await?;
    Ok(Measured { pages, past, memory })
}

/// Asks for the list at moments that are spread over the whole log, one after another.
async fn past_lists(server: &Server) -> anyhow::Result<Latencies> {
    let token = server.token(server.desk().agents[0], Role::Agent)?;
    let newest: Value = serde_json::from_str(&server.get(ALL, &token).await?)?;
    let end = newest["data"][0]["position"].as_str().context("the newest conversation has no position")?;
    let (end, mut latencies) = (end.parse::<Position>()?.commit(), Latencies::default());
    for moment in 1..=MOMENTS {
        let position = Position::at(end * moment / MOMENTS);
        let began = Instant::now();
        server.get(&format!("{PAST}&as_of={position}"), &token).await?;
        latencies.note(began.elapsed());
    }
    eprintln!(
        "as of {MOMENTS} moments of {end} events: {:.1} ms (median), {:.1} ms (slowest)",
        latencies.percentile(50),
        latencies.percentile(100),
    );
    Ok(latencies)
}

/// Sends messages of customers until it is stopped: of those whose conversations are open, and of some new ones.
async fn write(server: Arc<Server>, conversations: u64, stop: CancellationToken) -> anyhow::Result<()> {
    let mut ticks = tokio::time::interval(Duration::from_micros(1_000_000 / MESSAGES_A_SECOND));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let open = (conversations / 10).max(1);
    let mut sending = tokio::task::JoinSet::new();
    let mut number = 0;
    while !stop.is_cancelled() {
        ticks.tick().await;
        let server = Arc::clone(&server);
        sending.spawn(async move {
            // A stride that selects the open conversations in a mixed order.
            let customer = if number % 20 == 19 {
                conversations + number
            } else {
                conversations - open + number * 7_919 % open
            };
            server.customer_writes(customer, &format!("wamid.arriving.{number}"), "And one more thing.").await
        });
        number += 1;
        while let Some(sent) = sending.try_join_next() {
            sent??;
        }
    }
    while let Some(sent) = sending.join_next().await {
        sent??;
    }
    Ok(())
}

/// Lets the clients query for this long, each as soon as it has its response.
async fn run_queries(server: &Arc<Server>, how_long: Duration) -> anyhow::Result<Vec<Latencies>> {
    let administrator = server.token(server.desk().agents[0], Role::Administrator)?;
    let mut page = ALL.to_owned();
    for _ in 1..200 {
        page = format!("{ALL}&cursor={}", next_cursor(&server.get(&page, &administrator).await?)?);
    }
    let questions =
        Arc::new([MINE.to_owned(), UNASSIGNED.to_owned(), ALL.to_owned(), page, COUNTS.to_owned()]);
    let deadline = Instant::now() + how_long;
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let token = server.token(server.desk().agents[client], Role::Agent);
            let (server, questions) = (Arc::clone(server), Arc::clone(&questions));
            tokio::spawn(async move {
                let token = token?;
                let mut latencies = vec![Latencies::default(); questions.len()];
                for turn in client.. {
                    if Instant::now() >= deadline {
                        break;
                    }
                    let which = turn % questions.len();
                    let began = Instant::now();
                    server.get(&questions[which], &token).await?;
                    latencies[which].note(began.elapsed());
                }
                anyhow::Ok(latencies)
            })
        })
        .collect();
    let mut all = vec![Latencies::default(); NAMES.len()];
    for client in clients {
        for (sum, part) in all.iter_mut().zip(client.await??) {
            sum.merge(part);
        }
    }
    Ok(all)
}
