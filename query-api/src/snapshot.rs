//! A conversation at an earlier moment, from its stream.

use crate::problem::log_unavailable;
use crate::state::QueryState;
use domain::history::PastEvent;
use event_schemas::{AccountId, ConversationId, Recorded, StreamId, Version};
use follower::DecodedEvent;
use gate::Problem;
use projections::snapshot::{Moment, Snapshot};

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

/// The conversation at a moment. Answers 404 when it did not exist yet, or is not the account's.
pub async fn snapshot(
    state: &QueryState,
    account: AccountId,
    id: ConversationId,
    moment: Moment,
) -> Result<Snapshot, Problem> {
    stream(state, account, id, Version::FIRST, 1).await?;
    snapshot_of(state, id, moment).await?.ok_or_else(|| Problem::not_found("conversation"))
}

/// A conversation of whatever account at a moment. `None` when it did not exist yet.
pub async fn snapshot_of(
    state: &QueryState,
    id: ConversationId,
    moment: Moment,
) -> Result<Option<Snapshot>, Problem> {
    let (stream, mut events, mut from) = (StreamId::conversation(id), Vec::new(), Version::FIRST);
    loop {
        let page = state.store.read_stream(&stream, from, PAGE).await.map_err(log_unavailable)?;
        let (is_full, last) = (page.len() == PAGE, page.last().cloned());
        for recorded in page.into_iter().take_while(|event| moment.includes(event)) {
            events.extend(DecodedEvent::read(recorded).map_err(|error| {
                tracing::error!(conversation_id = %id, %error, "an event of a conversation cannot be read");
                Problem::internal()
            })?);
        }
        match last {
            Some(last) if is_full && moment.includes(&last) => from = last.version.next(),
            _ => return Ok(Snapshot::of(&events)),
        }
    }
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
