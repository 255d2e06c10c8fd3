//! The bot's answer to a message, and the handoff to a human agent: pure policy (requirement 000, sections 1.4
//! and 5; requirements 001 and 002).
//!
//! An account's rules are compiled once into a [`Playbook`]; then a message is put to it with what is known
//! of the conversation, and it answers which rules fit, why, and what they do. It never looks at what the
//! bot itself said: only a customer's message makes it speak, so no rule can set off itself or another.

mod conditions;
mod handoff;
mod memory;
mod phrases;
mod playbook;
mod rule;
mod text;

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
