//! The newest events, in memory: whoever follows the log reads from here what was committed a moment ago,
//! and the file is asked only by those who are further behind.
//!
//! What is here is a run of the log without a gap, on the disk before it is here. Another process that
//! appends to the same file is noticed by the writer, which begins the run anew; a reader at the end of the
//! run is sent to the file, though not more often than it would look there by itself.

use crate::{Filter, Page};
use event_schemas::{Position, Recorded};
use std::collections::VecDeque;
use std::sync::{PoisonError, RwLock};

/// How many events are kept at most.
const EVENTS: usize = 4_096;

/// How many bytes of text they may have together.
const BYTES: usize = 4 << 20;

#[derive(Default)]
pub struct Tail(RwLock<Run>);

#[derive(Default)]
struct Run {
    events: VecDeque<Recorded>,
    bytes: usize,
}

impl Tail {
    /// Takes up what was just committed, in the order of the log.
    pub fn extend(&self, committed: impl IntoIterator<Item = Recorded>) {
        let mut run = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for event in committed {
            if run.events.back().is_some_and(|last| place(last) + 1 != place(&event)) {
                *run = Run::default();
            }
            run.bytes += event.data.len();
            run.events.push_back(event);
            while run.events.len() > EVENTS || run.bytes > BYTES {
                let Some(oldest) = run.events.pop_front() else { break };
                run.bytes -= oldest.data.len();
            }
        }
    }

    /// Forgets everything: nobody knows how the log goes on.
    pub fn clear(&self) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Run::default();
    }

    /// Whether this is the end of what is here.
    pub fn ends_at(&self, after: Option<Position>) -> bool {
        let run = self.0.read().unwrap_or_else(PoisonError::into_inner);
        run.events.back().is_some_and(|last| after == Some(last.position))
    }

    /// The page after a position, if all of it is here.
    pub fn page(&self, after: Option<Position>, filter: &Filter, limit: usize) -> Option<Page> {
        let run = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let (first, last) = (place(run.events.front()?), place(run.events.back()?));
        let after = after.map_or(0, |position| position.commit());
        if after + 1 < first || after >= last || limit == 0 {
            return None;
        }
        let newer = run.events.range((after + 1 - first) as usize..);
        let events: Vec<_> = newer.filter(|event| filter.fits(event)).take(limit).cloned().collect();
        let cut = events.len() == limit;
        let through = if cut { events.last().map_or(last, place) } else { last };
        Some(Page { events, through: Some(Position::at(through)), at_end: through == last })
    }
}

fn place(event: &Recorded) -> u64 {
    event.position.commit()
}
