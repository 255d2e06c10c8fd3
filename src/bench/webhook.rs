//! From the webhook to the inbox, a thousand times a second; and many webhooks of one contact at once.

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

/// So many webhooks are sent at once: a customer who sends an album, or whose messages the provider held back.
const AT_ONCE: u64 = 400;

/// So often they are sent.
const TIMES: u64 = 10;

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
    measure_at_once(&server, engines.are_postgres(), table).await?;
    drop(server);
    engines.remove().await
}

/// Webhooks of one contact, whose stream they all append to, and as many of different contacts for comparison. They take
/// turns.
async fn measure_at_once(server: &Arc<Server>, are_postgres: bool, table: &mut Table) -> anyhow::Result<()> {
    eprintln!("{AT_ONCE} webhooks at once, {TIMES} times of one contact and {TIMES} times of different ones");
    let (mut one, mut different) = (Latencies::default(), Latencies::default());
    // The first time opens connections and is not counted.
    at_once(server, "first", |number| number).await?;
    for time in 0..TIMES {
        different.merge(at_once(server, &format!("different {time}"), |number| number).await?);
        one.merge(at_once(server, &format!("one {time}"), |_| time).await?);
    }
    let engine = if are_postgres { "PostgreSQL: " } else { "" };
    let what = format!("{engine}{AT_ONCE} webhooks of one contact at once");
    eprintln!(
        "{what}: median {:.2} ms, of {AT_ONCE} contacts {:.2} ms",
        one.percentile(50),
        different.percentile(50)
    );
    table.at_most_beside(
        &format!("{what}: p99 (control: of {AT_ONCE} contacts)"),
        "ms",
        one.percentile(99),
        different.percentile(99),
        150.0,
    );
    Ok(())
}

/// Sends [`AT_ONCE`] webhooks and waits for all. Returns the times until each was acknowledged.
async fn at_once(
    server: &Arc<Server>,
    name: &str,
    customer_of: impl Fn(u64) -> u64,
) -> anyhow::Result<Latencies> {
    let mut sending = JoinSet::new();
    for number in 0..AT_ONCE {
        let (server, customer) = (Arc::clone(server), customer_of(number));
        let (id, words) = (format!("wamid.{name}.{number}"), format!("{name} {number}."));
        sending.spawn(async move {
            let began = Instant::now();
            server.customer_writes(customer, &id, &words).await?;
            anyhow::Ok(began.elapsed())
        });
    }
    let mut acknowledged = Latencies::default();
    while let Some(sent) = sending.join_next().await {
        acknowledged.note(sent??);
    }
    Ok(acknowledged)
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
