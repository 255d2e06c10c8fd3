//! The validity of a team.

use super::{CatalogueItem, Rejection, check_name};
use event_schemas::catalogue::Team;
use std::collections::BTreeSet;

const MOST_MEMBERS: usize = 1_000;

impl CatalogueItem for Team {
    fn name(&self) -> (&'static str, &str) {
        ("name", &self.name)
    }
    fn validate(&self) -> Result<(), Rejection> {
        check_name("name", &self.name)?;
        if self.member_ids.len() > MOST_MEMBERS {
            return Err(Rejection::invalid("member_ids", format!("has at most {MOST_MEMBERS} members")));
        }
        let distinct: BTreeSet<_> = self.member_ids.iter().collect();
        if distinct.len() < self.member_ids.len() {
            return Err(Rejection::invalid("member_ids", "names an agent twice"));
        }
        Ok(())
    }
}
