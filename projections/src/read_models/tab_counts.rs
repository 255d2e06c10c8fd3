//! The number of conversations in each tab of the inbox. The counts have rows of their own, which change in the same
//! transaction as the conversations.

use crate::queries::number;
use crate::read_models::inbox::ConversationRow;
use event_schemas::message::Status;
use event_schemas::{AccountId, TeamId, UserId};
use follower::db::{AssertSqlSafe, DbError, Readers};
use follower::table::{Columns, Values};
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

follower::table! {
    /// The number of conversations of one status in one tab: `all`, `assignee` or `team`. The subject is the id
    /// of the assignee or team, and empty for conversations without one.
    pub struct TabCountRow in "tab_counts"
        key (account_id: AccountId, tab: String, subject: String, status: Status) {
        count: i64,
    }
}

/// The values that decide in which tabs a conversation is counted.
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

/// The change of each count by a page of events.
#[derive(Default)]
pub struct CountChanges(HashMap<Tab, i64>);

impl CountChanges {
    /// Counts a conversation in the tabs `to` instead of the tabs `from`.
    pub fn moved(&mut self, account: AccountId, from: Option<Tabs>, to: Tabs) {
        if from == Some(to) {
            return;
        }
        if let Some(from) = from {
            self.add(account, from, -1);
        }
        self.add(account, to, 1);
    }

    fn add(&mut self, account: AccountId, tabs: Tabs, by: i64) {
        for (tab, subject) in tabs.tabs() {
            *self.0.entry((account, tab, subject, tabs.status)).or_default() += by;
        }
    }

    /// Takes the changes that are not 0.
    pub fn take(&mut self) -> Vec<((AccountId, String, String, Status), i64)> {
        let changes = self.0.drain().filter(|(_, by)| *by != 0);
        changes
            .map(|((account, tab, subject, status), by)| {
                let subject = if subject.is_nil() { String::new() } else { subject.to_string() };
                ((account, tab.to_owned(), subject, status), by)
            })
            .collect()
    }
}

/// The accounts that are looked up at once. Few sizes, so that each text is prepared once.
const LOOKUP_SIZES: [usize; 3] = [1, 10, 100];

/// The number of conversations of each status.
pub type ByStatus = BTreeMap<Status, i64>;

/// The counts of the inbox's tabs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TabCounts {
    pub all: ByStatus,
    pub mine: ByStatus,
    pub unassigned: ByStatus,
    pub teams: BTreeMap<TeamId, ByStatus>,
    pub without_team: ByStatus,
    pub assignees: BTreeMap<UserId, ByStatus>,
}

/// The statuses' counts of all tabs of an account as one text.
macro_rules! lines {
    () => {
        "string_agg(tab || ' ' || subject || ' ' || status || ' ' || cast(count as text), ',')"
    };
}

/// The counts of an account. `mine` counts the reader's conversations.
pub async fn counts(
    readers: &Readers,
    account: AccountId,
    reader: Option<UserId>,
) -> Result<TabCounts, DbError> {
    const ALL: &str = concat!("select ", lines!(), " from tab_counts where account_id = $1");
    let row = readers.fetch_one(ALL, Values::default().with(&account)).await?;
    let lines: Option<String> = Columns::of(&row).take()?;
    Ok(TabCounts::of_lines(&lines.unwrap_or_default(), reader))
}

/// The counts of these accounts, without `mine`. An account that has no conversations is left out.
pub async fn counts_of_all(
    readers: &Readers,
    accounts: &[AccountId],
) -> Result<HashMap<AccountId, TabCounts>, DbError> {
    let mut found = HashMap::with_capacity(accounts.len());
    for accounts in accounts.chunks(LOOKUP_SIZES[LOOKUP_SIZES.len() - 1]) {
        // The last account is repeated until the chunk has one of the sizes.
        let size = LOOKUP_SIZES.into_iter().find(|size| *size >= accounts.len()).unwrap_or(accounts.len());
        let mut values = Values::default();
        for account in accounts.iter().chain(accounts.last().into_iter().cycle()).take(size) {
            values.put(account);
        }
        let places: Vec<String> = (1..=size).map(|number| format!("${number}")).collect();
        let sql = format!(
            concat!(
                "select account_id, ",
                lines!(),
                " from tab_counts where account_id in ({}) group by account_id"
            ),
            places.join(", ")
        );
        for row in readers.fetch_all(AssertSqlSafe(sql), values).await? {
            let mut columns = Columns::of(&row);
            let (account, lines): (AccountId, String) = (columns.take()?, columns.take()?);
            found.insert(account, TabCounts::of_lines(&lines, None));
        }
    }
    Ok(found)
}

impl TabCounts {
    fn of_lines(lines: &str, reader: Option<UserId>) -> Self {
        let mut counts = Self::default();
        for line in lines.split(',') {
            let mut words = line.split(' ');
            let (Some(tab), Some(subject)) = (words.next(), words.next()) else { continue };
            let (Some(Ok(status)), Some(Ok(count))) =
                (words.next().map(str::parse), words.next().map(str::parse))
            else {
                continue;
            };
            match (tab, subject.parse::<Uuid>()) {
                ("all", _) => counts.all.insert(status, count),
                ("assignee", Ok(user)) => {
                    let user = UserId(user);
                    if Some(user) == reader {
                        counts.mine.insert(status, count);
                    }
                    counts.assignees.entry(user).or_default().insert(status, count)
                }
                ("assignee", Err(_)) => counts.unassigned.insert(status, count),
                ("team", Ok(team)) => counts.teams.entry(TeamId(team)).or_default().insert(status, count),
                ("team", Err(_)) => counts.without_team.insert(status, count),
                (_, _) => None,
            };
        }
        counts
    }
}

/// The number of conversations of all accounts, for the operator.
pub async fn total(readers: &Readers) -> Result<i64, DbError> {
    const ALL: &str = "select coalesce(sum(count), 0) from tab_counts where tab = 'all'";
    number(readers, ALL, Values::default()).await.map(Option::unwrap_or_default)
}
