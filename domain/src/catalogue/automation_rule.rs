//! The validity of an automation rule.

use super::action_checks::check_rule;
use super::{CatalogueItem, Rejection, check_count, check_keyword_bytes, check_name, keyword_bytes};
use event_schemas::automation::AutomationRule;

impl CatalogueItem for AutomationRule {
    fn name(&self) -> (&'static str, &str) {
        ("name", &self.name)
    }
    fn validate(&self) -> Result<(), Rejection> {
        check_name("name", &self.name)?;
        check_rule(self)
    }
    fn validate_among<'t>(&self, others: impl Iterator<Item = &'t Self> + Clone) -> Result<(), Rejection>
    where
        Self: 't,
    {
        check_count(others.clone().count())?;
        let bytes = |rule: &Self| keyword_bytes(rule.conditions.keywords.as_ref());
        check_keyword_bytes(bytes(self) + others.map(bytes).sum::<usize>())
    }
}
