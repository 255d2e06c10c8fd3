//! The packets that a client may send.

use tokio::time::Instant;

/// The packets that a client may send in a second, and at once. Beyond them it gets an error, and beyond the second
/// number it is closed.
const BUDGET: f64 = 20.0;
const OVERDRAFT: f64 = 100.0;

/// The packets that a client may still send: so many a second, collected up to a second's worth.
pub struct Budget {
    left: f64,
    at: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spent {
    Ok,
    Refused,
    Closed,
}

impl Budget {
    pub fn new() -> Self {
        Self { left: BUDGET, at: Instant::now() }
    }

    pub fn spend(&mut self) -> Spent {
        let now = Instant::now();
        self.left = (self.left + now.duration_since(self.at).as_secs_f64() * BUDGET).min(BUDGET) - 1.0;
        self.at = now;
        match self.left {
            left if left >= 0.0 => Spent::Ok,
            left if left >= -OVERDRAFT => Spent::Refused,
            _ => Spent::Closed,
        }
    }
}
