//! How many conversations are in each tab of the inbox: rows of their own, moved with the conversations.

use crate::read_models::inbox::ConversationRow;
use event_schemas::message::Status;
use event_schemas::{AccountId, TeamId, UserId};
use std::collections::HashMap;
use uuid::Uuid;

follower::table! {
    /// Conversations of one status in one tab: `all`, an `assignee`'s or nobody's, a `team`'s or none's. The
    /// subject is whose, and empty where it is nobody's.
    pub struct TabCountRow in "tab_counts"
        key (account_id: AccountId, tab: String, subject: String, status: Status) {
        count: i64,
    }
}

/// What decides in which tabs a conversation is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Tabs {
    status: Status,
    assignee_id: Option<UserId>,
    team_id: Option<TeamId>,
}

impl Tabs {
    pub fn of(row: &ConversationRow) -> Self {
        Self { status: row.status, assignee_id: row.assignee_id, team_id: row.team_id }
    }

    fn tabs(self) -> [(&'static str, Uuid); 3] {
        [
            ("all", Uuid::nil()),
            ("assignee", self.assignee_id.map_or(Uuid::nil(), |id| id.0)),
            ("team", self.team_id.map_or(Uuid::nil(), |id| id.0)),
        ]
    }
}

type Tab = (AccountId, &'static str, Uuid, Status);

/// By how much a page moves each count.
#[derive(Default)]
pub struct Moves(HashMap<Tab, i64>);

impl Moves {
    pub fn moved(&mut self, account: AccountId, from: Option<Tabs>, to: Tabs) {
        if from == Some(to) {
            return;
        }
        if let Some(from) = from {
            self.add(account, from, -1);
        }
        self.add(account, to, 1);
    }

    fn add(&mut self, account: AccountId, place: Tabs, by: i64) {
        for (tab, subject) in place.tabs() {
            *self.0.entry((account, tab, subject, place.status)).or_default() += by;
        }
    }

    pub fn take(&mut self) -> Vec<((AccountId, String, String, Status), i64)> {
        let moves = self.0.drain().filter(|(_, by)| *by != 0);
        moves
            .map(|((account, tab, subject, status), by)| {
                let subject = if subject.is_nil() { String::new() } else { subject.to_string() };
                ((account, tab.to_owned(), subject, status), by)
            })
            .collect()
    }
}
