//! The order of the callers of one stream: one decides at a time, in the order of the requests.
//!
//! Without it, callers in one process would decide on the same version, and all but one would have to decide again.
//! A stream that no caller wants has no entry here.

use event_schemas::StreamId;
use std::collections::HashMap;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::OwnedMutexGuard;

/// The longest wait for a turn.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

type Queue<T> = Arc<tokio::sync::Mutex<T>>;

/// The streams that have a caller. The queue of each is fair, and has what its callers leave for each other.
pub(crate) struct Turns<T = ()> {
    queues: Arc<Mutex<HashMap<StreamId, Queue<T>>>>,
}

/// The right to decide on a stream and append to it, until it is dropped.
pub(crate) struct Turn<T = ()> {
    // Dropped in this order: the next caller continues, then the queue is removed if there is no other caller.
    guard: OwnedMutexGuard<T>,
    _entry: Entry<T>,
}

/// A caller that has not yet asked for its turn.
pub(crate) struct Caller<T> {
    // Dropped in this order, as in a turn.
    queue: Queue<T>,
    entry: Entry<T>,
}

/// Removes the stream's queue when its last caller goes. A caller drops it after its reference to the queue.
struct Entry<T> {
    turns: Turns<T>,
    stream: StreamId,
}

impl<T> Default for Turns<T> {
    fn default() -> Self {
        Self { queues: Arc::default() }
    }
}

impl<T> Clone for Turns<T> {
    fn clone(&self) -> Self {
        Self { queues: Arc::clone(&self.queues) }
    }
}

impl<T: Default> Turns<T> {
    /// Waits for this caller's turn. `None` when it did not come within ten seconds.
    pub async fn of(&self, stream: &StreamId) -> Option<Turn<T>> {
        tokio::time::timeout(LONGEST_WAIT, self.caller(stream).turn()).await.ok()
    }

    /// A further caller. What is left in the queue stays there for it.
    pub fn caller(&self, stream: &StreamId) -> Caller<T> {
        let entry = Entry { turns: self.clone(), stream: stream.clone() };
        let queue = Arc::clone(self.lock().entry(stream.clone()).or_default());
        Caller { queue, entry }
    }
}

impl<T> Caller<T> {
    /// Waits for this caller's turn for as long as it takes.
    pub async fn turn(self) -> Turn<T> {
        // When this is given up while it waits, the reference to the queue is dropped before the entry.
        let Self { queue, entry } = self;
        Turn { guard: queue.lock_owned().await, _entry: entry }
    }
}

impl<T> Turns<T> {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<StreamId, Queue<T>>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Turn<T> {
    /// Whether other callers wait for their turn.
    pub fn others_wait(&self) -> bool {
        // One reference is this caller's, and one is in the map.
        Arc::strong_count(OwnedMutexGuard::mutex(&self.guard)) > 2
    }
}

impl<T> Deref for Turn<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T> DerefMut for Turn<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}

impl<T> Drop for Entry<T> {
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
        let turns = Turns::<()>::default();
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
        let turns = Turns::<()>::default();
        let one = turns.of(&stream("one")).await.unwrap();
        assert!(turns.of(&stream("two")).now_or_never().is_some());
        assert!(!one.others_wait());
        let name = stream("one");
        let mut waiting = Box::pin(turns.caller(&name).turn());
        assert!((&mut waiting).now_or_never().is_none());
        assert!(one.others_wait());
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_that_does_not_come_is_given_up_and_nothing_is_left_behind() {
        let turns = Turns::<()>::default();
        let first = turns.of(&stream("one")).await.unwrap();
        assert!(turns.of(&stream("one")).await.is_none());
        // A caller that goes away while it waits.
        assert!(turns.of(&stream("one")).now_or_never().is_none());
        assert_eq!(turns.lock().len(), 1);
        drop(first);
        assert_eq!(turns.lock().len(), 0);
    }
}
