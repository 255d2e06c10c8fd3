//! The causes of automation rules in an event.

use crate::dry_run::ROUTER;
use domain::automation::Cause;
use event_schemas::automation::AutomationEvent;
use event_schemas::{
    ActorType, AssignmentEvent, BotEvent, ConversationEvent, DetailsEvent, EventId, LifecycleEvent,
    MessageEvent, Metadata, SlaEvent, StreamId,
};

/// The name of the actor in events that rules append.
pub const AUTOMATION: &str = "automation";

/// The causes in an event of a conversation, each with a name that is the same whenever the event is read.
pub fn rule_causes(
    event: &ConversationEvent,
    id: EventId,
    stream: &StreamId,
    metadata: &Metadata,
) -> Vec<(Cause, String)> {
    let actor = &metadata.actor;
    let is_ours = actor.actor_type == ActorType::System;
    if is_ours && actor.name.as_deref() == Some(AUTOMATION) {
        return Vec::new();
    }
    // The bot only answers customers, so its events cannot cause an endless loop.
    let by_itself = is_ours && actor.name.as_deref() != Some(ROUTER);
    let cause = |of, by_itself| Cause {
        event: of,
        event_id: Some(id),
        at: metadata.occurred_at,
        by_itself,
        text: String::new(),
        sla_metric: None,
        unanswered_since: None,
    };
    let one = |cause| vec![(cause, id.to_string())];
    // All events of one request are one update.
    let updated = || {
        let at = metadata.occurred_at.as_micros();
        let name = format!("update/{stream}/{}/{at}", metadata.correlation_id);
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
            vec![(resolved, id.to_string()), updated()]
        }
        // Each SLA target is warned about once and breached once, so the event itself is the cause.
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
            | DetailsEvent::SubjectChanged(_)
            | DetailsEvent::DisplayNameChanged(_),
        ) => vec![updated()],
        E::Message(
            MessageEvent::NoteAdded(_)
            | MessageEvent::MessageEdited(_)
            | MessageEvent::MessageRevoked(_)
            | MessageEvent::ReactionChanged(_)
            | MessageEvent::NoticeReceived(_),
        )
        | E::Sla(SlaEvent::SlaApplied(_) | SlaEvent::SlaRemoved(_))
        | E::Bot(
            BotEvent::BotContextCollected(_) | BotEvent::BotContextRemoved(_) | BotEvent::InfoRequested(_),
        )
        | E::Assignment(AssignmentEvent::AssignmentDropped(_))
        | E::Details(DetailsEvent::LanguageDetected(_) | DetailsEvent::SeenByAgent(_))
        | E::Delivery(_)
        | E::Routing(_)
        | E::Automation(_)
        | E::Schedule(_) => Vec::new(),
    }
}
