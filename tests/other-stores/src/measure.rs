//! The same shape of work for every store.

use anyhow::ensure;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How many events a stream has before its caller begins the next.
const LENGTH: u64 = 20;

/// How many events are read at a time where the store reads in pages.
pub const PAGE: i64 = 1_000;

/// An event's bytes: its metadata and its data together.
const BYTES: usize = 430;

/// An event, whatever the store makes of it.
pub struct Said {
    pub id: Uuid,
    /// JSON objects.
    pub metadata: String,
    pub data: String,
}

impl Said {
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

/// What is measured. Each caller has a clone of its own and waits for its answer.
pub trait Store: Clone + Send + Sync + Sized + 'static {
    /// Ready for so many callers, with as many connections.
    fn open(url: &str, callers: usize) -> impl Future<Output = anyhow::Result<Self>> + Send;

    /// Appends one event, which is refused unless the stream has `version` events and the last of them is
    /// at `last`. Answers where in the log the new one is, if the store wants to know that the next time.
    fn append(
        &mut self,
        stream: Uuid,
        version: u64,
        last: Option<u64>,
        said: Said,
    ) -> impl Future<Output = anyhow::Result<u64>> + Send;

    /// How many events the stream has, all of them read.
    fn load(&mut self, stream: Uuid) -> impl Future<Output = anyhow::Result<u64>> + Send;

    /// How many events there are, all of them read from the beginning on.
    fn catch_up(&mut self) -> impl Future<Output = anyhow::Result<u64>> + Send;
}

pub async fn measure<S: Store>(name: &str, url: &str, time: Duration) -> anyhow::Result<()> {
    let mut streams = Vec::new();
    // Files that still grow are slower to flush: the first tenth is for nothing.
    append::<S>(url, 64, time / 10, &mut streams).await?;
    for callers in [1, 16, 64] {
        let rate = append::<S>(url, callers, time, &mut streams).await?;
        println!("{name} append {callers} {rate:.0}");
    }
    ensure!(!streams.is_empty(), "no stream was finished: more seconds are needed");
    // On a worker: the main thread would be woken for whatever arrives there.
    let (loads, events) = tokio::spawn(read(S::open(url, 1).await?, streams, time)).await??;
    println!("{name} load 1 {loads:.0}");
    println!("{name} catch-up 1 {events:.0}");
    Ok(())
}

/// Streams a second, and events a second.
async fn read<S: Store>(mut store: S, streams: Vec<Uuid>, time: Duration) -> anyhow::Result<(f64, f64)> {
    let (began, mut loads) = (Instant::now(), 0);
    for stream in streams.iter().cycle() {
        let length = store.load(*stream).await?;
        ensure!(length == LENGTH, "stream {stream} has {length} events");
        loads += 1;
        if began.elapsed() >= time {
            break;
        }
    }
    let loads = f64::from(loads) / began.elapsed().as_secs_f64();
    let (began, mut events) = (Instant::now(), 0);
    while began.elapsed() < time {
        let all = store.catch_up().await?;
        ensure!(all >= streams.len() as u64 * LENGTH, "only {all} events were read");
        events += all;
    }
    Ok((loads, events as f64 / began.elapsed().as_secs_f64()))
}

/// Events a second. The streams that were finished are added.
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
        for version in 0..LENGTH {
            if Instant::now() >= until {
                return Ok((appended, finished));
            }
            last = Some(store.append(stream, version, last, Said::new()).await?);
            appended += 1;
        }
        finished.push(stream);
    }
}
