//! The write side: what may be asked, and the one way it is done.
//!
//! Nothing here reads a read model: decisions read the stream.

mod desk;
mod directory;
pub mod dry_run;
pub mod http;
pub mod inbound;
pub mod language;
pub mod lists;
mod locate;
pub mod places;
mod playbooks;
pub mod problem;
mod rulebooks;
pub mod write;

use directory::Directory;
use domain::agent::{Agent, Patience};
use domain::catalogue::{
    AllBotSettings, AutomationRules, BotRules, Calendars, CannedResponses, Channels, HandoffRules, Macros,
    Queues, SlaPolicies, Teams,
};
use domain::contact::ContactHome;
use domain::conversation::Conversation;
use event_schemas::Clock;
use event_store::EventStore;
use locate::Ordinals;
use playbooks::Playbooks;
use providers::Providers;
use providers::outgoing_webhook::Addresses;
use rulebooks::Rulebooks;
use std::sync::Arc;
use write::Aggregates;

pub use desk::Begin;

/// How many conversations are remembered between commands. A remembered one saves reading its stream.
const CONVERSATIONS: usize = 8_192;
const CONTACTS: usize = 16_384;
const CATALOGUES: usize = 1_024;
const AGENTS: usize = 16_384;

/// Everything that can be asked of the write side.
pub struct Commands {
    pub store: Arc<dyn EventStore>,
    pub clock: Clock,
    pub providers: Arc<Providers>,
    pub conversations: Aggregates<Conversation>,
    pub contacts: Aggregates<ContactHome>,
    pub agents: Aggregates<Agent>,
    pub channels: Aggregates<Channels>,
    pub teams: Aggregates<Teams>,
    pub canned_responses: Aggregates<CannedResponses>,
    pub sla_policies: Aggregates<SlaPolicies>,
    pub calendars: Aggregates<Calendars>,
    pub queues: Aggregates<Queues>,
    /// How long an agent's silence may last.
    pub patience: Patience,
    pub bot_rules: Aggregates<BotRules>,
    pub handoff_rules: Aggregates<HandoffRules>,
    pub bot_settings: Aggregates<AllBotSettings>,
    pub macros: Aggregates<Macros>,
    pub automation_rules: Aggregates<AutomationRules>,
    /// Whom webhooks may call.
    pub webhook_addresses: Addresses,
    playbooks: Playbooks,
    rulebooks: Rulebooks,
    /// A dry run is work for a whole processor: one at a time.
    pub(crate) dry_runs: tokio::sync::Semaphore,
    directory: Directory,
    ordinals: Ordinals,
}

impl Commands {
    pub fn new(store: Arc<dyn EventStore>, providers: Arc<Providers>, clock: Clock) -> Self {
        Self {
            conversations: Aggregates::new(store.clone(), clock.clone(), CONVERSATIONS),
            contacts: Aggregates::new(store.clone(), clock.clone(), CONTACTS),
            agents: Aggregates::new(store.clone(), clock.clone(), AGENTS),
            channels: Aggregates::new(store.clone(), clock.clone(), CATALOGUES),
            teams: Aggregates::new(store.clone(), clock.clone(), CATALOGUES),
            canned_responses: Aggregates::new(store.clone(), clock.clone(), CATALOGUES),
            sla_policies: Aggregates::new(store.clone(), clock.clone(), CATALOGUES),
            calendars: Aggregates::new(store.clone(), clock.clone(), CATALOGUES),
            queues: Aggregates::new(store.clone(), clock.clone(), CATALOGUES),
            patience: Patience::default(),
            bot_rules: Aggregates::new(store.clone(), clock.clone(), CATALOGUES),
            handoff_rules: Aggregates::new(store.clone(), clock.clone(), CATALOGUES),
            bot_settings: Aggregates::new(store.clone(), clock.clone(), CATALOGUES),
            macros: Aggregates::new(store.clone(), clock.clone(), CATALOGUES),
            automation_rules: Aggregates::new(store.clone(), clock.clone(), CATALOGUES),
            webhook_addresses: Addresses::default(),
            playbooks: Playbooks::new(CATALOGUES),
            rulebooks: Rulebooks::new(CATALOGUES),
            dry_runs: tokio::sync::Semaphore::new(1),
            directory: Directory::new(store.clone()),
            ordinals: Ordinals::new(store.clone(), CONTACTS),
            store,
            providers,
            clock,
        }
    }
}
