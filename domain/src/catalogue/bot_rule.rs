//! The validity of a bot rule, alone and together with the other bot rules of the account.

use super::bot_checks::{check_cycle, check_rule};
use super::{CatalogueItem, Rejection, check_count, check_keyword_bytes, check_name, keyword_bytes};
use event_schemas::bot::BotRule;

impl CatalogueItem for BotRule {
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
        check_keyword_bytes(bytes(self) + others.clone().map(bytes).sum::<usize>())?;
        let all: Vec<&BotRule> = others.map(|other| other as &BotRule).chain([self]).collect();
        check_cycle(all)
    }
}
