//! The agents: their preferences (requirement 000, section 2), their presence, and the reservations of their
//! capacity.
//!
//! Preferences and presence are the person's, not an account's; which accounts know the person is theirs to
//! extend: an administrator registers a person whom no account knows; others join by signing in.
//!
//! Capacity is reserved here before a conversation is assigned. The stream serialises the requests for the last
//! capacity, and presence is in the same stream: capacity is never reserved with an agent who has just gone away.

mod eligibility;
mod preferences;
mod presence;
mod reservations;
#[cfg(test)]
mod tests;

pub use eligibility::{Requirements, ineligibility};
pub use preferences::ChangePreferences;
pub(crate) use preferences::is_language_tag;
pub use presence::{ExpirePresence, Presence, PresenceTimeouts, ReportPresence, ReportedPresence};
pub use reservations::{EligibilityCheck, ReleaseCapacity, Reservation, ReserveCapacity};

use crate::aggregate::{Decide, Evolve};
use crate::calendar::{Hours, days_off};
use event_schemas::agent::{AgentRegistered, Preferences};
use event_schemas::routing::Ineligible;
use event_schemas::{AccountId, AgentEvent, ConversationId, Timestamp, UserId, Version};
use std::collections::BTreeMap;

const LONGEST_NAME: usize = 200;

/// A person who answers.
#[derive(Clone, Debug, Default)]
pub struct Agent {
    /// Under which name and address each account knows them.
    accounts: BTreeMap<AccountId, (String, Option<String>)>,
    preferences: Preferences,
    hours: Option<Hours>,
    /// Days off, from a moment until another.
    leave: Vec<(Timestamp, Timestamp)>,
    presence: Presence,
    reservations: BTreeMap<ConversationId, Reservation>,
    last_given: Option<Timestamp>,
    idle_since: Option<Timestamp>,
    /// How many events there have been, and after how many the preferences were last changed: a caller who
    /// names a version means that of the preferences, not that of the stream.
    events: u64,
    preferences_after: Option<u64>,
}

impl Agent {
    pub fn is_known_to(&self, account: AccountId) -> bool {
        self.accounts.contains_key(&account)
    }
    pub fn is_known_to_anybody(&self) -> bool {
        !self.accounts.is_empty()
    }
    pub fn accounts(&self) -> impl Iterator<Item = AccountId> {
        self.accounts.keys().copied()
    }
    pub fn name_in(&self, account: AccountId) -> Option<&str> {
        self.accounts.get(&account).map(|(name, _)| name.as_str())
    }
    pub fn email_in(&self, account: AccountId) -> Option<&str> {
        self.accounts.get(&account).and_then(|(_, email)| email.as_deref())
    }
    pub fn preferences(&self) -> &Preferences {
        &self.preferences
    }
    /// The version at which the preferences were last changed.
    pub fn preferences_version(&self) -> Option<Version> {
        self.preferences_after.map(Version)
    }
    pub fn presence(&self) -> Presence {
        self.presence
    }
    /// The conversations that have a place here, of all accounts.
    pub fn reservations(&self) -> impl Iterator<Item = (ConversationId, &Reservation)> {
        self.reservations.iter().map(|(id, place)| (*id, place))
    }
    pub fn reservation(&self, conversation: ConversationId) -> Option<&Reservation> {
        self.reservations.get(&conversation)
    }
    /// How many conversations they have.
    pub fn active(&self) -> u32 {
        u32::try_from(self.reservations.len()).unwrap_or(u32::MAX)
    }
    /// When they were last given a conversation.
    pub fn last_given(&self) -> Option<Timestamp> {
        self.last_given
    }
    /// When they were last given or rid of one.
    pub fn idle_since(&self) -> Option<Timestamp> {
        self.idle_since
    }
    /// Whether their working hours are on.
    pub fn is_within_hours(&self, now: Timestamp) -> bool {
        self.hours.as_ref().is_none_or(|hours| hours.is_open(now))
    }
    pub fn is_on_leave(&self, now: Timestamp) -> bool {
        self.leave.iter().any(|(from, until)| (*from..*until).contains(&now))
    }

