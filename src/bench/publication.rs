//! Publishing to NATS JetStream: the rate from behind, and the delay at the end of the log.

use super::latencies::Latencies;
use super::median;
use super::seed::Desk;
use super::table::Table;
use anyhow::{Context as _, ensure};
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::jetstream::stream::{Config, StorageType};
use async_nats::jetstream::{self, Context};
use bytes::Bytes;
use event_schemas::{
    AccountId, Actor, Clock, CloudEvent, ConversationId, EventId, Metadata, NewEvent, StreamId,
};
use event_store::{EventStore, Expected, Filter};
use futures::StreamExt;
use publication::{Publication, Settings, StreamSettings};
use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

const CONVERSATIONS: u64 = 12_000;

/// The number of the control's messages that wait for their acknowledgement at once, which is the same as ours.
const WINDOW: usize = 1_000;

const A_SECOND: u64 = 200;
const SECONDS: u64 = 20;

const STREAM: &str = "VERBATIM_BENCH";
const CONTROL: &str = "VERBATIM_BENCH_CONTROL";

/// The longest acceptable delay.
const TIME_LIMIT: Duration = Duration::from_secs(300);

const HOST: &str = "http://127.0.0.1:8080";

pub async fn measure(url: &str, folder: &Path, rounds: usize, table: &mut Table) -> anyhow::Result<()> {
    let clock = Clock::System;
    let nats = Nats { context: jetstream::new(async_nats::connect(url).await?), url: url.to_owned() };
    nats.clear().await;
    let measured = async {
        let past = log(&folder.join("past.db"), &clock).await?;
        let events = Desk::new(&clock).seed(&past, &clock, CONVERSATIONS, CONVERSATIONS / 10).await?;
        behind(&nats, &past, events, rounds, table).await?;
        past.close().await;
        let present = log(&folder.join("present.db"), &clock).await?;
        live(&nats, &present, table).await?;
        present.close().await;
        anyhow::Ok(())
    };
    let measured = measured.await;
    nats.clear().await;
    measured
}

struct Nats {
    context: Context,
    url: String,
}

impl Nats {
    /// Removes the streams of an earlier run and of this one.
    async fn clear(&self) {
        for stream in [STREAM, CONTROL] {
            if let Err(error) = self.context.delete_stream(stream).await {
                tracing::debug!(%error, stream, "there was nothing to delete");
            }
        }
    }

    fn publication(&self, store: &Arc<dyn EventStore>) -> anyhow::Result<Publication> {
        let stream = StreamSettings { name: STREAM.to_owned(), ..StreamSettings::default() };
        Ok(Publication::new(store.clone(), Settings::new(&self.url, stream, HOST)?, Clock::System))
    }
}

async fn log(path: &Path, clock: &Clock) -> anyhow::Result<Arc<dyn EventStore>> {
    Ok(event_store::open(&format!("sqlite:{}", path.display()), clock.clone()).await?)
}

async fn behind(
    nats: &Nats,
    store: &Arc<dyn EventStore>,
    events: u64,
    rounds: usize,
    table: &mut Table,
) -> anyhow::Result<()> {
    let payloads = documents(store).await?;
    let (mut controls, mut ours, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        eprintln!("publishing {events} events, round {} of {rounds}", round + 1);
        let control = run_control(nats, &payloads).await?;
        nats.clear().await;
        let rate = published(nats, store, events).await?;
        nats.clear().await;
        controls.push(control);
        ours.push(rate);
        ratios.push(rate / control);
    }
    let what = "publication to JetStream from behind";
    table.times(what, "/s", median(ours.clone()), median(controls), median(ratios), 0.0);
    table.at_least("the same", "/s", median(ours), 20_000.0);
    Ok(())
}

async fn documents(store: &Arc<dyn EventStore>) -> anyhow::Result<Vec<Bytes>> {
    let (mut after, mut documents) = (None, Vec::new());
    loop {
        let page = store.read_all(after, &Filter::all(), 1_000).await?;
        for event in &page.events {
            documents.push(serde_json::to_vec(&CloudEvent::of(event, HOST))?.into());
        }
        after = page.through;
        if page.at_end {
            return Ok(documents);
        }
    }
}

/// The control's messages a second: the same bytes, without an expected sequence and without deduplication.
async fn run_control(nats: &Nats, payloads: &[Bytes]) -> anyhow::Result<f64> {
    let config = Config {
        name: CONTROL.to_owned(),
        subjects: vec!["verbatim-bench".to_owned()],
        storage: StorageType::File,
        ..Config::default()
    };
    nats.context.create_stream(config).await?;
    let began = Instant::now();
    let mut under_way = VecDeque::new();
    for payload in payloads {
        if under_way.len() == WINDOW
            && let Some(oldest) = under_way.pop_front()
        {
            IntoFuture::into_future(oldest).await?;
        }
        under_way.push_back(nats.context.publish("verbatim-bench", payload.clone()).await?);
    }
    for rest in under_way {
        rest.await?;
    }
    Ok(payloads.len() as f64 / began.elapsed().as_secs_f64())
}

