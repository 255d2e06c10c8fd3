//! Lists of conversations: filters, sorts, pages.
//!
//! A page is read in the order of an index, one branch per status, and merged: it costs what it shows,
//! however many conversations there are. A filter that few conversations fit is asked first, and those few
//! are sorted; one that many fit is checked while walking the index, which meets enough of them soon.

use super::{Cursor, Limit, ListError, Listed};
use crate::read_models::inbox::ConversationRow;
use event_schemas::message::{Priority, Status};
use event_schemas::{AccountId, ChannelId, ContactId, ConversationId, TeamId, Timestamp, UserId};
use follower::db::{AssertSqlSafe, DbError, Readers};
use follower::table::{Column, Columns, Row, Values, columns_of};
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt::Write;
use std::future::Future;
use uuid::Uuid;

/// Which assignee's conversations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssigneeFilter {
    Unassigned,
    Agent(UserId),
}

/// The time by which a list is sorted. Conversations without it come last in either direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortBy {
    LastMessage,
    Created,
    Priority,
    Unanswered,
    SlaDue,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    pub by: SortBy,
    pub descending: bool,
}

impl Sort {
    pub const ALL_BY: [SortBy; 5] =
        [SortBy::LastMessage, SortBy::Created, SortBy::Priority, SortBy::Unanswered, SortBy::SlaDue];

    /// The list a cursor belongs to.
    fn list(self) -> u32 {
        2 * self.by as u32 + u32::from(self.descending)
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
            Self::Unanswered => "unanswered_since",
            Self::SlaDue => "sla_due_at",
        }
    }
    const fn may_be_missing(self) -> bool {
        matches!(self, Self::Unanswered | Self::SlaDue)
    }
    fn key(self, row: &ConversationRow) -> Option<i64> {
        match self {
            Self::LastMessage => Some(row.last_message_at.as_micros()),
            Self::Created => Some(row.created_at.as_micros()),
            Self::Priority => Some(row.priority.rank()),
            Self::Unanswered => row.unanswered_since.map(Timestamp::as_micros),
            Self::SlaDue => row.sla_due_at.map(Timestamp::as_micros),
        }
    }
}

/// Which conversations, in what order, from where.
#[derive(Clone, Debug)]
pub struct Conversations {
    pub account: AccountId,
    /// The agent whose unread messages are counted.
    pub reader: Option<UserId>,
    /// Empty: every status.
    pub statuses: Vec<Status>,
    pub assignee: Option<AssigneeFilter>,
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

/// A conversation as the inbox shows it (requirement 000, section 1.1, and what an inbox needs besides).
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "Conversation")]
pub struct ListedConversation {
    #[serde(flatten)]
    pub conversation: ConversationRow,
    /// How many of the customer's messages the caller has not seen.
    #[serde(rename = "unread_count")]
    pub unread: u32,
}

/// A conversation. `None` when the account has no such conversation.
pub async fn find(
    readers: &Readers,
    account: AccountId,
    id: ConversationId,
    reader: Option<UserId>,
) -> Result<Option<ListedConversation>, DbError> {
    let values = Values::default().with(&id).with(&account).with(&reader);
    let sql = format!(
        "select {}, (select received from agent_seen where conversation_seq = seq and agent_id = $3)
         from conversations where id = $1 and account_id = $2",
        columns_of::<ConversationRow>()
    );
    let Some(row) = readers.fetch_optional(AssertSqlSafe(sql), values).await? else { return Ok(None) };
    let conversation = ConversationRow::take(&row)?;
    let seen: Option<u32> = Columns::after(&row, ConversationRow::COLUMNS.len()).take()?;
    let unread = conversation.received_count.saturating_sub(seen.unwrap_or(0));
    Ok(Some(ListedConversation { conversation, unread }))
}

/// A list of conversations.
pub async fn list(readers: &Readers, query: &Conversations) -> Result<Listed<ListedConversation>, ListError> {
    let found = pages(readers, query, Part::read_rows).await?;
    Ok(Listed::of(found, query.limit, |listed| {
        let row = &listed.conversation;
        let key = query.sort.by.key(row);
        let fallback = row.last_message_at.as_micros();
        Cursor::new(query.sort.list(), key.is_none(), key.unwrap_or(fallback), number(row.seq))
    }))
}

