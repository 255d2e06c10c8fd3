//! The presence of an agent: reported, kept up by heartbeats, or expired.
//!
//! Not every heartbeat is an event. `WentOnline` contains the time at which it expires, and is appended again
//! when half of that time has passed. So the log alone shows when presence expires, also after a restart.

use super::{Person, Rejection};
use crate::aggregate::Decide;
use event_schemas::agent::{PresenceCause, WentAway, WentOffline, WentOnline};
use event_schemas::routing::Ineligible;
use event_schemas::{AccountId, AgentEvent, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The presence of an agent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Presence {
    /// The agent has never reported it, so only the preference `is_available` counts.
    #[default]
    Unknown,
    Online {
        until: Timestamp,
    },
    Away {
        cause: PresenceCause,
        offline_at: Option<Timestamp>,
    },
    Offline {
        since: Timestamp,
    },
}

impl Presence {
    /// Why an agent of this presence cannot take a conversation now. `None` when they can.
    pub fn ineligibility(self, now: Timestamp) -> Option<Ineligible> {
        match self {
            Self::Unknown => None,
            Self::Online { until } if until > now => None,
            Self::Online { .. } | Self::Away { .. } => Some(Ineligible::Away),
            Self::Offline { .. } => Some(Ineligible::Offline),
        }
    }

    /// When the presence changes without a further report. `None` when it stays as it is.
    pub fn expires_at(self) -> Option<Timestamp> {
        match self {
            Self::Online { until } => Some(until),
            Self::Away { offline_at, .. } => offline_at,
            Self::Unknown | Self::Offline { .. } => None,
        }
    }
}

/// How long an agent may report nothing.
#[derive(Clone, Copy, Debug)]
pub struct PresenceTimeouts {
    /// The time without a report after which an agent counts as away.
    pub away_after: Duration,
    /// The further time after which they count as offline.
    pub offline_after: Duration,
}

impl Default for PresenceTimeouts {
    fn default() -> Self {
        Self { away_after: Duration::from_secs(300), offline_after: Duration::from_secs(1_800) }
    }
}

/// The presence that an agent reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportedPresence {
    /// No presence: the agent's program is running.
    Heartbeat,
    Online,
    Away,
    Offline,
}

/// An agent reports presence.
#[derive(Clone, Copy, Debug)]
pub struct ReportPresence {
    pub account_id: AccountId,
    pub user_id: UserId,
    pub reported: ReportedPresence,
    pub timeouts: PresenceTimeouts,
}

impl Decide<Person> for ReportPresence {
    type Rejection = Rejection;

    fn decide(&self, state: &Person, now: Timestamp) -> Result<Vec<AgentEvent>, Rejection> {
        let agent = state.in_account(self.account_id);
        if !agent.is_registered() {
            return Err(Rejection::NotRegistered);
        }
        let (user_id, account_id) = (self.user_id, Some(self.account_id));
        let online =
            || vec![WentOnline { user_id, account_id, until: now + self.timeouts.away_after }.into()];
        let is_recent = |until: Timestamp| until.since(now) > self.timeouts.away_after / 2;
        Ok(match (self.reported, agent.presence) {
            (ReportedPresence::Online | ReportedPresence::Heartbeat, Presence::Online { until })
                if is_recent(until) =>
            {
                Vec::new()
            }
            // A heartbeat only says that the agent's program is running. An agent who chose to be away or
            // offline stays so until they report that they are online.
            (ReportedPresence::Heartbeat, Presence::Away { cause: PresenceCause::Chosen, .. }) => Vec::new(),
            (ReportedPresence::Heartbeat, Presence::Offline { .. }) => Vec::new(),
            (ReportedPresence::Online | ReportedPresence::Heartbeat, _) => online(),
            (ReportedPresence::Away, Presence::Away { cause: PresenceCause::Chosen, .. }) => Vec::new(),
            (ReportedPresence::Away, _) => {
                vec![WentAway { user_id, account_id, cause: PresenceCause::Chosen, offline_at: None }.into()]
            }
            (ReportedPresence::Offline, Presence::Offline { .. }) => Vec::new(),
            (ReportedPresence::Offline, _) => {
                vec![WentOffline { user_id, account_id, cause: PresenceCause::Chosen }.into()]
            }
        })
    }
}

/// Changes the presence of an agent who has reported nothing for too long.
#[derive(Clone, Copy, Debug)]
pub struct ExpirePresence {
    pub account_id: AccountId,
    pub user_id: UserId,
    pub timeouts: PresenceTimeouts,
}

impl Decide<Person> for ExpirePresence {
    type Rejection = Rejection;

    fn decide(&self, state: &Person, now: Timestamp) -> Result<Vec<AgentEvent>, Rejection> {
        let (user_id, account_id) = (self.user_id, Some(self.account_id));
        Ok(match state.in_account(self.account_id).presence {
            Presence::Online { until } if until <= now => {
                let offline_at = Some(until + self.timeouts.offline_after);
                vec![WentAway { user_id, account_id, cause: PresenceCause::Inactivity, offline_at }.into()]
            }
            Presence::Away { offline_at: Some(offline_at), .. } if offline_at <= now => {
                vec![WentOffline { user_id, account_id, cause: PresenceCause::Inactivity }.into()]
            }
            Presence::Unknown
            | Presence::Online { .. }
            | Presence::Away { .. }
            | Presence::Offline { .. } => Vec::new(),
        })
    }
}
