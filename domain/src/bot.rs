//! The bot's answer to a message, and the handoff to a human agent: rules without I/O (requirement 000,
//! sections 1.4 and 5; requirements 001 and 002).
//!
//! The rules of an account are compiled once into a [`Playbook`]. The playbook compares a message and the
//! state of its conversation with the rules, and returns which rules match, why, and their actions. It never
//! reads the bot's own messages: only a customer's message makes the bot answer, so no rule can trigger
//! itself or another.

mod automatic;
mod conditions;
mod handoff;
mod memory;
mod phrases;
mod playbook;
mod rule;
mod text;

pub(crate) use automatic::is_automatic;
pub use automatic::{AutomaticLimit, AutomaticMessages};
pub(crate) use conditions::{Conditions, MatchContext};
pub(crate) use handoff::words;
pub use handoff::{Handoff, HandoffNeed};
pub use memory::{Memory, PendingQuestion, Requested};
pub use phrases::Phrases;
pub(crate) use phrases::{PhraseMatches, PhraseSetBuilder};
pub use playbook::{Facts, IncomingMessage, Playbook, PlaybookError, RuleMatch};
pub(crate) use rule::strategy;
pub use rule::{Actions, Rule};
pub use text::NormalizedText;
