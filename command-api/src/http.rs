//! The write side over HTTP. A handler reads the request, executes a command, and answers.

use aide::axum::ApiRouter;
use commands::Commands;
use std::sync::Arc;

mod account_settings;
mod actions;
mod agents;
mod answer;
mod api_keys;
mod assignments;
mod automation_rules;
mod bot_rules;
mod bot_settings;
mod browser;
mod bulk;
mod canned_responses;
mod catalogue;
mod channels;
mod command_headers;
mod conflicts;
mod contact_identifiers;
mod conversations;
mod customer_sessions;
mod dry_runs;
mod handoff_rules;
mod handoffs;
mod inbound_webhooks;
mod macros;
mod merge_patch;
mod messages;
mod offers;
mod people;
pub mod presence;
mod queues;
mod references;
mod referrers;
mod scheduled_messages;
mod sessions;
mod sizes;
mod sla_policies;
mod undo;
mod views;

pub use command_headers::CommandHeaders;
pub use conversations::{problem_of_agent, problem_of_command};
pub use sizes::check_bytes;

/// The groups of routes in the API's description.
pub const TAGS: &[(&str, &str)] = &[
    ("conversations", "Begin, change, assign, resolve and close conversations."),
    ("messages", "Answer the customer, and leave notes for colleagues."),
    ("channels", "The channels on which customers write."),
    ("contacts", "The contacts of addresses and phone numbers."),
    ("teams", "Groups of agents."),
    ("canned responses", "Texts for replies that agents use again and again."),
    ("service levels", "SLA policies, and the calendars of business hours."),
    ("bot", "The bot's rules, and the rules for a handoff to a human agent."),
    ("automation", "Macros, which agents run, and rules, which run when an event occurs."),
    ("queues", "The queues in which conversations wait for an agent, and their strategies."),
    ("people", "The people of the account, invitations, and signing in."),
    ("api keys", "The keys with which programs work in the account."),
    ("agents", "The agents, their preferences and their presence."),
    ("account", "The settings of the account."),
    ("webhooks", "The webhooks of the channels, for providers."),
];

/// The routes of all commands.
pub fn router(commands: Arc<Commands>) -> ApiRouter {
    ApiRouter::new()
        .merge(conversations::routes())
        .merge(messages::routes())
        .merge(scheduled_messages::routes())
        .merge(customer_sessions::routes())
        .merge(assignments::routes())
        .merge(undo::routes())
        .merge(bulk::routes())
        .merge(catalogue::routes())
        .merge(dry_runs::routes())
        .merge(handoffs::routes())
        .merge(contact_identifiers::routes())
        .merge(people::routes())
        .merge(api_keys::routes())
        .merge(sessions::routes())
        .merge(agents::routes())
        .merge(presence::routes())
        .merge(offers::routes())
        .merge(inbound_webhooks::routes())
        .with_state(commands)
}

type AppState = axum::extract::State<Arc<Commands>>;
