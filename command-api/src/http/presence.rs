//! The presence of agents.

use super::AppState;
use super::agents::version_in;
use super::answer::{Answer, Completed};
use super::command_headers::CommandHeaders;
use crate::problem::CommandProblem;
use aide::axum::ApiRouter;
use aide::axum::routing::post_with;
use axum::extract::State;
use commands::Commands;
use commands::execute::{Context, Outcome};
use domain::agent::{Person, Presence, ReportPresence, ReportedPresence};
use event_schemas::{StreamId, Timestamp, UserId};
use gate::{Agent, Caller, OptionalJson, Problem};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

pub(super) fn routes() -> ApiRouter<Arc<Commands>> {
    ApiRouter::new().api_route(
        "/v1/agents/me/presence",
        post_with(report_presence, |op| {
            op.id("reportPresence")
                .tag("agents")
                .summary("Report that you are online, away or offline, or send a heartbeat")
                .description(
                    "A request without a body is a heartbeat. Without a heartbeat before `until` you are away and, \
                     later, offline. A heartbeat ends an absence by inactivity, but not one that you chose.",
                )
        }),
    )
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "PresenceStatus")]
enum Status {
    Online,
    Away,
    Offline,
    /// Presence was never reported.
    Unknown,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PresenceReport")]
struct Report {
    /// Absent for a heartbeat.
    #[serde(default)]
    status: Option<Status>,
}

/// Your presence.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PresenceState")]
struct View {
    user_id: UserId,
    status: Status,
    /// When this status ends without a heartbeat. `null` when it does not end.
    until: Option<Timestamp>,
}

async fn report_presence(
    State(commands): AppState,
    Agent(caller): Agent,
    headers: CommandHeaders,
    OptionalJson(body): OptionalJson<Report>,
) -> Result<Completed<View>, CommandProblem> {
    let reported = match body.status {
        None => ReportedPresence::Heartbeat,
        Some(Status::Online) => ReportedPresence::Online,
        Some(Status::Away) => ReportedPresence::Away,
        Some(Status::Offline) => ReportedPresence::Offline,
        Some(Status::Unknown) => {
            return Err(Problem::unprocessable("status", "It is one of online, away and offline.").into());
        }
    };
    let context = Context { if_match: None, ..headers.of(&caller) };
    let (outcome, view) = report(&commands, &caller, reported, &context).await?;
    let version = version_in(caller.account, &outcome);
    Ok(Completed(Answer::of(&commands, &outcome, view).await?.at(version)))
}

/// Registers the agent when this is their first report, and reports.
async fn report(
    commands: &Commands,
    caller: &Caller,
    reported: ReportedPresence,
    context: &Context,
) -> Result<(Outcome<Person>, View), CommandProblem> {
    let stream = StreamId::agent(caller.user);
    if !is_registered(commands, caller).await? {
        commands.join(caller.user, caller.name.clone(), &context.for_part("join")).await?;
    }
    let timeouts = commands.presence_timeouts;
    let command = ReportPresence { account_id: caller.account, user_id: caller.user, reported, timeouts };
    let outcome = commands.agents.execute(&stream, &command, context).await?;
    let (status, until) = match outcome.state.state.in_account(caller.account).presence() {
        Presence::Unknown => (Status::Unknown, None),
        Presence::Online { until } => (Status::Online, Some(until)),
        Presence::Away { offline_at, .. } => (Status::Away, offline_at),
        Presence::Offline { .. } => (Status::Offline, None),
    };
    Ok((outcome, View { user_id: caller.user, status, until }))
}

async fn is_registered(commands: &Commands, caller: &Caller) -> Result<bool, CommandProblem> {
    let person = commands.agents.cached(&StreamId::agent(caller.user)).await?;
    Ok(person.state.in_account(caller.account).is_registered())
}

/// A report of presence by an agent who is connected otherwise than by this request. A heartbeat of a caller who is no
/// agent of the account changes nothing: to look on does not make one an agent.
pub async fn report_presence_of(
    commands: &Commands,
    caller: &Caller,
    reported: ReportedPresence,
) -> Result<Value, Problem> {
    if reported == ReportedPresence::Heartbeat && !is_registered(commands, caller).await? {
        return Ok(Value::Null);
    }
    let context = Context::of(caller.account, caller.actor(), commands.clock.fresh_id());
    let (_, view) = report(commands, caller, reported, &context).await?;
    // A view always serialises.
    Ok(serde_json::to_value(view).unwrap_or_default())
}
