//! Decisions of callers who wait for their turn at the same stream, appended together.
//!
//! Each decides on the state after the decision before. They are in the log together or not at all, so that none of them
//! can stand on events that were not recorded; and none is answered before. What a hundred callers would append in a
//! hundred commits is one or two.

use crate::execute::{Aggregate, Versioned, remember};
use crate::turns::{Turn, Turns};
use event_schemas::{NewEvent, Position, StreamId, Version};
use event_store::{AppendError, EventStore, Expected, Unavailable};
use quick_cache::sync::Cache;
use std::sync::Arc;
use tokio::sync::watch;

/// The most events that are appended together. An engine takes 512.
const MOST_EVENTS: usize = 256;
/// The most bytes of their data. KurrentDB takes a megabyte.
const MOST_BYTES: usize = 256 * 1024;

/// Decisions that are not yet appended.
pub(crate) struct Joint<S> {
    expected: Expected,
    /// The state after all of them.
    pub last: Arc<Versioned<S>>,
    events: Vec<NewEvent>,
    bytes: usize,
    end: watch::Sender<Option<End>>,
}

/// How a joint append ended.
#[derive(Clone)]
pub(crate) enum End {
    /// At this position all its events are in the log.
    Appended(Position),
    /// Another process has appended to the stream meanwhile. Nothing was written.
    Conflict,
    /// Some of the events are in the log already. Nothing was written, and each caller finds out what is its own.
    PartlyRecorded,
    Unavailable(Arc<Unavailable>),
}

/// A caller's share in a joint append.
pub(crate) struct Share<S> {
    /// The state after the caller's decision, and its version.
    pub state: Arc<Versioned<S>>,
    pub version: Version,
    end: watch::Receiver<Option<End>>,
}

impl<S> Joint<S> {
    fn on(base: &Arc<Versioned<S>>) -> Self {
        Self {
            expected: base.version.map_or(Expected::NoStream, Expected::Exact),
            last: Arc::clone(base),
            events: Vec::new(),
            bytes: 0,
            end: watch::Sender::new(None),
        }
    }

    pub fn is_full(&self) -> bool {
        self.events.len() >= MOST_EVENTS || self.bytes >= MOST_BYTES
    }

    /// Adds a decision on the state after the others. `None` when it has an event that another one has: one of them is a
    /// repetition.
    fn add(&mut self, events: Vec<NewEvent>, state: S) -> Option<Share<S>> {
        let is_known = |event: &NewEvent| self.events.iter().any(|known| known.id == event.id);
        if events.iter().any(is_known) {
            return None;
        }
        let first = self.last.version.map_or(Version::FIRST, Version::next);
        let version = Version(first.0 + events.len() as u64 - 1);
        self.bytes += events.iter().map(|event| event.data.len()).sum::<usize>();
        self.events.extend(events);
        self.last = Arc::new(Versioned { state, version: Some(version) });
        Some(Share { state: Arc::clone(&self.last), version, end: self.end.subscribe() })
    }
}

impl<S> Share<S> {
    pub async fn end(mut self) -> End {
        match self.end.wait_for(Option::is_some).await.map(|end| end.clone()) {
            Ok(Some(end)) => end,
            Ok(None) | Err(_) => End::Unavailable(Arc::new(Unavailable::because(
                "the append was given up; its outcome is unknown",
            ))),
        }
    }
}

/// Appends what callers have decided together.
pub(crate) struct JointAppends<S> {
    pub store: Arc<dyn EventStore>,
    pub turns: Turns<Option<Joint<S>>>,
    pub folds: Arc<Cache<StreamId, Arc<Versioned<S>>>>,
}

impl<S> Clone for JointAppends<S> {
    fn clone(&self) -> Self {
        Self { store: Arc::clone(&self.store), turns: self.turns.clone(), folds: Arc::clone(&self.folds) }
    }
}

impl<S: Aggregate> JointAppends<S> {
    /// Adds a decision to those that wait. The first one lets the callers who wait at present add theirs, and is then
    /// appended by a task of its own, which goes on when a caller goes away.
    pub fn join(
        &self,
        turn: &mut Turn<Option<Joint<S>>>,
        stream: &StreamId,
        base: &Arc<Versioned<S>>,
        events: Vec<NewEvent>,
        state: S,
    ) -> Option<Share<S>> {
        let is_first = turn.is_none();
        let share = turn.get_or_insert_with(|| Joint::on(base)).add(events, state);
        if is_first {
            let (appends, stream) = (self.clone(), stream.clone());
            let next = self.turns.caller(&stream);
            tokio::spawn(async move {
                let mut turn = next.turn().await;
                if let Some(joint) = turn.take() {
                    appends.append(&stream, joint).await;
                }
            });
        }
        share
    }

    /// Appends the decisions that wait, before the caller of this turn decides. Returns whether there were any. It
    /// goes on when the caller goes away.
    pub async fn append_waiting(&self, turn: &mut Turn<Option<Joint<S>>>, stream: &StreamId) -> bool {
        let Some(joint) = turn.take() else { return false };
        let (appends, stream) = (self.clone(), stream.clone());
        let appended = tokio::spawn(async move { appends.append(&stream, joint).await });
        // The callers see that it ended without a result.
        let _panicked = appended.await;
        true
    }

    async fn append(&self, stream: &StreamId, joint: Joint<S>) {
        let end = match self.store.append(stream, joint.expected, joint.events).await {
            Ok(appended) if !appended.repeated => {
                remember(&self.folds, stream, &joint.last);
                End::Appended(appended.position)
            }
            Ok(_) | Err(AppendError::PartlyRecorded { .. } | AppendError::TooMany { .. }) => {
                End::PartlyRecorded
            }
            Err(AppendError::Conflict { .. }) => End::Conflict,
            Err(AppendError::Unavailable(unavailable)) => End::Unavailable(Arc::new(unavailable)),
        };
        joint.end.send_replace(Some(end));
    }
}
