//! Macros and automation rules, as things of an account's catalogues.

use super::bots::few_enough;
use super::kinds::named;
use super::{CatalogueItem, Change, Rejection};
use crate::automation::{check_macro, check_rule};
use event_schemas::automation::{
    AutomationRule, AutomationRuleDefined, AutomationRuleRetired, Macro, MacroDefined, MacroRetired,
    MacroVisibility,
};
use event_schemas::{AutomationRuleId, CatalogueEvent, MacroId};

impl CatalogueItem for Macro {
    type Id = MacroId;

    fn id(&self) -> MacroId {
        self.id
    }
    fn name(&self) -> (&'static str, &str) {
        ("name", &self.name)
    }
    fn is_seen_with(&self, other: &Self) -> bool {
        match (self.visibility, other.visibility) {
            (MacroVisibility::Everyone, MacroVisibility::Everyone) => true,
            (MacroVisibility::Personal, MacroVisibility::Personal) => self.created_by == other.created_by,
            (MacroVisibility::Everyone, MacroVisibility::Personal)
            | (MacroVisibility::Personal, MacroVisibility::Everyone) => false,
        }
    }
    fn check(&self) -> Result<(), Rejection> {
        named("name", &self.name)?;
        check_macro(self)
    }
    fn check_among<'t>(&self, others: impl Iterator<Item = &'t Self> + Clone) -> Result<(), Rejection>
    where
        Self: 't,
    {
        few_enough(others.count())
    }
    fn defined(self) -> CatalogueEvent {
        MacroDefined { defined: self }.into()
    }
    fn retired(id: MacroId) -> CatalogueEvent {
        MacroRetired { id }.into()
    }
    fn told(event: &CatalogueEvent) -> Option<Change<'_, Self>> {
        match event {
            CatalogueEvent::MacroDefined(event) => Some(Change::Defined(&event.defined)),
            CatalogueEvent::MacroRetired(event) => Some(Change::Retired(event.id)),
            _other_kind => None,
        }
    }
}

impl CatalogueItem for AutomationRule {
    type Id = AutomationRuleId;

    fn id(&self) -> AutomationRuleId {
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
        few_enough(others.count())
    }
    fn defined(self) -> CatalogueEvent {
        AutomationRuleDefined { automation_rule: self }.into()
    }
    fn retired(id: AutomationRuleId) -> CatalogueEvent {
        AutomationRuleRetired { id }.into()
    }
    fn told(event: &CatalogueEvent) -> Option<Change<'_, Self>> {
        match event {
            CatalogueEvent::AutomationRuleDefined(event) => Some(Change::Defined(&event.automation_rule)),
            CatalogueEvent::AutomationRuleRetired(event) => Some(Change::Retired(event.id)),
            _other_kind => None,
        }
    }
}
