//! Appending to the event log and reading it on PostgreSQL.
//!
//! In the control each caller has a connection of its own and inserts its own rows with a version check, each in
//! a transaction by itself. It keeps no order that a reader could follow.

use super::engines::Engines;
use super::log::{LENGTH, durably, event, forward};
use super::median;
use super::table::Table;
use event_schemas::{ChannelId, Clock, ConversationId, NewEvent, StreamId, Version};
use event_store::{EventStore, Filter, PostgresStore, Subscription};
use futures::TryStreamExt;
use futures::future::try_join_all;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Callers, events that a round appends, callers of the control, and the required ratio to the control's rate.
/// With 16 callers the required rate is that of the fastest other store.
const CALLERS: [(usize, usize, usize, f64); 4] =
    [(1, 3_000, 1, 0.8), (16, 12_800, 16, 0.76), (64, 32_000, 64, 2.2), (256, 51_200, 64, 3.0)];

const CONTROLS: [(usize, usize); 3] = [(1, 3_000), (16, 9_600), (64, 12_800)];

pub async fn measure(url: &str, folder: &Path, rounds: usize, table: &mut Table) -> anyhow::Result<()> {
    let engines = Engines::new(folder, Some(url)).await?;
    let [(_, url), _] = engines.urls();
    let store = PostgresStore::open(url, Clock::System).await?;
    let other = PostgresStore::open(url, Clock::System).await?;
    let mut plain: PgConnection = connect(url).await?;
    sqlx::raw_sql(
        "create schema verbatim_bench; \
         create table verbatim_bench.event (position bigint generated always as identity primary key, \
         id uuid not null unique, stream text not null, version bigint not null, type text not null, \
         metadata text not null, data text not null, unique (stream, version))",
    )
    .execute(&mut plain)
    .await?;
    appending(&store, &other, url, rounds, table).await?;
    // On a worker thread, as in a service: the main thread would be woken for every event of the runtime.
    let read = tokio::spawn(reading(Arc::clone(&store), plain, rounds)).await??;
    read.report(table);
    store.close().await;
    other.close().await;
    engines.remove().await
}

async fn connect(url: &str) -> anyhow::Result<PgConnection> {
    Ok(url.parse::<PgConnectOptions>()?.disable_statement_logging().connect().await?)
}

async fn appending(
    store: &Arc<PostgresStore>,
    other: &Arc<PostgresStore>,
    url: &str,
    rounds: usize,
    table: &mut Table,
) -> anyhow::Result<()> {
    let mut lines = try_join_all((0..64).map(|_| connect(url))).await?;
    let mut controls = vec![Vec::new(); CONTROLS.len()];
    let mut ours = vec![Vec::new(); CALLERS.len()];
    let mut ratios = vec![Vec::new(); CALLERS.len()];
    let (mut two, mut two_to_one) = (Vec::new(), Vec::new());
    // Files that still grow are slower to flush, so the first round of both is not counted.
    run_control(&mut lines, 64, 200).await?;
    durably(store, 64, 200).await?;
    for round in 0..rounds {
        eprintln!("appending, round {} of {rounds}", round + 1);
        for (index, (callers, events)) in CONTROLS.into_iter().enumerate() {
            controls[index].push(run_control(&mut lines, callers, events / callers).await?);
        }
        for (index, (callers, events, beside, _)) in CALLERS.into_iter().enumerate() {
            let rate = durably(store, callers, events / callers).await?;
            let control = CONTROLS.iter().position(|(callers, _)| *callers == beside);
            let control = control.and_then(|at| controls[at].last()).copied().unwrap_or(f64::NAN);
            ours[index].push(rate);
            ratios[index].push(rate / control);
        }
        let one = ours[2].last().copied().unwrap_or(f64::NAN);
        let began = Instant::now();
        tokio::try_join!(durably(store, 64, 500), durably(other, 64, 500))?;
        let both = 64_000.0 / began.elapsed().as_secs_f64();
        two.push(both);
        two_to_one.push(both / one);
    }
    for (index, (callers, _, beside, required)) in CALLERS.into_iter().enumerate() {
        let control = CONTROLS.iter().position(|(callers, _)| *callers == beside).unwrap_or_default();
        let what = format!("PostgreSQL: appends in one order, {callers} callers (control: {beside})");
        let (ours, ratio) = (median(ours[index].clone()), median(ratios[index].clone()));
        table.times(&what, "/s", ours, median(controls[control].clone()), ratio, required);
    }
    let one = median(ours[2].clone());
    let what = "PostgreSQL: two nodes at once, 64 callers each (control: one node, 64)";
    table.times(what, "/s", median(two), one, median(two_to_one), 1.0);
    Ok(())
}

/// The control's events a second.
async fn run_control(connections: &mut [PgConnection], callers: usize, each: usize) -> anyhow::Result<f64> {
    let began = Instant::now();
    try_join_all(connections.iter_mut().take(callers).map(|connection| run_one_control(connection, each)))
        .await?;
    Ok((callers * each) as f64 / began.elapsed().as_secs_f64())
}

