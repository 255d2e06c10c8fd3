//! The agents of an account and their preferences.

use crate::params::comma_separated;
use crate::problem::tables_unavailable;
use crate::response::{List, Tagged};
use crate::state::{Fresh, QueryState};
use aide::axum::ApiRouter;
use aide::axum::routing::get_with;
use event_schemas::agent::Preferences;
use event_schemas::{AccountId, Timestamp, UserId, Version};
use follower::ReadView;
use gate::{AdministratorOrService, Agent, Json, Path, Problem, Query};
use projections::read_models::agents::{self as table, AgentAvailabilityRow, AgentPreferencesRow, AgentRow};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub fn routes() -> ApiRouter<QueryState> {
    ApiRouter::new()
        .api_route(
            "/v1/agents",
            get_with(agents, |op| {
                op.id("listAgents").tag("agents").summary("The agents of the account, by name")
            }),
        )
        .api_route(
            "/v1/agents/{user_id}",
            get_with(agent, |op| op.id("getAgent").tag("agents").summary("An agent of the account")),
        )
        .api_route(
            "/v1/agent-preferences",
            get_with(all, |op| {
                op.id("listPreferences").tag("agents").summary("The preferences of all agents")
            }),
        )
        .api_route(
            "/v1/agent-preferences/me",
            get_with(own, |op| op.id("getOwnPreferences").tag("agents").summary("Your preferences")),
        )
        .api_route(
            "/v1/agent-preferences/{user_id}",
            get_with(of_agent, |op| {
                op.id("getPreferences").tag("agents").summary("The preferences of an agent")
            }),
        )
}

/// An agent of the account, with the name that colleagues and customers see.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Agent")]
struct Person {
    id: UserId,
    user_id: UserId,
    name: String,
    email: Option<String>,
    registered_at: Timestamp,
}

impl From<AgentRow> for Person {
    fn from(row: AgentRow) -> Self {
        Self {
            id: row.user_id,
            user_id: row.user_id,
            name: row.name,
            email: row.email,
            registered_at: row.registered_at,
        }
    }
}

/// The conversations that an agent can take, and when (requirement 000, section 2).
#[derive(Debug, Serialize, JsonSchema)]
struct AgentPreferences {
    id: UserId,
    user_id: UserId,
    #[serde(flatten)]
    preferences: Preferences,
    /// `online`, `away`, `offline`, or `unknown` when the presence was never reported.
    presence: String,
    /// The time at which the presence expires unless a heartbeat arrives. `null` when it does not expire.
    presence_until: Option<Timestamp>,
    /// The number of conversations that use the agent's capacity.
    active_conversations: u32,
    /// The time of the last assignment or release of a conversation. `null` when there was none.
    idle_since: Option<Timestamp>,
    /// `null` when the preferences were never changed.
    created_at: Option<Timestamp>,
    updated_at: Option<Timestamp>,
    /// The number of changes of the preferences in this account; it is also the `ETag`.
    version: Option<Version>,
}

impl From<AgentPreferencesRow> for AgentPreferences {
    fn from(row: AgentPreferencesRow) -> Self {
        Self {
            id: row.user_id,
            user_id: row.user_id,
            preferences: row.preferences.0,
            presence: "unknown".to_owned(),
            presence_until: None,
            active_conversations: 0,
            idle_since: None,
            created_at: Some(row.created_at),
            updated_at: Some(row.updated_at),
            version: Some(row.version),
        }
    }
}

impl AgentPreferences {
    /// Adds the presence and load.
    fn with_availability(mut self, availability: Option<&AgentAvailabilityRow>) -> Self {
        if let Some(availability) = availability {
            self.presence.clone_from(&availability.presence);
            self.presence_until = availability.presence_until;
            self.active_conversations = availability.active;
            self.idle_since = availability.idle_since;
        }
        self
    }

