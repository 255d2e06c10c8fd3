//! Connects, publishes, and begins again after whatever came between, until told to stop.

use crate::connection::Connection;
use crate::error::{PublicationError, error_chain};
use crate::lag::{Lag, Progress};
use crate::publisher::Publisher;
use crate::read_ahead::ReadAhead;
use crate::settings::Settings;
use crate::{end, stream};
use backon::{BackoffBuilder, ExponentialBuilder};
use event_schemas::{Clock, Position};
use event_store::EventStore;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// Whose turn is long enough has recovered: the next trouble is waited out from the shortest pause on.
const RECOVERED_AFTER: Duration = Duration::from_secs(10);

/// Publishes the log to NATS JetStream.
pub struct Publication {
    store: Arc<dyn EventStore>,
    settings: Arc<Settings>,
    clock: Clock,
    progress: watch::Sender<Option<Progress>>,
    trouble: Arc<watch::Sender<Option<String>>>,
}

/// How the publication is, for health checks.
#[derive(Clone)]
pub struct Health {
    trouble: Arc<watch::Sender<Option<String>>>,
}

impl Health {
    /// What is the matter, in a sentence.
    pub fn trouble(&self) -> Option<String> {
        self.trouble.borrow().clone()
    }
}

impl Publication {
    pub fn new(store: Arc<dyn EventStore>, settings: Settings, clock: Clock) -> Self {
        Self {
            store,
            settings: Arc::new(settings),
            clock,
            progress: watch::Sender::new(None),
            trouble: Arc::new(watch::Sender::new(None)),
        }
    }

    pub fn health(&self) -> Health {
        Health { trouble: self.trouble.clone() }
    }

    /// The place in the log that is published, as far as this instance knows.
    pub fn published(&self) -> Option<Position> {
        self.progress.borrow().and_then(|progress| progress.position)
    }

    /// Publishes until told to stop. It may run again afterwards, as whoever holds a lease for a while does;
    /// two that run at once do no harm, but get in each other's way.
    pub async fn run(&self, stop: CancellationToken) {
        let lag = Lag::new(self.store.clone(), self.clock.clone(), self.progress.subscribe());
        let _lag = AbortOnDropHandle::new(tokio::spawn(lag.report()));
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.publish_with_retries() => {}
        }
        self.trouble.send_replace(None);
    }

    async fn publish_with_retries(&self) {
        let mut pauses = pauses();
        loop {
            let began = Instant::now();
            let Err(error) = self.publish().await;
            if began.elapsed() > RECOVERED_AFTER {
                pauses = self::pauses();
            }
            let sentence = error_chain(&error);
            let changed = self.trouble.send_if_modified(|shown| {
                let changed = shown.as_ref() != Some(&sentence);
                *shown = Some(sentence.clone());
                changed
            });
            match error {
                // The other has published it: nothing is wrong yet.
                PublicationError::Overtaken => {
                    metrics::counter!("verbatim_publication_refused_total").increment(1);
                    tracing::warn!(stream = %self.settings.stream.name, trouble = %sentence, "publishing is taken up again");
                }
                _ if changed => {
                    tracing::warn!(trouble = %sentence, "nothing is published; it is tried again")
                }
                _ => tracing::debug!(trouble = %sentence, "nothing is published still"),
            }
            tokio::time::sleep(pauses.next().unwrap_or(LONGEST_PAUSE)).await;
        }
    }

    /// One connection's time.
    async fn publish(&self) -> Result<Infallible, PublicationError> {
        let mut connection = Connection::open(&self.settings).await?;
        let stream = stream::ensure(&connection.context, &self.settings.stream).await?;
        let end = end::find(&stream, &self.store).await?;
        let limit = message_limit(&connection, stream.cached_info().config.max_message_size);
        if self.trouble.send_replace(None).is_some() {
            tracing::info!("NATS is back");
        }
        let after = end.after.map(|position| position.to_string());
        tracing::info!(
            stream = %self.settings.stream.name, sequence = end.sequence, after = after.as_deref(),
            "publishing"
        );
        let reader = ReadAhead::start(&self.store, end.after, &self.settings, limit);
        Publisher::new(&mut connection, end, &self.progress).run(reader).await
    }
}

/// What the server and the stream take at most, in bytes.
fn message_limit(connection: &Connection, stream: i32) -> usize {
    let server = connection.client.max_payload();
    match usize::try_from(stream) {
        Ok(stream) if stream > 0 => server.min(stream),
        Ok(_) | Err(_) => server,
    }
}

const LONGEST_PAUSE: Duration = Duration::from_secs(5);

fn pauses() -> impl Iterator<Item = Duration> + Send {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(50))
        .with_max_delay(LONGEST_PAUSE)
        .with_jitter()
        .without_max_times()
        .build()
}
