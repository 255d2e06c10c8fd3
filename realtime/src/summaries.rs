//! The counts of the inbox's tabs and the queue of an account: pushed whole when they have changed, at most twice a second.

use crate::follower::PushError;
use crate::hub::Hub;
use crate::push::{Offset, Push, Room};
use event_schemas::{AccountId, ConversationId, Event, Position, TeamId, Timestamp};
use follower::runner::DecodedEvent;
use follower::{Db, DbError};
use projections::read_models::queue_entries::{self, QueueEntry};
use projections::read_models::tab_counts::{self, TabCounts};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;
use tokio::time::Instant;

/// The pause between two summaries of an account.
const PAUSE: Duration = Duration::from_millis(500);

/// The waiting conversations that `queue:update` lists, from the front of the queues. `total` counts all.
const MOST_QUEUED: usize = 200;

/// The parts of a position's pushes that are summaries, which come after the pushes of its event.
const COUNTS: u16 = 10;
const QUEUE: u16 = 11;

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
            let before =
                self.pushed.insert(account, Pushed { at: now, counts: hash(&counts), queue: hash(&queue) });
            let mut push = |part, name, text: Value, is_same: bool| {
                if !is_same {
                    let offset = Offset { position: through, part };
                    pushes.push(Push::new(
                        offset,
                        vec![Room::Account(account)],
                        name,
                        &positioned(text, through),
                    ));
                }
            };
            let (is_same_counts, is_same_queue) = before.map_or((false, false), |before| {
                (before.counts == hash(&counts), before.queue == hash(&queue))
            });
            push(COUNTS, "inbox:counts", counts, is_same_counts);
            push(QUEUE, "queue:update", queue, is_same_queue);
        }
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
        summaries.due.insert(busy);
        assert_eq!(summaries.next(), Some(at + PAUSE));
        summaries.due.insert(other);
        assert!(summaries.next().is_some_and(|next| next < at + PAUSE));
    }
}
