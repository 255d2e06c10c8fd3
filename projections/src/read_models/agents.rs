//! Agents: the accounts in which they are registered, their preferences, presence and load.

use super::registry::ReadModel;
use crate::queries::{row, rows};
use event_schemas::agent::Preferences;
use event_schemas::{AccountId, AgentEvent, Event, Timestamp, UserId, Version};
use follower::db::{DbError, Readers};
use follower::runner::DecodedEvent;
use follower::table::{Json, Rows, Values};

follower::table! {
    /// An agent of an account.
    pub struct AgentRow in "agents" key (account_id: AccountId, user_id: UserId) {
        name: String,
        email: Option<String>,
        registered_at: Timestamp,
        /// When the agent was removed from the account. `None` of an agent who is in it.
        removed_at: Option<Timestamp>,
    }
}

follower::table! {
    /// An agent's preferences in an account.
    pub struct AgentPreferencesRow in "agent_preferences" key (account_id: AccountId, user_id: UserId) {
        preferences: Json<Preferences>,
        created_at: Timestamp,
        updated_at: Timestamp,
        /// The number of changes of the preferences in this account.
        version: Version,
    }
}

follower::table! {
    /// An agent's presence in an account, and the number of the agent's conversations there.
    pub struct AgentAvailabilityRow in "agent_availability" key (account_id: AccountId, user_id: UserId) {
        presence: String,
        presence_since: Timestamp,
        /// The time at which this presence expires unless the agent's client reports again.
        presence_until: Option<Timestamp>,
        active: u32,
        idle_since: Option<Timestamp>,
        last_assigned_at: Option<Timestamp>,
    }
}

impl ReadModel for AgentRow {
    const CACHED: usize = 256;

    fn keys(event: &DecodedEvent) -> impl IntoIterator<Item = Self::Key> {
        let Event::Agent(event) = &event.event else { return None };
        match event {
            AgentEvent::AgentRegistered(event) => Some((event.account_id, event.user_id)),
            AgentEvent::AgentRemoved(event) => Some((event.account_id, event.user_id)),
            AgentEvent::PreferencesChanged(_)
            | AgentEvent::WentOnline(_)
            | AgentEvent::WentAway(_)
            | AgentEvent::WentOffline(_)
            | AgentEvent::CapacityReserved(_)
            | AgentEvent::CapacityReleased(_) => None,
        }
    }

    fn apply(rows: &mut Rows<Self>, event: &DecodedEvent) {
        if let Event::Agent(AgentEvent::AgentRemoved(removed)) = &event.event
            && let Some(row) = rows.get(&(removed.account_id, removed.user_id)).cloned()
        {
            return rows.put(Self { removed_at: Some(event.metadata.occurred_at), ..row });
        }
        let Event::Agent(AgentEvent::AgentRegistered(registered)) = &event.event else { return };
        let before = rows.get(&(registered.account_id, registered.user_id));
        let registered_at = before.map_or(event.metadata.occurred_at, |before| before.registered_at);
        rows.put(Self {
            account_id: registered.account_id,
            user_id: registered.user_id,
            name: registered.name.clone(),
            email: registered.email.clone(),
            registered_at,
            removed_at: None,
        });
    }
}

impl ReadModel for AgentPreferencesRow {
    const CACHED: usize = 256;

    fn keys(event: &DecodedEvent) -> impl IntoIterator<Item = Self::Key> {
        let Event::Agent(AgentEvent::PreferencesChanged(changed)) = &event.event else { return None };
        Some((changed.account_id?, changed.user_id))
    }

    fn apply(rows: &mut Rows<Self>, event: &DecodedEvent) {
        let Event::Agent(AgentEvent::PreferencesChanged(changed)) = &event.event else { return };
        let Some(account_id) = changed.account_id else { return };
        let at = event.metadata.occurred_at;
        let before = rows.get(&(account_id, changed.user_id));
        let (created_at, version) =
            before.map_or((at, Version::FIRST), |before| (before.created_at, before.version));
        rows.put(Self {
            account_id,
            user_id: changed.user_id,
            preferences: Json(changed.preferences.clone()),
            created_at,
            updated_at: at,
            version: version.next(),
        });
    }
}

impl ReadModel for AgentAvailabilityRow {
    const CACHED: usize = 1_024;

    fn keys(event: &DecodedEvent) -> impl IntoIterator<Item = Self::Key> {
        Self::agent(event)
    }

