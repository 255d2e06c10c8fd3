//! Measures by how much the stream is behind the log, in events and in seconds, also while NATS is unavailable.

use crate::end::End;
use event_schemas::{Clock, Position};
use event_store::{EventStore, Filter, ReadError};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// The progress of the publication.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// The position after which the current connection began.
    pub start: Option<Position>,
    /// The position of the last acknowledged event.
    pub position: Option<Position>,
    /// The number of events that were published since the start.
    pub events: u64,
}

impl From<End> for Progress {
    fn from(end: End) -> Self {
        Self { start: end.after, position: end.after, events: 0 }
    }
}

const PAGE: usize = 1_000;
const PAUSE: Duration = Duration::from_secs(1);

/// Counts the events that are in the log and not yet in the stream.
pub(crate) struct Lag {
    store: Arc<dyn EventStore>,
    clock: Clock,
    progress: watch::Receiver<Option<Progress>>,
    start: Option<Position>,
    /// The position up to which the log was counted, and how many events it has from `start` to there.
    counted_to: Option<Position>,
    counted: u64,
}

impl Lag {
    pub fn new(
        store: Arc<dyn EventStore>,
        clock: Clock,
        progress: watch::Receiver<Option<Progress>>,
    ) -> Self {
        Self { store, clock, progress, start: None, counted_to: None, counted: 0 }
    }

    /// Sets the gauges every second, until it is dropped.
    pub async fn report(mut self) {
        loop {
            match self.measure().await {
                Ok(Some((events, seconds))) => {
                    metrics::gauge!("verbatim_publication_lag_events").set(events as f64);
                    metrics::gauge!("verbatim_publication_lag_seconds").set(seconds);
                }
                // The stream's end is not known before the first connection to NATS.
                Ok(None) => {}
                Err(error) => tracing::debug!(%error, "the publication's lag could not be counted"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn measure(&mut self) -> Result<Option<(u64, f64)>, ReadError> {
        let Some(progress) = *self.progress.borrow() else { return Ok(None) };
        let first = self.store.read_all(progress.position, &Filter::all(), 1).await?;
        let Some(oldest) = first.events.first() else {
            (self.start, self.counted_to, self.counted) =
                (progress.start, progress.position, progress.events);
            return Ok(Some((0, 0.0)));
        };
        let seconds = self.clock.now().since(oldest.recorded_at).as_secs_f64();
        if self.start != progress.start || self.counted < progress.events {
            (self.start, self.counted_to, self.counted) =
                (progress.start, progress.position, progress.events);
        }
        loop {
            let page = self.store.read_all(self.counted_to, &Filter::all(), PAGE).await?;
            self.counted += page.events.len() as u64;
            self.counted_to = page.through.or(self.counted_to);
            if page.at_end {
                return Ok(Some((self.counted.saturating_sub(progress.events), seconds)));
            }
            tokio::task::yield_now().await;
        }
    }
}
