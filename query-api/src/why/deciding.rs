//! Which event gave a part of a conversation its present value, and which event led to another.

use domain::history::PastEvent;
use domain::lifecycle::Lifecycle;
use event_schemas::{
    ActionEvent, BotEvent, ConversationEvent, DetailsEvent, EventId, MessageEvent, RoutingEvent, SlaEvent,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The parts of a conversation that can be explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The agent and the team, or why there is none.
    Assignee,
    Status,
    Priority,
    Labels,
    /// The SLA policy.
    Sla,
    /// The last message to the customer.
    Answer,
}

/// The index of the event that gave the field its present value. `None` when no event has.
pub fn deciding(events: &[PastEvent], field: Field, label: Option<&str>) -> Option<usize> {
    let mut lifecycle = Lifecycle::default();
    let mut deciding = None;
    for (index, past) in events.iter().enumerate() {
        let before = lifecycle.clone();
        lifecycle.evolve(&past.event);
        let decides = match field {
            Field::Assignee => {
                lifecycle.holder() != before.holder()
                    || lifecycle.team_id != before.team_id
                    || says_why_no_agent(&past.event)
            }
            Field::Status => lifecycle.status != before.status || index == 0,
            Field::Priority => index == 0 || changes_priority(&past.event),
            Field::Labels => changes_label(&past.event, label),
            Field::Sla => {
                matches!(
                    past.event,
                    ConversationEvent::Sla(SlaEvent::SlaApplied(_) | SlaEvent::SlaRemoved(_))
                )
            }
            Field::Answer => {
                matches!(past.event, ConversationEvent::Message(MessageEvent::MessageSent(_)))
            }
        };
        deciding = Some(index).filter(|_| decides).or(deciding);
    }
    deciding
}

/// Whether the event says why no agent has the conversation.
fn says_why_no_agent(event: &ConversationEvent) -> bool {
    let ConversationEvent::Routing(event) = event else { return false };
    match event {
        RoutingEvent::Queued(_) | RoutingEvent::Offered(_) | RoutingEvent::QueueTimedOut(_) => true,
        RoutingEvent::OfferDeclined(_) | RoutingEvent::OfferExpired(_) | RoutingEvent::LeadNotified(_) => {
            false
        }
    }
}

fn changes_priority(event: &ConversationEvent) -> bool {
    matches!(event, ConversationEvent::Details(DetailsEvent::PriorityChanged(_)))
}

/// Whether the event added or removed the label, or any when none is named.
fn changes_label(event: &ConversationEvent, label: Option<&str>) -> bool {
    let ConversationEvent::Details(DetailsEvent::LabelsChanged(change)) = event else { return false };
    label.is_none_or(|label| change.added.iter().chain(&change.removed).any(|changed| changed == label))
}

/// The cause of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The event of this index: the macro, the rule or the undo of whose actions it is.
    Act(usize),
    /// An event, which can be in another stream.
    Event(EventId),
}

/// The cause of the event of this index. `None` when a person or a program acted by themselves.
pub fn cause(events: &[PastEvent], index: usize) -> Option<Cause> {
    let past = &events[index];
    let act = events[..index].iter().rposition(|earlier| earlier.is_head() || !earlier.same_act(past));
    if let Some(head) = act
        && events[head].is_head()
        && events[head].same_act(past)
        && !past.is_head()
    {
        return Some(Cause::Act(head));
    }
    let named = match &past.event {
        ConversationEvent::Automation(ActionEvent::AutomationRan(ran)) => ran.event_id,
        ConversationEvent::Automation(ActionEvent::ChangeUndone(undone)) => undone.event_ids.first().copied(),
        ConversationEvent::Bot(BotEvent::HandoffRequested(handoff)) => {
            handoff.message_id.map(|message| EventId(message.0))
        }
        ConversationEvent::Automation(
            ActionEvent::MacroRan(_)
            | ActionEvent::BulkActionRan(_)
            | ActionEvent::WebhookRequested(_)
            | ActionEvent::WebhookDelivered(_)
            | ActionEvent::WebhookFailed(_),
        )
        | ConversationEvent::Bot(
            BotEvent::BotEngaged(_)
            | BotEvent::BotContextCollected(_)
            | BotEvent::BotContextRemoved(_)
            | BotEvent::InfoRequested(_),
        )
        | ConversationEvent::Message(_)
        | ConversationEvent::Delivery(_)
        | ConversationEvent::Lifecycle(_)
        | ConversationEvent::Assignment(_)
        | ConversationEvent::Routing(_)
        | ConversationEvent::Sla(_)
        | ConversationEvent::Details(_)
        | ConversationEvent::Schedule(_) => None,
    };
    past.metadata.causation_id.or(named).filter(|cause| *cause != past.id).map(Cause::Event)
}