    fn apply(rows: &mut Rows<Self>, event: &DecodedEvent) {
        let Some((account_id, user_id)) = Self::agent(event) else { return };
        let at = event.metadata.occurred_at;
        let mut row = rows.get(&(account_id, user_id)).cloned().unwrap_or_else(|| Self {
            account_id,
            user_id,
            presence: "unknown".to_owned(),
            presence_since: at,
            presence_until: None,
            active: 0,
            idle_since: None,
            last_assigned_at: None,
        });
        row.apply_event(event);
        rows.put(row);
    }
}

impl AgentAvailabilityRow {
    /// The account and the agent whose presence or load an event changes.
    fn agent(event: &DecodedEvent) -> Option<(AccountId, UserId)> {
        let Event::Agent(event) = &event.event else { return None };
        let user = match event {
            AgentEvent::WentOnline(event) => event.user_id,
            AgentEvent::WentAway(event) => event.user_id,
            AgentEvent::WentOffline(event) => event.user_id,
            AgentEvent::CapacityReserved(event) => event.user_id,
            AgentEvent::CapacityReleased(event) => event.user_id,
            AgentEvent::AgentRemoved(event) => event.user_id,
            AgentEvent::AgentRegistered(_) | AgentEvent::PreferencesChanged(_) => return None,
        };
        Some((event.account()?, user))
    }

    fn apply_event(&mut self, event: &DecodedEvent) {
        let at = event.metadata.occurred_at;
        let Event::Agent(event) = &event.event else { return };
        match event {
            AgentEvent::WentOnline(online) => self.set_presence("online", Some(online.until), at),
            AgentEvent::WentAway(away) => self.set_presence("away", away.offline_at, at),
            AgentEvent::WentOffline(_) | AgentEvent::AgentRemoved(_) => {
                self.set_presence("offline", None, at);
            }
            AgentEvent::CapacityReserved(reserved) => {
                self.active += u32::from(!reserved.renewed);
                self.idle_since = Some(at);
                self.last_assigned_at = Some(at);
            }
            AgentEvent::CapacityReleased(_) => {
                self.active = self.active.saturating_sub(1);
                self.idle_since = Some(at);
            }
            AgentEvent::AgentRegistered(_) | AgentEvent::PreferencesChanged(_) => {}
        }
    }

    fn set_presence(&mut self, presence: &str, until: Option<Timestamp>, at: Timestamp) {
        if self.presence != presence {
            presence.clone_into(&mut self.presence);
            self.presence_since = at;
        }
        self.presence_until = until;
    }
}

/// The agents of an account, by name.
pub async fn list(readers: &Readers, account: AccountId) -> Result<Vec<AgentRow>, DbError> {
    let condition = "where account_id = $1 and removed_at is null order by name, user_id";
    rows(readers, condition, Values::default().with(&account)).await
}

/// An agent who is in the account.
pub async fn find(readers: &Readers, account: AccountId, user: UserId) -> Result<Option<AgentRow>, DbError> {
    Ok(known(readers, account, user).await?.filter(|agent| agent.removed_at.is_none()))
}

/// Whether the account has removed the agent and not registered them again.
pub async fn is_removed(readers: &Readers, account: AccountId, user: UserId) -> Result<bool, DbError> {
    Ok(known(readers, account, user).await?.is_some_and(|agent| agent.removed_at.is_some()))
}

async fn known(readers: &Readers, account: AccountId, user: UserId) -> Result<Option<AgentRow>, DbError> {
    row(readers, ONE, Values::default().with(&account).with(&user)).await
}

/// An agent's preferences in an account. `None` when they were never set.
pub async fn preferences(
    readers: &Readers,
    account: AccountId,
    user: UserId,
) -> Result<Option<AgentPreferencesRow>, DbError> {
    row(readers, ONE, Values::default().with(&account).with(&user)).await
}

/// An agent's presence and load in an account. `None` when neither was ever reported.
pub async fn availability(
    readers: &Readers,
    account: AccountId,
    user: UserId,
) -> Result<Option<AgentAvailabilityRow>, DbError> {
    row(readers, ONE, Values::default().with(&account).with(&user)).await
}

/// The presence and load of all agents of an account.
pub async fn all_availability(
    readers: &Readers,
    account: AccountId,
) -> Result<Vec<AgentAvailabilityRow>, DbError> {
    rows(readers, OF_ACCOUNT, Values::default().with(&account)).await
}

/// The preferences of all agents of an account.
pub async fn all_preferences(
    readers: &Readers,
    account: AccountId,
) -> Result<Vec<AgentPreferencesRow>, DbError> {
    rows(readers, OF_ACCOUNT, Values::default().with(&account)).await
}

const ONE: &str = "where account_id = $1 and user_id = $2";
const OF_ACCOUNT: &str = "where account_id = $1 order by user_id";
