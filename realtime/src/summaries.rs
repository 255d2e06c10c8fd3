//! The counts of the inbox's tabs and the queue of an account: pushed whole when they have changed, at most twice a second.

use crate::events::{At, Counts, InboxCounts, Queue, QueueUpdate, Queued, ServerEvent};
use crate::follower::{PushError, until};
use crate::hub::Hub;
use crate::push::{Offset, Push, Room, part};
use event_schemas::{AccountId, Event, Position};
use follower::runner::{Chain, DecodedEvent};
use follower::{Db, DbError};
use projections::Tables;
use projections::read_models::queue_entries::{self, QueueEntry, QueueEntryRow};
use projections::read_models::tab_counts::{self, TabCounts};
use serde::Serialize;
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The pause between two summaries of an account.
const PAUSE: Duration = Duration::from_millis(500);

/// Accounts whose pauses end within this time have their turn together, at its end: their counts are one query.
const GATHERED: Duration = Duration::from_millis(50);

/// The waiting conversations that `queue:update` lists, from the front of the queues. `total` counts all.
const MOST_QUEUED: usize = 200;

/// Pushes the summaries of accounts whose conversations change. Reading them delays no push of an event.
#[derive(Default)]
pub struct Summaries {
    state: Mutex<State>,
    /// The accounts of which summaries are due are others than before.
    changed: Notify,
}

/// The summaries that were pushed, and the accounts of which others are due.
#[derive(Default)]
struct State {
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

#[derive(Clone, Copy)]
struct Pushed {
    at: Instant,
    /// The hashes of the two objects, so that equal ones are not pushed again.
    counts: u64,
    queue: u64,
}

/// An account whose turn it is.
struct Turn {
    account: AccountId,
    /// Whether the queue may have changed since it was pushed.
    queue_changed: bool,
    /// `None` when nothing was pushed yet.
    before: Option<Pushed>,
}

/// The counts and the queue of an account that are to be pushed. `None` when they are as they were.
struct Summary {
    account: AccountId,
    counts: Option<Counts>,
    queue: Option<Queue>,
    pushed: Pushed,
}

impl Summaries {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers the accounts whose counts or queue these events may have changed. The tables hold the events.
    pub fn changed_by<'e>(&self, events: impl IntoIterator<Item = &'e DecodedEvent>) {
        let mut state = self.lock();
        let before = state.turns.first().copied();
        for event in events {
            if let Event::Conversation(change) = &event.event {
                state.add(event.metadata.account_id, QueueEntryRow::concerns(change));
            }
        }
        if state.turns.first().copied() != before {
            self.changed.notify_one();
        }
    }

    /// Pushes the summaries that are due, until `stop`. When the tables cannot be read, those of the next change are
    /// pushed.
    pub async fn push(&self, tables: &Tables, hub: &Hub, stop: &CancellationToken) {
        loop {
            let next = self.lock().next();
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.changed.notified() => continue,
                () = until(next) => {}
            }
            let turns = self.lock().take(Instant::now(), |account| hub.has_clients(Room::Account(account)));
            if turns.is_empty() {
                continue;
            }
            // The tables hold what was given out, so the summaries have everything up to here.
            let through = hub.through();
            match stop.run_until_cancelled(read(tables, turns)).await {
                None => return,
                Some(Ok(summaries)) => self.give_out(hub, summaries, through),
                Some(Err(error)) => {
                    tracing::warn!(error = %Chain(&error), "counts and queues were not pushed");
                    stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await;
                }
            }
        }
    }

    fn give_out(&self, hub: &Hub, summaries: Vec<Summary>, position: Position) {
        let mut state = self.lock();
        hub.give_out_now(|through| {
            let mut pushes = Vec::new();
            for Summary { account, counts, queue, pushed } in summaries {
                if let Some(summary) = counts {
                    let offset = state.offsets.next(through);
                    pushes.push(push::<InboxCounts, _>(offset, account, At { summary, position }));
                }
                if let Some(summary) = queue {
                    let offset = state.offsets.next(through);
                    pushes.push(push::<QueueUpdate, _>(offset, account, At { summary, position }));
                }
                state.pushed.insert(account, pushed);
            }
            pushes
        });
    }
}

impl State {
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

    /// When the next summaries are read. `None` when nothing has changed.
    fn next(&self) -> Option<Instant> {
        self.turns.first().map(|(at, _)| *at + GATHERED)
    }

