//! Derives the timers from the log: the time of each conversation's next scheduled message.

use super::next_due;
use crate::or_skip::OrSkip;
use commands::Commands;
use event_schemas::conversation::{
    Closed, Expired, MessageRescheduled, MessageScheduled, ScheduledMessageCancelled, ScheduledMessageHeld,
};
use event_schemas::{Category, Event, about};
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
    const NAME: &'static str = "scheduled-messages";
    const CHECKPOINT: &'static str = "scheduled";
    const TABLE: TimerTable = TimerTable { name: "scheduled", by_account: false };
    const PACE: Duration = Duration::from_millis(20);

    /// A message that was sent changes no timer: the handler that sent it knows the time of the next one.
    fn about(&self) -> Filter {
        Filter {
            account: None,
            categories: vec![Category::Conversation],
            event_types: about![
                MessageScheduled,
                MessageRescheduled,
                ScheduledMessageHeld,
                ScheduledMessageCancelled,
                Closed,
                Expired,
            ],
        }
    }

    fn effect_of(&self, event: &DecodedEvent, has_timer: bool) -> TimerEffect {
        use event_schemas::ConversationEvent as E;
        match &event.event {
            Event::Conversation(E::Schedule(_)) => TimerEffect::Set,
            // What waits in a conversation that is closed is held at once.
            Event::Conversation(_) if has_timer => TimerEffect::Set,
            Event::Conversation(_)
            | Event::Catalogue(_)
            | Event::Agent(_)
            | Event::Contact(_)
            | Event::Inbound(_)
            | Event::Log(_)
            | Event::Account(_)
            | Event::Person(_)
            | Event::ApiKey(_)
            | Event::Bulk(_) => TimerEffect::None,
        }
    }

    /// Uses the current state of the conversation, which may be later than this event.
    async fn moment_of(&mut self, event: &DecodedEvent) -> Result<Moment, FollowError> {
        let Event::Conversation(of_conversation) = &event.event else { return Ok(Moment::Unknown) };
        let (stream, version, at) = (&event.stream, event.version, event.metadata.occurred_at);
        let loaded = self.commands.conversations.at_least(stream, version, of_conversation, at).await;
        let Some(loaded) = loaded.or_skip(stream, "the conversation sends no scheduled message")? else {
            return Ok(Moment::Unknown);
        };
        let due = next_due(&loaded.state, self.commands.clock.now());
        Ok(due.map_or(Moment::Never, Moment::At))
    }
}
