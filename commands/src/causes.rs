//! The events that cause what happens later in a conversation, by the passing of time.

use crate::Commands;
use crate::execute::LoadError;
use domain::conversation::ends_inactivity;
use event_schemas::message::SenderType;
use event_schemas::{
    AgentEvent, ConversationEvent, EventId, Events, LifecycleEvent, MessageEvent, Recorded, StreamId, UserId,
    Version,
};

/// The number of events of a stream that are read at once.
const PAGE: usize = 1_000;
/// The number of an agent's last events among which the change of presence is searched.
const RECENT: u64 = 500;

/// A consequence of the passing of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consequence {
    /// A target that runs from the opening of the conversation.
    TargetFromOpening,
    /// A target, or a rule, about a customer who waits for an answer.
    Wait,
    SnoozeEnds,
    InactivityEnds,
}

impl Commands {
    /// The event of a conversation that causes the consequence. `None` when the conversation has no such event.
    pub async fn cause_of(
        &self,
        stream: &StreamId,
        consequence: Consequence,
    ) -> Result<Option<EventId>, LoadError> {
        let (mut cause, mut waits, mut next) = (None, false, Version::FIRST);
        loop {
            let page = self.store.read_stream(stream, next, PAGE).await;
            let page = page.map_err(|error| LoadError::of(stream, error))?;
            for recorded in &page {
                let event = decode::<ConversationEvent>(stream, recorded)?;
                let is_cause = match consequence {
                    Consequence::TargetFromOpening => recorded.version == Version::FIRST,
                    Consequence::Wait => begins_wait(&event, &mut waits),
                    Consequence::SnoozeEnds => {
                        matches!(event, ConversationEvent::Lifecycle(LifecycleEvent::MarkedPending(_)))
                    }
                    Consequence::InactivityEnds => ends_inactivity(&event),
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

    /// The last event by which the agent's presence changed.
    pub async fn last_presence_change(&self, user: UserId) -> Result<Option<EventId>, LoadError> {
        let stream = StreamId::agent(user);
        let failed = |error| LoadError::of(&stream, error);
        let Some(last) = self.store.stream_version(&stream).await.map_err(failed)? else { return Ok(None) };
        let from = Version(last.0.saturating_sub(RECENT));
        let mut cause = None;
        for recorded in self.store.read_stream(&stream, from, PAGE).await.map_err(failed)? {
            if let AgentEvent::WentOnline(_) | AgentEvent::WentAway(_) = decode(&stream, &recorded)? {
                cause = Some(recorded.id);
            }
        }
        Ok(cause)
    }
}

fn decode<E: Events>(stream: &StreamId, recorded: &Recorded) -> Result<E, LoadError> {
    E::decode(&recorded.event_type, recorded.schema_version, &recorded.data)
        .map_err(|source| LoadError::Damaged { stream: stream.to_string(), source: Box::new(source) })
}

/// Whether the customer waits for an agent's answer since this event. `waits` is whether they waited before it.
fn begins_wait(event: &ConversationEvent, waits: &mut bool) -> bool {
    let before = *waits;
    match event {
        ConversationEvent::Message(MessageEvent::MessageReceived(_)) => *waits = true,
        ConversationEvent::Message(MessageEvent::MessageSent(sent))
            if sent.sender_type == SenderType::Agent =>
        {
            *waits = false;
        }
        ConversationEvent::Lifecycle(
            LifecycleEvent::Resolved(_) | LifecycleEvent::Closed(_) | LifecycleEvent::Expired(_),
        ) => *waits = false,
        ConversationEvent::Lifecycle(
            LifecycleEvent::ConversationOpened(_)
            | LifecycleEvent::MarkedPending(_)
            | LifecycleEvent::Reopened(_),
        )
        | ConversationEvent::Message(_)
        | ConversationEvent::Delivery(_)
        | ConversationEvent::Assignment(_)
        | ConversationEvent::Routing(_)
        | ConversationEvent::Sla(_)
        | ConversationEvent::Bot(_)
        | ConversationEvent::Automation(_)
        | ConversationEvent::Details(_) => {}
    }
    *waits && !before
}
