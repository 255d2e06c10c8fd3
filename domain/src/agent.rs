//! The agents: their preferences (requirement 000, section 2), their presence, and the reservations of their
//! capacity.
//!
//! A person can be an agent of several accounts. Preferences, presence and capacity are those of one account: nothing that
//! is done in one account changes the agent in another.
//!
//! Capacity is reserved here before a conversation is assigned. The person's stream serialises the requests
//! for the remaining capacity. Presence is in the same stream, so capacity is never reserved with an agent
//! who has just gone away.

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
use event_schemas::agent::{AgentRegistered, AgentRemoved, Preferences};
use event_schemas::routing::Ineligible;
use event_schemas::{AccountId, AgentEvent, ConversationId, Timestamp, UserId, Version};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::LazyLock;

const LONGEST_NAME: usize = 200;

/// A person who answers customers, in each account.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Person {
    accounts: BTreeMap<AccountId, Agent>,
    /// The number of events of the stream.
    events: u64,
}

/// A person in an account in which nothing has happened.
static UNKNOWN: LazyLock<Agent> = LazyLock::new(Agent::default);

impl Person {
    /// The person as an agent of this account, registered or not.
    pub fn in_account(&self, account: AccountId) -> &Agent {
        self.accounts.get(&account).unwrap_or(&UNKNOWN)
    }

    /// The person in each account in which something happened.
    pub fn accounts(&self) -> impl Iterator<Item = (AccountId, &Agent)> {
        self.accounts.iter().map(|(account, agent)| (*account, agent))
    }

    /// The person with the hours and days off that follow from the preferences, which are not serialized.
    pub(crate) fn with_derived(mut self) -> Self {
        self.accounts.values_mut().for_each(Agent::derive);
        self
    }
}

/// An agent of an account.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Agent {
    /// The number of events of the person's stream that belong to the account.
    events: u64,
    /// The name and the email address. `None` when the account has not registered the person, or has removed them.
    registered: Option<(String, Option<String>)>,
    #[serde(default)]
    is_removed: bool,
    preferences: Preferences,
    #[serde(skip)]
    hours: Option<Hours>,
    /// Days off: the first moment, and the moment after the last.
    #[serde(skip)]
    leave: Vec<(Timestamp, Timestamp)>,
    presence: Presence,
    reservations: BTreeMap<ConversationId, Reservation>,
    last_assigned_at: Option<Timestamp>,
    idle_since: Option<Timestamp>,
    /// The number of changes of the preferences. It is the version that callers name in `If-Match`: that of the
    /// stream would tell them that something happened in another account.
    preferences_changes: u64,
    /// The version of the event by which the agent last went online or away.
    presence_version: Option<Version>,
}

impl Agent {
    /// The version of the agent in this account: like that of a stream that has only the account's events. `None` when
    /// it has none.
    pub fn version(&self) -> Option<Version> {
        self.events.checked_sub(1).map(Version)
    }
    pub fn is_registered(&self) -> bool {
        self.registered.is_some()
    }
    /// Whether the account has removed the agent and not registered them again.
    pub fn is_removed(&self) -> bool {
        self.is_removed
    }
    pub fn name(&self) -> Option<&str> {
        self.registered.as_ref().map(|(name, _)| name.as_str())
    }
    pub fn email(&self) -> Option<&str> {
        self.registered.as_ref().and_then(|(_, email)| email.as_deref())
    }
    pub fn preferences(&self) -> &Preferences {
        &self.preferences
    }
    /// The version of the preferences: the number of their changes in this account. `None` when they were never changed.
    pub fn preferences_version(&self) -> Option<Version> {
        (self.preferences_changes > 0).then_some(Version(self.preferences_changes))
    }
    pub fn presence(&self) -> Presence {
        self.presence
    }
    /// The version in the person's stream of the event by which the agent last went online or away. `None` when there
    /// is none.
    pub fn presence_version(&self) -> Option<Version> {
        self.presence_version
    }
    /// The conversations for which capacity is reserved.
    pub fn reservations(&self) -> impl Iterator<Item = (ConversationId, &Reservation)> {
        self.reservations.iter().map(|(id, reservation)| (*id, reservation))
    }
    pub fn reservation(&self, conversation: ConversationId) -> Option<&Reservation> {
        self.reservations.get(&conversation)
    }
    /// The number of conversations for which capacity is reserved.
    pub fn active(&self) -> u32 {
        u32::try_from(self.reservations.len()).unwrap_or(u32::MAX)
    }
    /// When capacity was last reserved for a conversation.
    pub fn last_assigned_at(&self) -> Option<Timestamp> {
        self.last_assigned_at
    }
    /// When capacity was last reserved or released.
    pub fn idle_since(&self) -> Option<Timestamp> {
        self.idle_since
    }
    /// Whether `now` is within the agent's working hours.
    pub fn is_within_hours(&self, now: Timestamp) -> bool {
        self.hours.as_ref().is_none_or(|hours| hours.is_open(now))
    }
    pub fn is_on_leave(&self, now: Timestamp) -> bool {
        self.leave.iter().any(|(from, until)| (*from..*until).contains(&now))
    }

