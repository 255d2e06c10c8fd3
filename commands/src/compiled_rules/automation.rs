//! The compiled automation rules of the accounts, one set for each version of an account's catalogue.

use crate::Commands;
use crate::execute::LoadError;
use domain::automation::Rules;
use event_schemas::automation::AutomationRule;
use event_schemas::catalogue::CatalogueKind;
use event_schemas::{AccountId, StreamId, Version};
use quick_cache::sync::Cache;
use std::sync::Arc;

/// The cached rules, each with the version of the catalogue from which they were compiled.
pub(crate) struct CompiledAutomationRules(Cache<AccountId, (Option<Version>, Arc<Rules>)>);

impl CompiledAutomationRules {
    pub(crate) fn new(capacity: usize) -> Self {
        Self(Cache::new(capacity))
    }
}

impl Commands {
    pub async fn automation_rules_of(&self, account: AccountId) -> Result<Arc<Rules>, LoadError> {
        let catalogue = self.catalogue::<AutomationRule>(account).current().await?;
        if let Some((cached, rules)) = self.compiled_automation_rules.0.get(&account)
            && cached == catalogue.version
        {
            return Ok(rules);
        }
        let rules = Rules::compile(catalogue.state.iter()).map_err(|source| LoadError::Damaged {
            stream: StreamId::catalogue(CatalogueKind::AutomationRules, account).to_string(),
            source: Box::new(source),
        })?;
        let rules = Arc::new(rules);
        self.compiled_automation_rules.0.insert(account, (catalogue.version, Arc::clone(&rules)));
        Ok(rules)
    }
}