async fn run_one_control(connection: &mut PgConnection, each: usize) -> anyhow::Result<()> {
    let clock = Clock::System;
    let channel = ChannelId(clock.fresh_id());
    for turn in 0..each {
        let ordinal = (turn / LENGTH) as u32;
        let stream = StreamId::conversation(ConversationId::of(channel, "251911000000", ordinal));
        insert(connection, &stream, (turn % LENGTH) as i64, &event(&clock)).await?;
    }
    Ok(())
}

async fn insert(
    line: &mut PgConnection,
    stream: &StreamId,
    version: i64,
    event: &NewEvent,
) -> anyhow::Result<()> {
    let inserted = sqlx::query(
        "insert into verbatim_bench.event (id, stream, version, type, metadata, data) \
         select $1, $2, $3, $4, $5, $6 where $3 = 1 + coalesce((select max(version) \
         from verbatim_bench.event where stream = $2), -1)",
    )
    .bind(event.id.0)
    .bind(stream.as_str())
    .bind(version)
    .bind(&*event.event_type)
    .bind(serde_json::to_string(&event.metadata)?)
    .bind(&event.data)
    .execute(line)
    .await?;
    anyhow::ensure!(inserted.rows_affected() == 1, "{stream} is not at {version}");
    Ok(())
}

/// Events and whole streams that a round read in a second.
#[derive(Default)]
struct Read {
    selected: Vec<f64>,
    forward: Vec<f64>,
    caught_up: Vec<f64>,
    plain_streams: Vec<f64>,
    streams: Vec<f64>,
}

async fn reading(store: Arc<PostgresStore>, mut plain: PgConnection, rounds: usize) -> anyhow::Result<Read> {
    let names = store.read_all(None, &Filter::all(), 20_000).await?.events;
    let mut names: Vec<_> = names.into_iter().map(|event| event.stream).collect();
    names.sort();
    names.dedup();
    let mut read = Read::default();
    for round in 0..rounds {
        eprintln!("reading, round {} of {rounds}", round + 1);
        read.selected.push(select_all(&mut plain).await?);
        read.forward.push(forward(&*store).await?);
        read.caught_up.push(catch_up(&store).await?);
        read.plain_streams.push(select_streams(&mut plain, &names).await?);
        read.streams.push(load_streams(&store, &names).await?);
    }
    plain.close().await?;
    Ok(read)
}

impl Read {
    fn report(self, table: &mut Table) {
        let (control, forward) = (median(self.selected), median(self.forward));
        let mut add =
            |what: &str, unit, ours, control| table.times(what, unit, ours, control, ours / control, 0.0);
        add("PostgreSQL: reading the log forward (control: one select)", "/s", forward, control);
        let caught_up = median(self.caught_up);
        add("PostgreSQL: catching up by subscription (control: one select)", "/s", caught_up, control);
        let (control, streams) = (median(self.plain_streams), median(self.streams));
        add("PostgreSQL: loading streams (control: a select each)", "streams/s", streams, control);
        table.at_least("PostgreSQL: reading the log forward", "/s", forward, 150_000.0);
    }
}

type PlainRow = (i64, sqlx::types::Uuid, String, i64, String, i32, i64, String, String);

const COLUMNS: &str = "select position, id, name, version, type, schema_version, recorded_at, metadata, data \
                       from verbatim_log.event order by position";

/// How long a short operation is repeated.
const WHILE: Duration = Duration::from_secs(1);

async fn select_all(plain: &mut PgConnection) -> anyhow::Result<f64> {
    let (began, mut count) = (Instant::now(), 0);
    while began.elapsed() < WHILE {
        let mut rows = sqlx::query_as::<_, PlainRow>(COLUMNS).fetch(&mut *plain);
        while rows.try_next().await?.is_some() {
            count += 1;
        }
    }
    Ok(f64::from(count) / began.elapsed().as_secs_f64())
}

/// Reads in pages of the size that the projections read.
async fn catch_up(store: &Arc<PostgresStore>) -> anyhow::Result<f64> {
    let end = store.end().await?;
    let (began, mut count) = (Instant::now(), 0);
    while began.elapsed() < WHILE {
        let log: Arc<dyn EventStore> = Arc::clone(store) as _;
        let mut subscription = Subscription::new(log, None, Filter::all(), follower::runner::PAGE);
        while subscription.after() < end {
            count += subscription.next().await?.events.len();
        }
    }
    Ok(count as f64 / began.elapsed().as_secs_f64())
}

async fn select_streams(plain: &mut PgConnection, names: &[StreamId]) -> anyhow::Result<f64> {
    let began = Instant::now();
    for name in names {
        let rows: Vec<PlainRow> = sqlx::query_as(
            "select position, id, name, version, type, schema_version, recorded_at, metadata, data \
             from verbatim_log.event where stream = (select stream from verbatim_log.event \
             where name = $1 and version = 0) order by version",
        )
        .bind(name.as_str())
        .fetch_all(&mut *plain)
        .await?;
        anyhow::ensure!(!rows.is_empty(), "{name} is gone");
    }
    Ok(names.len() as f64 / began.elapsed().as_secs_f64())
}

async fn load_streams(store: &Arc<PostgresStore>, names: &[StreamId]) -> anyhow::Result<f64> {
    let began = Instant::now();
    for name in names {
        anyhow::ensure!(!store.read_stream(name, Version::FIRST, 1_000).await?.is_empty(), "{name} is gone");
    }
    Ok(names.len() as f64 / began.elapsed().as_secs_f64())
}
