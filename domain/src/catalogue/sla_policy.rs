//! The validity of an SLA policy.

use super::{CatalogueItem, Rejection, check_name};
use event_schemas::catalogue::SlaPolicy;

/// Ten years, in seconds: the longest target.
const LONGEST_TARGET: u32 = 10 * 366 * 24 * 3600;

impl CatalogueItem for SlaPolicy {
    fn name(&self) -> (&'static str, &str) {
        ("name", &self.name)
    }
    fn validate(&self) -> Result<(), Rejection> {
        check_name("name", &self.name)?;
        if self.targets.is_empty() {
            return Err(Rejection::invalid("targets", "needs at least one priority"));
        }
        for (priority, targets) in &self.targets {
            for (metric, seconds) in [
                ("first_response_seconds", targets.first_response_seconds),
                ("next_response_seconds", targets.next_response_seconds),
                ("resolution_seconds", targets.resolution_seconds),
            ] {
                if seconds.is_some_and(|seconds| seconds == 0 || seconds > LONGEST_TARGET) {
                    return Err(Rejection::invalid(
                        format!("targets.{priority}.{metric}"),
                        "is between one second and ten years",
                    ));
                }
            }
        }
        Ok(())
    }
}
