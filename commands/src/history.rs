//! The history of a conversation, from its stream.

use crate::Commands;
use crate::execute::LoadError;
use domain::history::PastEvent;
use event_schemas::{StreamId, Version};

/// The number of events that are read at once.
const PAGE: usize = 1_000;

impl Commands {
    /// The events of a conversation from a version on, oldest first.
    pub async fn history(&self, stream: &StreamId, from: Version) -> Result<Vec<PastEvent>, LoadError> {
        let (mut events, mut next) = (Vec::new(), from);
        loop {
            let page = self.store.read_stream(stream, next, PAGE).await;
            let page = page.map_err(|error| LoadError::of(stream, error))?;
            for recorded in &page {
                let damaged =
                    |source| LoadError::Damaged { stream: stream.to_string(), source: Box::new(source) };
                events.push(PastEvent::of(recorded).map_err(damaged)?);
            }
            match page.last() {
                Some(last) if page.len() == PAGE => next = last.version.next(),
                Some(_) | None => return Ok(events),
            }
        }
    }

    /// The event of a conversation at a version. `None` when it has none.
    pub async fn past_event(
        &self,
        stream: &StreamId,
        version: Version,
    ) -> Result<Option<PastEvent>, LoadError> {
        let page = self.store.read_stream(stream, version, 1).await;
        let page = page.map_err(|error| LoadError::of(stream, error))?;
        let damaged = |source| LoadError::Damaged { stream: stream.to_string(), source: Box::new(source) };
        page.first().map(PastEvent::of).transpose().map_err(damaged)
    }
}
