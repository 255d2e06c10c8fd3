//! A conversation at an earlier moment, from its stream.

use crate::problem::log_unavailable;
use crate::state::QueryState;
use domain::history::PastEvent;
use event_schemas::{AccountId, ConversationId, Position, Recorded, StreamId, Timestamp, Version};
use follower::DecodedEvent;
use gate::Problem;
use projections::snapshot::Snapshot;
use std::str::FromStr;

/// A time or a position of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    Time(Timestamp),
    Position(Position),
}

impl FromStr for Moment {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, &'static str> {
        if let Ok(position) = text.parse() {
            return Ok(Self::Position(position));
        }
        text.parse().map(Self::Time).map_err(|_| "neither a time (RFC 3339) nor a position of the log")
    }
}

impl Moment {
    /// Whether an event had occurred, and was in the log, at this moment.
    fn includes(self, event: &Recorded) -> bool {
        match self {
            Self::Time(time) => event.metadata.occurred_at <= time,
            Self::Position(position) => event.position <= position,
        }
    }
}

/// The number of events that are read at once.
const PAGE: usize = 500;

/// A page of a conversation's stream. Answers 404 when the account has no such conversation.
pub async fn stream(
    state: &QueryState,
    account: AccountId,
    id: ConversationId,
    from: Version,
    limit: usize,
) -> Result<Vec<Recorded>, Problem> {
    let stream = StreamId::conversation(id);
    let first = state.store.read_stream(&stream, Version::FIRST, 1).await.map_err(log_unavailable)?;
    if first.first().is_none_or(|event| event.metadata.account_id != account) {
        return Err(Problem::not_found("conversation"));
    }
    state.store.read_stream(&stream, from, limit).await.map_err(log_unavailable)
}

/// The conversation at a moment. Answers 404 when it did not exist yet.
pub async fn snapshot(
    state: &QueryState,
    account: AccountId,
    id: ConversationId,
    moment: Moment,
) -> Result<Snapshot, Problem> {
    let (mut events, mut from) = (Vec::new(), Version::FIRST);
    loop {
        let page = stream(state, account, id, from, PAGE).await?;
        let (full, last) = (page.len() == PAGE, page.last().map(|event| event.version));
        for recorded in page.into_iter().take_while(|event| moment.includes(event)) {
            events.extend(DecodedEvent::read(recorded).map_err(|error| {
                tracing::error!(conversation_id = %id, %error, "an event of a conversation cannot be read");
                Problem::internal()
            })?);
        }
        match last {
            Some(last) if full => from = last.next(),
            _ => break,
        }
    }
    Snapshot::of(&events).ok_or_else(|| Problem::not_found("conversation"))
}

/// All events of a conversation, oldest first. Answers 404 when the account has no such conversation.
pub async fn history(
    state: &QueryState,
    account: AccountId,
    id: ConversationId,
) -> Result<(Vec<Recorded>, Vec<PastEvent>), Problem> {
    let (mut recorded, mut from) = (Vec::new(), Version::FIRST);
    loop {
        let page = stream(state, account, id, from, PAGE).await?;
        let (is_full, last) = (page.len() == PAGE, page.last().map(|event| event.version));
        recorded.extend(page);
        match last {
            Some(last) if is_full => from = last.next(),
            _ => break,
        }
    }
    let events = recorded.iter().map(PastEvent::of).collect::<Result<_, _>>().map_err(|error| {
        tracing::error!(conversation_id = %id, %error, "an event of a conversation cannot be read");
        Problem::internal()
    })?;
    Ok((recorded, events))
}
