//! The description of an event in one sentence. It never contains the text of a message.

use crate::conversation::{AssignStrategy, ReopenCause, ScheduleReason};
use crate::message::SlaMetric;
use crate::{
    ActionEvent, Actor, ActorType, AssignmentEvent, BotEvent, ConversationEvent, DeliveryEvent, DetailsEvent,
    LifecycleEvent, MessageEvent, RoutingEvent, ScheduleEvent, SlaEvent,
};

/// The sentence of an event in a conversation's history.
pub fn summary(event: &ConversationEvent, actor: &Actor) -> String {
    use ConversationEvent as E;
    let who = name(actor);
    match event {
        E::Lifecycle(LifecycleEvent::ConversationOpened(opened)) => {
            format!("{who} opened the conversation on {}", opened.channel_type)
        }
        E::Message(MessageEvent::MessageReceived(message)) => {
            format!("The customer wrote ({})", message.body.content_type)
        }
        E::Message(MessageEvent::MessageSent(message)) => {
            let sender = message.sender_name.as_deref().unwrap_or(message.sender_type.as_str());
            format!("{sender} answered ({})", message.body.content_type)
        }
        E::Message(MessageEvent::NoteAdded(_)) => format!("{who} left a note"),
        E::Message(MessageEvent::MessageEdited(_)) => "The customer changed a message".to_owned(),
        E::Message(MessageEvent::MessageRevoked(_)) => "The customer deleted a message".to_owned(),
        E::Message(MessageEvent::ReactionChanged(reaction)) => match &reaction.emoji {
            Some(emoji) => format!("The customer reacted with {emoji}"),
            None => "The customer took a reaction back".to_owned(),
        },
        E::Message(MessageEvent::NoticeReceived(notice)) => {
            format!("The provider gave notice: {}", notice.notice)
        }
        E::Delivery(DeliveryEvent::MessageDispatched(_)) => "The provider accepted an answer".to_owned(),
        E::Delivery(DeliveryEvent::MessageDelivered(_)) => "An answer reached the customer".to_owned(),
        E::Delivery(DeliveryEvent::MessageRead(_)) => "The customer read an answer".to_owned(),
        E::Delivery(DeliveryEvent::MessageFailed(failed)) => {
            format!("An answer could not be delivered ({})", failed.code)
        }
        E::Bot(BotEvent::BotEngaged(engaged)) => match &engaged.reason {
            Some(reason) => format!("The bot took the conversation: {reason}"),
            None => "The bot took the conversation".to_owned(),
        },
        E::Bot(BotEvent::BotContextCollected(collected)) => {
            let fields = collected.fields.keys().cloned().collect::<Vec<_>>().join(", ");
            format!("The bot learned: {fields}")
        }
        E::Bot(BotEvent::BotContextRemoved(removed)) => {
            format!("{who} removed what the bot had learned: {}", removed.fields.join(", "))
        }
        E::Assignment(AssignmentEvent::Assigned(assigned)) => {
            let agent = assigned.assignee_name.clone().or(assigned.assignee_id.map(|id| id.to_string()));
            match (agent, assigned.team_id, assigned.strategy) {
                (Some(agent), _, Some(AssignStrategy::Claimed)) => format!("{agent} took the conversation"),
                (Some(agent), _, _) => format!("{who} assigned it to {agent}"),
                (None, Some(team), _) => format!("{who} assigned it to the team {team}"),
                (None, None, _) => format!("{who} removed its assignee and team"),
            }
        }
        E::Assignment(AssignmentEvent::Unassigned(_)) => format!("{who} took the assignment back"),
        E::Assignment(AssignmentEvent::AssignmentDropped(_)) => "An assignment was dropped".to_owned(),
        E::Routing(RoutingEvent::Queued(queued)) => {
            format!("It waits for an agent, at position {}", queued.position)
        }
        E::Routing(RoutingEvent::Offered(offered)) => match &*offered.agent_ids {
            [_one] => "It was offered to an agent".to_owned(),
            several => format!("It was offered to {} agents", several.len()),
        },
        E::Routing(RoutingEvent::OfferDeclined(_)) => format!("{who} did not take it"),
        E::Routing(RoutingEvent::OfferExpired(_)) => "No agent accepted the offer in time".to_owned(),
        E::Routing(RoutingEvent::QueueTimedOut(timed_out)) => match timed_out.to_team_id {
            Some(_) => "It waited in the queue for too long and went to another team".to_owned(),
            None => "It has waited in the queue for too long".to_owned(),
        },
        E::Routing(RoutingEvent::LeadNotified(notified)) => {
            format!("The team's lead was notified of its priority, {}", notified.priority)
        }
        E::Lifecycle(LifecycleEvent::MarkedPending(pending)) => match pending.until {
            Some(until) => format!("{who} snoozed it until {until}"),
            None => format!("{who} marked it as pending"),
        },
        E::Lifecycle(LifecycleEvent::Resolved(_)) => format!("{who} resolved it"),
        E::Lifecycle(LifecycleEvent::Reopened(reopened)) => match reopened.cause {
            ReopenCause::CustomerMessage => "The customer's message reopened it".to_owned(),
            ReopenCause::SnoozeEnded => "Its snooze ended".to_owned(),
            ReopenCause::Agent => format!("{who} reopened it"),
        },
        E::Lifecycle(LifecycleEvent::Closed(_)) => format!("{who} closed it"),
        E::Details(DetailsEvent::PriorityChanged(change)) => {
            format!("{who} made its priority {} ({})", change.new, change.old)
        }
        E::Details(DetailsEvent::LabelsChanged(change)) => {
            let mark = |sign: char| move |label: &String| format!("{sign}{label}");
            let changes = change.added.iter().map(mark('+')).chain(change.removed.iter().map(mark('-')));
            format!("{who} changed its labels: {}", changes.collect::<Vec<_>>().join(" "))
        }
        E::Details(DetailsEvent::SubjectChanged(_)) => format!("{who} changed its subject"),
        E::Details(DetailsEvent::DisplayNameChanged(change)) => match &change.new {
            Some(name) => format!("{who} changed the customer's name to {name}"),
            None => format!("{who} removed the customer's name"),
        },
        E::Sla(SlaEvent::SlaApplied(applied)) => format!("The policy {} began to count", applied.policy.name),
        E::Sla(SlaEvent::SlaRemoved(_)) => format!("{who} ended its SLA policy"),
        E::Sla(SlaEvent::SlaWarned(warned)) => format!("The {} is due soon", target(warned.metric)),
        E::Sla(SlaEvent::SlaBreached(breached)) => format!("The {} is late", target(breached.metric)),
        E::Details(DetailsEvent::SeenByAgent(_)) => format!("{who} read it"),
        E::Details(DetailsEvent::LanguageDetected(detected)) => {
            format!("The customer writes in {}", detected.language)
        }
        E::Bot(BotEvent::InfoRequested(requested)) => format!("The bot asked for: {}", requested.field),
        E::Bot(BotEvent::HandoffRequested(handoff)) => format!("A human agent is needed: {}", handoff.reason),
        E::Automation(ActionEvent::MacroRan(ran)) => format!("{who} ran the macro '{}'", ran.name),
        E::Automation(ActionEvent::AutomationRan(ran)) => match ran.skipped.len() {
            0 => format!("The rule '{}' ran ({})", ran.name, ran.event),
            skipped => format!("The rule '{}' ran ({}) and skipped {skipped} actions", ran.name, ran.event),
        },
        E::Automation(ActionEvent::BulkActionRan(_)) => format!("{who} changed it together with others"),
        E::Automation(ActionEvent::ChangeUndone(undone)) => match undone.event_ids.len() {
            1 => format!("{who} undid a change"),
            several => format!("{who} undid {several} changes"),
        },
        E::Automation(ActionEvent::WebhookRequested(_)) => "A webhook was requested".to_owned(),
        E::Automation(ActionEvent::WebhookDelivered(_)) => "A webhook was delivered".to_owned(),
        E::Automation(ActionEvent::WebhookFailed(failed)) => {
            format!("A webhook could not be delivered ({})", failed.code)
        }
        E::Schedule(ScheduleEvent::MessageScheduled(scheduled)) => match scheduled.reason {
            ScheduleReason::UndoSend => format!("{who} answered and can take it back"),
            ScheduleReason::SendLater => format!("{who} scheduled an answer for {}", scheduled.send_at),
        },
        E::Schedule(ScheduleEvent::MessageRescheduled(change)) => {
            format!("{who} scheduled an answer again, for {}", change.send_at)
        }
        E::Schedule(ScheduleEvent::ScheduledMessageHeld(held)) => {
            format!("A scheduled answer was not sent: {}", held.detail)
        }
        E::Schedule(ScheduleEvent::ScheduledMessageCancelled(_)) => {
            format!("{who} cancelled a scheduled answer")
        }
        E::Lifecycle(LifecycleEvent::Expired(_)) => "It expired after too long without a message".to_owned(),
    }
}

fn target(metric: SlaMetric) -> &'static str {
    match metric {
        SlaMetric::FirstResponse => "first response",
        SlaMetric::NextResponse => "next response",
        SlaMetric::Resolution => "resolution",
    }
}

fn name(actor: &Actor) -> String {
    match (&actor.name, actor.actor_type) {
        (Some(name), _) => name.clone(),
        (None, ActorType::Contact) => "The customer".to_owned(),
        (None, ActorType::System) => "Verbatim".to_owned(),
        (None, ActorType::User) => actor.id.map_or("An agent".to_owned(), |id| format!("Agent {id}")),
        (None, ActorType::Service) => actor.id.map_or("A program".to_owned(), |id| format!("Program {id}")),
    }
}
