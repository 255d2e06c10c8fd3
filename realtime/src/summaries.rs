//! The counts of the inbox's tabs and the queue of an account: pushed whole when they have changed, at most twice a second.

use crate::follower::PushError;
use crate::hub::Hub;
use crate::push::{Offset, Push, Room};
use event_schemas::{AccountId, ConversationId, Event, Position, TeamId, Timestamp};
use follower::runner::DecodedEvent;
use follower::{Db, DbError};
use projections::read_models::queue_entries::{self, QueueEntry, QueueEntryRow};
use projections::read_models::tab_counts::{self, TabCounts};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;
use tokio::time::Instant;

/// The pause between two summaries of an account.
const PAUSE: Duration = Duration::from_millis(500);

/// The waiting conversations that `queue:update` lists, from the front of the queues. `total` counts all.
const MOST_QUEUED: usize = 200;

/// The first part of a position's pushes that is a summary. They come after the pushes of its event.
const FIRST_PART: u16 = 10;

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
            Some(_) | None => FIRST_PART,
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

/// A conversation that waits for an agent.
#[derive(Serialize)]
struct Queued {
    conversation_id: ConversationId,
    team_id: Option<TeamId>,
    /// Its position in the queue of its team, from 1.
    position: u32,
    queued_since: Timestamp,
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
        let mut push = |name, object: Value, before: Option<u64>| {
            let hash = hash(&object);
            if before != Some(hash) {
                let (offset, room) = (self.offsets.next(through), Room::Account(account));
                pushes.push(Push::new(offset, vec![room], name, &positioned(object, through)));
            }
            hash
        };
        let counts = push("inbox:counts", counts(db, account).await?, before.map(|(counts, _)| counts));
        let queue = match before {
            Some((_, queue)) if !queue_changed => queue,
            _ => push("queue:update", queue(db, account).await?, before.map(|(_, queue)| queue)),
        };
        self.pushed.insert(account, Pushed { at: now, counts, queue });
        Ok(pushes)
    }
}

/// The events with the summaries of an account, for a client that has missed some of them.
pub async fn events(db: &Db, account: AccountId, through: Position) -> Result<[Value; 2], PushError> {
    let mut both = [counts(db, account).await?, queue(db, account).await?];
    for object in &mut both {
        object["position"] = json!(through);
    }
    let [counts, queue] = both;
    Ok([json!(["inbox:counts", counts]), json!(["queue:update", queue])])
}

fn positioned(mut object: Value, through: Position) -> String {
    object["position"] = json!(through);
    object.to_string()
}

fn hash(object: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    object.to_string().hash(&mut hasher);
    hasher.finish()
}

async fn counts(db: &Db, account: AccountId) -> Result<Value, DbError> {
    let TabCounts { all, mine: _, unassigned, teams, without_team, assignees } =
        tab_counts::counts(db.readers(), account, None).await?;
    Ok(json!({
        "all": all,
        "unassigned": unassigned,
        "without_team": without_team,
        "teams": teams,
        "assignees": assignees,
    }))
}

async fn queue(db: &Db, account: AccountId) -> Result<Value, DbError> {
    let entries = queue_entries::list(db.readers(), account, None).await?;
    let total = entries.len();
    let first = entries.into_iter().take(MOST_QUEUED);
    let waiting: Vec<Queued> = first
        .map(|QueueEntry { row, position }| Queued {
            conversation_id: row.conversation_id,
            team_id: row.team_id,
            position,
            queued_since: row.queued_since,
        })
        .collect();
    Ok(json!({ "waiting": waiting, "total": total }))
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
