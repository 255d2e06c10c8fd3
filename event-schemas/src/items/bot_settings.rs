//! The settings of an account's bot, and of the inactivity of conversations.

use super::item;
use crate::AccountId;

item! {
    one: "a bot setting", all: "The bot's settings", tag: "bot", order: account_id;

    /// The settings of an account's bot and of its conversations' inactivity. The defaults apply to an
    /// account that has defined none.
    pub struct BotSettings: BotSettingsSpec {
        id account_id: AccountId,
        /// Words by which a customer asks for a human agent (requirement 001); an empty list for none.
        #[serde(default = "handoff_keywords")]
        pub handoff_keywords: Vec<String>,
        /// After so many answers of low confidence the bot hands over. `null` for never.
        #[serde(default = "three")]
        pub low_confidence_answers: Option<u32>,
        /// An answer is of low confidence when its metadata gives a confidence below this number.
        #[serde(default = "a_half")]
        pub confidence_threshold: f64,
        /// A conversation without messages expires after so many seconds, unless the customer waits for an answer.
        /// Business time, when the conversation's SLA policy has a calendar. `null` for never.
        #[serde(default = "a_day")]
        pub expire_after_seconds: Option<u32>,
        /// A resolved conversation closes after so many seconds. `null` for never.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub close_resolved_after_seconds: Option<u32>,
        /// The most automatic messages of a conversation within `automatic_messages_seconds`: of the bot, of
        /// automation rules, of queues and of other programs. With the last of them the conversation is handed
        /// over to human agents, and further ones are not sent.
        #[serde(default = "most_automatic_messages")]
        pub automatic_messages_limit: u32,
        /// The seconds within which automatic messages are counted.
        #[serde(default = "an_hour")]
        pub automatic_messages_seconds: u32,
    }
}

impl BotSettings {
    /// The settings of an account that has defined none.
    pub fn usual(account_id: AccountId) -> Self {
        Self {
            account_id,
            handoff_keywords: handoff_keywords(),
            low_confidence_answers: three(),
            confidence_threshold: a_half(),
            expire_after_seconds: a_day(),
            close_resolved_after_seconds: None,
            automatic_messages_limit: most_automatic_messages(),
            automatic_messages_seconds: an_hour(),
        }
    }
}

/// The list of requirement 001, also with articles, and the words of requirement 002.
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

fn most_automatic_messages() -> u32 {
    30
}

fn an_hour() -> u32 {
    3600
}

fn a_day() -> Option<u32> {
    Some(24 * 3600)
}
