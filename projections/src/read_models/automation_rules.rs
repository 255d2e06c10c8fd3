//! What happens by itself. What a rule's webhooks are signed with is never shown again: it is not here.

use crate::read_models::catalogue::{Entry, Since};
use event_schemas::automation::AutomationRule;
use event_schemas::{AccountId, AutomationRuleId, Timestamp, Version};
use follower::table::Json;

follower::table! {
    pub struct AutomationRuleRow in "automation_rules" key (id: AutomationRuleId) {
        account_id: AccountId,
        priority: i64,
        automation_rule: Json<AutomationRule>,
        created_at: Timestamp,
        updated_at: Timestamp,
        version: Version,
    }
}

impl Entry for AutomationRuleRow {
    type CatalogueItem = AutomationRule;
    fn key_of(rule: &AutomationRule) -> (AutomationRuleId,) {
        (rule.id,)
    }
    fn created_at(&self) -> Timestamp {
        self.created_at
    }
    fn defined(rule: &AutomationRule, since: Since) -> Self {
        Self {
            id: rule.id,
            account_id: since.account_id,
            priority: rule.priority.into(),
            automation_rule: Json(AutomationRule { webhook_secret: None, ..rule.clone() }),
            created_at: since.created_at,
            updated_at: since.updated_at,
            version: since.version,
        }
    }
}