#[cfg(test)]
mod tests {
    use super::*;
    use event_schemas::conversation::{AutomationRan, LabelsChanged, PriorityChanged, Queued};
    use event_schemas::message::Priority;
    use event_schemas::{AccountId, Actor, AutomationRuleId, Metadata, Timestamp, Version};
    use uuid::Uuid;

    /// Events of which those with the same number are of one act.
    fn history(events: impl IntoIterator<Item = (u128, ConversationEvent)>) -> Vec<PastEvent> {
        let past = |(version, (act, event))| PastEvent {
            id: EventId(Uuid::from_u128(100 + u128::from(version))),
            version: Version(version),
            metadata: Metadata {
                account_id: AccountId::from_u128(1),
                actor: Actor::system("test"),
                correlation_id: Uuid::from_u128(act),
                causation_id: None,
                traceparent: None,
                request: None,
                credential: None,
                occurred_at: Timestamp::from_secs(act as i64),
            },
            event,
        };
        (0..).zip(events).map(past).collect()
    }

    fn priority(new: Priority) -> ConversationEvent {
        PriorityChanged { old: Priority::Normal, new }.into()
    }

    fn labels(added: &[&str], removed: &[&str]) -> ConversationEvent {
        let owned = |labels: &[&str]| labels.iter().map(|label| (*label).to_owned()).collect();
        LabelsChanged { added: owned(added), removed: owned(removed) }.into()
    }

    fn rule_ran(event_id: Option<EventId>) -> ConversationEvent {
        AutomationRan {
            rule_id: AutomationRuleId::from_u128(5),
            name: "VIP".to_owned(),
            event: event_schemas::automation::AutomationEvent::ConversationCreated,
            event_id,
            by_itself: false,
            unanswered_since: None,
            skipped: Vec::new(),
        }
        .into()
    }

    #[test]
    fn the_last_change_decides() {
        let events = history([
            (1, priority(Priority::Low)),
            (2, labels(&["a"], &[])),
            (3, priority(Priority::High)),
            (4, labels(&["b"], &[])),
        ]);
        assert_eq!(deciding(&events, Field::Priority, None), Some(2));
        assert_eq!(deciding(&events, Field::Labels, None), Some(3));
        assert_eq!(deciding(&events, Field::Labels, Some("a")), Some(1));
        assert_eq!(deciding(&events, Field::Labels, Some("c")), None);
        assert_eq!(deciding(&events, Field::Sla, None), None);
    }

    #[test]
    fn a_conversation_without_an_agent_is_explained_by_its_queue() {
        let queued = Queued {
            team_id: None,
            position: 1,
            queued_since: Timestamp::from_secs(1),
            reason: "no agent".to_owned(),
            decision: None,
        };
        let events = history([(1, labels(&["a"], &[])), (2, queued.into()), (3, labels(&["b"], &[]))]);
        assert_eq!(deciding(&events, Field::Assignee, None), Some(1));
    }

    #[test]
    fn an_action_is_caused_by_its_rule_and_the_rule_by_its_event() {
        let trigger = EventId(Uuid::from_u128(7));
        let events = history([
            (1, rule_ran(Some(trigger))),
            (1, labels(&["a"], &[])),
            (1, priority(Priority::High)),
            (2, priority(Priority::Low)),
        ]);
        assert_eq!(cause(&events, 2), Some(Cause::Act(0)));
        assert_eq!(cause(&events, 1), Some(Cause::Act(0)));
        assert_eq!(cause(&events, 0), Some(Cause::Event(trigger)));
        assert_eq!(cause(&events, 3), None);
    }
}
