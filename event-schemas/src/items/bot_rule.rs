//! The rules of the bot (requirement 000, section 1.4).

use super::{item, yes};
use crate::message::{ChannelType, Priority, words};
use crate::{BotRuleId, CannedResponseId, TeamId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

words! {
    /// The trigger of a rule.
    BotTrigger {
        Keyword = "keyword",
        TimeBased = "time_based",
        Channel = "channel",
        /// The conversation's first message.
        NewConversation = "new_conversation",
        /// No other rule matched.
        Fallback = "fallback",
    }
}

words! {
    /// How many of the keywords the message must contain.
    MatchMode { Any = "any", All = "all" }
}

// `words!` cannot declare the default variant.
#[allow(clippy::derivable_impls)]
impl Default for MatchMode {
    fn default() -> Self {
        Self::Any
    }
}

words! {
    /// How an agent is chosen.
    BotStrategy {
        RoundRobin = "round_robin",
        LeastBusy = "least_busy",
        /// No agent is chosen: the conversation waits in the queue until an agent takes it.
        ManualQueue = "manual_queue",
    }
}

/// A part of every day, in local time; when `end` is before `start` it includes midnight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TimeRange {
    /// `HH:MM`
    pub start: String,
    /// `HH:MM`; this minute is not included.
    pub end: String,
    /// An IANA time zone: `Africa/Addis_Ababa`.
    pub tz: String,
}

/// The conditions of a rule. An absent condition is not checked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BotConditions {
    /// Whole words and phrases; case does not matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keywords: Option<Vec<String>>,
    #[serde(default)]
    pub match_mode: MatchMode,
    /// The conversation is on one of these channels.
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
    /// The message's metadata names this intent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<String>,
    /// The message's metadata gives at least this confidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence_min: Option<f64>,
}

/// Information to ask the customer for: its name alone, or its name and the question in full.
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

/// The actions of a rule that matches.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BotActions {
    /// The canned response to send.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_template_id: Option<CannedResponseId>,
    /// The text to send instead. It may contain variables: `{{contact_name}}`, and the information that the
    /// bot has asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assign_team_id: Option<TeamId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assign_strategy: Option<BotStrategy>,
    /// Added to the labels of the conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_labels: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_priority: Option<Priority>,
    /// The questions that the bot asks one after the other. Then it hands the conversation over with the
    /// answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collect_info: Option<Vec<InfoField>>,
}

item! {
    one: "a bot rule", all: "Bot rules, in the order in which they are evaluated", tag: "bot", order: priority;

    /// A rule of the bot.
    pub struct BotRule: BotRuleSpec {
        id id: BotRuleId,
        /// Unique in the account.
        pub name: String,
        /// The rule with the lowest number is evaluated first.
        pub priority: i32 => #[serde(default)],
        #[serde(default = "yes")]
        pub is_active: bool,
        pub trigger_type: BotTrigger,
        #[serde(default)]
        pub conditions: BotConditions,
        #[serde(default)]
        pub actions: BotActions,
        /// Whether the rule runs at most once in a conversation.
        #[serde(default = "yes")]
        pub run_once: bool,
    }
}
