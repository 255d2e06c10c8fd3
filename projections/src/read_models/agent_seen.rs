//! The number of the customer's messages that each agent has seen. The unread count is derived from it.

use crate::read_models::inbox::ConversationRow;
use event_schemas::message::SenderType;
use event_schemas::{ConversationEvent, DetailsEvent, MessageEvent, UserId};

follower::table! {
    pub struct AgentSeenRow in "agent_seen" key (conversation_seq: i64, agent_id: UserId) {
        received: u32,
    }
}

impl AgentSeenRow {
    /// The row after an event by which an agent has seen messages. An agent who answers has seen all messages before.
    /// `None` when the event does not say so.
    pub fn after(event: &ConversationEvent, conversation: &ConversationRow) -> Option<Self> {
        use ConversationEvent as E;
        let (agent_id, received) = match event {
            E::Details(DetailsEvent::SeenByAgent(seen)) => (seen.agent_id, seen.received),
            E::Message(MessageEvent::MessageSent(sent)) if sent.sender_type == SenderType::Agent => {
                (sent.sender_id?, conversation.received_count)
            }
            E::Details(
                DetailsEvent::PriorityChanged(_)
                | DetailsEvent::LabelsChanged(_)
                | DetailsEvent::SubjectChanged(_)
                | DetailsEvent::DisplayNameChanged(_)
                | DetailsEvent::LanguageDetected(_),
            )
            | E::Message(_)
            | E::Delivery(_)
            | E::Lifecycle(_)
            | E::Assignment(_)
            | E::Routing(_)
            | E::Sla(_)
            | E::Bot(_)
            | E::Automation(_)
            | E::Schedule(_) => return None,
        };
        Some(Self { conversation_seq: conversation.seq, agent_id, received })
    }
}
