//! Handoff rules, which refer to teams.

use super::catalogue::ItemRoutes;
use super::merge_patch::Members;
use event_schemas::bot::{HandoffRule, HandoffTrigger};
use gate::{Problem, Supervisor};

impl ItemRoutes for HandoffRule {
    type Author = Supervisor;

    fn check_members(members: &Members) -> Result<(), Problem> {
        members.check_word::<HandoffTrigger>("trigger_type")
    }
}
