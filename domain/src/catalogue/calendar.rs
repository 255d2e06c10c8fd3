//! The validity of a business calendar.

use super::{CatalogueItem, Rejection, check_name};
use crate::calendar::Hours;
use event_schemas::catalogue::BusinessCalendar;

impl CatalogueItem for BusinessCalendar {
    fn name(&self) -> (&'static str, &str) {
        ("name", &self.name)
    }
    fn validate(&self) -> Result<(), Rejection> {
        check_name("name", &self.name)?;
        match Hours::of(self) {
            Ok(_) => Ok(()),
            Err(error) => Err(Rejection::invalid(error.field(), error.to_string())),
        }
    }
}
