//! The measurements, the same for every store.

use anyhow::ensure;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How many events a stream gets before its caller begins the next one.
const STREAM_LENGTH: u64 = 20;

/// How many events are read at a time, by the stores that read in pages.
pub const PAGE: i64 = 1_000;

/// The size of an event in bytes, metadata and data together.
const BYTES: usize = 430;

/// An event to append, which each store encodes in its own way.
pub struct SampleEvent {
    pub id: Uuid,
    /// A JSON object.
    pub metadata: String,
    /// A JSON object.
    pub data: String,
}

impl SampleEvent {
    pub const TYPE: &str = "MessageReceived";

    fn new() -> Self {
        let metadata = format!(
            r#"{{"account_id":"{}","actor":"contact","correlation_id":"{}","occurred_at":"2026-11-21T09:30:00.123456Z"}}"#,
            Uuid::from_u128(1),
            Uuid::now_v7(),
        );
        let frame = r#"{"text":""}"#.len();
        let data = format!(r#"{{"text":"{:x<1$}"}}"#, "", BYTES - metadata.len() - frame);
        Self { id: Uuid::now_v7(), metadata, data }
    }
}

/// A store to measure. Each caller has its own clone and waits for each answer.
pub trait Store: Clone + Send + Sync + Sized + 'static {
    /// Opens the store for this many callers, with as many connections.
    fn open(url: &str, callers: usize) -> impl Future<Output = anyhow::Result<Self>> + Send;

    /// Appends one event, which the store refuses unless the stream has `version` events and the last of them is at
    /// the position `last`. Returns the new event's position, for stores that need it at the next append.
    fn append(
        &mut self,
        stream: Uuid,
        version: u64,
        last: Option<u64>,
        sample: SampleEvent,
    ) -> impl Future<Output = anyhow::Result<u64>> + Send;

    /// Reads all events of the stream and returns their number.
    fn load(&mut self, stream: Uuid) -> impl Future<Output = anyhow::Result<u64>> + Send;

    /// Reads all events of the store from the beginning and returns their number.
    fn catch_up(&mut self) -> impl Future<Output = anyhow::Result<u64>> + Send;
}

pub async fn measure<S: Store>(name: &str, url: &str, time: Duration) -> anyhow::Result<()> {
    let mut streams = Vec::new();
    // Files that still grow are slower to flush: the first tenth of the time is not measured.
    append::<S>(url, 64, time / 10, &mut streams).await?;
    for callers in [1, 16, 64] {
        let rate = append::<S>(url, callers, time, &mut streams).await?;
        println!("{name} append {callers} {rate:.0}");
    }
    ensure!(!streams.is_empty(), "no stream was finished: more seconds are needed");
    // On a worker thread, because the main thread would be woken for every arriving packet.
    let (loads, events) = tokio::spawn(read(S::open(url, 1).await?, streams, time)).await??;
    println!("{name} load 1 {loads:.0}");
    println!("{name} catch-up 1 {events:.0}");
    Ok(())
}

/// Streams loaded per second, and events read per second.
async fn read<S: Store>(mut store: S, streams: Vec<Uuid>, time: Duration) -> anyhow::Result<(f64, f64)> {
    let (began, mut loads) = (Instant::now(), 0);
    for stream in streams.iter().cycle() {
        let length = store.load(*stream).await?;
        ensure!(length == STREAM_LENGTH, "stream {stream} has {length} events");
        loads += 1;
        if began.elapsed() >= time {
            break;
        }
    }
    let loads = f64::from(loads) / began.elapsed().as_secs_f64();
    let (began, mut events) = (Instant::now(), 0);
    while began.elapsed() < time {
        let all = store.catch_up().await?;
        ensure!(all >= streams.len() as u64 * STREAM_LENGTH, "only {all} events were read");
        events += all;
    }
    Ok((loads, events as f64 / began.elapsed().as_secs_f64()))
}

/// Events appended per second. Finished streams are added to `streams`.
async fn append<S: Store>(
    url: &str,
    callers: usize,
    time: Duration,
    streams: &mut Vec<Uuid>,
) -> anyhow::Result<f64> {
    let store = S::open(url, callers).await?;
    let began = Instant::now();
    let tasks: Vec<_> = (0..callers).map(|_| tokio::spawn(one_caller(store.clone(), began + time))).collect();
    let mut appended = 0;
    for task in tasks {
        let (count, finished) = task.await??;
        appended += count;
        streams.extend(finished);
    }
    Ok(appended as f64 / began.elapsed().as_secs_f64())
}

async fn one_caller<S: Store>(mut store: S, until: Instant) -> anyhow::Result<(u64, Vec<Uuid>)> {
    let (mut appended, mut finished) = (0, Vec::new());
    loop {
        let (stream, mut last) = (Uuid::now_v7(), None);
        for version in 0..STREAM_LENGTH {
            if Instant::now() >= until {
                return Ok((appended, finished));
            }
            last = Some(store.append(stream, version, last, SampleEvent::new()).await?);
            appended += 1;
        }
        finished.push(stream);
    }
}
