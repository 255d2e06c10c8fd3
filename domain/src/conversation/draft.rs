//! Several commands that are decided one after the other and appended together, or not at all.

use super::{Conversation, Rejection};
use crate::aggregate::{Decide, Evolve};
use event_schemas::message::Status;
use event_schemas::{ConversationEvent, Timestamp};

/// The state of a conversation after the events of the draft.
pub(super) struct Draft {
    state: Conversation,
    now: Timestamp,
    events: Vec<ConversationEvent>,
}

impl Draft {
    pub(super) fn of(state: &Conversation, now: Timestamp) -> Self {
        Self { state: state.clone(), now, events: Vec::new() }
    }

    pub(super) fn then(
        &mut self,
        part: impl Decide<Conversation, Rejection = Rejection>,
    ) -> Result<(), Rejection> {
        let events = part.decide(&self.state, self.now)?;
        events.into_iter().for_each(|event| self.record(event));
        Ok(())
    }

    pub(super) fn record(&mut self, event: impl Into<ConversationEvent>) {
        let event = event.into();
        self.state.evolve(&event, self.now);
        self.events.push(event);
    }

    pub(super) fn state(&self) -> &Conversation {
        &self.state
    }

    pub(super) fn status(&self) -> Result<Status, Rejection> {
        Ok(self.state.opened()?.status())
    }

    pub(super) fn into_events(self) -> Vec<ConversationEvent> {
        self.events
    }
}
