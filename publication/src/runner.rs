//! Connects and publishes, and starts again after every error, until it is stopped.

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

/// A connection that has lasted this long counts as recovered: the next error waits for the shortest pause first.
const RECOVERED_AFTER: Duration = Duration::from_secs(10);

/// Publishes the log to NATS JetStream.
pub struct Publication {
    store: Arc<dyn EventStore>,
    settings: Arc<Settings>,
    clock: Clock,
    progress: watch::Sender<Option<Progress>>,
    error: Arc<watch::Sender<Option<String>>>,
}

/// The state of the publication, for health checks.
#[derive(Clone)]
pub struct Health {
    error: Arc<watch::Sender<Option<String>>>,
}

impl Health {
    /// The current error as a sentence; `None` when the publication works.
    pub fn error(&self) -> Option<String> {
        self.error.borrow().clone()
    }
}

impl Publication {
    pub fn new(store: Arc<dyn EventStore>, settings: Settings, clock: Clock) -> Self {
        Self {
            store,
            settings: Arc::new(settings),
            clock,
            progress: watch::Sender::new(None),
            error: Arc::new(watch::Sender::new(None)),
        }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn store(&self) -> &Arc<dyn EventStore> {
        &self.store
    }

    pub fn health(&self) -> Health {
        Health { error: self.error.clone() }
    }

    /// The position of the last event that is published, as far as this instance knows.
    pub fn published(&self) -> Option<Position> {
        self.progress.borrow().and_then(|progress| progress.position)
    }

    /// Publishes until `stop` is cancelled. It may run again afterwards, for example when a lease is taken again.
    /// Two publications at once do no harm, but slow each other down.
    pub async fn run(&self, stop: CancellationToken) {
        let lag = Lag::new(self.store.clone(), self.clock.clone(), self.progress.subscribe());
        let _lag = AbortOnDropHandle::new(tokio::spawn(lag.report()));
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.publish_with_retries() => {}
        }
        self.error.send_replace(None);
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
            let changed = self.error.send_if_modified(|current| {
                let changed = current.as_ref() != Some(&sentence);
                *current = Some(sentence.clone());
                changed
            });
            match error {
                // Another publisher has published the event, which is not an error.
                PublicationError::Overtaken => {
                    metrics::counter!("verbatim_publication_refused_total").increment(1);
                    tracing::warn!(stream = %self.settings.stream.name, error = %sentence, "another publisher has published the event; publishing starts again");
                }
                _ if changed => {
                    tracing::warn!(error = %sentence, "publishing failed and is retried")
                }
                _ => tracing::debug!(error = %sentence, "publishing still fails"),
            }
            tokio::time::sleep(pauses.next().unwrap_or(LONGEST_PAUSE)).await;
        }
    }

    /// Publishes over one connection until an error.
    async fn publish(&self) -> Result<Infallible, PublicationError> {
        let mut connection = Connection::open(&self.settings).await?;
        let stream = stream::ensure(&connection.context, &self.settings.stream).await?;
        let end = end::find(&stream, &self.store).await?;
        let limit = message_limit(&connection, stream.cached_info().config.max_message_size);
        if self.error.send_replace(None).is_some() {
            tracing::info!("publishing has recovered");
        }
        let after = end.after.map(|position| position.to_string());
        tracing::info!(
            stream = %self.settings.stream.name, sequence = end.sequence, after = after.as_deref(),
            "publishing"
        );
        let reader = ReadAhead::start(&self.store, end, &self.settings, limit);
        Publisher::new(&mut connection, end, &self.progress).run(reader).await
    }
}

/// The largest message that both the server and the stream accept, in bytes.
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
