//! The compiled playbooks of the accounts, one for each version of an account's catalogues.

pub(crate) mod automation;

use crate::Commands;
use crate::execute::{LoadError, Versioned};
use domain::bot::{AutomaticLimit, Playbook};
use domain::catalogue::Catalogue;
use domain::conversation::InactivityTimeouts;
use event_schemas::bot::{BotRule, BotSettings, HandoffRule};
use event_schemas::catalogue::{CannedResponse, CatalogueKind};
use event_schemas::{AccountId, Position, StreamId, Version};
use quick_cache::sync::Cache;
use std::sync::Arc;

/// The cached playbooks.
pub(crate) struct CompiledPlaybooks(Cache<AccountId, (Versions, Arc<Playbook>)>);

/// The kinds of catalogue from which a playbook is compiled.
pub const PLAYBOOK_CATALOGUES: [CatalogueKind; 4] = [
    CatalogueKind::BotRules,
    CatalogueKind::HandoffRules,
    CatalogueKind::BotSettings,
    CatalogueKind::CannedResponses,
];

/// The versions of the catalogues from which a playbook was compiled.
type Versions = [Option<Version>; 4];

impl CompiledPlaybooks {
    pub(crate) fn new(capacity: usize) -> Self {
        Self(Cache::new(capacity))
    }
}

/// The current catalogues from which an account's playbook is compiled.
pub struct BotCatalogues {
    pub rules: Arc<Versioned<Catalogue<BotRule>>>,
    pub handoff_rules: Arc<Versioned<Catalogue<HandoffRule>>>,
    settings: Arc<Versioned<Catalogue<BotSettings>>>,
    templates: Arc<Versioned<Catalogue<CannedResponse>>>,
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

    /// Compiles a playbook with these rules and settings instead of the account's own.
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
    /// The current catalogues from which the account's playbook is compiled.
    pub async fn bot_catalogues(&self, account: AccountId) -> Result<BotCatalogues, LoadError> {
        let (rules, handoff_rules, settings, templates) = futures::try_join!(
            self.catalogue::<BotRule>(account).current(),
            self.catalogue::<HandoffRule>(account).current(),
            self.catalogue::<BotSettings>(account).current(),
            self.catalogue::<CannedResponse>(account).current(),
        )?;
        Ok(BotCatalogues { rules, handoff_rules, settings, templates, account })
    }

    /// The current playbook of the account.
    pub async fn playbook(&self, account: AccountId) -> Result<Arc<Playbook>, LoadError> {
        let catalogues = self.bot_catalogues(account).await?;
        self.compiled(&catalogues)
    }

    /// The account's playbook just before a position in the log.
    pub async fn playbook_before(
        &self,
        account: AccountId,
        position: Position,
    ) -> Result<Arc<Playbook>, LoadError> {
        let (rules, handoff_rules, settings, templates) = futures::try_join!(
            self.catalogue::<BotRule>(account).before(position),
            self.catalogue::<HandoffRule>(account).before(position),
            self.catalogue::<BotSettings>(account).before(position),
            self.catalogue::<CannedResponse>(account).before(position),
        )?;
        self.compiled(&BotCatalogues {
            rules: Arc::new(rules),
            handoff_rules: Arc::new(handoff_rules),
            settings: Arc::new(settings),
            templates: Arc::new(templates),
            account,
        })
    }

    /// The account's bound on automatic messages.
    pub async fn automatic_limit(&self, account: AccountId) -> Result<AutomaticLimit, LoadError> {
        let settings = self.catalogue::<BotSettings>(account).recent().await?;
        let settings = settings.state.get(account).map(AutomaticLimit::of);
        Ok(settings.unwrap_or_else(|| AutomaticLimit::of(&BotSettings::usual(account))))
    }

    /// The inactivity timeouts of the account, and its current playbook.
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
        if let Some((cached, playbook)) = self.compiled_playbooks.0.get(&account)
            && cached == versions
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
