//! Wakes the worker that sleeps until a moment when an earlier one is written to the table.

use event_schemas::Timestamp;
use std::sync::atomic::{AtomicI64, Ordering};
use tokio::sync::Notify;

pub(super) struct Waker {
    woken: Notify,
    /// When the worker looks next, in microseconds; the largest number while it is looking.
    looks_at: AtomicI64,
}

impl Default for Waker {
    fn default() -> Self {
        Self { woken: Notify::new(), looks_at: AtomicI64::new(i64::MAX) }
    }
}

impl Waker {
    /// A timer is due then.
    pub(super) fn due_at(&self, moment: Timestamp) {
        if moment.as_micros() < self.looks_at.load(Ordering::SeqCst) {
            self.woken.notify_one();
        }
    }

    pub(super) fn looking(&self) {
        self.looks_at.store(i64::MAX, Ordering::SeqCst);
    }

    pub(super) fn sleeping_until(&self, moment: Timestamp) {
        self.looks_at.store(moment.as_micros(), Ordering::SeqCst);
    }

    /// Returns when an earlier moment was written, also if that was before this call.
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
    fn what_is_due_before_the_sleeper_wakes_by_itself_wakes_it() {
        let waker = Waker::default();
        waker.sleeping_until(Timestamp::from_micros(1_000));
        waker.due_at(Timestamp::from_micros(999));
        assert!(wakes(&waker));
    }

    #[test]
    fn what_is_due_later_lets_it_sleep() {
        let waker = Waker::default();
        waker.sleeping_until(Timestamp::from_micros(1_000));
        waker.due_at(Timestamp::from_micros(1_000));
        assert!(!wakes(&waker));
    }

    #[test]
    fn what_turns_up_while_it_looks_is_looked_at_before_it_sleeps() {
        let waker = Waker::default();
        waker.sleeping_until(Timestamp::from_micros(1_000));
        waker.looking();
        waker.due_at(Timestamp::from_micros(5_000));
        waker.sleeping_until(Timestamp::from_micros(9_000));
        assert!(wakes(&waker));
        assert!(!wakes(&waker), "once");
    }
}
