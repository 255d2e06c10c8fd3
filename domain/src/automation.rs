//! Lists of actions: macros, which an agent runs, and rules, which run by themselves when something happens:
//! pure policy.
//!
//! What a rule does sets off no rule, so rules cannot set off each other or themselves. What Verbatim does
//! because of a rule (an agent is found, a snooze ends) may set off rules: a rule of which that can be told
//! beforehand is refused as a circle, and any other acts by Verbatim's own doing only so many times a day in
//! one conversation.

mod memory;
mod rules;

pub use memory::{MOST_BY_ITSELF, Memory};
pub(crate) use rules::shared;
pub use rules::{Cause, ConversationFacts, Rule, Rules, RulesError};
