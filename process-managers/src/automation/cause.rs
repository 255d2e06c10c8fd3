//! What an event is to rules.

use super::AUTOMATION;
use commands::dry_run::ROUTER;
use domain::automation::Cause;
use event_schemas::automation::AutomationEvent;
use event_schemas::{ActorType, ConversationEvent, Event};
use follower::DecodedEvent;

/// What it wants to see of conversations.
pub(super) const ABOUT: [&str; 16] = [
    "ConversationOpened",
    "MessageReceived",
    "MessageSent",
    "BotEngaged",
    "HandoffRequested",
    "Assigned",
    "Unassigned",
    "MarkedPending",
    "Resolved",
    "Reopened",
    "Closed",
    "Expired",
    "PriorityChanged",
    "LabelsChanged",
    "SubjectChanged",
    "SlaWarned",
];
pub(super) const BREACHED: &str = "SlaBreached";

/// The causes that an event is, each with the name that it has however often it is looked at.
pub(super) fn causes(happened: &DecodedEvent) -> Vec<(Cause, String)> {
    let Event::Conversation(event) = &happened.event else { return Vec::new() };
    let actor = &happened.metadata.actor;
    let is_ours = actor.actor_type == ActorType::System;
    if is_ours && actor.name.as_deref() == Some(AUTOMATION) {
        return Vec::new();
    }
    // The bot only ever answers a customer, so that what it does leads in no circle.
    let by_itself = is_ours && actor.name.as_deref() != Some(ROUTER);
    let cause = |event, by_itself| Cause {
        event,
        event_id: Some(happened.id),
        at: happened.metadata.occurred_at,
        by_itself,
        text: String::new(),
        sla_metric: None,
        waiting_since: None,
    };
    let one = |cause| vec![(cause, happened.id.to_string())];
    // What one request changed is one update, however many events it took.
    let updated = || {
        let metadata = &happened.metadata;
        let name = format!(
            "update/{}/{}/{}",
            happened.stream,
            metadata.correlation_id,
            metadata.occurred_at.as_micros()
        );
        (cause(AutomationEvent::ConversationUpdated, by_itself), name)
    };
    use ConversationEvent as E;
    match event {
        E::ConversationOpened(_) => one(cause(AutomationEvent::ConversationCreated, false)),
        E::MessageReceived(message) => {
            let cause = cause(AutomationEvent::MessageReceived, false);
            one(Cause { text: message.body.content.clone(), ..cause })
        }
        E::MessageSent(message) => {
            let cause = cause(AutomationEvent::MessageSent, by_itself);
            one(Cause { text: message.body.content.clone(), ..cause })
        }
        E::Resolved(_) => {
            let resolved = cause(AutomationEvent::ConversationResolved, by_itself);
            vec![(resolved, happened.id.to_string()), updated()]
        }
        // Each promise is broken or nearly broken once.
        E::SlaWarned(warned) => {
            let cause = cause(AutomationEvent::SlaWarning, false);
            one(Cause { sla_metric: Some(warned.metric), ..cause })
        }
        E::SlaBreached(breached) => {
            let cause = cause(AutomationEvent::SlaBreached, false);
            one(Cause { sla_metric: Some(breached.metric), ..cause })
        }
        E::BotEngaged(_)
        | E::HandoffRequested(_)
        | E::Assigned(_)
        | E::Unassigned(_)
        | E::MarkedPending(_)
        | E::Reopened(_)
        | E::Closed(_)
        | E::Expired(_)
        | E::PriorityChanged(_)
        | E::LabelsChanged(_)
        | E::SubjectChanged(_) => vec![updated()],
        E::NoteAdded(_)
        | E::MessageDispatched(_)
        | E::MessageDelivered(_)
        | E::MessageRead(_)
        | E::MessageFailed(_)
        | E::BotContextCollected(_)
        | E::AssignmentDropped(_)
        | E::Queued(_)
        | E::Offered(_)
        | E::OfferDeclined(_)
        | E::OfferLapsed(_)
        | E::LeadNotified(_)
        | E::SlaApplied(_)
        | E::SeenByAgent(_)
        | E::LanguageDetected(_)
        | E::InfoRequested(_)
        | E::MacroRan(_)
        | E::AutomationRan(_)
        | E::WebhookRequested(_)
        | E::WebhookDelivered(_)
        | E::WebhookFailed(_) => Vec::new(),
    }
}
