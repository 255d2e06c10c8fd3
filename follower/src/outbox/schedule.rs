//! When a job whose attempt failed is tried again: a pure function of the attempt and a seed.

use backon::{BackoffBuilder, ExponentialBuilder};
use std::time::Duration;

/// Waits that double, each stretched by up to as much again, so that jobs that failed together do not come
/// back together.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    pub first: Duration,
    pub longest: Duration,
    /// How many attempts there are in all.
    pub attempts: u32,
}

impl Default for Schedule {
    /// About eleven hours in all.
    fn default() -> Self {
        Self { first: Duration::from_secs(1), longest: Duration::from_secs(600), attempts: 60 }
    }
}

impl Schedule {
    /// How long to wait after the `attempt`th attempt, counted from 1. `None` when that was the last.
    pub fn wait_after(&self, attempt: u32, seed: u64) -> Option<Duration> {
        let waits = self.attempts.saturating_sub(1) as usize;
        ExponentialBuilder::new()
            .with_min_delay(self.first)
            .with_max_delay(self.longest)
            .with_max_times(waits)
            .with_jitter()
            .with_jitter_seed(seed)
            .build()
            .nth(attempt.saturating_sub(1) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEDULE: Schedule =
        Schedule { first: Duration::from_secs(1), longest: Duration::from_secs(60), attempts: 10 };

    #[test]
    fn waits_double_up_to_the_longest_and_end_with_the_last_attempt() {
        for (attempt, least) in [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (9, 60)] {
            let wait = SCHEDULE.wait_after(attempt, 42).unwrap();
            let least = Duration::from_secs(least);
            assert!(wait >= least && wait <= least * 2, "after attempt {attempt}: {wait:?}");
        }
        assert_eq!(SCHEDULE.wait_after(10, 42), None);
        assert_eq!(SCHEDULE.wait_after(11, 42), None);
    }

    #[test]
    fn the_same_seed_waits_the_same_and_another_does_not() {
        assert_eq!(SCHEDULE.wait_after(3, 42), SCHEDULE.wait_after(3, 42));
        assert_ne!(SCHEDULE.wait_after(3, 42), SCHEDULE.wait_after(3, 43));
    }

    #[test]
    fn the_usual_schedule_goes_on_for_hours() {
        let schedule = Schedule::default();
        let in_all: Duration =
            (1..schedule.attempts).filter_map(|attempt| schedule.wait_after(attempt, 7)).sum();
        assert!(in_all > Duration::from_secs(8 * 3600), "{in_all:?}");
    }
}
