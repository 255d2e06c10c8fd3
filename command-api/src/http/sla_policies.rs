//! SLA policies, which refer to calendars.

use super::catalogue::{ItemRoutes, Request};
use crate::problem::CommandProblem;
use event_schemas::catalogue::{BusinessCalendar, SlaPolicy};
use gate::{Problem, Supervisor};

impl ItemRoutes for SlaPolicy {
    type Author = Supervisor;
    const UPDATE_NOTE: &'static str = "A conversation keeps the policy as it was when it was applied. `targets` are \
                                       replaced as a whole.";
    const REPLACED_WHOLE: &'static [&'static str] = &["targets"];

    async fn check(&self, request: &Request<'_>) -> Result<(), CommandProblem> {
        let Some(calendar) = self.calendar_id.filter(|_| request.sets("calendar_id")) else { return Ok(()) };
        let calendars =
            request.commands.catalogue::<BusinessCalendar>(request.caller.account).current().await?;
        match calendars.state.get(calendar) {
            Some(_) => Ok(()),
            None => Err(Problem::unprocessable("calendar_id", "This account has no such calendar.").into()),
        }
    }
}
