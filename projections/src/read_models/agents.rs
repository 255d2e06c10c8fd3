//! The people who answer: whom each account knows, and what each person can take.

use event_schemas::agent::{AgentRegistered, Preferences, PreferencesChanged};
use event_schemas::{AccountId, AgentEvent, Timestamp, UserId, Version};
use follower::runner::DecodedEvent;
use follower::table::Json;

follower::table! {
    /// An account knows this person.
    pub struct AgentRow in "agents" key (account_id: AccountId, user_id: UserId) {
        name: String,
        email: Option<String>,
        registered_at: Timestamp,
    }
}

follower::table! {
    /// A person's preferences, the same in every account.
    pub struct AgentPreferencesRow in "agent_preferences" key (user_id: UserId) {
        preferences: Json<Preferences>,
        created_at: Timestamp,
        updated_at: Timestamp,
        version: Version,
    }
}

follower::table! {
    /// Whether a person is there, and how many conversations they have, in all accounts.
    pub struct AgentAvailabilityRow in "agent_availability" key (user_id: UserId) {
        presence: String,
        presence_since: Timestamp,
        /// Until when they count as there, or as away, unless they are heard of.
        presence_until: Option<Timestamp>,
        active: u32,
        idle_since: Option<Timestamp>,
        last_assigned_at: Option<Timestamp>,
    }
}

impl AgentAvailabilityRow {
    pub fn after(before: Option<&Self>, user: UserId, event: &AgentEvent, happened: &DecodedEvent) -> Self {
        let at = happened.metadata.occurred_at;
        let mut row = before.cloned().unwrap_or_else(|| Self {
            user_id: user,
            presence: "unknown".to_owned(),
            presence_since: at,
            presence_until: None,
            active: 0,
            idle_since: None,
            last_assigned_at: None,
        });
        match event {
            AgentEvent::WentOnline(online) => row.is_now("online", Some(online.until), at),
            AgentEvent::WentAway(away) => row.is_now("away", away.offline_at, at),
            AgentEvent::WentOffline(_) => row.is_now("offline", None, at),
            AgentEvent::PlaceTaken(taken) => {
                row.active += u32::from(!taken.renewed);
                row.idle_since = Some(at);
                row.last_assigned_at = Some(at);
            }
            AgentEvent::PlaceFreed(_) => {
                row.active = row.active.saturating_sub(1);
                row.idle_since = Some(at);
            }
            AgentEvent::AgentRegistered(_) | AgentEvent::PreferencesChanged(_) => {}
        }
        row
    }

    fn is_now(&mut self, presence: &str, until: Option<Timestamp>, at: Timestamp) {
        if self.presence != presence {
            presence.clone_into(&mut self.presence);
            self.presence_since = at;
        }
        self.presence_until = until;
    }
}

impl AgentRow {
    pub fn registered(before: Option<&Self>, registered: &AgentRegistered, happened: &DecodedEvent) -> Self {
        Self {
            account_id: registered.account_id,
            user_id: registered.user_id,
            name: registered.name.clone(),
            email: registered.email.clone(),
            registered_at: before.map_or(happened.metadata.occurred_at, |before| before.registered_at),
        }
    }
}

impl AgentPreferencesRow {
    pub fn changed(before: Option<&Self>, changed: &PreferencesChanged, happened: &DecodedEvent) -> Self {
        let at = happened.metadata.occurred_at;
        Self {
            user_id: changed.user_id,
            preferences: Json(changed.preferences.clone()),
            created_at: before.map_or(at, |before| before.created_at),
            updated_at: at,
            version: happened.version,
        }
    }
}
