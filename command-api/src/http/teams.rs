//! Groups of agents.

use super::AppState;
use super::answer::{Completed, Created};
use super::catalogue::{Retired, change, define, fresh_id, retire};
use super::command_headers::CommandHeaders;
use crate::problem::CommandProblem;
use aide::axum::ApiRouter;
use aide::axum::routing::{patch_with, post_with};
use axum::extract::State;
use commands::Commands;
use event_schemas::catalogue::Team;
use event_schemas::{TeamId, UserId};
use gate::{Change, Json, Path, Supervisor};
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;

pub(super) fn routes() -> ApiRouter<Arc<Commands>> {
    ApiRouter::new()
        .api_route(
            "/v1/teams",
            post_with(create, |op| op.id("createTeam").tag("teams").summary("Define a team")),
        )
        .api_route(
            "/v1/teams/{id}",
            patch_with(update, |op| op.id("updateTeam").tag("teams").summary("Change a team"))
                .delete_with(remove, |op| op.id("deleteTeam").tag("teams").summary("Retire a team")),
        )
}

/// A team to be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewTeam {
    /// Unique in the account.
    name: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    lead_id: Option<UserId>,
    #[serde(default)]
    member_ids: Vec<UserId>,
}

async fn create(
    State(commands): AppState,
    Supervisor(caller): Supervisor,
    asking: CommandHeaders,
    Json(new): Json<NewTeam>,
) -> Result<Created<Team>, CommandProblem> {
    let context = asking.of(&caller);
    let team = Team {
        id: TeamId(fresh_id(&commands, &context)),
        name: new.name.trim().to_owned(),
        description: new.description,
        lead_id: new.lead_id,
        member_ids: new.member_ids,
    };
    define(&commands, team, &context).await
}

/// What changes; what is left out stays as it is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TeamChange {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    description: Change<String>,
    #[serde(default)]
    lead_id: Change<UserId>,
    /// All of them, as they are to be.
    #[serde(default)]
    member_ids: Option<Vec<UserId>>,
}

impl TeamChange {
    fn apply(&self, team: &mut Team) {
        if let Some(name) = &self.name {
            team.name = name.trim().to_owned();
        }
        self.description.clone().apply(&mut team.description);
        self.lead_id.apply(&mut team.lead_id);
        if let Some(members) = &self.member_ids {
            team.member_ids.clone_from(members);
        }
    }
}

async fn update(
    State(commands): AppState,
    Supervisor(caller): Supervisor,
    asking: CommandHeaders,
    Path(id): Path<TeamId>,
    Json(changes): Json<TeamChange>,
) -> Result<Completed<Team>, CommandProblem> {
    change(&commands, id, &asking.of(&caller), |team| changes.apply(team)).await
}

async fn remove(
    State(commands): AppState,
    Supervisor(caller): Supervisor,
    asking: CommandHeaders,
    Path(id): Path<TeamId>,
) -> Result<Completed<Retired<TeamId>>, CommandProblem> {
    retire::<Team>(&commands, id, &asking.of(&caller)).await
}
