//! Each account's automation rules as of now, compiled once for every version of their catalogue.

use crate::Commands;
use crate::execute::LoadError;
use domain::automation::Rules;
use event_schemas::automation::AutomationRule;
use event_schemas::catalogue::CatalogueKind;
use event_schemas::{AccountId, StreamId, Version};
use quick_cache::sync::Cache;
use std::sync::Arc;

/// The rules in use, each with the version of the catalogue it is made of.
pub(crate) struct CompiledAutomationRules(Cache<AccountId, (Option<Version>, Arc<Rules>)>);

impl CompiledAutomationRules {
    pub(crate) fn new(capacity: usize) -> Self {
        Self(Cache::new(capacity))
    }
}

impl Commands {
    pub async fn automation_rules_of(&self, account: AccountId) -> Result<Arc<Rules>, LoadError> {
        let catalogue = self.catalogue::<AutomationRule>(account).current().await?;
        if let Some((of, rules)) = self.compiled_automation_rules.0.get(&account)
            && of == catalogue.version
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