    /// Computes the hours and days off that follow from the preferences.
    fn derive(&mut self) {
        let preferences = std::mem::take(&mut self.preferences);
        self.prefer(&preferences);
    }

    fn prefer(&mut self, preferences: &Preferences) {
        self.preferences = preferences.clone();
        // The preferences were valid when they were accepted. A time zone that this program does not know any
        // more means that the agent has no working hours.
        let hours = preferences.available_hours.as_ref();
        self.hours = hours.and_then(|hours| Hours::weekly(&hours.timezone, &hours.schedule, &[]).ok());
        let zone = hours.map_or("UTC", |hours| hours.timezone.as_str());
        let days = preferences.leave.iter();
        self.leave = days.filter_map(|leave| days_off(zone, &leave.from, &leave.until).ok()).collect();
    }
}

impl Evolve for Person {
    type Event = AgentEvent;

    fn evolve(&mut self, event: &AgentEvent, at: Timestamp) {
        let version = Version(self.events);
        self.events += 1;
        if let Some(account) = event.account() {
            self.accounts.entry(account).or_default().evolve(event, version, at);
        }
    }
}

impl Agent {
    fn evolve(&mut self, event: &AgentEvent, version: Version, at: Timestamp) {
        use AgentEvent as E;
        self.events += 1;
        match event {
            E::AgentRegistered(known) => {
                self.registered = Some((known.name.clone(), known.email.clone()));
                self.is_removed = false;
            }
            E::AgentRemoved(_) => {
                self.registered = None;
                self.is_removed = true;
                self.presence = Presence::Offline { since: at };
            }
            E::PreferencesChanged(changed) => {
                self.prefer(&changed.preferences);
                self.preferences_changes += 1;
            }
            E::WentOnline(online) => {
                self.presence = Presence::Online { until: online.until };
                self.presence_version = Some(version);
            }
            E::WentAway(away) => {
                self.presence = Presence::Away { cause: away.cause, offline_at: away.offline_at };
                self.presence_version = Some(version);
            }
            E::WentOffline(_) => self.presence = Presence::Offline { since: at },
            E::CapacityReserved(reserved) => {
                let reservation =
                    Reservation { conversation_version: reserved.conversation_version, since: at };
                self.reservations.insert(reserved.conversation_id, reservation);
                self.last_assigned_at = Some(at);
                self.idle_since = Some(at);
            }
            E::CapacityReleased(released) => {
                self.reservations.remove(&released.conversation_id);
                self.idle_since = Some(at);
            }
        }
    }
}

