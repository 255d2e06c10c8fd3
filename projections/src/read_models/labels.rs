//! The labels of conversations, for the filter by label.

use event_schemas::AccountId;

follower::table! {
    pub struct LabelRow in "conversation_labels"
        key (account_id: AccountId, label: String, conversation_seq: i64) {}
}
