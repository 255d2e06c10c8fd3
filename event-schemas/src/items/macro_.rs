//! Lists of actions that an agent runs at once.

use super::item;
use crate::automation::Action;
use crate::catalogue::Secret;
use crate::message::words;
use crate::{MacroId, UserId};

words! {
    /// The users who see a macro and may run it.
    MacroVisibility {
        Everyone = "everyone",
        /// Only its creator.
        Personal = "personal",
    }
}

item! {
    one: "a macro", all: "Macros that you may run, by name", tag: "automation", order: name,
    public: Macro, by Macro::without_secret;

    /// A list of actions that an agent runs at once.
    pub struct Macro: MacroSpec {
        id id: MacroId,
        /// Unique among the macros for everyone, or among its creator's own.
        pub name: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub description: Option<String>,
        /// The users who see it and may run it.
        pub visibility: MacroVisibility,
        creator created_by: UserId,
        /// Executed in their order. Either all are executed, or none.
        pub actions: Vec<Action>,
        /// The key with which its webhooks are signed: `whsec_` and Base64. Created when the macro has
        /// webhooks and no key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub webhook_secret: Option<Secret>,
    }
}

impl Macro {
    fn without_secret(&self) -> Self {
        Self { webhook_secret: None, ..self.clone() }
    }
}