/// One row more than a page holds: first those that have the sort key, then those that have not.
async fn pages<'q, T, F>(
    readers: &'q Readers,
    query: &'q Conversations,
    read: impl Fn(Part<'q>, &'q Readers) -> F,
) -> Result<Vec<T>, ListError>
where
    F: Future<Output = Result<Vec<T>, DbError>>,
{
    let after = query.after.map(|cursor| cursor.of_list(query.sort.list())).transpose()?;
    let source = choose(readers, query).await?;
    let wanted = query.limit.get() + 1;
    let mut found = Vec::new();
    if after.is_none_or(|cursor| !cursor.keyless) {
        found = read(Part { query, source, keyless: false, after, wanted }, readers).await?;
    }
    if found.len() < wanted && query.sort.by.may_be_missing() {
        let after = after.filter(|cursor| cursor.keyless);
        let wanted = wanted - found.len();
        found.extend(read(Part { query, source, keyless: true, after, wanted }, readers).await?);
    }
    Ok(found)
}

/// A page of conversations as the JSON that a list shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListJson {
    /// A JSON array: each conversation with the reader's `unread_count`.
    pub json: String,
    pub next: Option<Cursor>,
}

/// Between the rows of a page that comes as one value. JSON never holds it.
const BETWEEN: char = '\u{1e}';

/// A list of conversations, ready to be sent.
pub async fn list_json(readers: &Readers, query: &Conversations) -> Result<ListJson, ListError> {
    let found = Lines(pages(readers, query, Part::read_json).await?);
    let mut json = String::with_capacity(found.0.iter().map(|line| line.text.len() + 24).sum::<usize>() + 2);
    json.push('[');
    for (place, line) in found.0.iter().take(query.limit.get()).enumerate() {
        let (unread, conversation) = line.text.split_once(' ').unwrap_or(("0", "{}"));
        let comma = if place == 0 { "" } else { "," };
        let rest = conversation.strip_prefix('{').unwrap_or(conversation);
        let unread = unread.parse::<u32>().unwrap_or(0);
        // Writing to a string cannot fail.
        let _infallible = write!(json, "{comma}{{\"unread_count\":{unread},{rest}");
    }
    json.push(']');
    let last = found.0.get(query.limit.get() - 1).filter(|_| found.0.len() > query.limit.get());
    let next = last.map(|line| Cursor::new(query.sort.list(), line.keyless, line.key, number(line.seq)));
    Ok(ListJson { json, next })
}

/// One row of a page that came as one value.
struct Line {
    keyless: bool,
    key: i64,
    seq: i64,
    /// How many messages are unread, a space, the conversation.
    text: String,
}

struct Lines(Vec<Line>);

impl Line {
    fn of(text: &str, keyless: bool) -> Option<Self> {
        let mut parts = text.splitn(3, ' ');
        let (key, seq) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        Some(Self { keyless, key, seq, text: parts.next()?.to_owned() })
    }
}

/// A cursor holds a conversation's number where others hold an id.
fn number(seq: i64) -> Uuid {
    Uuid::from_u128(seq as u128)
}

/// Where the rows of a page come from.
#[derive(Clone, Copy)]
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
    /// The queue: unassigned conversations, by how long the customer has waited.
    Unassigned,
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

async fn choose(readers: &Readers, query: &Conversations) -> Result<Source, DbError> {
    if query.contact.is_some() {
        return Ok(Source::Few(Few::Contact));
    }
    let by_last_message = query.sort.by == SortBy::LastMessage;
    let queue = query.assignee == Some(AssigneeFilter::Unassigned) && query.sort.by == SortBy::Unanswered;
    let narrow = [
        (query.label.is_some(), Few::Label),
        (query.updated_since.is_some(), Few::Updated),
        (query.channel.is_some(), Few::Channel),
        (query.priority.is_some(), Few::Priority),
        (query.assignee.is_some() && !by_last_message && !queue, Few::Assignee),
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
        _ if queue => Begins::Unassigned,
        _ => Begins::Status,
    }))
}

