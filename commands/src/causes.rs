//! The events that cause what happens later in a conversation, by the passing of time.

use crate::Commands;
use crate::execute::LoadError;
use domain::sla::ends_inactivity;
use event_schemas::{
    AccountId, AgentEvent, ConversationEvent, EventId, Events, LifecycleEvent, MessageId, Recorded, StreamId,
    Timestamp, UserId, Version,
};

/// The number of events of a stream that are read at once.
const PAGE: usize = 1_000;
/// The number of an agent's last events among which the change of presence is searched.
const RECENT: u64 = 500;

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
        let page = self.store.read_stream(stream, version, 1).await;
        let page = page.map_err(|error| LoadError::of(stream, error))?;
        Ok(page.first().map(|recorded| recorded.id))
    }

    /// The last event by which the agent's presence in the account changed.
    pub async fn last_presence_change(
        &self,
        account: AccountId,
        user: UserId,
    ) -> Result<Option<EventId>, LoadError> {
        let stream = StreamId::agent(user);
        let failed = |error| LoadError::of(&stream, error);
        let Some(last) = self.store.stream_version(&stream).await.map_err(failed)? else { return Ok(None) };
        let from = Version(last.0.saturating_sub(RECENT));
        let mut cause = None;
        for recorded in self.store.read_stream(&stream, from, PAGE).await.map_err(failed)? {
            let event: AgentEvent = decode(&stream, &recorded)?;
            let is_presence = matches!(event, AgentEvent::WentOnline(_) | AgentEvent::WentAway(_));
            if is_presence && event.account() == Some(account) {
                cause = Some(recorded.id);
            }
        }
        Ok(cause)
    }
}

fn decode<E: Events>(stream: &StreamId, recorded: &Recorded) -> Result<E, LoadError> {
    E::of(recorded)
        .map_err(|source| LoadError::Damaged { stream: stream.to_string(), source: Box::new(source) })
}
