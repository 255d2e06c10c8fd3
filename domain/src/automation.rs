//! Macros and automation rules: lists of actions that an agent runs, or that run when an event occurs. Rules
//! without I/O.
//!
//! The actions of a rule trigger no rule, so rules cannot trigger each other or themselves. Events that
//! Verbatim causes after a rule's actions (routing assigns an agent, a snooze ends) can trigger rules. A rule
//! that would certainly trigger itself in this way is rejected when it is defined. Every other rule runs at
//! most [`MOST_BY_ITSELF`] times a day in one conversation because of such events.

mod memory;
mod rules;

pub use memory::{MOST_BY_ITSELF, Memory};
pub(crate) use rules::shared;
pub use rules::{Cause, ConversationFacts, Rule, Rules, RulesError};
