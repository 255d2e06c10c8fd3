//! Handoff rules, which refer to teams.

use super::catalogue::{ItemRoutes, Request};
use super::merge_patch::Members;
use super::references::check_team;
use crate::problem::CommandProblem;
use event_schemas::bot::{HandoffRule, HandoffTrigger};
use gate::{Problem, Supervisor};

impl ItemRoutes for HandoffRule {
    type Author = Supervisor;

    fn check_members(members: &Members) -> Result<(), Problem> {
        members.check_word::<HandoffTrigger>("trigger_type")
    }

    async fn check(&self, request: &Request<'_>) -> Result<(), CommandProblem> {
        match self.target_team_id.filter(|_| request.sets("target_team_id")) {
            Some(team) => check_team(request.commands, request.caller.account, "target_team_id", team).await,
            None => Ok(()),
        }
    }
}
