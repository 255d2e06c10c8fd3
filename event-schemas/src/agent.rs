//! The people who answer: streams `agent-<user>`.

use crate::catalogue::{WeeklyHours, yes};
use crate::events::events;
use crate::message::ChannelType;
use crate::{AccountId, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

events! {
    /// Every event of a stream `agent-<user>`.
    pub enum AgentEvent {
        AgentRegistered = 1,
        PreferencesChanged = 1,
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

/// How an agent wants to hear of things.
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

/// What an agent can take and when (requirement 000, section 2). They are the person's, not an account's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Preferences {
    /// Empty: any.
    #[serde(default)]
    pub available_channels: Vec<ChannelType>,
    /// Empty: any.
    #[serde(default)]
    pub available_topics: Vec<String>,
    /// None: always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available_hours: Option<AvailableHours>,
    /// BCP 47 language tags, `en`, `am`.
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