    /// The accounts whose pauses have ended. Those that have no clients now are left out and forgotten.
    fn take(&mut self, now: Instant, has_clients: impl Fn(AccountId) -> bool) -> Vec<Turn> {
        let mut turns = Vec::new();
        while let Some((_, account)) = self.turns.first().copied().filter(|(at, _)| *at <= now) {
            self.turns.pop_first();
            let queue_changed = self.due.remove(&account).unwrap_or_default();
            if has_clients(account) {
                turns.push(Turn { account, queue_changed, before: self.pushed.get(&account).copied() });
            } else {
                self.pushed.remove(&account);
            }
        }
        turns
    }
}

/// The summaries of these accounts.
async fn read(tables: &Tables, turns: Vec<Turn>) -> Result<Vec<Summary>, PushError> {
    let db = tables.db()?;
    let accounts: Vec<_> = turns.iter().map(|turn| turn.account).collect();
    let mut found = tab_counts::counts_of_all(db.readers(), &accounts).await?;
    let mut summaries = Vec::with_capacity(turns.len());
    for Turn { account, queue_changed, before } in turns {
        let counts = of_tabs(found.remove(&account).unwrap_or_default());
        let of_counts = hash(&counts);
        let queue = match before {
            Some(_) if !queue_changed => None,
            Some(_) | None => Some(queue(&db, account).await?),
        };
        let of_queue = queue.as_ref().map_or(before.map_or(0, |before| before.queue), hash);
        summaries.push(Summary {
            account,
            counts: Some(counts).filter(|_| before.is_none_or(|before| before.counts != of_counts)),
            queue: queue.filter(|_| before.is_none_or(|before| before.queue != of_queue)),
            pushed: Pushed { at: Instant::now(), counts: of_counts, queue: of_queue },
        });
    }
    Ok(summaries)
}

fn push<E, T>(offset: Offset, account: AccountId, summary: At<T>) -> Push
where
    E: ServerEvent<Object = At<T>>,
    At<T>: Serialize,
{
    // A summary always serialises.
    let fields = serde_json::to_string(&summary).unwrap_or_default();
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
    tab_counts::counts(db.readers(), account, None).await.map(of_tabs)
}

fn of_tabs(counts: TabCounts) -> Counts {
    let TabCounts { all, mine: _, unassigned, teams, without_team, assignees } = counts;
    Counts { all, unassigned, without_team, teams, assignees }
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
        let mut summaries = State::default();
        assert_eq!(summaries.next(), None);
        summaries.pushed.insert(busy, Pushed { at, counts: 1, queue: 1 });
        summaries.add(busy, false);
        assert_eq!(summaries.next(), Some(at + PAUSE + GATHERED));
        summaries.add(other, true);
        assert!(summaries.next().is_some_and(|next| next < at + PAUSE));
        let taken = |turns: Vec<Turn>| -> Vec<_> {
            turns.into_iter().map(|turn| (turn.account, turn.queue_changed)).collect()
        };
        assert_eq!(taken(summaries.take(Instant::now(), |_| true)), [(other, true)]);
        assert_eq!(taken(summaries.take(at + PAUSE, |_| true)), [(busy, false)]);
        assert_eq!(summaries.next(), None);
    }

    #[test]
    fn accounts_without_clients_are_forgotten_and_the_others_have_their_turn_together() {
        let [left, first, second] = [1, 2, 3].map(AccountId::from_u128);
        let at = Instant::now();
        let mut summaries = State::default();
        summaries.pushed.insert(left, Pushed { at, counts: 1, queue: 1 });
        for account in [left, first, second] {
            summaries.add(account, false);
        }
        let turns = summaries.take(at + PAUSE + GATHERED, |account| account != left);
        assert_eq!(turns.iter().map(|turn| turn.account).collect::<Vec<_>>(), [first, second]);
        assert!(summaries.pushed.is_empty() && summaries.due.is_empty());
    }

    #[test]
    fn summaries_of_several_accounts_at_one_position_are_in_order() {
        let mut offsets = Offsets::default();
        let given = [7, 7, 7, 8].map(|position| offsets.next(Position::at(position)));
        assert!(given.is_sorted_by(|one, next| one < next), "{given:?}");
        assert!(given[3] < Offset::after(Position::at(8)));
    }
}
