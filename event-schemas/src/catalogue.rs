//! What an account defines: channels, teams, canned responses, SLA policies, business calendars, what the
//! bot does (its shapes are in [`crate::bot`]), macros and automation rules ([`crate::automation`]).
//!
//! One stream per kind and account, `catalogue-<kind>-<account>`, so that a short code is unique and
//! rules have an order without a lock. Each event carries the whole thing as it is afterwards.

use crate::automation::{AutomationRuleDefined, AutomationRuleRetired, MacroDefined, MacroRetired};
use crate::bot::{
    BotRuleDefined, BotRuleRetired, BotSettingsDefined, BotSettingsRetired, HandoffRuleDefined,
    HandoffRuleRetired,
};
use crate::events::events;
use crate::message::{ChannelType, Priority};
use crate::routing::{QueueDefined, QueueRetired};
use crate::{CalendarId, CannedResponseId, ChannelId, SlaPolicyId, TeamId, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

events! {
    /// Every event of the streams `catalogue-<kind>-<account>`.
    pub enum CatalogueEvent {
        ChannelDefined = 1,
        ChannelRetired = 1,
        TeamDefined = 1,
        TeamRetired = 1,
        CannedResponseDefined = 1,
        CannedResponseRetired = 1,
        SlaPolicyDefined = 1,
        SlaPolicyRetired = 1,
        CalendarDefined = 1,
        CalendarRetired = 1,
        BotRuleDefined = 1,
        BotRuleRetired = 1,
        HandoffRuleDefined = 1,
        HandoffRuleRetired = 1,
        BotSettingsDefined = 1,
        BotSettingsRetired = 1,
        QueueDefined = 1,
        QueueRetired = 1,
        MacroDefined = 1,
        MacroRetired = 1,
        AutomationRuleDefined = 1,
        AutomationRuleRetired = 1,
    }
}

/// The kinds of catalogue, as they appear in stream names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CatalogueKind {
    Channels,
    Teams,
    CannedResponses,
    SlaPolicies,
    Calendars,
    BotRules,
    HandoffRules,
    BotSettings,
    Queues,
    Macros,
    AutomationRules,
}

impl CatalogueKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Channels => "channels",
            Self::Teams => "teams",
            Self::CannedResponses => "canned_responses",
            Self::SlaPolicies => "sla_policies",
            Self::Calendars => "calendars",
            Self::BotRules => "bot_rules",
            Self::HandoffRules => "handoff_rules",
            Self::BotSettings => "bot_settings",
            Self::Queues => "queues",
            Self::Macros => "macros",
            Self::AutomationRules => "automation_rules",
        }
    }
}

/// A word that opens a door. It is stored, and it is never shown: `Debug` hides it, and what leaves the
/// house has it masked (see [`crate::CloudEvent`]).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What a provider wants to be shown, by its own names: for WhatsApp `phone_number_id`, `access_token`,
/// `app_secret`, `verify_token`.
pub type Credentials = BTreeMap<String, Secret>;

/// A place customers write to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Channel {
    pub id: ChannelId,
    pub channel_type: ChannelType,
    pub name: String,
    #[serde(default)]
    pub credentials: Credentials,
    /// Where the provider's API is; none: the provider's own address from the configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    #[serde(default = "yes")]
    pub is_enabled: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChannelDefined {
    pub channel: Channel,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChannelRetired {
    pub id: ChannelId,
}

/// A group of agents.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Team {
    pub id: TeamId,
    /// Unique in the account.
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lead_id: Option<UserId>,
    #[serde(default)]
    pub member_ids: Vec<UserId>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TeamDefined {
    pub team: Team,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TeamRetired {
    pub id: TeamId,
}

/// A text agents reuse (requirement 000, section 1.3).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CannedResponse {
    pub id: CannedResponseId,
    /// `/greeting`: unique in the account.
    pub short_code: String,
    pub title: String,
    /// May name variables: `{{contact_name}}`.
    pub content: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<UserId>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CannedResponseDefined {
    pub canned_response: CannedResponse,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CannedResponseRetired {
    pub id: CannedResponseId,
}

/// How quickly, in seconds of business time. None: not promised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SlaTargets {
    /// From opened until the first reply of an agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_response_seconds: Option<u32>,
    /// From a customer's message, after the first reply, until an agent's next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_response_seconds: Option<u32>,
    /// From opened until resolved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution_seconds: Option<u32>,
}

/// Promises about how quickly customers are answered, per priority.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SlaPolicy {
    pub id: SlaPolicyId,
    /// Unique in the account.
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default = "yes")]
    pub is_active: bool,
    /// Among the policies that fit a conversation the lowest wins.
    #[serde(default)]
    pub order: i32,
    /// Empty: fits every channel.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channel_ids: Vec<ChannelId>,
    /// Empty: fits every team and none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub team_ids: Vec<TeamId>,
    /// None: every hour counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar_id: Option<CalendarId>,
    /// A priority that is missing here is promised nothing.
    pub targets: BTreeMap<Priority, SlaTargets>,
    /// How many business seconds before a deadline the warning comes. None: no warning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warn_before_seconds: Option<u32>,
    /// Whether the clocks stand still while the conversation is pending.
    #[serde(default = "yes")]
    pub pause_while_pending: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SlaPolicyDefined {
    pub sla_policy: SlaPolicy,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SlaPolicyRetired {
    pub id: SlaPolicyId,
}

crate::message::words! {
    /// A day of the week, as requirement 000 (section 2) spells it.
    Weekday {
        Mon = "mon", Tue = "tue", Wed = "wed", Thu = "thu", Fri = "fri", Sat = "sat", Sun = "sun",
    }
}

/// Hours that repeat every week, in local time. An `end` at or before `start` is on the next day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WeeklyHours {
    pub days: Vec<Weekday>,
    /// `HH:MM`
    pub start: String,
    /// `HH:MM`; `24:00` is the end of the day.
    pub end: String,
}

/// A day on which the desk stays closed: no interval begins on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Holiday {
    /// `YYYY-MM-DD`
    pub date: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// When the desk is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BusinessCalendar {
    pub id: CalendarId,
    /// Unique in the account.
    pub name: String,
    /// An IANA zone: `Africa/Addis_Ababa`.
    pub timezone: String,
    /// Several intervals a day are several entries; where they overlap, time counts once.
    pub schedule: Vec<WeeklyHours>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holidays: Vec<Holiday>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CalendarDefined {
    pub calendar: BusinessCalendar,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CalendarRetired {
    pub id: CalendarId,
}

pub(crate) fn yes() -> bool {
    true
}
