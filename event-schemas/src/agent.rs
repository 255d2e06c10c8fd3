//! The people who answer: streams `agent-<user>`.

use crate::catalogue::WeeklyHours;
use crate::events::events;
use crate::items::yes;
use crate::message::{ChannelType, words};
use crate::routing::Ineligible;
use crate::{AccountId, ConversationId, Timestamp, UserId, Version};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

events! {
    /// Every event of a stream `agent-<user>`.
    pub enum AgentEvent {
        AgentRegistered = 1,
        PreferencesChanged = 2,
        WentOnline = 1,
        WentAway = 2,
        WentOffline = 2,
        CapacityReserved = 2,
        CapacityReleased = 2,
    }
}

/// An account knows this person from now on. A person may be known to several.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AgentRegistered {
    pub account_id: AccountId,
    pub user_id: UserId,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// Working hours in the agent's own zone (requirement 000, section 2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AvailableHours {
    pub schedule: Vec<WeeklyHours>,
    /// An IANA zone.
    pub timezone: String,
}

/// Days on which the agent is not there, first and last included, in the zone of their hours.
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

/// The conversations that an agent can take, and when (requirement 000, section 2). They are the person's, not an
/// account's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Preferences {
    /// Empty: any.
    #[serde(default)]
    pub available_channels: Vec<ChannelType>,
    /// Empty: any.
    #[serde(default)]
    pub available_topics: Vec<String>,
    /// `None` when the agent is always available.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available_hours: Option<AvailableHours>,
    /// Days off. They are days of the zone of `available_hours`, or of UTC where there is none.
    #[serde(default)]
    pub leave: Vec<Leave>,
    /// BCP 47 language tags, `en`, `am`. Empty: any.
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

/// The agent's preferences as they are from now on, whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PreferencesChanged {
    pub user_id: UserId,
    pub preferences: Preferences,
}

words! {
    /// Why an agent is away or offline.
    PresenceCause {
        /// They said so.
        Chosen = "chosen",
        /// No heartbeat came for too long.
        Inactivity = "inactivity",
    }
}

/// The agent is online until a moment, unless a heartbeat comes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WentOnline {
    pub user_id: UserId,
    pub until: Timestamp,
}

/// The agent is not looking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WentAway {
    pub user_id: UserId,
    pub cause: PresenceCause,
    /// When the agent counts as offline, unless a heartbeat comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offline_at: Option<Timestamp>,
}

/// The agent has gone home.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WentOffline {
    pub user_id: UserId,
    pub cause: PresenceCause,
}

/// One of the places of the agent's desk is kept for a conversation. It is taken before the conversation
/// is assigned, so that no agent ever has more conversations than the capacity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CapacityReserved {
    pub user_id: UserId,
    pub account_id: AccountId,
    pub conversation_id: ConversationId,
    /// The conversation's version when this was decided: the assignment is its next event, or it never is.
    pub conversation_version: Version,
    /// The objection that a supervisor overrode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overridden: Option<Ineligible>,
    /// Whether the conversation was the agent's already when places began to count.
    #[serde(default)]
    pub counted: bool,
    /// Whether the agent had this place already, and it only follows the conversation.
    #[serde(default)]
    pub renewed: bool,
}

/// The place is free again: the conversation is not this agent's, or nothing is to be done in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CapacityReleased {
    pub user_id: UserId,
    pub account_id: AccountId,
    pub conversation_id: ConversationId,
}