impl Few {
    /// The numbers of those that fit, and no more than can be sorted.
    fn ids(self, query: &Conversations, sql: &mut Sql) -> String {
        let account = sql.bind(&query.account);
        let (table, id, fits) = match self {
            Self::Contact => ("conversations", "seq", sql.equal("contact_id", &query.contact)),
            Self::Label => ("conversation_labels", "conversation_seq", sql.equal("label", &query.label)),
            Self::Channel => ("conversations", "seq", sql.equal("channel_id", &query.channel)),
            Self::Team => ("conversations", "seq", sql.equal("team_id", &query.team)),
            Self::Priority => {
                let statuses = statuses(query).iter().map(|status| sql.bind(status)).collect::<Vec<_>>();
                let among = format!("status in ({})", statuses.join(", "));
                ("conversations", "seq", format!("{among} and {}", sql.equal("priority", &query.priority)))
            }
            Self::Updated => {
                let since = sql.bind(&query.updated_since);
                ("conversations", "seq", format!("updated_at >= {since}"))
            }
            Self::Assignee => ("conversations", "seq", assignee(query.assignee, sql)),
        };
        let most =
            if matches!(self, Self::Contact) { String::new() } else { format!(" limit {}", query.few + 1) };
        format!("select {id} as seq from {table} where account_id = {account} and {fits}{most}")
    }

    async fn count(self, readers: &Readers, query: &Conversations) -> Result<i64, DbError> {
        let mut sql = Sql::default();
        let ids = self.ids(query, &mut sql);
        let text = format!("select count(*) from ({ids}) as few");
        let row = readers.fetch_one(AssertSqlSafe(text), sql.values).await?;
        Columns::of(&row).take()
    }
}

fn assignee(whose: Option<AssigneeFilter>, sql: &mut Sql) -> String {
    match whose {
        Some(AssigneeFilter::Agent(user)) => sql.equal("assignee_id", &user),
        Some(AssigneeFilter::Unassigned) | None => "assignee_id is null".to_owned(),
    }
}

/// Every status, where none is named; each once, however often it is named.
fn statuses(query: &Conversations) -> Vec<Status> {
    let asked = if query.statuses.is_empty() { Status::ALL } else { &query.statuses };
    Status::ALL.iter().copied().filter(|status| asked.contains(status)).collect()
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

/// How many of a conversation's messages its reader has not seen.
const UNREAD: &str = "c.received_count - coalesce(s.received, 0)";

/// The part of a list that has the sort key, or the part that has not.
struct Part<'q> {
    query: &'q Conversations,
    source: Source,
    keyless: bool,
    after: Option<Cursor>,
    wanted: usize,
}

