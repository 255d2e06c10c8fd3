//! Promises about how quickly customers are answered.

use super::AppState;
use super::answer::{Completed, Created};
use super::catalogue::{Retired, change, define, fresh_id, retire};
use super::command_headers::CommandHeaders;
use crate::problem::CommandProblem;
use aide::axum::ApiRouter;
use aide::axum::routing::{patch_with, post_with};
use axum::extract::State;
use commands::Commands;
use event_schemas::catalogue::{BusinessCalendar, SlaPolicy, SlaTargets};
use event_schemas::message::Priority;
use event_schemas::{AccountId, CalendarId, ChannelId, SlaPolicyId, TeamId};
use gate::{Change, Json, Path, Problem, Supervisor};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) fn routes() -> ApiRouter<Arc<Commands>> {
    ApiRouter::new()
        .api_route(
            "/v1/sla-policies",
            post_with(create, |op| {
                op.id("createSlaPolicy").tag("service levels").summary("Define an SLA policy")
            }),
        )
        .api_route(
            "/v1/sla-policies/{id}",
            patch_with(update, |op| {
                op.id("updateSlaPolicy").tag("service levels").summary("Change an SLA policy").description(
                    "What is promised already stays promised: a conversation keeps the policy as it was when \
                     it was applied.",
                )
            })
            .delete_with(remove, |op| {
                op.id("deleteSlaPolicy").tag("service levels").summary("Retire an SLA policy")
            }),
        )
}

/// A promise to be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewSlaPolicy {
    /// Unique in the account.
    name: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default = "yes")]
    is_active: bool,
    /// Among the policies that fit a conversation the lowest wins.
    #[serde(default)]
    order: i32,
    /// None: fits every channel.
    #[serde(default)]
    channel_ids: Vec<ChannelId>,
    /// None: fits every team and none.
    #[serde(default)]
    team_ids: Vec<TeamId>,
    /// When time counts; left out: always.
    #[serde(default)]
    calendar_id: Option<CalendarId>,
    /// In seconds, per priority. A priority that is missing is promised nothing.
    targets: BTreeMap<Priority, SlaTargets>,
    #[serde(default)]
    warn_before_seconds: Option<u32>,
    #[serde(default = "yes")]
    pause_while_pending: bool,
}

fn yes() -> bool {
    true
}

async fn create(
    State(commands): AppState,
    Supervisor(caller): Supervisor,
    asking: CommandHeaders,
    Json(new): Json<NewSlaPolicy>,
) -> Result<Created<SlaPolicy>, CommandProblem> {
    let context = asking.of(&caller);
    known_calendar(&commands, caller.account, new.calendar_id).await?;
    let policy = SlaPolicy {
        id: SlaPolicyId(fresh_id(&commands, &context)),
        name: new.name.trim().to_owned(),
        description: new.description,
        is_active: new.is_active,
        order: new.order,
        channel_ids: new.channel_ids,
        team_ids: new.team_ids,
        calendar_id: new.calendar_id,
        targets: new.targets,
        warn_before_seconds: new.warn_before_seconds,
        pause_while_pending: new.pause_while_pending,
    };
    define(&commands, policy, &context).await
}

async fn known_calendar(
    commands: &Commands,
    account: AccountId,
    calendar: Option<CalendarId>,
) -> Result<(), CommandProblem> {
    let Some(calendar) = calendar else { return Ok(()) };
    let calendars = commands.catalogue::<BusinessCalendar>(account).current().await?;
    match calendars.state.get(calendar) {
        Some(_) => Ok(()),
        None => Err(Problem::unprocessable("calendar_id", "This account has no such calendar.").into()),
    }
}

/// What changes; what is left out stays as it is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SlaPolicyChange {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    description: Change<String>,
    #[serde(default)]
    is_active: Option<bool>,
    #[serde(default)]
    order: Option<i32>,
    #[serde(default)]
    channel_ids: Option<Vec<ChannelId>>,
    #[serde(default)]
    team_ids: Option<Vec<TeamId>>,
    #[serde(default)]
    calendar_id: Change<CalendarId>,
    /// All of them, as they are to be.
    #[serde(default)]
    targets: Option<BTreeMap<Priority, SlaTargets>>,
    #[serde(default)]
    warn_before_seconds: Change<u32>,
    #[serde(default)]
    pause_while_pending: Option<bool>,
}

impl SlaPolicyChange {
    fn apply(&self, policy: &mut SlaPolicy) {
        if let Some(name) = &self.name {
            policy.name = name.trim().to_owned();
        }
        self.description.clone().apply(&mut policy.description);
        policy.is_active = self.is_active.unwrap_or(policy.is_active);
        policy.order = self.order.unwrap_or(policy.order);
        if let Some(channels) = &self.channel_ids {
            policy.channel_ids.clone_from(channels);
        }
        if let Some(teams) = &self.team_ids {
            policy.team_ids.clone_from(teams);
        }
        self.calendar_id.apply(&mut policy.calendar_id);
        if let Some(targets) = &self.targets {
            policy.targets.clone_from(targets);
        }
        self.warn_before_seconds.apply(&mut policy.warn_before_seconds);
        policy.pause_while_pending = self.pause_while_pending.unwrap_or(policy.pause_while_pending);
    }
}

async fn update(
    State(commands): AppState,
    Supervisor(caller): Supervisor,
    asking: CommandHeaders,
    Path(id): Path<SlaPolicyId>,
    Json(changes): Json<SlaPolicyChange>,
) -> Result<Completed<SlaPolicy>, CommandProblem> {
    known_calendar(&commands, caller.account, changes.calendar_id.into_option().flatten()).await?;
    change(&commands, id, &asking.of(&caller), |policy| changes.apply(policy)).await
}

async fn remove(
    State(commands): AppState,
    Supervisor(caller): Supervisor,
    asking: CommandHeaders,
    Path(id): Path<SlaPolicyId>,
) -> Result<Completed<Retired<SlaPolicyId>>, CommandProblem> {
    retire::<SlaPolicy>(&commands, id, &asking.of(&caller)).await
}
