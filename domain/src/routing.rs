//! Routing (requirement 000, section 5): filter the agents, sort them, assign or queue, and record why.
//!
//! Everything here is a fold of the log and a function of it. The [`RoutingState`] is all agents and, for each
//! account, its [`AccountRouting`]; it plans the actions that are due now. The process that executes an
//! action reserves capacity on the agent's own stream first: the routing state may be a moment old, the stream that a
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
/// How long an assignment may be under way before it counts as interrupted.
pub const UNDER_WAY: Duration = Duration::from_secs(5);
