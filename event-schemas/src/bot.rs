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
    /// Why a person is needed.
    HandoffCause {
        Keyword = "keyword",
        LowConfidence = "low_confidence",
        Sentiment = "sentiment",
        Intent = "intent",
        Timeout = "timeout",
        Turns = "turns",
        Confidence = "confidence",
        /// A request of the API asked for it.
        Manual = "manual",
        /// The bot's rule that fitted assigns.
        Rule = "rule",
        /// None of the bot's rules fits.
        NoRule = "no_rule",
        /// The bot has asked all it was to ask.
        InfoCollected = "info_collected",
    }
}