/// Why a command to an agent was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("this account knows no such agent")]
    NotRegistered,
    /// Only a supervisor registers them again.
    #[error("the agent was removed from the account")]
    Removed,
    #[error("the agent cannot take the conversation: {0}")]
    CannotTake(Ineligible),
    #[error("the version is {actual:?}, not {expected:?}")]
    ChangedMeanwhile { expected: Version, actual: Option<Version> },
    /// `field` is the path of the invalid field.
    #[error("{field}: {reason}")]
    Invalid { field: String, reason: String },
}

fn invalid(field: impl Into<String>, reason: impl Into<String>) -> Rejection {
    Rejection::Invalid { field: field.into(), reason: reason.into() }
}

/// A command to an agent of an account who must have a version there. The version of the person's stream would tell
/// an account that something happened in another one.
#[derive(Clone, Debug)]
pub struct IfVersion<C> {
    pub account_id: AccountId,
    /// The version that the agent must have. `None` when the caller accepts any.
    pub if_match: Option<Version>,
    pub command: C,
}

impl<C: Decide<Person, Rejection = Rejection>> Decide<Person> for IfVersion<C> {
    type Rejection = Rejection;

    fn decide(&self, state: &Person, now: Timestamp) -> Result<Vec<AgentEvent>, Rejection> {
        let actual = state.in_account(self.account_id).version();
        match self.if_match {
            Some(expected) if actual != Some(expected) => {
                Err(Rejection::ChangedMeanwhile { expected, actual })
            }
            Some(_) | None => self.command.decide(state, now),
        }
    }
}

/// Registers a person as an agent of an account, or changes their name or email address there.
#[derive(Clone, Debug)]
pub struct Register {
    pub account_id: AccountId,
    pub user_id: UserId,
    pub name: String,
    /// `None` leaves the known address, and an empty text removes it.
    pub email: Option<String>,
}

impl Decide<Person> for Register {
    type Rejection = Rejection;

    fn decide(&self, state: &Person, _: Timestamp) -> Result<Vec<AgentEvent>, Rejection> {
        let length = self.name.trim().chars().count();
        if length == 0 || length > LONGEST_NAME {
            return Err(invalid("name", format!("has between 1 and {LONGEST_NAME} characters")));
        }
        let agent = state.in_account(self.account_id);
        let known = agent.email();
        let email = self.email.as_deref().or(known).filter(|email| !email.is_empty());
        let same = agent.name() == Some(&self.name) && known == email;
        if same {
            return Ok(Vec::new());
        }
        Ok(vec![
            AgentRegistered {
                account_id: self.account_id,
                user_id: self.user_id,
                name: self.name.clone(),
                email: email.map(str::to_owned),
            }
            .into(),
        ])
    }
}

/// Registers a person who begins to work in an account with a token of it. The account has not removed them.
#[derive(Clone, Debug)]
pub struct SignIn {
    pub account_id: AccountId,
    pub user_id: UserId,
    pub name: String,
}

impl Decide<Person> for SignIn {
    type Rejection = Rejection;

    fn decide(&self, state: &Person, now: Timestamp) -> Result<Vec<AgentEvent>, Rejection> {
        if state.in_account(self.account_id).is_removed() {
            return Err(Rejection::Removed);
        }
        let Self { account_id, user_id, name } = self.clone();
        Register { account_id, user_id, name, email: None }.decide(state, now)
    }
}

/// Removes an agent from an account.
#[derive(Clone, Copy, Debug)]
pub struct Remove {
    pub account_id: AccountId,
    pub user_id: UserId,
}

impl Decide<Person> for Remove {
    type Rejection = Rejection;

    fn decide(&self, state: &Person, _: Timestamp) -> Result<Vec<AgentEvent>, Rejection> {
        let agent = state.in_account(self.account_id);
        match (agent.is_registered(), agent.is_removed()) {
            (true, _) => Ok(vec![AgentRemoved { account_id: self.account_id, user_id: self.user_id }.into()]),
            (false, true) => Ok(Vec::new()),
            (false, false) => Err(Rejection::NotRegistered),
        }
    }
}
