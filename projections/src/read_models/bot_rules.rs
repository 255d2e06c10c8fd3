//! What the bot does with which message.

use crate::read_models::catalogue::{Entry, Since};
use event_schemas::bot::BotRule;
use event_schemas::{AccountId, BotRuleId, Timestamp, Version};
use follower::table::Json;

follower::table! {
    pub struct BotRuleRow in "bot_rules" key (id: BotRuleId) {
        account_id: AccountId,
        priority: i64,
        bot_rule: Json<BotRule>,
        created_at: Timestamp,
        updated_at: Timestamp,
        version: Version,
    }
}

impl Entry for BotRuleRow {
    type CatalogueItem = BotRule;
    fn key_of(bot_rule: &BotRule) -> (BotRuleId,) {
        (bot_rule.id,)
    }
    fn created_at(&self) -> Timestamp {
        self.created_at
    }
    fn defined(bot_rule: &BotRule, since: Since) -> Self {
        Self {
            id: bot_rule.id,
            account_id: since.account_id,
            priority: bot_rule.priority.into(),
            bot_rule: Json(bot_rule.clone()),
            created_at: since.created_at,
            updated_at: since.updated_at,
            version: since.version,
        }
    }
}
