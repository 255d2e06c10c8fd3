//! Lists of conversations: filters, sorts, pages.
//!
//! A page is read in the order of an index, one branch per status, and merged: it costs what it shows,
//! however many conversations there are. A filter that few conversations fit is asked first, and those few
//! are sorted; one that many fit is checked while walking the index, which meets enough of them soon.

use super::{Cursor, Limit, Listed};
use crate::db::DbError;
use crate::read_models::inbox::ConversationRow;
use crate::table::{Column, Columns, Row, Values};
use event_schemas::message::{Priority, Status};
use event_schemas::{AccountId, ChannelId, ContactId, TeamId, Timestamp, UserId};
use sqlx::{AssertSqlSafe, SqlitePool};
use uuid::Uuid;

/// Whose conversations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    Nobodys,
    Of(UserId),
}

/// What a list is sorted by. Conversations without that moment come last, whichever way it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortBy {
    LastMessage,
    Created,
    Priority,
    Waiting,
    SlaDue,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    pub by: SortBy,
    pub descending: bool,
}

impl Sort {
    pub const ALL_BY: [SortBy; 5] =
        [SortBy::LastMessage, SortBy::Created, SortBy::Priority, SortBy::Waiting, SortBy::SlaDue];

    /// The list a cursor belongs to.
    fn list(self) -> u8 {
        2 * self.by as u8 + u8::from(self.descending)
    }
    fn words(self) -> (&'static str, &'static str) {
        if self.descending { ("desc", "<") } else { ("asc", ">") }
    }
}

impl Default for Sort {
    fn default() -> Self {
        Self { by: SortBy::LastMessage, descending: true }
    }
}

impl SortBy {
    const fn column(self) -> &'static str {
        match self {
            Self::LastMessage => "last_message_at",
            Self::Created => "created_at",
            Self::Priority => "priority",
            Self::Waiting => "waiting_since",
            Self::SlaDue => "sla_due_at",
        }
    }
    const fn may_be_missing(self) -> bool {
        matches!(self, Self::Waiting | Self::SlaDue)
    }
    fn key(self, row: &ConversationRow) -> Option<i64> {
        match self {
            Self::LastMessage => Some(row.last_message_at.as_micros()),
            Self::Created => Some(row.created_at.as_micros()),
            Self::Priority => Some(row.priority.rank()),
            Self::Waiting => row.waiting_since.map(Timestamp::as_micros),
            Self::SlaDue => row.sla_due_at.map(Timestamp::as_micros),
        }
    }
}

/// Which conversations, in what order, from where.
#[derive(Clone, Debug)]
pub struct Conversations {
    pub account: AccountId,
    /// Whose unread messages are counted.
    pub reader: Option<UserId>,
    /// Empty: every status.
    pub statuses: Vec<Status>,
    pub assignee: Option<Whose>,
    pub team: Option<TeamId>,
    pub channel: Option<ChannelId>,
    pub contact: Option<ContactId>,
    pub label: Option<String>,
    pub priority: Option<Priority>,
    pub updated_since: Option<Timestamp>,
    pub sort: Sort,
    pub limit: Limit,
    pub after: Option<Cursor>,
    /// Up to how many rows that fit a filter are sorted rather than met along an index. The answer is the
    /// same either way.
    pub few: usize,
}

impl Conversations {
    pub fn of(account: AccountId) -> Self {
        Self {
            account,
            reader: None,
            statuses: Vec::new(),
            assignee: None,
            team: None,
            channel: None,
            contact: None,
            label: None,
            priority: None,
            updated_since: None,
            sort: Sort::default(),
            limit: Limit::default(),
            after: None,
            few: 5000,
        }
    }
}

/// A conversation, and how many of its messages the reader has not seen.
#[derive(Clone, Debug, PartialEq)]
pub struct ListedConversation {
    pub conversation: ConversationRow,
    pub unread: u32,
}

