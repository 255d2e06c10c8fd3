//! The bot of an account, and the reasons for a handoff to a human agent.

pub use crate::catalogue::{
    BotRuleDefined, BotRuleRetired, BotSettingsDefined, BotSettingsRetired, HandoffRuleDefined,
    HandoffRuleRetired,
};
pub use crate::items::bot_rule::*;
pub use crate::items::bot_settings::*;
pub use crate::items::handoff_rule::*;
use crate::message::words;

words! {
    /// Why a human agent is needed.
    HandoffCause {
        Keyword = "keyword",
        LowConfidence = "low_confidence",
        Sentiment = "sentiment",
        Intent = "intent",
        Timeout = "timeout",
        Turns = "turns",
        Confidence = "confidence",
        /// The handoff was requested over the API.
        Manual = "manual",
        /// The bot rule that matched assigns the conversation.
        Rule = "rule",
        /// No bot rule matches.
        NoRule = "no_rule",
        /// The bot has asked all questions of its rule.
        InfoCollected = "info_collected",
        /// So many automatic messages were sent in a short time that programs may be answering each other.
        AutomaticLimit = "automatic_limit",
    }
}
