//! Wakes the sleeping worker when a timer is written that is due before the worker wakes up.

use event_schemas::Timestamp;
use std::sync::atomic::{AtomicI64, Ordering};
use tokio::sync::Notify;

pub(super) struct Waker {
    woken: Notify,
    /// The time at which the worker wakes up, in microseconds; `i64::MAX` while it reads the table.
    wakes_at: AtomicI64,
}

impl Default for Waker {
    fn default() -> Self {
        Self { woken: Notify::new(), wakes_at: AtomicI64::new(i64::MAX) }
    }
}

impl Waker {
    /// A timer with this moment was written.
    pub(super) fn due_at(&self, moment: Timestamp) {
        if moment.as_micros() < self.wakes_at.load(Ordering::SeqCst) {
            self.woken.notify_one();
        }
    }

    pub(super) fn reading(&self) {
        self.wakes_at.store(i64::MAX, Ordering::SeqCst);
    }

    pub(super) fn sleeping_until(&self, moment: Timestamp) {
        self.wakes_at.store(moment.as_micros(), Ordering::SeqCst);
    }

    /// Returns when an earlier moment was written, also when it was written before this call.
    pub(super) async fn woken(&self) {
        self.woken.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    fn wakes(waker: &Waker) -> bool {
        waker.woken().now_or_never().is_some()
    }

    #[test]
    fn an_earlier_timer_wakes_the_worker() {
        let waker = Waker::default();
        waker.sleeping_until(Timestamp::from_micros(1_000));
        waker.due_at(Timestamp::from_micros(999));
        assert!(wakes(&waker));
    }

    #[test]
    fn a_later_timer_does_not_wake_the_worker() {
        let waker = Waker::default();
        waker.sleeping_until(Timestamp::from_micros(1_000));
        waker.due_at(Timestamp::from_micros(1_000));
        assert!(!wakes(&waker));
    }

    #[test]
    fn a_timer_written_while_the_worker_reads_wakes_it_once() {
        let waker = Waker::default();
        waker.sleeping_until(Timestamp::from_micros(1_000));
        waker.reading();
        waker.due_at(Timestamp::from_micros(5_000));
        waker.sleeping_until(Timestamp::from_micros(9_000));
        assert!(wakes(&waker));
        assert!(!wakes(&waker), "once");
    }
}
