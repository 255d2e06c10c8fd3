//! Who gets a conversation (requirement 000, section 5): filter, sort, assign or let it wait, and say why.
//!
//! Everything here is a fold of the log and a function of it. The [`RoutingState`] is all agents and, for each
//! account, its [`AccountRouting`]; a desk is asked what is to be done now and answers with moves. Whoever carries a
//! move out asks the agent's own stream for a place first: what the desk believes may be a moment old, what a
//! place is taken on never is.

mod account;
mod selection;
mod state;

#[cfg(test)]
mod tests;

pub use account::{AccountRouting, RoutingAction};
pub use selection::{CandidateInput, Candidates};
pub use state::RoutingState;

use std::time::Duration;

/// How long a conversation that was just opened is left to the bot, where an account has one.
pub const BOT_PATIENCE: Duration = Duration::from_secs(10);
/// How long an assignment may be under way before it is taken to have broken off.
pub const UNDER_WAY: Duration = Duration::from_secs(5);
