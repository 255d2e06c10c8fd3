//! A conversation's own stream, read up to a moment.

use crate::problem::log_unavailable;
use crate::state::QueryState;
use event_schemas::{AccountId, ConversationId, Position, Recorded, StreamId, Timestamp, Version};
use follower::DecodedEvent;
use gate::Problem;
use projections::snapshot::Snapshot;
use std::str::FromStr;

/// A time or a position of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    Time(Timestamp),
    Location(Position),
}

impl FromStr for Moment {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, &'static str> {
        if let Ok(place) = text.parse() {
            return Ok(Self::Location(place));
        }
        text.parse().map(Self::Time).map_err(|_| "neither a time (RFC 3339) nor a position of the log")
    }
}

impl Moment {
    /// Whether an event had occurred and was in the log at this moment.
    fn includes(self, event: &Recorded) -> bool {
        match self {
            Self::Time(time) => event.metadata.occurred_at <= time,
            Self::Location(place) => event.position <= place,
        }
    }
}

/// The number of events that are read at once.
const PAGE: usize = 500;

/// A page of a conversation's stream, if the conversation is this account's.
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

/// The conversation at this moment. `None` when it had not begun.
pub async fn past(
    state: &QueryState,
    account: AccountId,
    id: ConversationId,
    moment: Moment,
) -> Result<Snapshot, Problem> {
    let (mut happened, mut from) = (Vec::new(), Version::FIRST);
    loop {
        let page = stream(state, account, id, from, PAGE).await?;
        let (full, last) = (page.len() == PAGE, page.last().map(|event| event.version));
        for recorded in page.into_iter().take_while(|event| moment.includes(event)) {
            happened.extend(DecodedEvent::read(recorded).map_err(|error| {
                tracing::error!(conversation_id = %id, %error, "an event of a conversation cannot be read");
                Problem::internal()
            })?);
        }
        match last {
            Some(last) if full => from = last.next(),
            _ => break,
        }
    }
    Snapshot::of(&happened).ok_or_else(|| Problem::not_found("conversation"))
}
