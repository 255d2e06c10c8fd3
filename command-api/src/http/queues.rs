//! Queues, which refer to teams.

use super::catalogue::{ItemRoutes, Request};
use super::references::check_team;
use crate::problem::CommandProblem;
use event_schemas::routing::Queue;
use gate::Supervisor;

impl ItemRoutes for Queue {
    type Author = Supervisor;
    const CREATE_NOTE: &'static str = "The first queue of an account switches routing on: conversations are assigned to \
                                       agents by the queue's strategy, and no agent gets more than their capacity.";
    const UPDATE_NOTE: &'static str = "`penalties` are replaced as a whole.";
    const REPLACED_WHOLE: &'static [&'static str] = &["penalties"];

    async fn check(&self, request: &Request<'_>) -> Result<(), CommandProblem> {
        for (field, team) in [("team_id", self.team_id), ("overflow_team_id", self.overflow_team_id)] {
            if let Some(team) = team.filter(|_| request.sets(field)) {
                check_team(request.commands, request.caller.account, field, team).await?;
            }
        }
        Ok(())
    }
}
