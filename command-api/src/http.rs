//! The write side over HTTP. A handler makes three moves: it reads the request, asks, and answers.

use aide::axum::ApiRouter;
use commands::Commands;
use std::sync::Arc;

mod actions;
mod agents;
mod answer;
mod assignments;
mod automation_rules;
mod bot_rules;
mod bot_settings;
mod canned_responses;
mod catalogue;
mod channels;
mod command_headers;
mod contact_identifiers;
mod conversations;
mod dry_runs;
mod handoff_rules;
mod handoffs;
mod inbound_webhooks;
mod macros;
mod merge_patch;
mod messages;
mod offers;
mod presence;
mod queues;
mod references;
mod sla_policies;

/// How the routes are grouped in the API's description.
pub const TAGS: &[(&str, &str)] = &[
    ("conversations", "Begin, change, assign, resolve and close conversations."),
    ("messages", "Answer the customer, and leave notes for colleagues."),
    ("channels", "Where customers write to."),
    ("contacts", "Who is behind an address or a number."),
    ("teams", "Groups of agents."),
    ("canned responses", "Texts to use again."),
    ("service levels", "Promises about answering times, and when the desk is open."),
    ("bot", "What the bot does with which message, and when a person is needed."),
    ("automation", "Macros that agents run, and rules that run by themselves."),
    ("queues", "Where conversations wait for an agent, and how one is found."),
    ("agents", "The people who answer, and how they like to work."),
    ("webhooks", "What providers send."),
];

/// Every route that changes something.
pub fn router(commands: Arc<Commands>) -> ApiRouter {
    ApiRouter::new()
        .merge(conversations::routes())
        .merge(messages::routes())
        .merge(assignments::routes())
        .merge(catalogue::routes())
        .merge(dry_runs::routes())
        .merge(handoffs::routes())
        .merge(contact_identifiers::routes())
        .merge(agents::routes())
        .merge(presence::routes())
        .merge(offers::routes())
        .merge(inbound_webhooks::routes())
        .with_state(commands)
}

type AppState = axum::extract::State<Arc<Commands>>;
