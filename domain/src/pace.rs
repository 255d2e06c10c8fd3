//! How quickly conversations leave a queue, and how long one at a position has to wait.

use event_schemas::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The longest gap that counts: at night no conversation leaves a queue.
const LONGEST_GAP: Duration = Duration::from_secs(3_600);

/// The usual time between two conversations that get an agent. The latest times have the most weight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pace {
    pub last_left_at: Option<Timestamp>,
    /// `None` when too few conversations have left the queue.
    pub gap: Option<Duration>,
}

impl Pace {
    /// Records that a conversation left the queue because it got an agent.
    pub fn left(&mut self, at: Timestamp) {
        if let Some(last) = self.last_left_at.replace(at) {
            let gap = at.since(last).min(LONGEST_GAP);
            self.gap = Some(self.gap.map_or(gap, |usual| (usual * 4 + gap) / 5));
        }
    }

    /// How long the conversation at this position has to wait for an agent. Positions begin at 1.
    pub fn expected(&self, position: u32) -> Option<Duration> {
        self.gap.map(|gap| gap * position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_is_the_position_times_the_gap_and_unknown_without_a_gap() {
        let mut pace = Pace::default();
        pace.left(Timestamp::from_secs(100));
        assert_eq!(pace.expected(1), None);
        pace.left(Timestamp::from_secs(160));
        assert_eq!(pace.expected(3), Some(Duration::from_secs(180)));
        pace.left(Timestamp::from_secs(170));
        assert_eq!(pace.expected(1), Some(Duration::from_secs(50)));
    }
}
