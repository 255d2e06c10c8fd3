//! How many of the customer's messages each agent has seen, which makes the unread count.

use crate::read_models::inbox::ConversationRow;
use event_schemas::message::SenderType;
use event_schemas::{ConversationEvent, UserId};

follower::table! {
    pub struct AgentSeenRow in "agent_seen" key (conversation_seq: i64, agent_id: UserId) {
        received: u32,
    }
}

impl AgentSeenRow {
    /// What the event says about somebody's having seen. Who answers has seen all that came before.
    pub fn after(event: &ConversationEvent, conversation: &ConversationRow) -> Option<Self> {
        let (agent_id, received) = match event {
            ConversationEvent::SeenByAgent(seen) => (seen.agent_id, seen.received),
            ConversationEvent::MessageSent(sent) if sent.sender_type == SenderType::Agent => {
                (sent.sender_id?, conversation.received_count)
            }
            _neither_reading_nor_answering => return None,
        };
        Some(Self { conversation_seq: conversation.seq, agent_id, received })
    }
}
