//! The events that cause what happens later in a conversation, by the passing of time.

use crate::Commands;
use crate::execute::LoadError;
use domain::sla::ends_inactivity;
use event_schemas::{
    AccountId, ConversationEvent, EventId, Events, LifecycleEvent, MessageId, Recorded, StreamId, Timestamp,
    UserId, Version,
};

/// The number of events of a stream that are read at once.
const PAGE: usize = 1_000;

/// A consequence of the passing of time whose cause is an event that the state does not name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consequence {
    SnoozeEnds,
    /// The end of an inactivity that began at this moment.
    InactivityEnds(Timestamp),
}

/// The event of a message: its id is the message's.
pub fn event_of(message: MessageId) -> EventId {
    EventId(message.0)
}

impl Commands {
    /// The event of a conversation that causes the consequence. `None` when the conversation has no such event.
    pub async fn cause_of(
        &self,
        stream: &StreamId,
        consequence: Consequence,
    ) -> Result<Option<EventId>, LoadError> {
        let (mut cause, mut next) = (None, Version::FIRST);
        loop {
            let page = self.store.read_stream(stream, next, PAGE).await;
            let page = page.map_err(|error| LoadError::of(stream, error))?;
            for recorded in &page {
                let event = decode::<ConversationEvent>(stream, recorded)?;
                let is_cause = match consequence {
                    Consequence::SnoozeEnds => {
                        matches!(event, ConversationEvent::Lifecycle(LifecycleEvent::MarkedPending(_)))
                    }
                    Consequence::InactivityEnds(since) => {
                        recorded.metadata.occurred_at == since && ends_inactivity(&event)
                    }
                };
                cause = is_cause.then_some(recorded.id).or(cause);
            }
            match page.last() {
                Some(last) if page.len() == PAGE => next = last.version.next(),
                Some(_) | None => return Ok(cause),
            }
        }
    }

    /// The event of a stream at a version. `None` when there is none.
    pub async fn event_at(&self, stream: &StreamId, version: Version) -> Result<Option<EventId>, LoadError> {
        Ok(self.recorded_at(stream, version).await?.map(|recorded| recorded.id))
    }

    /// The event of a stream at a version, as it is stored. `None` when there is none.
    pub async fn recorded_at(
        &self,
        stream: &StreamId,
        version: Version,
    ) -> Result<Option<Recorded>, LoadError> {
        let page = self.store.read_stream(stream, version, 1).await;
        Ok(page.map_err(|error| LoadError::of(stream, error))?.pop())
    }

    /// The last event by which the agent went online or away in the account. `None` when there is none.
    pub async fn last_presence_change(
        &self,
        account: AccountId,
        user: UserId,
    ) -> Result<Option<EventId>, LoadError> {
        let stream = StreamId::agent(user);
        match self.agents.current(&stream).await?.state.in_account(account).presence_version() {
            Some(version) => self.event_at(&stream, version).await,
            None => Ok(None),
        }
    }
}

fn decode<E: Events>(stream: &StreamId, recorded: &Recorded) -> Result<E, LoadError> {
    E::of(recorded)
        .map_err(|source| LoadError::Damaged { stream: stream.to_string(), source: Box::new(source) })
}
