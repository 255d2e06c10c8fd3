//! Automation rules: supervisors define them.

use super::actions::{
    check_actions, check_references, check_secret, fresh_or_none, keep_addresses, needs_secret,
};
use super::catalogue::{ItemRoutes, Request};
use super::merge_patch::Members;
use crate::problem::CommandProblem;
use event_schemas::automation::{AutomationEvent, AutomationRule};
use event_schemas::catalogue::{Secret, Shape};
use gate::{Problem, Supervisor};

impl ItemRoutes for AutomationRule {
    type Author = Supervisor;
    const CREATE_NOTE: &'static str = "The rule runs for events from now on, once for each. When a `webhook_secret` was \
                                       created for the rule it is in this answer, and is never shown again.";
    const UPDATE_NOTE: &'static str = "`conditions` and `actions` are replaced as a whole.";
    const REPLACED_WHOLE: &'static [&'static str] = &["conditions"];

    fn check_members(members: &Members) -> Result<(), Problem> {
        members.check_word::<AutomationEvent>("event")?;
        check_actions(members)
    }

    fn keep_hidden(&mut self, before: &Self) {
        keep_addresses(&mut self.actions, &before.actions);
    }

    fn complete(&mut self, fresh: &Secret) {
        if self.webhook_secret.is_none() && needs_secret(&self.actions) {
            self.webhook_secret = Some(fresh.clone());
        }
    }

    async fn check(&self, request: &Request<'_>) -> Result<(), CommandProblem> {
        let (commands, account) = (request.commands, request.caller.account);
        if request.sets("webhook_secret") {
            check_secret(self.webhook_secret.as_ref())?;
        }
        if request.sets("actions") {
            check_references(commands, account, &self.actions).await?;
        }
        Ok(())
    }

    fn answer(&self, fresh: &Secret) -> Self {
        Self { webhook_secret: fresh_or_none(self.webhook_secret.as_ref(), fresh), ..self.public() }
    }
}
