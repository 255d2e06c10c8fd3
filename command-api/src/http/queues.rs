//! Where conversations wait for an agent, and how one is found.

use super::AppState;
use super::answer::{Completed, Created};
use super::catalogue::{Retired, change, define, fresh_id, retire};
use super::command_headers::CommandHeaders;
use super::conversations::known_team;
use crate::problem::CommandProblem;
use aide::axum::ApiRouter;
use aide::axum::routing::{patch_with, post_with};
use axum::extract::State;
use commands::Commands;
use event_schemas::routing::{Queue, RoutingStrategy, WhenOffline};
use event_schemas::{QueueId, TeamId, UserId};
use gate::{Caller, Change, Json, Path, Supervisor};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) fn routes() -> ApiRouter<Arc<Commands>> {
    ApiRouter::new()
        .api_route(
            "/v1/queues",
            post_with(create, |op| {
                op.id("createQueue").tag("queues").summary("Define a queue").description(
                    "With its first queue an account switches routing on: conversations find agents by the \
                     queue's strategy, and nobody is given more than they can take.",
                )
            }),
        )
        .api_route(
            "/v1/queues/{id}",
            patch_with(update, |op| op.id("updateQueue").tag("queues").summary("Change a queue"))
                .delete_with(remove, |op| op.id("deleteQueue").tag("queues").summary("Retire a queue")),
        )
}

/// A queue to be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewQueue {
    /// Unique in the account.
    name: String,
    /// Whose conversations; none: those of no team, and of teams without a queue of their own.
    #[serde(default)]
    team_id: Option<TeamId>,
    strategy: RoutingStrategy,
    /// By agent. Who has a penalty is only asked when nobody with a lower one can take it.
    #[serde(default)]
    penalties: BTreeMap<UserId, u32>,
    /// How many may wait at once; none: any number.
    #[serde(default)]
    max_waiting: Option<u32>,
    /// Who gets those that come when so many wait.
    #[serde(default)]
    overflow_team_id: Option<TeamId>,
    /// How long an agent may think about an offer: 30 where nothing is said.
    #[serde(default)]
    offer_seconds: Option<u32>,
    /// How long who did not take it is not asked again: 120 where nothing is said.
    #[serde(default)]
    ask_again_seconds: Option<u32>,
    /// `keep` where nothing is said.
    #[serde(default)]
    when_offline: Option<WhenOffline>,
    #[serde(default)]
    give_back_seconds: Option<u32>,
    /// What a customer who has to wait is told: may name `{{position}}` and `{{wait_minutes}}`.
    #[serde(default)]
    announcement: Option<String>,
}

async fn create(
    State(commands): AppState,
    Supervisor(caller): Supervisor,
    asking: CommandHeaders,
    Json(new): Json<NewQueue>,
) -> Result<Created<Queue>, CommandProblem> {
    let context = asking.of(&caller);
    teams_are_known(&commands, &caller, new.team_id, new.overflow_team_id).await?;
    let queue = Queue {
        id: QueueId(fresh_id(&commands, &context)),
        name: new.name.trim().to_owned(),
        team_id: new.team_id,
        strategy: new.strategy,
        penalties: new.penalties,
        max_waiting: new.max_waiting,
        overflow_team_id: new.overflow_team_id,
        offer_seconds: new.offer_seconds.unwrap_or(30),
        ask_again_seconds: new.ask_again_seconds.unwrap_or(120),
        when_offline: new.when_offline.unwrap_or(WhenOffline::Keep),
        give_back_seconds: new.give_back_seconds.unwrap_or(120),
        announcement: new.announcement,
    };
    define(&commands, queue, &context).await
}

/// What changes; what is left out stays as it is, and `null` takes away.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct QueueChange {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    team_id: Change<TeamId>,
    #[serde(default)]
    strategy: Option<RoutingStrategy>,
    /// All of them, as they are to be.
    #[serde(default)]
    penalties: Option<BTreeMap<UserId, u32>>,
    #[serde(default)]
    max_waiting: Change<u32>,
    #[serde(default)]
    overflow_team_id: Change<TeamId>,
    #[serde(default)]
    offer_seconds: Option<u32>,
    #[serde(default)]
    ask_again_seconds: Option<u32>,
    #[serde(default)]
    when_offline: Option<WhenOffline>,
    #[serde(default)]
    give_back_seconds: Option<u32>,
    #[serde(default)]
    announcement: Change<String>,
}

impl QueueChange {
    fn apply(&self, queue: &mut Queue) {
        if let Some(name) = &self.name {
            queue.name = name.trim().to_owned();
        }
        self.team_id.apply(&mut queue.team_id);
        set(&mut queue.strategy, &self.strategy);
        set(&mut queue.penalties, &self.penalties);
        self.max_waiting.apply(&mut queue.max_waiting);
        self.overflow_team_id.apply(&mut queue.overflow_team_id);
        set(&mut queue.offer_seconds, &self.offer_seconds);
        set(&mut queue.ask_again_seconds, &self.ask_again_seconds);
        set(&mut queue.when_offline, &self.when_offline);
        set(&mut queue.give_back_seconds, &self.give_back_seconds);
        self.announcement.clone().apply(&mut queue.announcement);
    }
}

fn set<T: Clone>(field: &mut T, change: &Option<T>) {
    if let Some(value) = change {
        field.clone_from(value);
    }
}

async fn update(
    State(commands): AppState,
    Supervisor(caller): Supervisor,
    asking: CommandHeaders,
    Path(id): Path<QueueId>,
    Json(changes): Json<QueueChange>,
) -> Result<Completed<Queue>, CommandProblem> {
    let (team, overflow) =
        (changes.team_id.into_option().flatten(), changes.overflow_team_id.into_option().flatten());
    teams_are_known(&commands, &caller, team, overflow).await?;
    change(&commands, id, &asking.of(&caller), |queue| changes.apply(queue)).await
}

async fn remove(
    State(commands): AppState,
    Supervisor(caller): Supervisor,
    asking: CommandHeaders,
    Path(id): Path<QueueId>,
) -> Result<Completed<Retired<QueueId>>, CommandProblem> {
    retire::<Queue>(&commands, id, &asking.of(&caller)).await
}

async fn teams_are_known(
    commands: &Commands,
    caller: &Caller,
    team: Option<TeamId>,
    overflow: Option<TeamId>,
) -> Result<(), CommandProblem> {
    for (field, team) in [("team_id", team), ("overflow_team_id", overflow)] {
        if let Some(team) = team {
            known_team(commands, caller, team).await.map_err(|problem| problem.field(field))?;
        }
    }
    Ok(())
}
