//! The agents: streams `agent-<user>`.

use crate::catalogue::WeeklyHours;
use crate::events::events;
use crate::items::yes;
use crate::message::{ChannelType, words};
use crate::routing::Ineligible;
use crate::{AccountId, ConversationId, Timestamp, UserId, Version};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

events! {
    /// Every event of a stream `agent-<user>`. Each belongs to one account of the person.
    pub enum AgentEvent {
        AgentRegistered = 1,
        PreferencesChanged = 2,
        WentOnline = 1,
        WentAway = 2,
        WentOffline = 2,
        CapacityReserved = 2,
        CapacityReleased = 2,
        AgentRemoved = 1,
    }
    attributed by attributed
}

impl AgentEvent {
    /// The account to which it belongs. An event that was read from the log has one.
    pub fn account(&self) -> Option<AccountId> {
        match self {
            Self::AgentRegistered(event) => Some(event.account_id),
            Self::PreferencesChanged(event) => event.account_id,
            Self::WentOnline(event) => event.account_id,
            Self::WentAway(event) => event.account_id,
            Self::WentOffline(event) => event.account_id,
            Self::CapacityReserved(event) => Some(event.account_id),
            Self::CapacityReleased(event) => Some(event.account_id),
            Self::AgentRemoved(event) => Some(event.account_id),
        }
    }
}

/// Earlier versions kept one presence and one set of preferences of a person for all accounts. Their events count in the
/// account in which they were caused.
fn attributed(mut event: AgentEvent, account: AccountId) -> AgentEvent {
    let of = match &mut event {
        AgentEvent::PreferencesChanged(event) => &mut event.account_id,
        AgentEvent::WentOnline(event) => &mut event.account_id,
        AgentEvent::WentAway(event) => &mut event.account_id,
        AgentEvent::WentOffline(event) => &mut event.account_id,
        AgentEvent::AgentRegistered(_)
        | AgentEvent::CapacityReserved(_)
        | AgentEvent::CapacityReleased(_)
        | AgentEvent::AgentRemoved(_) => return event,
    };
    of.get_or_insert(account);
    event
}

/// A person is registered as an agent of an account. A person can be an agent of several accounts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AgentRegistered {
    pub account_id: AccountId,
    pub user_id: UserId,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// The agent has left the account: no work is given to them, and nothing is pushed to them, until they are registered
/// again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AgentRemoved {
    pub account_id: AccountId,
    pub user_id: UserId,
}

/// Working hours in the agent's own zone (requirement 000, section 2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AvailableHours {
    pub schedule: Vec<WeeklyHours>,
    /// An IANA time zone.
    pub timezone: String,
}

/// Days off, including the first and the last, in the time zone of the working hours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Leave {
    /// `YYYY-MM-DD`
    pub from: String,
    /// `YYYY-MM-DD`
    pub until: String,
}

/// How an agent wants to be notified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotificationPreferences {
    #[serde(default = "yes")]
    pub sound: bool,
    #[serde(default = "yes")]
    pub desktop: bool,
    #[serde(default)]
    pub email_on_assignment: bool,
}

impl Default for NotificationPreferences {
    fn default() -> Self {
        Self { sound: true, desktop: true, email_on_assignment: false }
    }
}

/// The conversations that an agent can take, and when (requirement 000, section 2), in one account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Preferences {
    /// Empty for every channel.
    #[serde(default)]
    pub available_channels: Vec<ChannelType>,
    /// Empty for every topic.
    #[serde(default)]
    pub available_topics: Vec<String>,
    /// `None` when the agent is always available.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available_hours: Option<AvailableHours>,
    /// Days off, in the time zone of `available_hours`, or in UTC when there is none.
    #[serde(default)]
    pub leave: Vec<Leave>,
    /// BCP 47 language tags: `en`, `am`. Empty for every language.
    #[serde(default)]
    pub languages: Vec<String>,
    #[serde(default = "five")]
    pub max_concurrent_conversations: u32,
    #[serde(default = "yes")]
    pub is_available: bool,
    #[serde(default)]
    pub auto_accept: bool,
    #[serde(default)]
    pub notification_preferences: NotificationPreferences,
}

