//! What an event is to rules.

use super::AUTOMATION;
use commands::dry_run::ROUTER;
use domain::automation::Cause;
use event_schemas::automation::AutomationEvent;
use event_schemas::{
    ActorType, AssignmentEvent, BotEvent, ConversationEvent, DetailsEvent, Event, LifecycleEvent,
    MessageEvent, SlaEvent,
};
use follower::DecodedEvent;

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
        E::Lifecycle(LifecycleEvent::ConversationOpened(_)) => {
            one(cause(AutomationEvent::ConversationCreated, false))
        }
        E::Message(MessageEvent::MessageReceived(message)) => {
            let cause = cause(AutomationEvent::MessageReceived, false);
            one(Cause { text: message.body.content.clone(), ..cause })
        }
        E::Message(MessageEvent::MessageSent(message)) => {
            let cause = cause(AutomationEvent::MessageSent, by_itself);
            one(Cause { text: message.body.content.clone(), ..cause })
        }
        E::Lifecycle(LifecycleEvent::Resolved(_)) => {
            let resolved = cause(AutomationEvent::ConversationResolved, by_itself);
            vec![(resolved, happened.id.to_string()), updated()]
        }
        // Each promise is broken or nearly broken once.
        E::Sla(SlaEvent::SlaWarned(warned)) => {
            let cause = cause(AutomationEvent::SlaWarning, false);
            one(Cause { sla_metric: Some(warned.metric), ..cause })
        }
        E::Sla(SlaEvent::SlaBreached(breached)) => {
            let cause = cause(AutomationEvent::SlaBreached, false);
            one(Cause { sla_metric: Some(breached.metric), ..cause })
        }
        E::Lifecycle(
            LifecycleEvent::MarkedPending(_)
            | LifecycleEvent::Reopened(_)
            | LifecycleEvent::Closed(_)
            | LifecycleEvent::Expired(_),
        )
        | E::Bot(BotEvent::BotEngaged(_) | BotEvent::HandoffRequested(_))
        | E::Assignment(AssignmentEvent::Assigned(_) | AssignmentEvent::Unassigned(_))
        | E::Details(
            DetailsEvent::PriorityChanged(_)
            | DetailsEvent::LabelsChanged(_)
            | DetailsEvent::SubjectChanged(_),
        ) => vec![updated()],
        E::Message(MessageEvent::NoteAdded(_))
        | E::Sla(SlaEvent::SlaApplied(_))
        | E::Bot(BotEvent::BotContextCollected(_) | BotEvent::InfoRequested(_))
        | E::Assignment(AssignmentEvent::AssignmentDropped(_))
        | E::Details(DetailsEvent::LanguageDetected(_) | DetailsEvent::SeenByAgent(_))
        | E::Delivery(_)
        | E::Routing(_)
        | E::Automation(_) => Vec::new(),
    }
}
