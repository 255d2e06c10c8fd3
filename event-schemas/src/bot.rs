//! What an account tells its bot: rules (requirement 000, section 1.4), when a person is needed
//! (requirements 001 and 002), and how long a silence may last.

use crate::catalogue::yes;
use crate::message::{ChannelType, Priority, words};
use crate::{AccountId, BotRuleId, CannedResponseId, HandoffRuleId, TeamId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

words! {
    /// What makes a rule fit.
    BotTrigger {
        Keyword = "keyword",
        TimeBased = "time_based",
        Channel = "channel",
        /// The conversation's first message.
        NewConversation = "new_conversation",
        /// Nothing else fitted.
        Fallback = "fallback",
    }
}

words! {
    /// How many of the keywords must be there.
    MatchMode { Any = "any", All = "all" }
}

// Which variant is the default cannot be said inside `words!`.
#[allow(clippy::derivable_impls)]
impl Default for MatchMode {
    fn default() -> Self {
        Self::Any
    }
}

words! {
    /// How an agent is to be found.
    BotStrategy {
        RoundRobin = "round_robin",
        LeastBusy = "least_busy",
        /// Nobody is chosen: it waits in the queue until somebody takes it.
        ManualQueue = "manual_queue",
    }
}

/// A stretch of every day, by the clock on the wall; with `end` before `start` it goes over midnight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TimeRange {
    /// `HH:MM`
    pub start: String,
    /// `HH:MM`; this minute is not part of it.
    pub end: String,
    /// An IANA zone: `Africa/Addis_Ababa`.
    pub tz: String,
}

/// What must be so for a rule to fit. What is left out is not asked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BotConditions {
    /// Whole words and phrases, whatever their case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keywords: Option<Vec<String>>,
    #[serde(default)]
    pub match_mode: MatchMode,
    /// The conversation is on one of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channels: Option<Vec<ChannelType>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_range: Option<TimeRange>,
    /// The customer writes in this language: `en`, `am`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The conversation has all of these labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<String>>,
    /// The message's metadata says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<String>,
    /// The message's metadata is at least so sure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence_min: Option<f64>,
}

/// Something to ask the customer: by its name alone, or with the question in full.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum InfoField {
    Named(String),
    Asked { name: String, question: String },
}

impl InfoField {
    pub fn name(&self) -> &str {
        match self {
            Self::Named(name) | Self::Asked { name, .. } => name,
        }
    }
}

/// What a rule that fits does.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BotActions {
    /// The canned response that is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_template_id: Option<CannedResponseId>,
    /// Or this text. May name variables: `{{contact_name}}`, and what the bot has asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assign_team_id: Option<TeamId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assign_strategy: Option<BotStrategy>,
    /// Added to those the conversation has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_labels: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_priority: Option<Priority>,
    /// Asked one after the other; then the conversation is handed over with the answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collect_info: Option<Vec<InfoField>>,
}

/// What the bot does with which message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BotRule {
    pub id: BotRuleId,
    /// Unique in the account.
    pub name: String,
    /// The lowest is tried first.
    pub priority: i32,
    #[serde(default = "yes")]
    pub is_active: bool,
    pub trigger_type: BotTrigger,
    #[serde(default)]
    pub conditions: BotConditions,
    #[serde(default)]
    pub actions: BotActions,
    /// At most once in a conversation.
    #[serde(default = "yes")]
    pub run_once: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BotRuleDefined {
    pub bot_rule: BotRule,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BotRuleRetired {
    pub id: BotRuleId,
}

words! {
    /// What a handoff rule looks at (requirement 002).
    HandoffTrigger {
        /// Words of the customer's: `refund, money back`.
        Keyword = "keyword",
        /// What the customer wants, by the message's metadata.
        Intent = "intent",
        /// The customer's mood, by the message's metadata, is below this number.
        Sentiment = "sentiment",
        /// So many seconds passed since the bot's last word or the customer's.
        Timeout = "timeout",
        /// The bot's own confidence, by its answer's metadata, is below this number.
        Confidence = "confidence",
        /// Somebody asked by route.
        Manual = "manual",
        /// The bot answered so many times and nothing was resolved.
        Turns = "turns",
    }
}

/// When a person is needed, and whose person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HandoffRule {
    pub id: HandoffRuleId,
    /// Unique in the account.
    pub name: String,
    pub trigger_type: HandoffTrigger,
    /// The words, the intent, the number; `manual` needs none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger_value: Option<String>,
    /// The lowest is tried first.
    #[serde(default)]
    pub priority: i32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_team_id: Option<TeamId>,
    /// What the customer is told meanwhile. May name variables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_template: Option<String>,
    #[serde(default = "yes")]
    pub is_active: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HandoffRuleDefined {
    pub handoff_rule: HandoffRule,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HandoffRuleRetired {
    pub id: HandoffRuleId,
}

words! {
    /// Why a person is needed.
    HandoffCause {
        Keyword = "keyword",
        LowConfidence = "low_confidence",
        Sentiment = "sentiment",
        Intent = "intent",
        Timeout = "timeout",
        Turns = "turns",
        Confidence = "confidence",
        /// Somebody asked by route.
        Manual = "manual",
        /// The bot's rule that fitted assigns.
        Rule = "rule",
        /// None of the bot's rules fits.
        NoRule = "no_rule",
        /// The bot has asked all it was to ask.
        InfoCollected = "info_collected",
    }
}

/// The settings of an account's bot and of its conversations' silences; where nothing is defined, the
/// defaults count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BotSettings {
    pub account_id: AccountId,
    /// Words by which a customer asks for a person (requirement 001).
    #[serde(default = "handoff_keywords")]
    pub handoff_keywords: Vec<String>,
    /// So many answers the bot was not sure of, and a person is needed. None: never for that reason.
    #[serde(default = "three")]
    pub low_confidence_answers: Option<u32>,
    /// An answer whose metadata gives a confidence below this counts as one the bot was not sure of.
    #[serde(default = "a_half")]
    pub confidence_threshold: f64,
    /// A conversation in which nobody says anything for so long expires. None: never.
    #[serde(default = "a_day")]
    pub expire_after_seconds: Option<u32>,
    /// A resolved conversation closes after so long. None: never by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub close_resolved_after_seconds: Option<u32>,
}

impl BotSettings {
    pub fn usual(account_id: AccountId) -> Self {
        Self {
            account_id,
            handoff_keywords: handoff_keywords(),
            low_confidence_answers: three(),
            confidence_threshold: a_half(),
            expire_after_seconds: a_day(),
            close_resolved_after_seconds: None,
        }
    }
}

/// Requirement 001's list, with the articles people put in, and the plain requests of requirement 002.
fn handoff_keywords() -> Vec<String> {
    [
        "speak to human",
        "speak to a human",
        "speak to an agent",
        "speak to agent",
        "talk to agent",
        "talk to an agent",
        "talk to human",
        "talk to a human",
        "real person",
        "representative",
        "escalate",
        "supervisor",
        "manager",
        "complaint",
        "human",
        "person",
    ]
    .map(str::to_owned)
    .into()
}

fn three() -> Option<u32> {
    Some(3)
}

fn a_half() -> f64 {
    0.5
}

fn a_day() -> Option<u32> {
    Some(24 * 3600)
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BotSettingsDefined {
    pub bot_settings: BotSettings,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BotSettingsRetired {
    pub id: AccountId,
}
