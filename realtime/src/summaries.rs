//! The counts of the inbox's tabs and the queue of an account: pushed whole when they have changed, at most twice a second.

use crate::events::{At, Counts, InboxCounts, Queue, QueueUpdate, Queued, ServerEvent};
use crate::hub::Hub;
use crate::push::{Offset, Push, Room, part};
use event_schemas::{AccountId, Event, Position};
use follower::runner::DecodedEvent;
use follower::{Db, DbError};
use projections::read_models::queue_entries::{self, QueueEntry, QueueEntryRow};
use projections::read_models::tab_counts::{self, TabCounts};
use serde::Serialize;
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;
use tokio::time::Instant;

/// The pause between two summaries of an account.
const PAUSE: Duration = Duration::from_millis(500);

/// The waiting conversations that `queue:update` lists, from the front of the queues. `total` counts all.
const MOST_QUEUED: usize = 200;

/// The summaries that were pushed, and the accounts of which others are due.
#[derive(Default)]
pub struct Summaries {
    /// The accounts, and whether their queues may have changed too.
    due: HashMap<AccountId, bool>,
    /// The same accounts in the order in which they are due.
    turns: BTreeSet<(Instant, AccountId)>,
    pushed: HashMap<AccountId, Pushed>,
    offsets: Offsets,
}

/// The offset of the last summary. The next one is after it, whichever account it is of.
#[derive(Default)]
struct Offsets(Option<Offset>);

impl Offsets {
    /// The offset of a summary after the events up to `through`.
    fn next(&mut self, through: Position) -> Offset {
        let part = match self.0 {
            Some(last) if last.position == through => last.part + 1,
            Some(_) | None => part::SUMMARIES,
        };
        *self.0.insert(Offset { position: through, part })
    }
}

struct Pushed {
    at: Instant,
    /// The hashes of the two objects, so that equal ones are not pushed again.
    counts: u64,
    queue: u64,
}

impl Summaries {
    /// Remembers the accounts whose counts or queue these events may have changed.
    pub fn changed_by<'e>(&mut self, events: impl IntoIterator<Item = &'e DecodedEvent>) {
        for event in events {
            if let Event::Conversation(change) = &event.event {
                self.add(event.metadata.account_id, QueueEntryRow::concerns(change));
            }
        }
    }

    fn add(&mut self, account: AccountId, changes_queue: bool) {
        match self.due.entry(account) {
            Entry::Occupied(mut due) => *due.get_mut() |= changes_queue,
            Entry::Vacant(due) => {
                due.insert(changes_queue);
                let at = self.pushed.get(&account).map_or_else(Instant::now, |pushed| pushed.at + PAUSE);
                self.turns.insert((at, account));
            }
        }
    }

    /// When the next summary is due. `None` when nothing has changed.
    pub fn next(&self) -> Option<Instant> {
        self.turns.first().map(|(at, _)| *at)
    }

    /// The next summary, when it is due and differs from the one before, and the account has clients. One at a time,
    /// because the pushes of events wait meanwhile.
    pub async fn take(&mut self, db: &Db, hub: &Hub, through: Position) -> Result<Vec<Push>, DbError> {
        let now = Instant::now();
        let Some((_, account)) = self.turns.first().copied().filter(|(at, _)| *at <= now) else {
            return Ok(Vec::new());
        };
        self.turns.pop_first();
        let queue_changed = self.due.remove(&account).unwrap_or_default();
        if !hub.has_clients(Room::Account(account)) {
            self.pushed.remove(&account);
            return Ok(Vec::new());
        }
        let before = self.pushed.get(&account).map(|pushed| (pushed.counts, pushed.queue));
        let mut pushes = Vec::new();
        let counts = counts(db, account).await?;
        let hash_of_counts = hash(&counts);
        if before.is_none_or(|(before, _)| before != hash_of_counts) {
            pushes.push(push::<InboxCounts, _>(self.offsets.next(through), account, counts));
        }
        let hash_of_queue = match before {
            Some((_, before)) if !queue_changed => before,
            Some(_) | None => {
                let queue = queue(db, account).await?;
                let hash_of_queue = hash(&queue);
                if before.is_none_or(|(_, before)| before != hash_of_queue) {
                    pushes.push(push::<QueueUpdate, _>(self.offsets.next(through), account, queue));
                }
                hash_of_queue
            }
        };
        self.pushed.insert(account, Pushed { at: now, counts: hash_of_counts, queue: hash_of_queue });
        Ok(pushes)
    }
}

fn push<E, T>(offset: Offset, account: AccountId, summary: T) -> Push
where
    E: ServerEvent<Object = At<T>>,
    At<T>: Serialize,
{
    // A summary always serialises.
    let fields = serde_json::to_string(&At { summary, position: offset.position }).unwrap_or_default();
    Push::new(offset, vec![Room::Account(account)], E::NAME, &fields)
}

/// The summaries of an account, for a client that has missed some of them.
pub async fn current(
    db: &Db,
    account: AccountId,
    position: Position,
) -> Result<(At<Counts>, At<Queue>), DbError> {
    let (counts, queue) = (counts(db, account).await?, queue(db, account).await?);
    Ok((At { summary: counts, position }, At { summary: queue, position }))
}

fn hash(summary: &impl Serialize) -> u64 {
    let mut hasher = DefaultHasher::new();
    // A summary always serialises.
    serde_json::to_string(summary).unwrap_or_default().hash(&mut hasher);
    hasher.finish()
}

async fn counts(db: &Db, account: AccountId) -> Result<Counts, DbError> {
    let TabCounts { all, mine: _, unassigned, teams, without_team, assignees } =
        tab_counts::counts(db.readers(), account, None).await?;
    Ok(Counts { all, unassigned, without_team, teams, assignees })
}

async fn queue(db: &Db, account: AccountId) -> Result<Queue, DbError> {
    let entries = queue_entries::list(db.readers(), account, None).await?;
    let total = entries.len();
    let first = entries.into_iter().take(MOST_QUEUED);
    let waiting = first.map(|QueueEntry { row, position }| Queued {
        conversation_id: row.conversation_id,
        team_id: row.team_id,
        position,
        queued_since: row.queued_since,
    });
    Ok(Queue { waiting: waiting.collect(), total })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_pauses_between_two_summaries_and_another_one_does_not_wait_for_it() {
        let [busy, other] = [1, 2].map(AccountId::from_u128);
        let at = Instant::now();
        let mut summaries = Summaries::default();
        assert_eq!(summaries.next(), None);
        summaries.pushed.insert(busy, Pushed { at, counts: 1, queue: 1 });
        summaries.add(busy, false);
        assert_eq!(summaries.next(), Some(at + PAUSE));
        summaries.add(other, false);
        assert!(summaries.next().is_some_and(|next| next < at + PAUSE));
    }

    #[test]
    fn summaries_of_several_accounts_at_one_position_are_in_order() {
        let mut offsets = Offsets::default();
        let given = [7, 7, 7, 8].map(|position| offsets.next(Position::at(position)));
        assert!(given.is_sorted_by(|one, next| one < next), "{given:?}");
        assert!(given[3] < Offset::after(Position::at(8)));
    }
}
