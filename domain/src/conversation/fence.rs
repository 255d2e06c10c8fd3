//! A fenced message is refused when another person or program has written since the version that its writer has
//! read.

use super::send::Message;
use super::{Conversation, Rejection};
use crate::aggregate::Decide;
use event_schemas::{ConversationEvent, MessageEvent, Timestamp, UserId, Version};

/// The versions of the latest messages and notes, as far as a fence needs them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LatestMessages {
    /// The latest one, and its writer. `None` for the customer, and for programs without an id.
    latest: Option<(Version, Option<UserId>)>,
    /// The latest one of another writer than the latest one's.
    before: Option<Version>,
}

impl LatestMessages {
    pub(super) fn evolve(&mut self, event: &MessageEvent, version: Version) {
        let writer = match event {
            MessageEvent::MessageReceived(_) => None,
            MessageEvent::MessageSent(sent) => sent.sender_id,
            MessageEvent::NoteAdded(note) => Some(note.author_id),
            MessageEvent::MessageEdited(_)
            | MessageEvent::MessageRevoked(_)
            | MessageEvent::ReactionChanged(_)
            | MessageEvent::NoticeReceived(_) => return,
        };
        if let Some((latest, other)) = self.latest
            && other != writer
        {
            self.before = Some(latest);
        }
        self.latest = Some((version, writer));
    }

    /// The version of the latest message that this writer has not written.
    pub(super) fn of_others(&self, writer: Option<UserId>) -> Option<Version> {
        match self.latest? {
            (latest, other) if other != writer => Some(latest),
            _ => self.before,
        }
    }
}

/// Whether an event is a message or a note that this writer has not written.
pub fn is_of_others(event: &ConversationEvent, writer: Option<UserId>) -> bool {
    match event {
        ConversationEvent::Message(MessageEvent::MessageReceived(_)) => true,
        ConversationEvent::Message(MessageEvent::MessageSent(sent)) => sent.sender_id != writer,
        ConversationEvent::Message(MessageEvent::NoteAdded(note)) => Some(note.author_id) != writer,
        ConversationEvent::Message(
            MessageEvent::MessageEdited(_)
            | MessageEvent::MessageRevoked(_)
            | MessageEvent::ReactionChanged(_)
            | MessageEvent::NoticeReceived(_),
        )
        | ConversationEvent::Delivery(_)
        | ConversationEvent::Lifecycle(_)
        | ConversationEvent::Assignment(_)
        | ConversationEvent::Routing(_)
        | ConversationEvent::Sla(_)
        | ConversationEvent::Bot(_)
        | ConversationEvent::Automation(_)
        | ConversationEvent::Schedule(_)
        | ConversationEvent::Details(_) => false,
    }
}

/// A message, and the version of the conversation that its writer has read.
#[derive(Clone, Debug)]
pub struct Fenced<'a> {
    pub message: &'a Message,
    /// `None` when the message is to be sent in any case.
    pub seen: Option<Version>,
}

impl Fenced<'_> {
    fn check(&self, state: &Conversation) -> Result<(), Rejection> {
        let (opened, Some(seen)) = (state.opened()?, self.seen) else { return Ok(()) };
        if seen > opened.version {
            return Err(Rejection::NoSuchVersion { seen });
        }
        let writer = self.message.writer();
        let is_newer = opened.latest_messages.of_others(writer).is_some_and(|latest| latest > seen);
        if is_newer { Err(Rejection::WrittenSince { seen, writer }) } else { Ok(()) }
    }
}

impl Decide<Conversation> for Fenced<'_> {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, now: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        self.check(state)?;
        self.message.decide(state, now)
    }
}
