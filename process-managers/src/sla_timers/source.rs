//! Derives the timers from the log: the moment of a conversation's next SLA alarm or of the end of its snooze.

use super::moments;
use crate::or_skip::OrSkip;
use commands::Commands;
use event_schemas::{
    AssignmentEvent, BotEvent, Category, ConversationEvent, DeliveryEvent, DetailsEvent, Event,
    LifecycleEvent, MessageEvent, SlaEvent,
};
use event_store::Filter;
use follower::timers::{Moment, TimerEffect, TimerSource, TimerTable};
use follower::{DecodedEvent, FollowError};
use std::sync::Arc;
use std::time::Duration;

pub(super) struct Source {
    commands: Arc<Commands>,
}

impl Source {
    pub(super) fn new(commands: Arc<Commands>) -> Self {
        Self { commands }
    }
}

impl TimerSource for Source {
    const NAME: &'static str = "sla-timers";
    const CHECKPOINT: &'static str = "alarm-clock";
    const TABLE: TimerTable = TimerTable { name: "alarms", by_account: false };
    const PACE: Duration = Duration::from_millis(20);

    fn about(&self) -> Filter {
        Filter::categories([Category::Conversation])
    }

    fn effect_of(&self, event: &DecodedEvent, has_timer: bool) -> TimerEffect {
        let Event::Conversation(event) = &event.event else { return TimerEffect::None };
        match may_change_timer(event) && (may_begin_timer(event) || has_timer) {
            true => TimerEffect::Set,
            false => TimerEffect::None,
        }
    }

    /// Uses the current state of the conversation, which may be later than this event.
    async fn moment_of(&mut self, event: &DecodedEvent) -> Result<Moment, FollowError> {
        let Event::Conversation(of_conversation) = &event.event else { return Ok(Moment::Unknown) };
        let (stream, version, at) = (&event.stream, event.version, event.metadata.occurred_at);
        let loaded = self.commands.conversations.at_least(stream, version, of_conversation, at).await;
        let Some(loaded) = loaded.or_skip(stream, "the conversation has no SLA timer")? else {
            return Ok(Moment::Unknown);
        };
        let may_be_due_later = || {
            loaded
                .state
                .opened()
                .is_ok_and(|opened| opened.sla_policy.is_some() && !opened.lifecycle.is_closed())
        };
        Ok(match moments(&loaded.state).min() {
            Some(at) => Moment::At(at),
            None if may_be_due_later() => Moment::Open,
            None => Moment::Never,
        })
    }
}

/// Whether an event can set a timer in a conversation without one.
fn may_begin_timer(event: &ConversationEvent) -> bool {
    use ConversationEvent as E;
    match event {
        E::Sla(SlaEvent::SlaApplied(_))
        | E::Lifecycle(LifecycleEvent::MarkedPending(_))
        // An answer that failed after the conversation was closed can have missed a deadline.
        | E::Delivery(DeliveryEvent::MessageFailed(_)) => true,
        E::Sla(SlaEvent::SlaRemoved(_) | SlaEvent::SlaWarned(_) | SlaEvent::SlaBreached(_))
        | E::Lifecycle(
            LifecycleEvent::ConversationOpened(_)
            | LifecycleEvent::Resolved(_)
            | LifecycleEvent::Reopened(_)
            | LifecycleEvent::Closed(_)
            | LifecycleEvent::Expired(_),
        )
        | E::Message(_)
        | E::Delivery(
            DeliveryEvent::MessageDispatched(_)
            | DeliveryEvent::MessageDelivered(_)
            | DeliveryEvent::MessageRead(_),
        )
        | E::Assignment(_)
        | E::Routing(_)
        | E::Bot(_)
        | E::Automation(_)
            | E::Schedule(_)
        | E::Details(_) => false,
    }
}

/// Whether an event can change the moment of a timer.
fn may_change_timer(event: &ConversationEvent) -> bool {
    use ConversationEvent as E;
    match event {
        E::Message(MessageEvent::MessageReceived(_) | MessageEvent::MessageSent(_))
        | E::Bot(BotEvent::BotEngaged(_) | BotEvent::HandoffRequested(_))
        | E::Assignment(AssignmentEvent::Assigned(_) | AssignmentEvent::Unassigned(_))
        | E::Details(DetailsEvent::PriorityChanged(_))
        // An answer that was reported as failed counts again once it is reported as delivered or read.
        | E::Delivery(
            DeliveryEvent::MessageFailed(_) | DeliveryEvent::MessageDelivered(_) | DeliveryEvent::MessageRead(_),
        )
        | E::Lifecycle(_)
        | E::Sla(_) => true,
        E::Message(
            MessageEvent::NoteAdded(_)
            | MessageEvent::MessageEdited(_)
            | MessageEvent::MessageRevoked(_)
            | MessageEvent::ReactionChanged(_)
            | MessageEvent::NoticeReceived(_),
        )
        | E::Bot(
            BotEvent::BotContextCollected(_) | BotEvent::BotContextRemoved(_) | BotEvent::InfoRequested(_),
        )
        | E::Assignment(AssignmentEvent::AssignmentDropped(_))
        | E::Details(
            DetailsEvent::LabelsChanged(_)
            | DetailsEvent::SubjectChanged(_)
            | DetailsEvent::DisplayNameChanged(_)
            | DetailsEvent::LanguageDetected(_)
            | DetailsEvent::SeenByAgent(_),
        )
        | E::Delivery(DeliveryEvent::MessageDispatched(_))
        | E::Routing(_)
        | E::Automation(_)
            | E::Schedule(_) => false,
    }
}
