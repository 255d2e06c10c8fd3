//! Bulk changes: streams `bulk-<uuid>`. One request changes many conversations, step by step, and can be taken back as a
//! whole.

use crate::automation::Action;
use crate::events::events;
use crate::{AccountId, Actor, BulkId, ConversationId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

events! {
    /// Every event of a stream `bulk-<uuid>`.
    pub enum BulkEvent {
        BulkStarted = 1,
        BulkAdvanced = 1,
        BulkUndoStarted = 1,
        BulkUndoAdvanced = 1,
    }
}

/// A person or a program wants many conversations changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BulkStarted {
    pub bulk_id: BulkId,
    pub account_id: AccountId,
    /// The actor of all the changes.
    pub started_by: Actor,
    /// Whether the actor may take conversations from other agents.
    pub may_take_over: bool,
    /// Executed in each conversation in their order, all or none.
    pub actions: Vec<Action>,
    /// In the order in which they are changed.
    pub conversation_ids: Vec<ConversationId>,
}

/// The next conversations were changed, or refused to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BulkAdvanced {
    pub bulk_id: BulkId,
    /// How many conversations of the list are done now.
    pub done: u32,
    /// How many of this step were changed. The others were as wanted before, or are refused.
    pub changed: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<BulkRefusal>,
}

/// A conversation that was not changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BulkRefusal {
    pub conversation_id: ConversationId,
    /// A sentence without the full stop.
    pub reason: String,
}

/// A person or a program wants all its changes taken back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BulkUndoStarted {
    pub bulk_id: BulkId,
    /// The actor of the changes that follow.
    pub started_by: Actor,
    pub may_take_over: bool,
}

/// The next conversations are as they were before, or refused to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BulkUndoAdvanced {
    pub bulk_id: BulkId,
    /// How many conversations of the list are done now.
    pub done: u32,
    pub undone: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<BulkRefusal>,
}
