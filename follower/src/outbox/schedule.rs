//! The waits between the attempts of a job: a pure function of the attempt's number and a seed.

use backon::{BackoffBuilder, ExponentialBuilder};
use std::time::Duration;

/// Waits that double with each attempt. A random part of up to the same length is added, so that jobs that failed
/// together are not attempted again together.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    pub first: Duration,
    pub longest: Duration,
    /// The total number of attempts.
    pub attempts: u32,
}

impl Default for Schedule {
    /// About eleven hours in total.
    fn default() -> Self {
        Self { first: Duration::from_secs(1), longest: Duration::from_secs(600), attempts: 60 }
    }
}

impl Schedule {
    /// The wait after an attempt, counted from 1. `None` after the last one.
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
    fn the_default_schedule_lasts_for_hours() {
        let schedule = Schedule::default();
        let total: Duration =
            (1..schedule.attempts).filter_map(|attempt| schedule.wait_after(attempt, 7)).sum();
        assert!(total > Duration::from_secs(8 * 3600), "{total:?}");
    }
}
