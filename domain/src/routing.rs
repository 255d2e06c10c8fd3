//! Routing (requirement 000, section 5): filter the agents, sort them, assign or queue, and record why.
//!
//! The [`RoutingState`] has all agents and, for each account, its [`AccountRouting`]. It is computed from the
//! log alone, and plans the actions that are due now. The process that executes an action first reserves
//! capacity on the agent's own stream: the routing state can be out of date, the stream cannot.

mod account;
mod selection;
mod state;

#[cfg(test)]
mod tests;

pub use account::{AccountRouting, RoutingAction};
pub use selection::{CandidateInput, Candidates};
pub use state::{Agents, FOLD, Part, RoutingState};

use std::time::Duration;

/// How long routing leaves a new conversation to the bot, in an account with bot rules.
pub const BOT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an assignment may take before it counts as interrupted.
pub const ASSIGNMENT_TIMEOUT: Duration = Duration::from_secs(5);
