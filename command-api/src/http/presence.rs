//! Whether an agent is there.

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
use event_schemas::{StreamId, Timestamp, UserId};
use gate::{Agent, OptionalJson, Problem};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub(super) fn routes() -> ApiRouter<Arc<Commands>> {
    ApiRouter::new().api_route(
        "/v1/agents/me/presence",
        post_with(be_seen, |op| {
            op.id("reportPresence")
                .tag("agents")
                .summary("Say that you are there, away or gone, or merely that you are still here")
                .description(
                    "Without a body it is a heartbeat: send one well before `until`, or silence makes you away \
                     and, later, offline. A heartbeat brings back an agent who was away by inactivity, and none who \
                     chose to be away.",
                )
        }),
    )
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Status {
    Online,
    Away,
    Offline,
    /// Nothing was ever said of it.
    Unknown,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Report {
    /// Left out: a heartbeat.
    #[serde(default)]
    status: Option<Status>,
}

/// Where you are, as colleagues and routing see it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PresenceState")]
struct View {
    user_id: UserId,
    status: Status,
    /// When this ends unless a heartbeat comes.
    until: Option<Timestamp>,
}

async fn be_seen(
    State(commands): AppState,
    Agent(caller): Agent,
    asking: CommandHeaders,
    OptionalJson(report): OptionalJson<Report>,
) -> Result<Completed<View>, CommandProblem> {
    let said = match report.status {
        None => ReportedPresence::Heartbeat,
        Some(Status::Online) => ReportedPresence::Online,
        Some(Status::Away) => ReportedPresence::Away,
        Some(Status::Offline) => ReportedPresence::Offline,
        Some(Status::Unknown) => {
            return Err(Problem::unprocessable("status", "Say online, away or offline.").into());
        }
    };
    // A heartbeat under a key would be the first one's for ever.
    let context = Context { key: None, if_match: None, ..asking.of(&caller) };
    let stream = StreamId::agent(caller.user);
    if !commands.agents.cached(&stream).await?.state.is_known_to(caller.account) {
        commands.join(caller.user, caller.name.clone(), &context).await?;
    }
    let timeouts = commands.presence_timeouts;
    let command =
        ReportPresence { account_id: caller.account, user_id: caller.user, reported: said, timeouts };
    let outcome = commands.agents.execute(&stream, &command, &context).await?;
    let (status, until) = match outcome.state.state.presence() {
        Presence::Unknown => (Status::Unknown, None),
        Presence::Online { until } => (Status::Online, Some(until)),
        Presence::Away { offline_at, .. } => (Status::Away, offline_at),
        Presence::Offline { .. } => (Status::Offline, None),
    };
    Ok(Completed(Answer::of(&commands, &outcome, View { user_id: caller.user, status, until }).await?))
}
