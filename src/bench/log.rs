//! Appending to the event log and reading it.

use super::table::Table;
use super::{control, median};
use event_schemas::{
    AccountId, Actor, ChannelId, Clock, ConversationId, Metadata, NewEvent, StreamId, Version,
};
use event_store::{EventStore, Expected, Filter, SqliteStore};
use futures::TryStreamExt;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// An event's bytes: its metadata and its data together.
const BYTES: usize = 430;

/// Callers, events that a round appends, and the required ratio to the control's rate.
const CALLERS: [(usize, usize, f64); 3] = [(1, 4_000, 0.85), (64, 32_000, 8.0), (256, 51_200, 10.0)];
const CONTROL_EVENTS: usize = 4_000;

pub async fn measure(folder: &Path, rounds: usize, table: &mut Table) -> anyhow::Result<()> {
    let path = folder.join("log.db");
    let store = SqliteStore::open(&path, Clock::System).await?;
    let mut plain = control::open(&folder.join("log-control.db")).await?;
    appending(&store, &mut plain, rounds, table).await?;
    reading(&store, &path, rounds, table).await?;
    store.close().await;
    Ok(())
}

async fn appending(
    store: &Arc<SqliteStore>,
    plain: &mut SqliteConnection,
    rounds: usize,
    table: &mut Table,
) -> anyhow::Result<()> {
    let mut controls = Vec::new();
    let mut ours = vec![Vec::new(); CALLERS.len()];
    let mut ratios = vec![Vec::new(); CALLERS.len()];
    // Files that still grow are slower to flush, so the first round of both is not counted.
    run_control(plain, CONTROL_EVENTS).await?;
    durably(store, 64, CONTROL_EVENTS / 64).await?;
    for round in 0..rounds {
        for (index, (callers, events, _)) in CALLERS.into_iter().enumerate() {
            eprintln!("appending, round {} of {rounds}: {callers} callers", round + 1);
            let control = run_control(plain, CONTROL_EVENTS).await?;
            let rate = durably(store, callers, events / callers).await?;
            controls.push(control);
            ours[index].push(rate);
            ratios[index].push(rate / control);
        }
    }
    for (index, (callers, _, required)) in CALLERS.into_iter().enumerate() {
        let what = format!("durable appends, versions checked, {callers} callers");
        let (ours, ratio) = (median(ours[index].clone()), median(ratios[index].clone()));
        table.times(&what, "/s", ours, median(controls.clone()), ratio, required);
    }
    Ok(())
}

/// The control's events a second.
async fn run_control(connection: &mut SqliteConnection, events: usize) -> anyhow::Result<f64> {
    let clock = Clock::System;
    let stream = StreamId::conversation(ConversationId(clock.fresh_id()));
    let began = Instant::now();
    for version in 0..events {
        control::append(connection, &stream, version as u64, &event(&clock)).await?;
    }
    Ok(events as f64 / began.elapsed().as_secs_f64())
}

/// The number of events of a conversation, after which its caller begins the next one.
pub const LENGTH: usize = 20;

/// The log's events a second: each caller waits for its answer before it appends again, at the version it
/// knows, to one conversation of its own after another.
pub async fn durably<S: EventStore>(store: &Arc<S>, callers: usize, each: usize) -> anyhow::Result<f64> {
    let began = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let store = Arc::clone(store);
            tokio::spawn(async move {
                let clock = Clock::System;
                let channel = ChannelId(clock.fresh_id());
                for turn in 0..each {
                    let ordinal = (turn / LENGTH) as u32;
                    let stream = StreamId::conversation(ConversationId::of(channel, "251911000000", ordinal));
                    let expected = match turn % LENGTH {
                        0 => Expected::NoStream,
                        said => Expected::Exact(Version(said as u64 - 1)),
                    };
                    store.append(&stream, expected, vec![event(&clock)]).await?;
                }
                anyhow::Ok(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    Ok((callers * each) as f64 / began.elapsed().as_secs_f64())
}

async fn reading(
    store: &Arc<SqliteStore>,
    path: &Path,
    rounds: usize,
    table: &mut Table,
) -> anyhow::Result<()> {
    let mut plain = SqliteConnectOptions::new().filename(path).disable_statement_logging().connect().await?;
    let (mut controls, mut ours, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        eprintln!("reading, round {} of {rounds}", round + 1);
        let control = select(&mut plain).await?;
        let rate = forward(&**store).await?;
        controls.push(control);
        ours.push(rate);
        ratios.push(rate / control);
    }
    let ratio = median(ratios);
    table.times("reading the log forward", "/s", median(ours), median(controls), ratio, 0.5);
    Ok(())
}

type PlainRow = (i64, Vec<u8>, String, i64, String, i64, i64, String, String);

async fn select(connection: &mut SqliteConnection) -> anyhow::Result<f64> {
    let began = Instant::now();
    let mut rows = sqlx::query_as::<_, PlainRow>(
        "select event.position, event.id, first.name, event.version, event.type, event.schema_version, \
         event.recorded_at, event.metadata, event.data \
         from event join event as first on first.position = event.stream order by event.position",
    )
    .fetch(connection);
    let mut count = 0;
    while rows.try_next().await?.is_some() {
        count += 1;
    }
    Ok(f64::from(count) / began.elapsed().as_secs_f64())
}

pub async fn forward(store: &impl EventStore) -> anyhow::Result<f64> {
    let began = Instant::now();
    let (mut after, mut count) = (None, 0);
    loop {
        let page = store.read_all(after, &Filter::all(), 1_000).await?;
        count += page.events.len();
        after = page.through;
        if page.at_end {
            return Ok(count as f64 / began.elapsed().as_secs_f64());
        }
    }
}

pub fn event(clock: &Clock) -> NewEvent {
    let metadata = Metadata {
        account_id: AccountId::from_u128(1),
        actor: Actor::contact(),
        correlation_id: clock.fresh_id(),
        causation_id: None,
        traceparent: None,
        request: None,
        credential: None,
        occurred_at: clock.now(),
    };
    // The approximate size of the encoded metadata.
    const METADATA: usize = 186;
    const FRAME: usize = r#"{"text":""}"#.len();
    let data = format!(r#"{{"text":"{:x<1$}"}}"#, "", BYTES - METADATA - FRAME);
    NewEvent { id: clock.event_id(), event_type: "MessageReceived".into(), schema_version: 1, metadata, data }
}
