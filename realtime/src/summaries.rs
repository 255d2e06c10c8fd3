//! The counts of the inbox's tabs and the queue of an account: pushed whole when they have changed, at most twice a second.

use crate::events::{At, Counts, InboxCounts, Queue, QueueUpdate, Queued, ServerEvent};
use crate::hub::Hub;
use crate::push::{Offset, Push, Room, part};
use event_schemas::{AccountId, Event, Position};
use follower::runner::DecodedEvent;
use follower::{Db, DbError};
use projections::read_models::queue_entries::{self, QueueEntry};
use projections::read_models::tab_counts::{self, TabCounts};
use serde::Serialize;
use std::collections::{HashMap, HashSet};
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
    due: HashSet<AccountId>,
    pushed: HashMap<AccountId, Pushed>,
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
            if let Event::Conversation(_) = event.event {
                self.due.insert(event.metadata.account_id);
            }
        }
    }

    /// When the next summary is due. `None` when nothing has changed.
    pub fn next(&self) -> Option<Instant> {
        self.due
            .iter()
            .map(|account| self.pushed.get(account).map_or_else(Instant::now, |pushed| pushed.at + PAUSE))
            .min()
    }

    /// The summaries that are due now and differ from those before, of accounts that have clients.
    pub async fn take(&mut self, db: &Db, hub: &Hub, through: Position) -> Result<Vec<Push>, DbError> {
        let now = Instant::now();
        let is_due =
            |account: &AccountId| self.pushed.get(account).is_none_or(|pushed| pushed.at + PAUSE <= now);
        let due: Vec<AccountId> = self.due.iter().copied().filter(is_due).collect();
        let mut pushes = Vec::new();
        for account in due {
            self.due.remove(&account);
            if !hub.has_clients(Room::Account(account)) {
                self.pushed.remove(&account);
                continue;
            }
            let (counts, queue) = (counts(db, account).await?, queue(db, account).await?);
            let now = Pushed { at: now, counts: hash(&counts), queue: hash(&queue) };
            let before = self.pushed.get(&account);
            if before.is_none_or(|before| before.counts != now.counts) {
                pushes.push(push::<InboxCounts, _>(part::COUNTS, account, through, counts));
            }
            if before.is_none_or(|before| before.queue != now.queue) {
                pushes.push(push::<QueueUpdate, _>(part::QUEUE, account, through, queue));
            }
            self.pushed.insert(account, now);
        }
        Ok(pushes)
    }
}

fn push<E, T>(part: u16, account: AccountId, position: Position, summary: T) -> Push
where
    E: ServerEvent<Object = At<T>>,
    At<T>: Serialize,
{
    // A summary always serialises.
    let fields = serde_json::to_string(&At { summary, position }).unwrap_or_default();
    Push::new(Offset { position, part }, vec![Room::Account(account)], E::NAME, &fields)
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
        summaries.due.insert(busy);
        assert_eq!(summaries.next(), Some(at + PAUSE));
        summaries.due.insert(other);
        assert!(summaries.next().is_some_and(|next| next < at + PAUSE));
    }
}
