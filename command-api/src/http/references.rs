//! Checks that the items that a request refers to exist in the caller's account.

use crate::problem::CommandProblem;
use commands::Commands;
use event_schemas::catalogue::{CannedResponse, Channel};
use event_schemas::{AccountId, CannedResponseId, ChannelId, StreamId, TeamId, UserId};
use gate::Problem;

pub(super) async fn check_canned_response(
    commands: &Commands,
    account: AccountId,
    field: &str,
    id: CannedResponseId,
) -> Result<(), CommandProblem> {
    let responses = commands.catalogue::<CannedResponse>(account).current().await?;
    match responses.state.get(id) {
        Some(response) if response.content.chars().count() > domain::conversation::LONGEST_MESSAGE => {
            Err(Problem::unprocessable(field, "The canned response is too long for a message.").into())
        }
        Some(_) => Ok(()),
        None => Err(Problem::unprocessable(field, "This account has no such canned response.").into()),
    }
}

/// The problem of a user who is no agent of the account.
pub(super) fn no_such_agent(field: &str) -> Problem {
    Problem::unprocessable(field, "This account has no such agent: register the agent first.")
}

pub(super) async fn check_agent(
    commands: &Commands,
    account: AccountId,
    field: &str,
    agent: UserId,
) -> Result<(), CommandProblem> {
    let known = commands.agents.current(&StreamId::agent(agent)).await?;
    if known.state.in_account(account).is_registered() { Ok(()) } else { Err(no_such_agent(field).into()) }
}

pub(super) async fn check_team(
    commands: &Commands,
    account: AccountId,
    field: &str,
    team: TeamId,
) -> Result<(), CommandProblem> {
    if commands.knows_team(account, team).await? {
        return Ok(());
    }
    Err(Problem::unprocessable(field, "This account has no such team.").into())
}

pub(super) async fn check_channel(
    commands: &Commands,
    account: AccountId,
    field: &str,
    channel: ChannelId,
) -> Result<(), CommandProblem> {
    let channels = commands.catalogue::<Channel>(account).current().await?;
    if channels.state.get(channel).is_some() {
        return Ok(());
    }
    Err(Problem::unprocessable(field, "This account has no such channel.").into())
}