    /// The preferences of an agent who never changed them.
    fn defaults(user: UserId) -> Self {
        Self {
            id: user,
            user_id: user,
            preferences: Preferences::default(),
            presence: "unknown".to_owned(),
            presence_until: None,
            active_conversations: 0,
            idle_since: None,
            created_at: None,
            updated_at: None,
            version: None,
        }
    }
}

async fn agent(
    caller: Agent,
    Fresh(tables): Fresh,
    Path(user): Path<UserId>,
) -> Result<Json<Person>, Problem> {
    let found = table::find(tables.readers(), caller.account, user).await.map_err(tables_unavailable)?;
    found.map(|row| Json(row.into())).ok_or_else(|| Problem::not_found("agent"))
}

async fn agents(caller: Agent, Fresh(tables): Fresh) -> Result<Json<List<Person>>, Problem> {
    let rows = table::list(tables.readers(), caller.account).await.map_err(tables_unavailable)?;
    Ok(List::whole(rows, Person::from))
}

/// The filters of the list (requirement 000, section 4).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PreferencesFilter {
    /// One or several topics, separated by commas. Agents who take one of them; an agent without topics takes all.
    #[serde(default, deserialize_with = "comma_separated")]
    #[schemars(with = "Option<String>")]
    available_topics: Vec<String>,
    #[serde(default)]
    is_available: Option<bool>,
}

impl PreferencesFilter {
    fn fits(&self, preferences: &Preferences) -> bool {
        let taken = &preferences.available_topics;
        let takes = |topic: &String| taken.iter().any(|known| known.eq_ignore_ascii_case(topic));
        let is_of_topic = self.available_topics.is_empty() || taken.is_empty();
        (is_of_topic || self.available_topics.iter().any(takes))
            && self.is_available.is_none_or(|is_available| preferences.is_available == is_available)
    }
}

async fn all(
    caller: AdministratorOrService,
    Fresh(tables): Fresh,
    Query(filter): Query<PreferencesFilter>,
) -> Result<Json<List<AgentPreferences>>, Problem> {
    let known = table::list(tables.readers(), caller.account).await.map_err(tables_unavailable)?;
    let changed =
        table::all_preferences(tables.readers(), caller.account).await.map_err(tables_unavailable)?;
    let availability =
        table::all_availability(tables.readers(), caller.account).await.map_err(tables_unavailable)?;
    let of = |user| changed.iter().find(|row| row.user_id == user).cloned();
    let whole = |agent: AgentRow| {
        let user = agent.user_id;
        let preferences = of(user).map_or_else(|| AgentPreferences::defaults(user), AgentPreferences::from);
        preferences.with_availability(availability.iter().find(|availability| availability.user_id == user))
    };
    let mut all: Vec<_> = known.into_iter().map(whole).collect();
    all.retain(|agent| filter.fits(&agent.preferences));
    Ok(List::whole(all, |agent| agent))
}

async fn own(caller: Agent, Fresh(tables): Fresh) -> Result<Tagged<AgentPreferences>, Problem> {
    of(&tables, caller.account, caller.user).await
}

async fn of_agent(
    caller: AdministratorOrService,
    Fresh(tables): Fresh,
    Path(user): Path<UserId>,
) -> Result<Tagged<AgentPreferences>, Problem> {
    let known = table::find(tables.readers(), caller.account, user).await.map_err(tables_unavailable)?;
    known.ok_or_else(|| Problem::not_found("agent"))?;
    of(&tables, caller.account, user).await
}

async fn of(
    tables: &ReadView,
    account: AccountId,
    user: UserId,
) -> Result<Tagged<AgentPreferences>, Problem> {
    let row = table::preferences(tables.readers(), account, user).await.map_err(tables_unavailable)?;
    let version = row.as_ref().map_or(Version::FIRST, |row| row.version);
    let availability =
        table::availability(tables.readers(), account, user).await.map_err(tables_unavailable)?;
    let body = row.map_or_else(|| AgentPreferences::defaults(user), AgentPreferences::from);
    Ok(Tagged { version, body: body.with_availability(availability.as_ref()) })
}
