//! Rules for the handoff to a human agent (requirements 001 and 002).

use super::{item, yes};
use crate::message::words;
use crate::{HandoffRuleId, TeamId};

words! {
    /// The trigger of a handoff rule (requirement 002).
    HandoffTrigger {
        /// Words that the customer writes: `refund, money back`.
        Keyword = "keyword",
        /// The customer's intent, by the message's metadata.
        Intent = "intent",
        /// The customer's sentiment, by the message's metadata, is below this number.
        Sentiment = "sentiment",
        /// So many seconds have passed since the last message of the bot or of the customer.
        Timeout = "timeout",
        /// The bot's own confidence, by its answer's metadata, is below this number.
        Confidence = "confidence",
        /// The handoff was requested over the API.
        Manual = "manual",
        /// The bot has answered so many times without resolving the conversation.
        Turns = "turns",
    }
}

item! {
    one: "a handoff rule", all: "Handoff rules, in the order in which they are evaluated", tag: "bot",
    order: priority;

    /// A rule for the handoff to a human agent.
    pub struct HandoffRule: HandoffRuleSpec {
        id id: HandoffRuleId,
        /// Unique in the account.
        pub name: String,
        pub trigger_type: HandoffTrigger,
        /// The words, the intent or the number of the trigger. `manual` needs none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub trigger_value: Option<String>,
        /// The rule with the lowest number is evaluated first.
        #[serde(default)]
        pub priority: i32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub target_team_id: Option<TeamId>,
        /// The message to the customer at the handoff. It may contain variables.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub message_template: Option<String>,
        #[serde(default = "yes")]
        pub is_active: bool,
    }
}