    fn prefer(&mut self, preferences: &Preferences) {
        self.preferences = preferences.clone();
        // What was accepted once made sense; an older program's zone that is gone means no hours at all.
        let hours = preferences.available_hours.as_ref();
        self.hours = hours.and_then(|hours| Hours::weekly(&hours.timezone, &hours.schedule, &[]).ok());
        let zone = hours.map_or("UTC", |hours| hours.timezone.as_str());
        let days = preferences.leave.iter();
        self.leave = days.filter_map(|leave| days_off(zone, &leave.from, &leave.until).ok()).collect();
    }
}

impl Evolve for Agent {
    type Event = AgentEvent;

    fn evolve(&mut self, event: &AgentEvent, at: Timestamp) {
        use AgentEvent as E;
        match event {
            E::AgentRegistered(known) => {
                self.accounts.insert(known.account_id, (known.name.clone(), known.email.clone()));
            }
            E::PreferencesChanged(changed) => {
                self.prefer(&changed.preferences);
                self.preferences_after = Some(self.events);
            }
            E::WentOnline(online) => self.presence = Presence::Online { until: online.until },
            E::WentAway(away) => {
                self.presence = Presence::Away { cause: away.cause, offline_at: away.offline_at };
            }
            E::WentOffline(_) => self.presence = Presence::Offline { since: at },
            E::CapacityReserved(taken) => {
                let place = Reservation {
                    account_id: taken.account_id,
                    conversation_version: taken.conversation_version,
                    since: at,
                };
                self.reservations.insert(taken.conversation_id, place);
                self.last_given = Some(at);
                self.idle_since = Some(at);
            }
            E::CapacityReleased(freed) => {
                self.reservations.remove(&freed.conversation_id);
                self.idle_since = Some(at);
            }
        }
        self.events += 1;
    }
}

/// Why an agent cannot be as asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("this account knows no such agent")]
    NotRegistered,
    #[error("this person answers for another account")]
    SomebodyElses,
    #[error("the agent cannot take it: {0}")]
    CannotTake(Ineligible),
    #[error("the preferences are at {actual:?}")]
    ChangedMeanwhile { expected: Version, actual: Option<Version> },
    #[error("another account registered this person; they join by signing in to this one")]
    RegisteredElsewhere,
    /// `field` is the path of what is wrong.
    #[error("{field}: {reason}")]
    Invalid { field: String, reason: String },
}

fn invalid(field: impl Into<String>, reason: impl Into<String>) -> Rejection {
    Rejection::Invalid { field: field.into(), reason: reason.into() }
}

/// An account knows this person from now on, by this name.
#[derive(Clone, Debug)]
pub struct Register {
    pub account_id: AccountId,
    pub user_id: UserId,
    pub name: String,
    pub email: Option<String>,
    /// Whether the person asks for themselves.
    pub is_self: bool,
}

impl Decide<Agent> for Register {
    type Rejection = Rejection;

    fn decide(&self, state: &Agent, _: Timestamp) -> Result<Vec<AgentEvent>, Rejection> {
        let length = self.name.trim().chars().count();
        if length == 0 || length > LONGEST_NAME {
            return Err(invalid("name", format!("has between 1 and {LONGEST_NAME} characters")));
        }
        let elsewhere = !state.accounts.is_empty() && !state.is_known_to(self.account_id);
        if elsewhere && !self.is_self {
            return Err(Rejection::RegisteredElsewhere);
        }
        let same = state.name_in(self.account_id) == Some(&self.name)
            && state.email_in(self.account_id) == self.email.as_deref();
        if same {
            return Ok(Vec::new());
        }
        Ok(vec![
            AgentRegistered {
                account_id: self.account_id,
                user_id: self.user_id,
                name: self.name.clone(),
                email: self.email.clone(),
            }
            .into(),
        ])
    }
}
