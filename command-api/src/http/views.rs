//! Views: every agent may keep personal ones, and supervisors keep those for everyone.

use super::catalogue::{ItemRoutes, Request, not_found};
use super::merge_patch::Members;
use super::references::{check_agent, check_channel, check_team};
use crate::problem::CommandProblem;
use commands::Commands;
use commands::execute::CommandError;
use domain::catalogue::CatalogueItem;
use event_schemas::AccountId;
use event_schemas::catalogue::{SavedView, ViewSort, ViewVisibility};
use event_schemas::view_filter::{AssigneeIs, TeamIs, ViewFilter};
use gate::{Agent, Caller, Problem};

impl ItemRoutes for SavedView {
    type Author = Agent;
    const CREATE_NOTE: &'static str = "Every agent can define personal views. Only supervisors define views for everyone. \
                                       Conditions can be nested 8 deep, and a filter has at most 200 \
                                       conditions, groups and values together.";
    const UPDATE_NOTE: &'static str = "`filter` is replaced as a whole.";
    const DELETE_NOTE: &'static str = "The conversations stay as they are.";
    // Merged with the one before it would be two filters in one object.
    const REPLACED_WHOLE: &'static [&'static str] = &["filter"];

    fn check_members(members: &Members) -> Result<(), Problem> {
        members.check_word::<ViewVisibility>("visibility")?;
        members.check_word::<ViewSort>("sort_by")
    }

    /// Another agent's personal view is not found.
    fn check_author(&self, caller: &Caller) -> Result<(), Problem> {
        if self.visibility == ViewVisibility::Personal && self.created_by != caller.user {
            return Err(not_found::<Self>());
        }
        check_visibility(self, caller)
    }

    async fn check(&self, request: &Request<'_>) -> Result<(), CommandProblem> {
        if request.sets("visibility") {
            check_visibility(self, request.caller)?;
        }
        if !request.sets("filter") {
            return Ok(());
        }
        // A filter that is too long is refused before each of its values is looked up.
        self.validate().map_err(CommandError::Rejected)?;
        check_named(request.commands, request.caller.account, &self.filter, "filter").await
    }
}

/// Only supervisors define views for everyone.
fn check_visibility(view: &SavedView, caller: &Caller) -> Result<(), Problem> {
    if view.visibility == ViewVisibility::Everyone && !caller.role.is_supervisor() {
        return Err(Problem::forbidden("Only a supervisor defines views for everyone.").field("visibility"));
    }
    Ok(())
}

/// Checks that the agents, teams and channels that the filter names exist.
async fn check_named(
    commands: &Commands,
    account: AccountId,
    filter: &ViewFilter,
    field: &str,
) -> Result<(), CommandProblem> {
    for (field, condition) in conditions(filter, field.to_owned()) {
        match condition {
            ViewFilter::Assignee(assignees) => {
                for (index, assignee) in assignees.iter().enumerate() {
                    if let AssigneeIs::Agent(agent) = assignee {
                        check_agent(commands, account, &format!("{field}.assignee[{index}]"), *agent).await?;
                    }
                }
            }
            ViewFilter::Team(teams) => {
                for (index, team) in teams.iter().enumerate() {
                    if let TeamIs::Team(team) = team {
                        check_team(commands, account, &format!("{field}.team[{index}]"), *team).await?;
                    }
                }
            }
            ViewFilter::Channel(channels) => {
                for (index, channel) in channels.iter().enumerate() {
                    check_channel(commands, account, &format!("{field}.channel[{index}]"), *channel).await?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// The conditions of a filter that join no others, each with its path.
fn conditions(filter: &ViewFilter, field: String) -> Vec<(String, &ViewFilter)> {
    let (name, joined) = match filter {
        ViewFilter::All(filters) => ("all", filters),
        ViewFilter::Any(filters) => ("any", filters),
        ViewFilter::Not(inner) => return conditions(inner, format!("{field}.not")),
        condition => return vec![(field, condition)],
    };
    let numbered = joined.iter().enumerate();
    numbered.flat_map(|(index, filter)| conditions(filter, format!("{field}.{name}[{index}]"))).collect()
}
