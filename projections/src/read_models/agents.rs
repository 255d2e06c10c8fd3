//! The people who answer: whom each account knows, and what each person can take.

use crate::runner::Happened;
use crate::table::Json;
use event_schemas::agent::{AgentRegistered, Preferences, PreferencesChanged};
use event_schemas::{AccountId, Timestamp, UserId, Version};

crate::table! {
    /// An account knows this person.
    pub struct AgentRow in "agents" key (account_id: AccountId, user_id: UserId) {
        name: String,
        email: Option<String>,
        registered_at: Timestamp,
    }
}

crate::table! {
    /// A person's preferences, the same in every account.
    pub struct AgentPreferencesRow in "agent_preferences" key (user_id: UserId) {
        preferences: Json<Preferences>,
        created_at: Timestamp,
        updated_at: Timestamp,
        version: Version,
    }
}

impl AgentRow {
    pub fn registered(before: Option<&Self>, registered: &AgentRegistered, happened: &Happened) -> Self {
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
    pub fn changed(before: Option<&Self>, changed: &PreferencesChanged, happened: &Happened) -> Self {
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