impl Part<'_> {
    /// The rows, column by column.
    async fn read_rows(self, readers: &Readers) -> Result<Vec<ListedConversation>, DbError> {
        let mut sql = Sql::default();
        let page = self.page(&mut sql);
        let (way, _) = self.query.sort.words();
        let columns =
            ConversationRow::COLUMNS.iter().map(|c| format!("c.{c}")).collect::<Vec<_>>().join(", ");
        let text = format!("select {columns}, {UNREAD} from {page} order by page.k {way}, page.seq {way}");
        let rows = readers.fetch_all(AssertSqlSafe(text), sql.values).await?;
        rows.iter()
            .map(|row| {
                let unread: i64 = row.number(ConversationRow::COLUMNS.len())?;
                let unread = u32::try_from(unread).unwrap_or(0);
                Ok(ListedConversation { conversation: ConversationRow::take(row)?, unread })
            })
            .collect()
    }

    /// The JSON of the rows as one value: to hand over a row costs more than to find it.
    async fn read_json(self, readers: &Readers) -> Result<Vec<Line>, DbError> {
        let mut sql = Sql::default();
        let page = self.page(&mut sql);
        let (way, _) = self.query.sort.words();
        let between = sql.bind(&BETWEEN.to_string());
        let text = format!(
            "select string_agg(
                 cast(page.k as text) || ' ' || cast(page.seq as text) || ' ' ||
                 cast({UNREAD} as text) || ' ' || c.list_json,
                 {between} order by page.k {way}, page.seq {way})
             from {page}"
        );
        let row = readers.fetch_one(AssertSqlSafe(text), sql.values).await?;
        let lines = if row.is_null(0)? { None } else { Some(row.text(0)?) };
        let lines = lines.into_iter().flat_map(|lines| lines.split(BETWEEN));
        Ok(lines.filter_map(|line| Line::of(line, self.keyless)).collect())
    }

    /// The conversations of the page, with what their reader has seen of them.
    fn page(&self, sql: &mut Sql) -> String {
        let page = match self.source {
            Source::Few(few) => self.among_few(few, sql),
            Source::Index(begins) => {
                let branches = statuses(self.query).into_iter();
                let branches: Vec<_> = branches.map(|status| self.branch(status, begins, sql)).collect();
                branches.join(" union all ")
            }
        };
        let (way, _) = self.query.sort.words();
        let reader = sql.bind(&self.query.reader);
        format!(
            "(select seq, k from ({page}) as branches order by k {way}, seq {way} limit {}) as page
             cross join conversations c
             left join agent_seen s on s.conversation_seq = c.seq and s.agent_id = {reader}
             where c.seq = page.seq",
            self.wanted
        )
    }

    /// One status, in the order of an index.
    fn branch(&self, status: Status, begins: Begins, sql: &mut Sql) -> String {
        let (way, _) = self.query.sort.words();
        let key = self.key();
        let mut conditions = vec![sql.equal("account_id", &self.query.account), sql.equal("status", &status)];
        match begins {
            Begins::Status => {}
            Begins::Assignee | Begins::Unassigned => conditions.push(assignee(self.query.assignee, sql)),
            Begins::Team => conditions.push(sql.equal("team_id", &self.query.team)),
        }
        self.filters(Some(begins), sql, &mut conditions);
        self.position("seq", sql, &mut conditions);
        format!(
            "select seq, k from (select seq, {key} as k from conversations where {} order by {key} {way}, seq {way} limit {}) as s{}",
            conditions.join(" and "),
            self.wanted,
            status as u8,
        )
    }

    fn among_few(&self, few: Few, sql: &mut Sql) -> String {
        let ids = few.ids(self.query, sql);
        let mut conditions = vec!["c.seq = few.seq".to_owned(), sql.equal("account_id", &self.query.account)];
        if !self.query.statuses.is_empty() {
            let statuses: Vec<_> = self.query.statuses.iter().map(|status| sql.bind(status)).collect();
            conditions.push(format!("status in ({})", statuses.join(", ")));
        }
        self.filters(None, sql, &mut conditions);
        self.position("c.seq", sql, &mut conditions);
        let key = self.key();
        format!(
            "select c.seq, {key} as k from ({ids}) as few cross join conversations c where {}",
            conditions.join(" and ")
        )
    }

    fn key(&self) -> &'static str {
        if self.keyless { SortBy::LastMessage.column() } else { self.query.sort.by.column() }
    }

    fn position(&self, seq: &str, sql: &mut Sql, conditions: &mut Vec<String>) {
        let by = self.query.sort.by;
        if self.keyless {
            conditions.push(sql.check(format!("{} is null", by.column())));
        } else if by.may_be_missing() {
            conditions.push(format!("{} is not null", by.column()));
        }
        if let Some(after) = self.after {
            let (_, beyond) = self.query.sort.words();
            let (key, last) = (sql.bind(&after.key), sql.bind(&(after.id.as_u128() as i64)));
            conditions.push(format!("({}, {seq}) {beyond} ({key}, {last})", self.key()));
        }
    }

    /// The filters that the chosen index does not begin with.
    fn filters(&self, begins: Option<Begins>, sql: &mut Sql, conditions: &mut Vec<String>) {
        let query = self.query;
        let mut checks = Vec::new();
        if query.assignee.is_some() && !matches!(begins, Some(Begins::Assignee | Begins::Unassigned)) {
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
            let own_no = if begins.is_some() { "conversations.seq" } else { "c.seq" };
            conditions.push(format!(
                "exists (select 1 from conversation_labels l
                  where l.account_id = {account} and l.label = {label} and l.conversation_seq = {own_no})"
            ));
        }
    }
}
