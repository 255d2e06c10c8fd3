//! Reading ahead: the next messages are encoded while earlier ones wait for their acknowledgement.

use crate::end::End;
use crate::error::PublicationError;
use crate::message::Message;
use crate::settings::Settings;
use event_schemas::Recorded;
use event_store::{EventStore, Filter, Subscription};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

const PAGE: usize = 500;

/// Up to this many events are encoded in the reading task itself.
const SMALL: usize = 32;

type Pages = mpsc::Receiver<Result<Vec<Message>, PublicationError>>;

/// A task that reads and encodes a page or two ahead of the publisher, and ends with it.
pub(crate) struct ReadAhead {
    pages: Pages,
    _task: AbortOnDropHandle<()>,
}

impl ReadAhead {
    /// Starts reading after the end of the stream. No message is larger than `limit` bytes.
    pub fn start(store: &Arc<dyn EventStore>, end: End, settings: &Arc<Settings>, limit: usize) -> Self {
        let (sender, pages) = mpsc::channel(2);
        let mut subscription = Subscription::new(store.clone(), end.after, Filter::all(), PAGE);
        let settings = settings.clone();
        let task = tokio::spawn(async move {
            loop {
                let page = match subscription.next().await {
                    Ok(page) => encode(page.events, &settings, limit, end.lost_in_total).await,
                    Err(error) => Err(error.into()),
                };
                let failed = page.is_err();
                if sender.send(page).await.is_err() || failed {
                    return;
                }
            }
        });
        Self { pages, _task: AbortOnDropHandle::new(task) }
    }

    /// The next messages; waits until there are some. Cancel-safe.
    pub async fn next(&mut self) -> Result<Vec<Message>, PublicationError> {
        self.pages.recv().await.unwrap_or(Err(PublicationError::ReaderPanicked))
    }
}

/// Encodes events as messages. Many events are encoded on a blocking thread, so that requests do not wait.
async fn encode(
    events: Vec<Recorded>,
    settings: &Arc<Settings>,
    limit: usize,
    lost: u64,
) -> Result<Vec<Message>, PublicationError> {
    let small = events.len() <= SMALL;
    let settings = settings.clone();
    let make = move || events.iter().map(|event| Message::of(event, &settings, limit, lost)).collect();
    if small {
        return Ok(make());
    }
    tokio::task::spawn_blocking(make).await.map_err(|_| PublicationError::ReaderPanicked)
}
