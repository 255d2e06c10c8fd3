//! From the webhook to the inbox, a thousand times a second.

use super::engines::Engines;
use super::latencies::Latencies;
use super::seed::Desk;
use super::server::Server;
use super::table::Table;
use anyhow::bail;
use event_schemas::Clock;
use gate::Role;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

const A_SECOND: u64 = 1_000;
const SECONDS: u64 = 20;

/// Customers who have written before; every tenth message is from a new customer.
const KNOWN: u64 = 5_000;

/// One in so many messages is followed until the inbox shows it.
const WATCHED: u64 = 50;

pub async fn measure(folder: &Path, postgres: Option<&str>, table: &mut Table) -> anyhow::Result<()> {
    let engines = Engines::new(&folder.join("webhook"), postgres).await?;
    let desk = seeded(&engines, KNOWN, KNOWN).await?;
    let server = Arc::new(Server::start(&engines, &desk).await?);
    // The first moments fill caches and connections on both sides and are not counted.
    run(&server, "warm", A_SECOND * 3).await?;
    eprintln!("{A_SECOND} webhooks a second for {SECONDS} seconds");
    let before = server.processor_time()?;
    let (acknowledged, visible) = run(&server, "measured", A_SECOND * SECONDS).await?;
    let used = server.processor_time()? - before;
    eprintln!(
        "{} webhooks, acknowledged after {:.2} ms (median) and {:.2} ms (p99); {} of them watched; \
         {:.2} ms of processor time each",
        acknowledged.count(),
        acknowledged.percentile(50),
        acknowledged.percentile(99),
        visible.count(),
        used.as_secs_f64() * 1_000.0 / acknowledged.count() as f64,
    );
    let (what, median, p99) = if engines.are_postgres() {
        ("PostgreSQL: webhook received to visible in the inbox, 1,000/s", 4.0, 20.0)
    } else {
        ("webhook received to visible in the inbox, 1,000/s", 3.0, 10.0)
    };
    table.at_most(&format!("{what}: median"), "ms", visible.percentile(50), median);
    table.at_most(&format!("{what}: p99"), "ms", visible.percentile(99), p99);
    drop(server);
    engines.remove().await
}

/// An account with a history on these engines, tables included.
pub async fn seeded(engines: &Engines, conversations: u64, open: u64) -> anyhow::Result<Desk> {
    let clock = Clock::System;
    let desk = Desk::new(&clock);
    let store = engines.open_log().await?;
    let events = desk.seed(&store, &clock, conversations, open).await?;
    let mut line = crate::progress::ProgressLine::start("events projected");
    engines.open_tables().await?.rebuild(&store, |progress| line.show(progress.events, events)).await?;
    line.finish(events);
    store.close().await;
    Ok(desk)
}

/// Sends webhooks at an even rate. Returns the times until each was acknowledged, and until the followed ones
/// were shown.
async fn run(server: &Arc<Server>, name: &'static str, count: u64) -> anyhow::Result<(Latencies, Latencies)> {
    let token = server.token(server.desk().agents[0], Role::Administrator)?;
    let mut ticks = tokio::time::interval(Duration::from_micros(1_000_000 / A_SECOND));
    // A late tick does not change the average rate.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut sending = JoinSet::new();
    for number in 0..count {
        ticks.tick().await;
        let (server, token) = (Arc::clone(server), token.clone());
        sending.spawn(async move {
            let customer = customer(name, number);
            let words = format!("{name} {number}.");
            let began = Instant::now();
            server.customer_writes(customer, &format!("wamid.{name}.{number}"), &words).await?;
            let acknowledged = began.elapsed();
            if !number.is_multiple_of(WATCHED) {
                return anyhow::Ok((acknowledged, None));
            }
            wait_until_visible(&server, &token, customer, &words).await?;
            Ok((acknowledged, Some(began.elapsed())))
        });
    }
    let (mut acknowledged, mut visible) = (Latencies::default(), Latencies::default());
    while let Some(sent) = sending.join_next().await {
        let (after, seen) = sent??;
        acknowledged.note(after);
        if let Some(after) = seen {
            visible.note(after);
        }
    }
    Ok((acknowledged, visible))
}

fn customer(name: &str, number: u64) -> u64 {
    if number % 10 == 9 {
        KNOWN + number + if name == "warm" { 0 } else { 1_000_000 }
    } else {
        number % KNOWN
    }
}

/// How long a query is repeated without a pause. The shortest possible pause would be a third of the measured
/// time; but when the tables are behind, querying without a pause would keep them behind.
const EAGER: Duration = Duration::from_millis(20);

/// Queries until the conversation shows these words.
async fn wait_until_visible(server: &Server, token: &str, customer: u64, words: &str) -> anyhow::Result<()> {
    let path = format!("/v1/conversations/{}", server.desk().conversation(customer));
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(10) {
        if server.find(&path, token).await?.is_some_and(|body| body.contains(words)) {
            return Ok(());
        }
        match began.elapsed() < EAGER {
            true => tokio::task::yield_now().await,
            false => tokio::time::sleep(Duration::from_millis(2)).await,
        }
    }
    bail!("a message was not in the inbox after ten seconds")
}
