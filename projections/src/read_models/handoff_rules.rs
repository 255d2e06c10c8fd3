//! When a conversation goes from the bot to a person.

use crate::read_models::catalogue::{Entry, Since};
use event_schemas::bot::HandoffRule;
use event_schemas::{AccountId, HandoffRuleId, Timestamp, Version};
use follower::table::Json;

follower::table! {
    pub struct HandoffRuleRow in "handoff_rules" key (id: HandoffRuleId) {
        account_id: AccountId,
        priority: i64,
        handoff_rule: Json<HandoffRule>,
        created_at: Timestamp,
        updated_at: Timestamp,
        version: Version,
    }
}

impl Entry for HandoffRuleRow {
    type CatalogueItem = HandoffRule;
    fn key_of(handoff_rule: &HandoffRule) -> (HandoffRuleId,) {
        (handoff_rule.id,)
    }
    fn created_at(&self) -> Timestamp {
        self.created_at
    }
    fn defined(handoff_rule: &HandoffRule, since: Since) -> Self {
        Self {
            id: handoff_rule.id,
            account_id: since.account_id,
            priority: handoff_rule.priority.into(),
            handoff_rule: Json(handoff_rule.clone()),
            created_at: since.created_at,
            updated_at: since.updated_at,
            version: since.version,
        }
    }
}
