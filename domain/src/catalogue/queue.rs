//! The validity of a queue (requirement 002, queue management).

use super::{CatalogueItem, Rejection, check_name};
use event_schemas::routing::Queue;

const MOST_PENALTIES: usize = 1_000;
const LONGEST_ANNOUNCEMENT: usize = 1_000;
const A_DAY: u32 = 24 * 3600;
const LONGEST_TIMEOUT: u32 = 7 * A_DAY;

impl CatalogueItem for Queue {
    fn name(&self) -> (&'static str, &str) {
        ("name", &self.name)
    }
    fn validate(&self) -> Result<(), Rejection> {
        check_name("name", &self.name)?;
        for (field, seconds) in [
            ("offer_seconds", self.offer_seconds),
            ("ask_again_seconds", self.ask_again_seconds),
            ("give_back_seconds", self.give_back_seconds),
        ] {
            let least = u32::from(field == "offer_seconds");
            if !(least..=A_DAY).contains(&seconds) {
                return Err(Rejection::invalid(field, format!("is between {least} and {A_DAY} seconds")));
            }
        }
        if self.timeout_seconds.is_some_and(|seconds| !(1..=LONGEST_TIMEOUT).contains(&seconds)) {
            let reason = format!("is between 1 and {LONGEST_TIMEOUT} seconds; leave it out for no limit");
            return Err(Rejection::invalid("timeout_seconds", reason));
        }
        if self.penalties.len() > MOST_PENALTIES {
            return Err(Rejection::invalid("penalties", format!("has at most {MOST_PENALTIES} entries")));
        }
        if self.max_waiting == Some(0) {
            return Err(Rejection::invalid("max_waiting", "is at least 1; leave it out for no limit"));
        }
        if self.overflow_team_id.is_some() && self.overflow_team_id == self.team_id {
            return Err(Rejection::invalid("overflow_team_id", "must be another team"));
        }
        let announcement = self.announcement.as_deref();
        if announcement
            .is_some_and(|text| text.trim().is_empty() || text.chars().count() > LONGEST_ANNOUNCEMENT)
        {
            let reason = format!("has between 1 and {LONGEST_ANNOUNCEMENT} characters");
            return Err(Rejection::invalid("announcement", reason));
        }
        Ok(())
    }
    /// A team has at most one queue: two would contradict each other.
    fn validate_among<'t>(
        &self,
        mut others: impl Iterator<Item = &'t Self> + Clone,
    ) -> Result<(), Rejection> {
        if let Some(other) = others.find(|other| self.team_id == other.team_id) {
            let owner = if self.team_id.is_some() { "this team" } else { "conversations of no team" };
            let reason = format!("there is a queue for {owner} already: '{}'", other.name);
            return Err(Rejection::invalid("team_id", reason));
        }
        Ok(())
    }
}
