//! An agent or a program begins a conversation. It is opened with its labels and its first message, or not at
//! all.

use super::draft::Draft;
use super::label::{ChangeLabels, SetSubject};
use super::program::engage_program;
use super::receive::{Open, Opening};
use super::send::Message;
use super::{Conversation, Rejection};
use crate::aggregate::Decide;
use event_schemas::{ConversationEvent, Timestamp};
use std::collections::BTreeSet;

/// Opens a conversation with its labels and its first message.
#[derive(Clone, Debug)]
pub struct Begin {
    pub opening: Opening,
    pub labels: BTreeSet<String>,
    pub message: Option<Message>,
    /// Whether another program answers as the conversation's bot from the beginning.
    pub answered_by_program: bool,
}

impl Begin {
    /// The number of events before the message's.
    pub fn events_before_message(&self) -> u32 {
        1 + u32::from(self.opening.sla.is_some()) + u32::from(!self.labels.is_empty())
    }
}

impl Decide<Conversation> for Begin {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, now: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        let mut draft = Draft::of(state, now);
        draft.then(Open { opening: self.opening.clone() })?;
        // The opening event has the subject already. This refuses a subject that is too long.
        draft.then(SetSubject { subject: self.opening.subject.clone() })?;
        draft.then(ChangeLabels { labels: self.labels.clone() })?;
        if let Some(message) = &self.message {
            draft.then(message)?;
        }
        if self.answered_by_program && draft.state().opened()?.is_free_for_bot() {
            draft.then(engage_program())?;
        }
        Ok(draft.into_events())
    }
}
