//! The events of a conversation. Status is not an event: it is derived from these.

pub use crate::families::{
    assignment::*, automation::*, bot::*, delivery::*, details::*, lifecycle::*, message::*, routing::*,
    schedule::*, sla::*,
};

use crate::events::families;

families! {
    /// Every event of a stream `conversation-<uuid>`, by family.
    pub enum ConversationEvent {
        Message(MessageEvent),
        Delivery(DeliveryEvent),
        Lifecycle(LifecycleEvent),
        Assignment(AssignmentEvent),
        Routing(RoutingEvent),
        Sla(SlaEvent),
        Bot(BotEvent),
        Automation(ActionEvent),
        Details(DetailsEvent),
        Schedule(ScheduleEvent),
    }
}
