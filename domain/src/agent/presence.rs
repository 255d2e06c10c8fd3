//! The presence of an agent: reported, kept up by heartbeats, or expired.
//!
//! A heartbeat is not an event each time. `WentOnline` says until when it holds, and is appended again when half of
//! that time has passed: so the log alone shows when presence expires, also after a restart.

use super::{Agent, Rejection};
use crate::aggregate::Decide;
use event_schemas::agent::{PresenceCause, WentAway, WentOffline, WentOnline};
use event_schemas::routing::Ineligible;
use event_schemas::{AccountId, AgentEvent, Timestamp, UserId};
use std::time::Duration;

/// Where an agent is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Presence {
    /// They never said, so only their own switch counts.
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
    /// Why an agent who is there, or not, cannot take anything now.
    pub fn ineligibility(self, now: Timestamp) -> Option<Ineligible> {
        match self {
            Self::Unknown => None,
            Self::Online { until } if until > now => None,
            Self::Online { .. } | Self::Away { .. } => Some(Ineligible::Away),
            Self::Offline { .. } => Some(Ineligible::Offline),
        }
    }

    /// When silence will have changed it.
    pub fn lapses_at(self) -> Option<Timestamp> {
        match self {
            Self::Online { until } => Some(until),
            Self::Away { offline_at, .. } => offline_at,
            Self::Unknown | Self::Offline { .. } => None,
        }
    }
}

/// How long silence may last.
#[derive(Clone, Copy, Debug)]
pub struct PresenceTimeouts {
    /// Until an agent counts as away.
    pub away_after: Duration,
    /// How much longer until they count as gone home.
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
    pub said: ReportedPresence,
    pub timeouts: PresenceTimeouts,
}

impl Decide<Agent> for ReportPresence {
    type Rejection = Rejection;

    fn decide(&self, state: &Agent, now: Timestamp) -> Result<Vec<AgentEvent>, Rejection> {
        if !state.is_known_to(self.account_id) {
            return Err(Rejection::NotRegistered);
        }
        let user_id = self.user_id;
        let online = || vec![WentOnline { user_id, until: now + self.timeouts.away_after }.into()];
        let stays_fresh = |until: Timestamp| until.since(now) > self.timeouts.away_after / 2;
        Ok(match (self.said, state.presence) {
            (ReportedPresence::Online | ReportedPresence::Heartbeat, Presence::Online { until })
                if stays_fresh(until) =>
            {
                Vec::new()
            }
            // Who chose to be away or to go home is not back for having left a window open.
            (ReportedPresence::Heartbeat, Presence::Away { cause: PresenceCause::Chosen, .. }) => Vec::new(),
            (ReportedPresence::Heartbeat, Presence::Offline { .. }) => Vec::new(),
            (ReportedPresence::Online | ReportedPresence::Heartbeat, _) => online(),
            (ReportedPresence::Away, Presence::Away { cause: PresenceCause::Chosen, .. }) => Vec::new(),
            (ReportedPresence::Away, _) => {
                vec![WentAway { user_id, cause: PresenceCause::Chosen, offline_at: None }.into()]
            }
            (ReportedPresence::Offline, Presence::Offline { .. }) => Vec::new(),
            (ReportedPresence::Offline, _) => {
                vec![WentOffline { user_id, cause: PresenceCause::Chosen }.into()]
            }
        })
    }
}

/// The clock looks whether silence has lasted too long.
#[derive(Clone, Copy, Debug)]
pub struct ExpirePresence {
    pub user_id: UserId,
    pub timeouts: PresenceTimeouts,
}

impl Decide<Agent> for ExpirePresence {
    type Rejection = Rejection;

    fn decide(&self, state: &Agent, now: Timestamp) -> Result<Vec<AgentEvent>, Rejection> {
        let user_id = self.user_id;
        Ok(match state.presence {
            Presence::Online { until } if until <= now => {
                let offline_at = Some(until + self.timeouts.offline_after);
                vec![WentAway { user_id, cause: PresenceCause::Inactivity, offline_at }.into()]
            }
            Presence::Away { offline_at: Some(offline_at), .. } if offline_at <= now => {
                vec![WentOffline { user_id, cause: PresenceCause::Inactivity }.into()]
            }
            Presence::Unknown
            | Presence::Online { .. }
            | Presence::Away { .. }
            | Presence::Offline { .. } => Vec::new(),
        })
    }
}
