//! The validity of a handoff rule.

use super::bot_checks::check_handoff_rule;
use super::{CatalogueItem, Rejection, check_count, check_name};
use event_schemas::bot::HandoffRule;

impl CatalogueItem for HandoffRule {
    fn name(&self) -> (&'static str, &str) {
        ("name", &self.name)
    }
    fn validate(&self) -> Result<(), Rejection> {
        check_name("name", &self.name)?;
        check_handoff_rule(self)
    }
    fn validate_among<'t>(&self, others: impl Iterator<Item = &'t Self> + Clone) -> Result<(), Rejection>
    where
        Self: 't,
    {
        check_count(others.count())
    }
}
