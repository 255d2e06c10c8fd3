//! The inbox as it was at a moment.

use crate::problem::{list_problem, log_unavailable, tables_unavailable};
use crate::snapshot::snapshot_of;
use crate::state::{FreshOnDemand, QueryState};
use event_schemas::{Position, StreamId, Version};
use follower::db::Readers;
use futures::{StreamExt, TryStreamExt, stream};
use gate::Problem;
use projections::queries::Listed;
use projections::queries::conversations::{Conversations, ListedConversation};
use projections::queries::past::{candidates, last_numbered, newest_change_until, page};
use projections::snapshot::Moment;
use std::cmp::Ordering;

/// The number of conversations that a list of the past may have to look at.
const MOST: usize = 20_000;
/// The number of streams that are read at the same time.
const CONCURRENT_STREAMS: usize = 8;

/// A page of the conversations that were in this list at the moment, as they were then.
pub async fn past_inbox(
    state: &QueryState,
    fresh: &FreshOnDemand,
    query: &Conversations,
    moment: Moment,
) -> Result<Listed<ListedConversation>, Problem> {
    let tables = match moment {
        Moment::Time(_) => fresh.wait(state).await?,
        Moment::Position(position) => {
            let end = state.store.end().await.map_err(log_unavailable)?;
            if end < Some(position) {
                let detail = "The log is shorter than this position: choose an earlier moment.";
                return Err(Problem::unreadable(detail).field("as_of"));
            }
            fresh.wait_for(state, position).await?
        }
    };
    let readers = tables.readers();
    let last = match moment {
        Moment::Time(_) => 0,
        Moment::Position(position) => last_opened_until(state, readers, position).await?,
    };
    let found = candidates(readers, query, moment, last, MOST + 1).await.map_err(tables_unavailable)?;
    if found.len() > MOST {
        let detail = format!(
            "More than {MOST} conversations come into question at this moment: name statuses, a channel or a contact."
        );
        return Err(Problem::unprocessable("as_of", detail));
    }
    let unchanged = Unchanged::since(readers, query, moment).await?;
    let rows: Vec<_> = stream::iter(found)
        .map(|row| async {
            if unchanged.includes(&row) { Ok(Some(row)) } else { earlier(state, query, row, moment).await }
        })
        .buffer_unordered(CONCURRENT_STREAMS)
        .try_filter_map(|row| async { Ok::<_, Problem>(row.filter(|row| query.admits(row))) })
        .try_collect()
        .await?;
    page(rows, query).map_err(|error| list_problem(error.into()))
}

/// Which rows are still as they were at the moment.
enum Unchanged {
    /// Those without an event after this position.
    Position(Position),
    /// Those without an event after this commit, which is one of before the time.
    Commit(u64),
}

impl Unchanged {
    async fn since(readers: &Readers, query: &Conversations, moment: Moment) -> Result<Self, Problem> {
        let time = match moment {
            Moment::Position(position) => return Ok(Self::Position(position)),
            Moment::Time(time) => time,
        };
        let newest = newest_change_until(readers, query.account, time).await.map_err(tables_unavailable)?;
        Ok(Self::Commit(newest.unsigned_abs()))
    }

    fn includes(&self, row: &ListedConversation) -> bool {
        let last_event = row.conversation.position;
        match self {
            Self::Position(position) => last_event <= *position,
            Self::Commit(commit) => last_event.commit() <= *commit,
        }
    }
}

/// The row of a conversation at the moment. `None` when it did not exist yet.
async fn earlier(
    state: &QueryState,
    query: &Conversations,
    now: ListedConversation,
    moment: Moment,
) -> Result<Option<ListedConversation>, Problem> {
    let Some(past) = snapshot_of(state, now.conversation.id, moment).await? else { return Ok(None) };
    let unread = query.reader.map_or(0, |reader| past.unread(reader));
    let mut row = past.conversation;
    row.seq = now.conversation.seq;
    // Who the customer is, is told as it is known now.
    row.contact_id = now.conversation.contact_id;
    Ok(Some(ListedConversation::new(row, unread)))
}

/// The number of the last conversation, of any account, that was opened until this position. Conversations are numbered
/// in the order in which they were opened.
async fn last_opened_until(
    state: &QueryState,
    readers: &Readers,
    position: Position,
) -> Result<i64, Problem> {
    let last = last_numbered(readers, i64::MAX).await.map_err(tables_unavailable)?;
    let (mut opened_until, mut highest) = (0, last.map_or(0, |(seq, _)| seq));
    while opened_until < highest {
        let middle = opened_until + (highest - opened_until + 1) / 2;
        let Some((seq, id)) = last_numbered(readers, middle).await.map_err(tables_unavailable)? else {
            break;
        };
        if seq <= opened_until {
            // No conversation has a number between.
            opened_until = middle;
            continue;
        }
        let stream = StreamId::conversation(id);
        let first = state.store.read_stream(&stream, Version::FIRST, 1).await.map_err(log_unavailable)?;
        match first.first().map(|event| event.position.cmp(&position)) {
            Some(Ordering::Greater) => highest = seq - 1,
            _ => opened_until = middle,
        }
    }
    Ok(opened_until)
}
