//! The causes of rules in an event.

use commands::rule_causes;
use domain::automation::Cause;
use event_schemas::Event;
use follower::DecodedEvent;

/// The causes in an event, each with a name that is the same whenever the event is read.
pub(super) fn causes(event: &DecodedEvent) -> Vec<(Cause, String)> {
    let Event::Conversation(of_conversation) = &event.event else { return Vec::new() };
    rule_causes(of_conversation, event.id, &event.stream, &event.metadata)
    let actor = &event.metadata.actor;
    let is_ours = actor.actor_type == ActorType::System;
    if is_ours && actor.name.as_deref() == Some(AUTOMATION) {
        return Vec::new();
    }
    // The bot only answers customers, so its events cannot cause an endless loop.
    let by_itself = is_ours && actor.name.as_deref() != Some(ROUTER);
    let cause = |of, by_itself| Cause {
        event: of,
        event_id: Some(event.id),
        at: event.metadata.occurred_at,
        by_itself,
        text: String::new(),
        sla_metric: None,
        unanswered_since: None,
    };
    let one = |cause| vec![(cause, event.id.to_string())];
    // All events of one request are one update.
    let updated = || {
        let metadata = &event.metadata;
        let name = format!(
            "update/{}/{}/{}",
            event.stream,
            metadata.correlation_id,
            metadata.occurred_at.as_micros()
        );
        (cause(AutomationEvent::ConversationUpdated, by_itself), name)
    };
    use ConversationEvent as E;
    match of_conversation {
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
            vec![(resolved, event.id.to_string()), updated()]
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
