//! The write side without HTTP: all commands, and how they are executed.
//!
//! The write side never reads a read model: a command is decided on the state of its stream.

pub mod actions;
mod answering_program;
pub mod api_keys;
pub mod assignment;
pub mod bulk;
mod catalogues;
mod causes;
mod channel_accounts;
mod compiled_rules;
mod conversations;
pub mod credentials;
mod current_conversation;
pub mod customers;
pub mod dry_run;
pub mod execute;
mod history;
pub mod inbound_webhook;
mod joined_conversations;
mod joint_append;
pub mod language;
pub mod low_priority;
pub mod past;
pub mod people;
mod rule_causes;
mod turns;
pub mod undo;

use catalogues::CATALOGUES;
use channel_accounts::ChannelAccounts;
use compiled_rules::CompiledPlaybooks;
use compiled_rules::automation::CompiledAutomationRules;
use credentials::KeyRing;
use current_conversation::CurrentConversations;
use domain::account::{Account, ApiKeyUse};
use domain::agent::{Person, PresenceTimeouts};
use domain::bulk::Bulk;
use domain::contact::IdentifierState;
use domain::conversation::Conversation;
use domain::past::Past;
use domain::person::{SessionTimes, SignInState};
use event_schemas::{Clock, ContactIdentifierId};
use event_store::EventStore;
use execute::Aggregates;
use people::Passwords;
use providers::AllowedAddresses;
use providers::Providers;
use quick_cache::sync::Cache;
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

pub use answering_program::FoundOrBegun;
pub use catalogues::{AccountCatalogue, Catalogued, Catalogues};
pub use causes::{Consequence, event_of};
pub use compiled_rules::PLAYBOOK_CATALOGUES;
pub use conversations::Begin;
pub use rule_causes::{AUTOMATION, rule_causes};

/// The number of conversations whose state is cached. The stream of a cached conversation is not read again.
const CONVERSATIONS: usize = 8_192;
const CONTACTS: usize = 16_384;
const AGENTS: usize = 16_384;
const ACCOUNTS: usize = 1_024;
const API_KEYS: usize = 4_096;
const BULKS: usize = 64;
/// How long the link of an invitation is valid, unless it is configured.
const INVITATIONS_LAST: Duration = Duration::from_secs(7 * 86_400);
const UNOPENABLE: usize = 1_024;

/// The commands of the write side.
pub struct Commands {
    pub store: Arc<dyn EventStore>,
    pub clock: Clock,
    pub providers: Arc<Providers>,
    pub conversations: Aggregates<Conversation>,
    pub contacts: Aggregates<IdentifierState>,
    pub agents: Aggregates<Person>,
    pub accounts: Aggregates<Account>,
    pub people: Aggregates<SignInState>,
    pub api_key_uses: Aggregates<ApiKeyUse>,
    pub bulks: Aggregates<Bulk>,
    passwords: Passwords,
    pub session_times: SessionTimes,
    /// How long the link of an invitation is valid.
    pub invitations_last: Duration,
    catalogues: Catalogues,
    /// How long an agent may report no presence.
    pub presence_timeouts: PresenceTimeouts,
    /// The greatest age of what a process manager sends something for.
    pub side_effects_max_age: Duration,
    /// The addresses that outgoing webhooks may call.
    pub webhook_addresses: AllowedAddresses,
    /// The keys that seal and open the credentials of channels, macros and rules. Without a key they are stored in
    /// plain text.
    pub credential_keys: KeyRing,
    /// When an item whose secrets cannot be opened was last named in the log.
    unopenable_reported: Cache<Uuid, Instant>,
    /// The base URL at which providers reach this server. `None` when the operator has configured none.
    pub public_url: Option<String>,
    compiled_playbooks: CompiledPlaybooks,
    compiled_automation_rules: CompiledAutomationRules,
    pub dry_runs: dry_run::Turns,
    channel_accounts: ChannelAccounts,
    current_conversations: CurrentConversations,
    naming: turns::Turns,
    was_moved: tokio::sync::OnceCell<bool>,
    /// The numbers of an imported log that have no other form there, or are joined to it.
    numbers_in_one_form: Cache<ContactIdentifierId, ()>,
}

impl Commands {
    pub fn new(store: Arc<dyn EventStore>, providers: Arc<Providers>, clock: Clock) -> Self {
        Self {
            conversations: Aggregates::new(store.clone(), clock.clone(), CONVERSATIONS),
            contacts: Aggregates::new(store.clone(), clock.clone(), CONTACTS),
            agents: Aggregates::new(store.clone(), clock.clone(), AGENTS),
            accounts: Aggregates::new(store.clone(), clock.clone(), ACCOUNTS),
            people: Aggregates::new(store.clone(), clock.clone(), AGENTS),
            api_key_uses: Aggregates::new(store.clone(), clock.clone(), API_KEYS),
            bulks: Aggregates::new(store.clone(), clock.clone(), BULKS),
            passwords: Passwords::default(),
            session_times: SessionTimes::default(),
            invitations_last: INVITATIONS_LAST,
            catalogues: Catalogues::new(&store, &clock),
            presence_timeouts: PresenceTimeouts::default(),
            side_effects_max_age: Past::MAX_AGE,
            webhook_addresses: AllowedAddresses::default(),
            credential_keys: KeyRing::default(),
            unopenable_reported: Cache::new(UNOPENABLE),
            public_url: None,
            compiled_playbooks: CompiledPlaybooks::new(CATALOGUES),
            compiled_automation_rules: CompiledAutomationRules::new(CATALOGUES),
            dry_runs: dry_run::Turns::default(),
            channel_accounts: ChannelAccounts::new(store.clone()),
            current_conversations: CurrentConversations::new(store.clone(), CONTACTS),
            naming: turns::Turns::default(),
            was_moved: tokio::sync::OnceCell::new(),
            numbers_in_one_form: Cache::new(CONTACTS),
            store,
            providers,
            clock,
        }
    }
}
