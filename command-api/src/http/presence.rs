//! The presence of agents.

use super::AppState;
use super::answer::{Answer, Completed};
use super::command_headers::CommandHeaders;
use crate::problem::CommandProblem;
use aide::axum::ApiRouter;
use aide::axum::routing::post_with;
use axum::extract::State;
use commands::Commands;
use commands::execute::Context;
use domain::agent::{Presence, ReportPresence, ReportedPresence};
use event_schemas::{StreamId, Timestamp, UserId, Version};
use gate::{Agent, OptionalJson, Problem};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
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
    OptionalJson(report): OptionalJson<Report>,
) -> Result<Completed<View>, CommandProblem> {
    let reported = match report.status {
        None => ReportedPresence::Heartbeat,
        Some(Status::Online) => ReportedPresence::Online,
        Some(Status::Away) => ReportedPresence::Away,
        Some(Status::Offline) => ReportedPresence::Offline,
        Some(Status::Unknown) => {
            return Err(Problem::unprocessable("status", "It is one of online, away and offline.").into());
        }
    };
    let context = Context { if_match: None, ..headers.of(&caller) };
    let stream = StreamId::agent(caller.user);
    if !commands.agents.cached(&stream).await?.state.in_account(caller.account).is_registered() {
        commands.join(caller.user, caller.name.clone(), &context.for_part("join")).await?;
    }
    let timeouts = commands.presence_timeouts;
    let report = ReportPresence { account_id: caller.account, user_id: caller.user, reported, timeouts };
    let outcome = commands.agents.execute(&stream, &report, &context).await?;
    let agent = outcome.state.state.in_account(caller.account);
    let (status, until) = match agent.presence() {
        Presence::Unknown => (Status::Unknown, None),
        Presence::Online { until } => (Status::Online, Some(until)),
        Presence::Away { offline_at, .. } => (Status::Away, offline_at),
        Presence::Offline { .. } => (Status::Offline, None),
    };
    let version = agent.version().unwrap_or(Version::FIRST);
    let view = View { user_id: caller.user, status, until };
    Ok(Completed(Answer::of(&commands, &outcome, view).await?.at(version)))
}