/// The publication's events a second, connecting included.
async fn published(nats: &Nats, store: &Arc<dyn EventStore>, events: u64) -> anyhow::Result<f64> {
    let publication = nats.publication(store)?;
    let (end, stop) = (store.end().await?, CancellationToken::new());
    let began = Instant::now();
    let reached = async {
        while publication.published() != end {
            ensure!(began.elapsed() < TIME_LIMIT, "not published: {:?}", publication.health().error());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let rate = events as f64 / began.elapsed().as_secs_f64();
        stop.cancel();
        anyhow::Ok(rate)
    };
    let ((), rate) = tokio::join!(publication.run(stop.clone()), reached);
    rate
}

async fn live(nats: &Nats, store: &Arc<dyn EventStore>, table: &mut Table) -> anyhow::Result<()> {
    let (publication, stop) = (nats.publication(store)?, CancellationToken::new());
    let publishing = {
        let stop = stop.clone();
        tokio::spawn(async move { publication.run(stop).await })
    };
    let measured = latencies(nats, store).await;
    stop.cancel();
    publishing.await?;
    let took = measured?;
    let what = format!("from append to a JetStream consumer, {A_SECOND}/s");
    table.at_most(&format!("{what}: median"), "ms", took.percentile(50), 50.0);
    table.at_most(&format!("{what}: p99"), "ms", took.percentile(99), 50.0);
    Ok(())
}

async fn latencies(nats: &Nats, store: &Arc<dyn EventStore>) -> anyhow::Result<Latencies> {
    let began = Instant::now();
    let stream = loop {
        match nats.context.get_stream(STREAM).await {
            Ok(stream) => break stream,
            Err(error) => ensure!(began.elapsed() < TIME_LIMIT, "there is no stream: {error}"),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    let config = pull::Config {
        ack_policy: AckPolicy::None,
        deliver_policy: DeliverPolicy::All,
        ..pull::Config::default()
    };
    let mut messages = stream.create_consumer(config).await?.messages().await?;
    // The first second fills connections and caches and is not counted.
    let (warm, count) = (A_SECOND, A_SECOND * SECONDS);
    eprintln!("{A_SECOND} events a second for {SECONDS} seconds");
    let store = store.clone();
    let appending = tokio::spawn(async move { append(&store, warm + count).await });
    let mut received = Vec::new();
    while received.len() < (warm + count) as usize {
        let message =
            tokio::time::timeout(TIME_LIMIT, messages.next()).await?.context("no more messages")??;
        let now = Instant::now();
        let headers = message.headers.as_ref().context("a message without headers")?;
        let id = headers.get(async_nats::header::NATS_MESSAGE_ID).context("a message without an id")?;
        received.push((id.as_str().parse::<EventId>()?, now));
    }
    let appended = appending.await??;
    let mut took = Latencies::default();
    for (number, ((received, at), (id, began))) in received.iter().zip(&appended).enumerate() {
        ensure!(received == id, "message {number} is another event than the one that was appended");
        if number as u64 >= warm {
            took.note(at.duration_since(*began));
        }
    }
    Ok(took)
}

/// Appends events at an even rate. Returns their ids, and when each append began.
async fn append(store: &Arc<dyn EventStore>, count: u64) -> anyhow::Result<Vec<(EventId, Instant)>> {
    let clock = Clock::System;
    let mut ticks = tokio::time::interval(Duration::from_micros(1_000_000 / A_SECOND));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut appended = Vec::new();
    for number in 0..count {
        ticks.tick().await;
        let stream = StreamId::conversation(ConversationId::from_u128(u128::from(number % 500)));
        let event = message(&clock, number);
        let (id, began) = (event.id, Instant::now());
        store.append(&stream, Expected::Any, vec![event]).await?;
        appended.push((id, began));
    }
    Ok(appended)
}

fn message(clock: &Clock, number: u64) -> NewEvent {
    NewEvent {
        id: clock.event_id(),
        event_type: "MessageReceived".into(),
        schema_version: 1,
        metadata: Metadata {
            account_id: AccountId::from_u128(1),
            actor: Actor::contact(),
            correlation_id: clock.fresh_id(),
            causation_id: None,
            traceparent: None,
            request: None,
            credential: None,
            occurred_at: clock.now(),
        },
        data: format!(
            r#"{{"text":"Hello, my order {number} has not arrived yet. Where is it? {:x<150}"}}"#,
            ""
        ),
    }
}
