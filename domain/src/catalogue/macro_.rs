//! The validity of a macro.

use super::action_checks::check_macro;
use super::{CatalogueItem, Rejection, check_count, check_name};
use event_schemas::UserId;
use event_schemas::automation::{Macro, MacroVisibility};

impl CatalogueItem for Macro {
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
    fn only_for(&self) -> Option<UserId> {
        match self.visibility {
            MacroVisibility::Everyone => None,
            MacroVisibility::Personal => Some(self.created_by),
        }
    }
    fn validate(&self) -> Result<(), Rejection> {
        check_name("name", &self.name)?;
        check_macro(self)
    }
    fn validate_among<'t>(&self, others: impl Iterator<Item = &'t Self> + Clone) -> Result<(), Rejection>
    where
        Self: 't,
    {
        check_count(others.count())
    }
}