/// Why a list cannot be given.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    #[error(transparent)]
    Cursor(#[from] super::NotACursor),
    #[error(transparent)]
    Db(#[from] DbError),
}

/// A list of conversations.
pub async fn list(
    readers: &SqlitePool,
    query: &Conversations,
) -> Result<Listed<ListedConversation>, ListError> {
    let after = query.after.map(|cursor| cursor.of_list(query.sort.list())).transpose()?;
    let source = choose(readers, query).await?;
    let wanted = query.limit.get() + 1;
    let mut found = Vec::new();
    if after.is_none_or(|cursor| !cursor.keyless) {
        found = Part { query, source: &source, keyless: false, after, wanted }.read(readers).await?;
    }
    if found.len() < wanted && query.sort.by.may_be_missing() {
        let after = after.filter(|cursor| cursor.keyless);
        let wanted = wanted - found.len();
        found.extend(Part { query, source: &source, keyless: true, after, wanted }.read(readers).await?);
    }
    Ok(Listed::of(found, query.limit, |listed| {
        let row = &listed.conversation;
        let key = query.sort.by.key(row);
        let fallback = row.last_message_at.as_micros();
        Cursor::new(query.sort.list(), key.is_none(), key.unwrap_or(fallback), number(row.no))
    }))
}

/// A cursor holds a conversation's number where others hold an id.
fn number(no: i64) -> Uuid {
    Uuid::from_u128(no as u128)
}

/// Where the rows of a page come from.
enum Source {
    /// The few that fit one of the filters.
    Few(Few),
    /// An index in the order of the list that begins with account, status and this filter.
    Index(Begins),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Begins {
    Status,
    Assignee,
    Team,
}

#[derive(Clone, Copy)]
enum Few {
    Contact,
    Label,
    Updated,
    Channel,
    Priority,
    Assignee,
    Team,
}

async fn choose(readers: &SqlitePool, query: &Conversations) -> Result<Source, DbError> {
    if query.contact.is_some() {
        return Ok(Source::Few(Few::Contact));
    }
    let by_last_message = query.sort.by == SortBy::LastMessage;
    let narrow = [
        (query.label.is_some(), Few::Label),
        (query.updated_since.is_some(), Few::Updated),
        (query.channel.is_some(), Few::Channel),
        (query.priority.is_some(), Few::Priority),
        (query.assignee.is_some() && !by_last_message, Few::Assignee),
        (query.team.is_some() && !by_last_message, Few::Team),
    ];
    for (asked, few) in narrow {
        if asked && few.count(readers, query).await? <= query.few as i64 {
            return Ok(Source::Few(few));
        }
    }
    Ok(Source::Index(match (by_last_message, query.assignee, query.team) {
        (true, Some(_), _) => Begins::Assignee,
        (true, None, Some(_)) => Begins::Team,
        _ => Begins::Status,
    }))
}

impl Few {
    /// The numbers of those that fit, and no more than can be sorted.
    fn ids(self, query: &Conversations, sql: &mut Sql) -> String {
        let account = sql.bind(&query.account);
        let (table, id, fits) = match self {
            Self::Contact => ("conversations", "no", sql.equal("contact_id", &query.contact)),
            Self::Label => ("conversation_labels", "conversation_no", sql.equal("label", &query.label)),
            Self::Channel => ("conversations", "no", sql.equal("channel_id", &query.channel)),
            Self::Team => ("conversations", "no", sql.equal("team_id", &query.team)),
            Self::Priority => {
                let statuses = statuses(query).iter().map(|status| sql.bind(status)).collect::<Vec<_>>();
                let among = format!("status in ({})", statuses.join(", "));
                ("conversations", "no", format!("{among} and {}", sql.equal("priority", &query.priority)))
            }
            Self::Updated => {
                let since = sql.bind(&query.updated_since);
                ("conversations", "no", format!("updated_at >= {since}"))
            }
            Self::Assignee => ("conversations", "no", assignee(query.assignee, sql)),
        };
        let most =
            if matches!(self, Self::Contact) { String::new() } else { format!(" limit {}", query.few + 1) };
        format!("select {id} as no from {table} where account_id = {account} and {fits}{most}")
    }

    async fn count(self, readers: &SqlitePool, query: &Conversations) -> Result<i64, DbError> {
        let mut sql = Sql::default();
        let ids = self.ids(query, &mut sql);
        let text = format!("select count(*) from ({ids}) as few");
        let row =
            sqlx::query_with(AssertSqlSafe(text), sql.values.into_arguments()).fetch_one(readers).await?;
        Columns::of(&row).take()
    }
}

fn assignee(whose: Option<Whose>, sql: &mut Sql) -> String {
    match whose {
        Some(Whose::Of(user)) => sql.equal("assignee_id", &user),
        Some(Whose::Nobodys) | None => "assignee_id is null".to_owned(),
    }
}

/// Every status, where none is named.
fn statuses(query: &Conversations) -> &[Status] {
    if query.statuses.is_empty() { Status::ALL } else { &query.statuses }
}

/// Numbered parameters, as they come up while a statement is put together.
#[derive(Default)]
struct Sql {
    values: Values,
    count: usize,
}

impl Sql {
    fn bind<T: Column>(&mut self, value: &T) -> String {
        self.values.put(value);
        self.count += 1;
        format!("${}", self.count)
    }
    fn equal<T: Column>(&mut self, column: &str, value: &T) -> String {
        format!("{column} = {}", self.bind(value))
    }
    /// A condition that no index is chosen for: the order of the list decides which index is walked.
    fn check(&mut self, condition: String) -> String {
        format!("case when {condition} then 1 else 0 end = 1")
    }
}

/// The part of a list that has the sort key, or the part that has not.
struct Part<'q> {
    query: &'q Conversations,
    source: &'q Source,
    keyless: bool,
    after: Option<Cursor>,
    wanted: usize,
}

impl Part<'_> {
    async fn read(self, readers: &SqlitePool) -> Result<Vec<ListedConversation>, DbError> {
        let mut sql = Sql::default();
        let page = match self.source {
            Source::Few(few) => self.among_few(*few, &mut sql),
            Source::Index(begins) => {
                let branches = statuses(self.query).iter();
                let branches: Vec<_> =
                    branches.map(|status| self.branch(*status, *begins, &mut sql)).collect();
                branches.join(" union all ")
            }
        };
        let (way, _) = self.query.sort.words();
        let reader = sql.bind(&self.query.reader);
        let columns =
            ConversationRow::COLUMNS.iter().map(|c| format!("c.{c}")).collect::<Vec<_>>().join(", ");
        let text = format!(
            "select {columns}, c.received_count - coalesce(s.received, 0)
             from (select no, k from ({page}) as branches order by k {way}, no {way} limit {}) as page
             cross join conversations c
             left join agent_seen s on s.conversation_no = c.no and s.agent_id = {reader}
             where c.no = page.no
             order by page.k {way}, page.no {way}",
            self.wanted
        );
        let rows =
            sqlx::query_with(AssertSqlSafe(text), sql.values.into_arguments()).fetch_all(readers).await?;
        rows.iter()
            .map(|row| {
                let unread: i64 = sqlx::Row::try_get(row, ConversationRow::COLUMNS.len())?;
                let unread = u32::try_from(unread).unwrap_or(0);
                Ok(ListedConversation { conversation: ConversationRow::take(row)?, unread })
            })
            .collect()
    }

    /// One status, in the order of an index.
    fn branch(&self, status: Status, begins: Begins, sql: &mut Sql) -> String {
        let (way, _) = self.query.sort.words();
        let key = self.key();
        let mut conditions = vec![sql.equal("account_id", &self.query.account), sql.equal("status", &status)];
        match begins {
            Begins::Status => {}
            Begins::Assignee => conditions.push(assignee(self.query.assignee, sql)),
            Begins::Team => conditions.push(sql.equal("team_id", &self.query.team)),
        }
        self.filters(Some(begins), sql, &mut conditions);
        self.position("no", sql, &mut conditions);
        format!(
            "select no, k from (select no, {key} as k from conversations where {} order by {key} {way}, no {way} limit {}) as s{}",
            conditions.join(" and "),
            self.wanted,
            status as u8,
        )
    }

    fn among_few(&self, few: Few, sql: &mut Sql) -> String {
        let ids = few.ids(self.query, sql);
        let mut conditions = vec!["c.no = few.no".to_owned(), sql.equal("account_id", &self.query.account)];
        if !self.query.statuses.is_empty() {
            let statuses: Vec<_> = self.query.statuses.iter().map(|status| sql.bind(status)).collect();
            conditions.push(format!("status in ({})", statuses.join(", ")));
        }
        self.filters(None, sql, &mut conditions);
        self.position("c.no", sql, &mut conditions);
        let key = self.key();
        format!(
            "select c.no, {key} as k from ({ids}) as few cross join conversations c where {}",
            conditions.join(" and ")
        )
    }

    fn key(&self) -> &'static str {
        if self.keyless { SortBy::LastMessage.column() } else { self.query.sort.by.column() }
    }

    fn position(&self, no: &str, sql: &mut Sql, conditions: &mut Vec<String>) {
        let by = self.query.sort.by;
        if self.keyless {
            conditions.push(sql.check(format!("{} is null", by.column())));
        } else if by.may_be_missing() {
            conditions.push(format!("{} is not null", by.column()));
        }
        if let Some(after) = self.after {
            let (_, beyond) = self.query.sort.words();
            let (key, last) = (sql.bind(&after.key), sql.bind(&(after.id.as_u128() as i64)));
            conditions.push(format!("({}, {no}) {beyond} ({key}, {last})", self.key()));
        }
    }

    /// The filters that the chosen index does not begin with.
    fn filters(&self, begins: Option<Begins>, sql: &mut Sql, conditions: &mut Vec<String>) {
        let query = self.query;
        let mut checks = Vec::new();
        if query.assignee.is_some() && begins != Some(Begins::Assignee) {
            checks.push(assignee(query.assignee, sql));
        }
        if query.team.is_some() && begins != Some(Begins::Team) {
            checks.push(sql.equal("team_id", &query.team));
        }
        if query.channel.is_some() {
            checks.push(sql.equal("channel_id", &query.channel));
        }
        if query.contact.is_some() {
            checks.push(sql.equal("contact_id", &query.contact));
        }
        if query.priority.is_some() {
            checks.push(sql.equal("priority", &query.priority));
        }
        if let Some(since) = query.updated_since {
            checks.push(format!("updated_at >= {}", sql.bind(&since)));
        }
        conditions.extend(checks.into_iter().map(|check| sql.check(check)));
        if query.label.is_some() {
            let (account, label) = (sql.bind(&query.account), sql.bind(&query.label));
            let own_no = if begins.is_some() { "conversations.no" } else { "c.no" };
            conditions.push(format!(
                "exists (select 1 from conversation_labels l
                  where l.account_id = {account} and l.label = {label} and l.conversation_no = {own_no})"
            ));
        }
    }
}
