//! Reads ahead: while messages wait for their acknowledgement the next are made ready.

use crate::error::PublicationError;
use crate::message::Message;
use crate::settings::Settings;
use event_schemas::{Position, Recorded};
use event_store::{EventStore, Filter, Subscription};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

const PAGE: usize = 500;

/// A page of fewer events is made ready where it is read.
const SMALL: usize = 32;

type Pages = mpsc::Receiver<Result<Vec<Message>, PublicationError>>;

/// A task that is a page or two ahead of the publisher, and ends with it.
pub(crate) struct ReadAhead {
    pages: Pages,
    _task: AbortOnDropHandle<()>,
}

impl ReadAhead {
    /// From after a place on; no message larger than `limit` bytes.
    pub fn start(
        store: &Arc<dyn EventStore>,
        after: Option<Position>,
        settings: &Arc<Settings>,
        limit: usize,
    ) -> Self {
        let (sender, pages) = mpsc::channel(2);
        let mut subscription = Subscription::new(store.clone(), after, Filter::all(), PAGE);
        let settings = settings.clone();
        let task = tokio::spawn(async move {
            loop {
                let page = match subscription.next().await {
                    Ok(page) => encode(page.events, &settings, limit).await,
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

    /// The next messages; waits until there are some. Safe to drop and call again.
    pub async fn next(&mut self) -> Result<Vec<Message>, PublicationError> {
        self.pages.recv().await.unwrap_or(Err(PublicationError::ReaderPanicked))
    }
}

/// Much at once is made ready off the event loop, so that requests do not wait for it.
async fn encode(
    events: Vec<Recorded>,
    settings: &Arc<Settings>,
    limit: usize,
) -> Result<Vec<Message>, PublicationError> {
    let small = events.len() <= SMALL;
    let settings = settings.clone();
    let make = move || events.iter().map(|event| Message::of(event, &settings, limit)).collect();
    if small {
        return Ok(make());
    }
    tokio::task::spawn_blocking(make).await.map_err(|_| PublicationError::ReaderPanicked)
}
