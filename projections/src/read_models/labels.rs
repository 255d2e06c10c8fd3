//! Which conversations carry a label, for the filter by label.

use event_schemas::{AccountId, ConversationId};

crate::table! {
    pub struct LabelRow in "conversation_labels"
        key (account_id: AccountId, label: String, conversation_id: ConversationId) {}
}
