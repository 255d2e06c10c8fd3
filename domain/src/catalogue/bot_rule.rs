//! What an account tells its bot, as things of its catalogues.

use super::kinds::named;
use super::{CatalogueItem, Change, Rejection};
use crate::bot::{check_cycle, check_handoff_rule, check_rule, check_settings};
use event_schemas::bot::{
    BotRule, BotRuleDefined, BotRuleRetired, BotSettings, BotSettingsDefined, BotSettingsRetired,
    HandoffRule, HandoffRuleDefined, HandoffRuleRetired,
};
use event_schemas::{AccountId, BotRuleId, CatalogueEvent, HandoffRuleId};

/// How many rules of a kind an account can have.
const MOST_RULES: usize = 1_000;

pub(super) fn few_enough(others: usize) -> Result<(), Rejection> {
    if others < MOST_RULES {
        return Ok(());
    }
    Err(Rejection::invalid("name", format!("an account has at most {MOST_RULES} of them")))
}

impl CatalogueItem for BotRule {
    type Id = BotRuleId;

    fn id(&self) -> BotRuleId {
        self.id
    }
    fn name(&self) -> (&'static str, &str) {
        ("name", &self.name)
    }
    fn check(&self) -> Result<(), Rejection> {
        named("name", &self.name)?;
        check_rule(self)
    }
    fn check_among<'t>(&self, others: impl Iterator<Item = &'t Self> + Clone) -> Result<(), Rejection>
    where
        Self: 't,
    {
        few_enough(others.clone().count())?;
        let all: Vec<&BotRule> = others.map(|other| other as &BotRule).chain([self]).collect();
        check_cycle(all)
    }
    fn defined(self) -> CatalogueEvent {
        BotRuleDefined { bot_rule: self }.into()
    }
    fn retired(id: BotRuleId) -> CatalogueEvent {
        BotRuleRetired { id }.into()
    }
    fn told(event: &CatalogueEvent) -> Option<Change<'_, Self>> {
        match event {
            CatalogueEvent::BotRuleDefined(event) => Some(Change::Defined(&event.bot_rule)),
            CatalogueEvent::BotRuleRetired(event) => Some(Change::Retired(event.id)),
            _other_kind => None,
        }
    }
}

impl CatalogueItem for HandoffRule {
    type Id = HandoffRuleId;

    fn id(&self) -> HandoffRuleId {
        self.id
    }
    fn name(&self) -> (&'static str, &str) {
        ("name", &self.name)
    }
    fn check(&self) -> Result<(), Rejection> {
        named("name", &self.name)?;
        check_handoff_rule(self)
    }
    fn check_among<'t>(&self, others: impl Iterator<Item = &'t Self> + Clone) -> Result<(), Rejection>
    where
        Self: 't,
    {
        few_enough(others.count())
    }
    fn defined(self) -> CatalogueEvent {
        HandoffRuleDefined { handoff_rule: self }.into()
    }
    fn retired(id: HandoffRuleId) -> CatalogueEvent {
        HandoffRuleRetired { id }.into()
    }
    fn told(event: &CatalogueEvent) -> Option<Change<'_, Self>> {
        match event {
            CatalogueEvent::HandoffRuleDefined(event) => Some(Change::Defined(&event.handoff_rule)),
            CatalogueEvent::HandoffRuleRetired(event) => Some(Change::Retired(event.id)),
            _other_kind => None,
        }
    }
}

/// An account has one of them: it is named after the account.
impl CatalogueItem for BotSettings {
    type Id = AccountId;

    fn id(&self) -> AccountId {
        self.account_id
    }
    fn name(&self) -> (&'static str, &str) {
        ("account_id", "")
    }
    fn check(&self) -> Result<(), Rejection> {
        check_settings(self)
    }
    fn defined(self) -> CatalogueEvent {
        BotSettingsDefined { bot_settings: self }.into()
    }
    fn retired(id: AccountId) -> CatalogueEvent {
        BotSettingsRetired { id }.into()
    }
    fn told(event: &CatalogueEvent) -> Option<Change<'_, Self>> {
        match event {
            CatalogueEvent::BotSettingsDefined(event) => Some(Change::Defined(&event.bot_settings)),
            CatalogueEvent::BotSettingsRetired(event) => Some(Change::Retired(event.id)),
            _other_kind => None,
        }
    }
}
