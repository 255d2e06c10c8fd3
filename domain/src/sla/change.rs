//! The part of an event that the clocks need. It is small, because it is stored until the answers before it are known to
//! be delivered.

use super::micros::moment;
use super::terms::Terms;
use event_schemas::conversation::MessageSent;
use event_schemas::message::{Priority, SenderType, SlaMetric};
use event_schemas::{
    AssignmentEvent, BotEvent, ConversationEvent, DetailsEvent, LifecycleEvent, MessageEvent, MessageId,
    SlaEvent, Timestamp,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Change {
    /// Only the time has passed.
    #[serde(rename = "t")]
    Time,
    #[serde(rename = "o")]
    Opened(Priority),
    /// A message of the customer.
    #[serde(rename = "c")]
    Asked(MessageId),
    /// A message to the customer.
    #[serde(rename = "m")]
    Said {
        #[serde(rename = "i")]
        message_id: MessageId,
        #[serde(rename = "b")]
        by: Speaker,
        #[serde(rename = "f", default, skip_serializing_if = "Outcome::is_unknown")]
        outcome: Outcome,
    },
    #[serde(rename = "p")]
    Pending,
    #[serde(rename = "r")]
    Resolved,
    #[serde(rename = "n")]
    Reopened,
    /// Closed or expired.
    #[serde(rename = "e")]
    Closed,
    /// An event that ends a pause and nothing else.
    #[serde(rename = "u")]
    Resumed,
    #[serde(rename = "a")]
    Assigned {
        #[serde(rename = "a")]
        to_agent: bool,
    },
    #[serde(rename = "h")]
    HandoffRequested,
    #[serde(rename = "y")]
    Priority(Priority),
    /// An SLA policy is applied, or removed.
    #[serde(rename = "l")]
    Terms(Option<Arc<Terms>>),
    #[serde(rename = "w")]
    Warned {
        #[serde(rename = "m")]
        metric: SlaMetric,
        #[serde(rename = "d", with = "moment")]
        due_at: Timestamp,
    },
    #[serde(rename = "b")]
    Breached {
        #[serde(rename = "m")]
        metric: SlaMetric,
        #[serde(rename = "d", with = "moment")]
        due_at: Timestamp,
    },
}

/// The author of a message to the customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Speaker {
    #[serde(rename = "a")]
    Agent,
    #[serde(rename = "b")]
    Bot,
    /// A queue, an automation rule or another program. Its messages are no answers.
    #[serde(rename = "p")]
    Program,
}

/// The delivery of a message to the customer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Outcome {
    /// Nothing is known yet: it counts as delivered.
    #[default]
    #[serde(rename = "u")]
    Unknown,
    /// The provider may still report that it was delivered.
    #[serde(rename = "f")]
    Failed,
    /// It cannot fail any more.
    #[serde(rename = "d")]
    Delivered,
}

impl Outcome {
    fn is_unknown(&self) -> bool {
        *self == Self::Unknown
    }
}

impl Change {
    pub fn of(event: &ConversationEvent) -> Self {
        use ConversationEvent as E;
        match event {
            E::Message(MessageEvent::MessageReceived(received)) => Self::Asked(received.message_id),
            E::Message(MessageEvent::MessageSent(sent)) => Self::said(sent),
            E::Lifecycle(event) => Self::of_lifecycle(event),
            E::Bot(BotEvent::BotEngaged(_)) => Self::Resumed,
            E::Bot(BotEvent::HandoffRequested(_)) => Self::HandoffRequested,
            E::Assignment(AssignmentEvent::Assigned(assigned)) => {
                Self::Assigned { to_agent: assigned.assignee_id.is_some() }
            }
            E::Assignment(AssignmentEvent::Unassigned(unassigned)) if unassigned.assignee_id.is_some() => {
                Self::Resumed
            }
            E::Details(DetailsEvent::PriorityChanged(change)) => Self::Priority(change.new),
            E::Sla(SlaEvent::SlaApplied(applied)) => Self::Terms(Some(Arc::new(Terms::of(applied)))),
            E::Sla(SlaEvent::SlaRemoved(_)) => Self::Terms(None),
            E::Sla(SlaEvent::SlaWarned(warned)) => {
                Self::Warned { metric: warned.metric, due_at: warned.due_at }
            }
            E::Sla(SlaEvent::SlaBreached(breached)) => {
                Self::Breached { metric: breached.metric, due_at: breached.due_at }
            }
            // A reaction, a deletion or a new wording says nothing that waits for an answer.
            E::Message(
                MessageEvent::NoteAdded(_)
                | MessageEvent::MessageEdited(_)
                | MessageEvent::MessageRevoked(_)
                | MessageEvent::ReactionChanged(_)
                | MessageEvent::NoticeReceived(_),
            )
            | E::Bot(
                BotEvent::BotContextCollected(_)
                | BotEvent::BotContextRemoved(_)
                | BotEvent::InfoRequested(_),
            )
            | E::Assignment(AssignmentEvent::Unassigned(_) | AssignmentEvent::AssignmentDropped(_))
            | E::Details(
                DetailsEvent::LabelsChanged(_)
                | DetailsEvent::SubjectChanged(_)
                | DetailsEvent::DisplayNameChanged(_)
                | DetailsEvent::LanguageDetected(_)
                | DetailsEvent::SeenByAgent(_),
            )
            | E::Delivery(_)
            | E::Routing(_)
            | E::Automation(_)
            | E::Schedule(_) => Self::Time,
        }
    }

    fn of_lifecycle(event: &LifecycleEvent) -> Self {
        match event {
            LifecycleEvent::ConversationOpened(opened) => Self::Opened(opened.priority),
            LifecycleEvent::MarkedPending(_) => Self::Pending,
            LifecycleEvent::Resolved(_) => Self::Resolved,
            LifecycleEvent::Reopened(_) => Self::Reopened,
            LifecycleEvent::Closed(_) | LifecycleEvent::Expired(_) => Self::Closed,
        }
    }

    fn said(sent: &MessageSent) -> Self {
        let by = match sent.sender_type {
            SenderType::Agent => Speaker::Agent,
            SenderType::Bot => Speaker::Bot,
            SenderType::System | SenderType::Contact => Speaker::Program,
        };
        Self::Said { message_id: sent.message_id, by, outcome: Outcome::Unknown }
    }

    /// Whether the message to the customer may still fail, or be delivered after all.
    pub fn is_unsettled(&self) -> bool {
        matches!(self, Self::Said { outcome: Outcome::Unknown | Outcome::Failed, .. })
    }

    /// `true` for messages, and for events that assign or hand over.
    pub fn ends_inactivity(&self) -> bool {
        match self {
            Self::Said { outcome, .. } => *outcome != Outcome::Failed,
            Self::Opened(_)
            | Self::Asked(_)
            | Self::Resolved
            | Self::Reopened
            | Self::Assigned { .. }
            | Self::HandoffRequested => true,
            Self::Time
            | Self::Pending
            | Self::Closed
            | Self::Resumed
            | Self::Priority(_)
            | Self::Terms(_)
            | Self::Warned { .. }
            | Self::Breached { .. } => false,
        }
    }
}
