//! Bot rules, which refer to canned responses and teams.

use super::catalogue::{ItemRoutes, Request};
use super::merge_patch::Members;
use super::references::{check_canned_response, check_team};
use crate::problem::CommandProblem;
use commands::Commands;
use event_schemas::AccountId;
use event_schemas::bot::{BotActions, BotRule, BotTrigger};
use gate::{Problem, Supervisor};

impl ItemRoutes for BotRule {
    type Author = Supervisor;
    const UPDATE_NOTE: &'static str = "`conditions` and `actions` are replaced as a whole. In a conversation in which the \
                                       rule has asked questions, the bot asks the remaining ones as they were.";
    const REPLACED_WHOLE: &'static [&'static str] = &["conditions", "actions"];

    fn check_members(members: &Members) -> Result<(), Problem> {
        members.check_word::<BotTrigger>("trigger_type")
    }

    async fn check(&self, request: &Request<'_>) -> Result<(), CommandProblem> {
        if !request.sets("actions") {
            return Ok(());
        }
        check_references(request.commands, request.caller.account, &self.actions).await
    }
}

/// Checks that the items that the actions refer to exist.
pub(super) async fn check_references(
    commands: &Commands,
    account: AccountId,
    actions: &BotActions,
) -> Result<(), CommandProblem> {
    if let Some(template) = actions.reply_template_id {
        check_canned_response(commands, account, "actions.reply_template_id", template).await?;
    }
    match actions.assign_team_id {
        Some(team) => check_team(commands, account, "actions.assign_team_id", team).await,
        None => Ok(()),
    }
}
