//! The order of the callers of one stream: one decides and appends at a time, in the order of the requests.
//!
//! Without it, callers in one process would decide on the same version, and all but one would have to decide again.
//! A stream that no caller wants has no entry here.

use event_schemas::StreamId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::OwnedMutexGuard;

/// The longest wait for a turn.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

type Queue = Arc<tokio::sync::Mutex<()>>;

#[derive(Default)]
pub(crate) struct Turns {
    /// The streams that have a caller. The queue of each is fair.
    queues: Mutex<HashMap<StreamId, Queue>>,
}

/// The right to decide on a stream and append to it, until it is dropped.
pub(crate) struct Turn<'t> {
    // Dropped in this order: the next caller continues, then the queue is removed if there is no other caller.
    _guard: OwnedMutexGuard<()>,
    _entry: Entry<'t>,
}

/// Removes the stream's queue when its last caller goes. A caller drops it after its reference to the queue.
struct Entry<'t> {
    turns: &'t Turns,
    stream: StreamId,
}

impl Turns {
    /// Waits for this caller's turn. `None` when it did not come within ten seconds.
    pub async fn of(&self, stream: &StreamId) -> Option<Turn<'_>> {
        let entry = Entry { turns: self, stream: stream.clone() };
        let queue = Arc::clone(self.lock().entry(stream.clone()).or_default());
        let guard = tokio::time::timeout(LONGEST_WAIT, queue.lock_owned()).await.ok()?;
        Some(Turn { _guard: guard, _entry: entry })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<StreamId, Queue>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        let mut queues = self.turns.lock();
        // A new caller takes its reference under this lock, so that a queue with one reference has no caller.
        if queues.get(&self.stream).is_some_and(|queue| Arc::strong_count(queue) == 1) {
            queues.remove(&self.stream);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;
    use futures::future::join_all;

    fn stream(name: &str) -> StreamId {
        StreamId::named(name.to_owned())
    }

    #[tokio::test]
    async fn callers_of_one_stream_take_turns_in_the_order_of_the_requests() {
        let turns = Turns::default();
        let order = Mutex::new(Vec::new());
        let stream = stream("one");
        let callers = (0..50).map(|number| {
            let (turns, order, stream) = (&turns, &order, &stream);
            async move {
                let _turn = turns.of(stream).await.unwrap();
                order.lock().unwrap().push((number, "begins"));
                tokio::task::yield_now().await;
                order.lock().unwrap().push((number, "ends"));
            }
        });
        join_all(callers).await;
        let expected: Vec<_> = (0..50).flat_map(|number| [(number, "begins"), (number, "ends")]).collect();
        assert_eq!(*order.lock().unwrap(), expected);
    }

    #[tokio::test]
    async fn callers_of_other_streams_do_not_wait() {
        let turns = Turns::default();
        let _one = turns.of(&stream("one")).await.unwrap();
        assert!(turns.of(&stream("two")).now_or_never().is_some());
        assert!(turns.of(&stream("one")).now_or_never().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_that_does_not_come_is_given_up_and_nothing_is_left_behind() {
        let turns = Turns::default();
        let first = turns.of(&stream("one")).await.unwrap();
        assert!(turns.of(&stream("one")).await.is_none());
        // A caller that goes away while it waits.
        assert!(turns.of(&stream("one")).now_or_never().is_none());
        assert_eq!(turns.lock().len(), 1);
        drop(first);
        assert_eq!(turns.lock().len(), 0);
    }
}
