//! What each account tells its bot, compiled once for every version of its catalogues.

pub(crate) mod automation;

use crate::Commands;
use crate::execute::{LoadError, Versioned};
use domain::bot::Playbook;
use domain::catalogue::{AllBotSettings, BotRules, CannedResponses, HandoffRules};
use domain::conversation::InactivityTimeouts;
use event_schemas::bot::{BotRule, BotSettings, HandoffRule};
use event_schemas::catalogue::CatalogueKind;
use event_schemas::{AccountId, StreamId, Version};
use quick_cache::sync::Cache;
use std::sync::Arc;

/// The playbooks in use.
pub(crate) struct CompiledPlaybooks(Cache<AccountId, (Versions, Arc<Playbook>)>);

/// The versions of the catalogues that a playbook is made of.
type Versions = [Option<Version>; 4];

impl CompiledPlaybooks {
    pub(crate) fn new(capacity: usize) -> Self {
        Self(Cache::new(capacity))
    }
}

/// An account's catalogues about its bot, as they are now.
pub struct BotCatalogues {
    pub rules: Arc<Versioned<BotRules>>,
    pub handoff_rules: Arc<Versioned<HandoffRules>>,
    settings: Arc<Versioned<AllBotSettings>>,
    templates: Arc<Versioned<CannedResponses>>,
    account: AccountId,
}

impl BotCatalogues {
    fn versions(&self) -> Versions {
        [self.rules.version, self.handoff_rules.version, self.settings.version, self.templates.version]
    }

    pub fn settings(&self) -> BotSettings {
        let settings = self.settings.state.get(self.account);
        settings.cloned().unwrap_or_else(|| BotSettings::usual(self.account))
    }

    /// With these rules in place of the account's own.
    pub fn compile<'r>(
        &self,
        rules: impl IntoIterator<Item = &'r BotRule>,
        handoff_rules: impl IntoIterator<Item = &'r HandoffRule>,
        settings: &BotSettings,
    ) -> Result<Playbook, LoadError> {
        let template = |id| self.templates.state.get(id).map(|response| response.content.clone());
        Playbook::compile(rules, handoff_rules, settings, template).map_err(|source| LoadError::Damaged {
            stream: StreamId::catalogue(CatalogueKind::BotRules, self.account).to_string(),
            source: Box::new(source),
        })
    }
}

impl Commands {
    /// What the account tells its bot, from the streams as they are now.
    pub async fn bot_catalogues(&self, account: AccountId) -> Result<BotCatalogues, LoadError> {
        let of = |kind| StreamId::catalogue(kind, account);
        let (rules, handoffs, settings, templates) = (
            of(CatalogueKind::BotRules),
            of(CatalogueKind::HandoffRules),
            of(CatalogueKind::BotSettings),
            of(CatalogueKind::CannedResponses),
        );
        let (rules, handoff_rules, settings, templates) = futures::try_join!(
            self.bot_rules.current(&rules),
            self.handoff_rules.current(&handoffs),
            self.bot_settings.current(&settings),
            self.canned_responses.current(&templates),
        )?;
        Ok(BotCatalogues { rules, handoff_rules, settings, templates, account })
    }

    /// The account's playbook as of now.
    pub async fn playbook(&self, account: AccountId) -> Result<Arc<Playbook>, LoadError> {
        let catalogues = self.bot_catalogues(account).await?;
        self.compiled(&catalogues)
    }

    /// How long the account lets silences last, and what its bot says when one ends.
    pub async fn timeouts(
        &self,
        account: AccountId,
    ) -> Result<(InactivityTimeouts, Arc<Playbook>), LoadError> {
        let catalogues = self.bot_catalogues(account).await?;
        let playbook = self.compiled(&catalogues)?;
        Ok((InactivityTimeouts::of(&catalogues.settings(), &playbook), playbook))
    }

    fn compiled(&self, catalogues: &BotCatalogues) -> Result<Arc<Playbook>, LoadError> {
        let (account, versions) = (catalogues.account, catalogues.versions());
        if let Some((of, playbook)) = self.compiled_playbooks.0.get(&account)
            && of == versions
        {
            return Ok(playbook);
        }
        let playbook = Arc::new(catalogues.compile(
            catalogues.rules.state.iter(),
            catalogues.handoff_rules.state.iter(),
            &catalogues.settings(),
        )?);
        self.compiled_playbooks.0.insert(account, (versions, Arc::clone(&playbook)));
        Ok(playbook)
    }
}