fn five() -> u32 {
    5
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            available_channels: Vec::new(),
            available_topics: Vec::new(),
            available_hours: None,
            leave: Vec::new(),
            languages: Vec::new(),
            max_concurrent_conversations: five(),
            is_available: true,
            auto_accept: false,
            notification_preferences: NotificationPreferences::default(),
        }
    }
}

/// The agent's preferences changed. The event has all preferences after the change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PreferencesChanged {
    pub user_id: UserId,
    /// The account in which it holds. Absent in events of earlier versions: then it is that of the event's metadata.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<AccountId>,
    pub preferences: Preferences,
}

words! {
    /// Why an agent is away or offline.
    PresenceCause {
        /// The agent reported it.
        Chosen = "chosen",
        /// No heartbeat was received for too long.
        Inactivity = "inactivity",
    }
}

/// The agent is online. The status ends at `until` without a further heartbeat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WentOnline {
    pub user_id: UserId,
    /// The account in which it holds. Absent in events of earlier versions: then it is that of the event's metadata.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<AccountId>,
    pub until: Timestamp,
}

/// The agent is away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WentAway {
    pub user_id: UserId,
    /// The account in which it holds. Absent in events of earlier versions: then it is that of the event's metadata.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<AccountId>,
    pub cause: PresenceCause,
    /// When the agent counts as offline without a further heartbeat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offline_at: Option<Timestamp>,
}

/// The agent is offline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WentOffline {
    pub user_id: UserId,
    /// The account in which it holds. Absent in events of earlier versions: then it is that of the event's metadata.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<AccountId>,
    pub cause: PresenceCause,
}

/// Capacity of an agent is reserved for a conversation. It is reserved before the conversation is assigned,
/// so that no agent ever has more conversations than the capacity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CapacityReserved {
    pub user_id: UserId,
    pub account_id: AccountId,
    pub conversation_id: ConversationId,
    /// The conversation's version at the time of the decision. The assignment is the next event of the
    /// conversation, or never happens.
    pub conversation_version: Version,
    /// The reason against the assignment that a supervisor overrode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overridden: Option<Ineligible>,
    /// Whether the conversation was already assigned to the agent, and the reservation only records it.
    #[serde(default)]
    pub counted: bool,
    /// Whether the capacity was already reserved, and only the conversation's version changed.
    #[serde(default)]
    pub renewed: bool,
}

/// The capacity is released: the conversation is not assigned to this agent, or is resolved or closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CapacityReleased {
    pub user_id: UserId,
    pub account_id: AccountId,
    pub conversation_id: ConversationId,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Actor, EventId, Events, Metadata, Position, Recorded, StreamId};

    const USER: UserId = UserId::from_u128(1);
    const CAUSED_IN: AccountId = AccountId::from_u128(2);

    fn read(data: &WentOnline) -> Option<AccountId> {
        let event = AgentEvent::from(data.clone());
        let at = Timestamp::from_secs(9);
        let recorded = Recorded {
            position: Position::at(1),
            stream: StreamId::agent(USER),
            version: Version(0),
            id: EventId::from_u128(3),
            event_type: event.event_type().into(),
            schema_version: event.schema_version(),
            recorded_at: at,
            metadata: Metadata {
                account_id: CAUSED_IN,
                actor: Actor::system("test"),
                correlation_id: uuid::Uuid::nil(),
                causation_id: None,
                traceparent: None,
                request: None,
                credential: None,
                occurred_at: at,
            },
            data: event.encode(),
        };
        AgentEvent::of(&recorded).unwrap().account()
    }

    #[test]
    fn a_presence_of_an_earlier_version_holds_in_the_account_in_which_it_was_reported() {
        let earlier = WentOnline { user_id: USER, account_id: None, until: Timestamp::from_secs(10) };
        assert_eq!(read(&earlier), Some(CAUSED_IN));
        let other = AccountId::from_u128(4);
        assert_eq!(read(&WentOnline { account_id: Some(other), ..earlier }), Some(other));
    }
}
