//! Lists of conversations: filters, sorts, pages.
//!
//! A page is read in the order of an index, with one branch per status, and the branches are merged. Its cost depends
//! on the size of the page and not on the number of conversations. When few conversations match a filter, the
//! matching ones are read and sorted. When many match, the filter is checked while the index is scanned, and the scan
//! soon finds enough of them.

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

/// A filter by assignee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssigneeFilter {
    Unassigned,
    Agent(UserId),
}

/// The sort key of a list. Conversations without a value come last in either direction.
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
    /// The direction of the sort in SQL, and the comparison with the last row of the page before.
    fn direction(self) -> (&'static str, &'static str) {
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

/// The filters, the sort and the page of a list of conversations.
#[derive(Clone, Debug)]
pub struct Conversations {
    pub account: AccountId,
    /// The agent whose unread messages are counted.
    pub reader: Option<UserId>,
    /// Empty for every status.
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
    /// When at most this many rows match a filter, they are read and sorted; otherwise an index is scanned. The
    /// answer is the same.
    pub sort_at_most: usize,
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
            sort_at_most: 5000,
        }
    }
}

/// A conversation as the inbox shows it (requirement 000, section 1.1, and further fields that an inbox needs).
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "Conversation")]
pub struct ListedConversation {
    #[serde(flatten)]
    pub conversation: ConversationRow,
    /// The number of the customer's messages that the caller has not seen.
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
    let found = pages(readers, query, PagePart::read_rows).await?;
    Ok(Listed::of(found, query.limit, |listed| {
        let row = &listed.conversation;
        let key = query.sort.by.key(row);
        let fallback = row.last_message_at.as_micros();
        Cursor::new(query.sort.list(), key.is_none(), key.unwrap_or(fallback), number(row.seq))
    }))
}

/// The rows of a page and one row more: first the rows that have a sort key, then those that have none.
async fn pages<'q, T, F>(
    readers: &'q Readers,
    query: &'q Conversations,
    read: impl Fn(PagePart<'q>, &'q Readers) -> F,
) -> Result<Vec<T>, ListError>
where
    F: Future<Output = Result<Vec<T>, DbError>>,
{
    let after = query.after.map(|cursor| cursor.of_list(query.sort.list())).transpose()?;
    let source = choose_source(readers, query).await?;
    let wanted = query.limit.get() + 1;
    let mut found = Vec::new();
    if after.is_none_or(|cursor| !cursor.keyless) {
        found = read(PagePart { query, source, keyless: false, after, wanted }, readers).await?;
    }
    if found.len() < wanted && query.sort.by.may_be_missing() {
        let after = after.filter(|cursor| cursor.keyless);
        let wanted = wanted - found.len();
        found.extend(read(PagePart { query, source, keyless: true, after, wanted }, readers).await?);
    }
    Ok(found)
}

/// A page of conversations as JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListJson {
    /// A JSON array of conversations, each with the reader's `unread_count`.
    pub json: String,
    pub next: Option<Cursor>,
}

/// The separator between the rows of a page that is read as one value. JSON text never contains it.
const SEPARATOR: char = '\u{1e}';

/// A list of conversations as JSON that can be sent without decoding the rows.
pub async fn list_json(readers: &Readers, query: &Conversations) -> Result<ListJson, ListError> {
    let found = pages(readers, query, PagePart::read_json).await?;
    let mut json = String::with_capacity(found.iter().map(|line| line.text.len() + 24).sum::<usize>() + 2);
    json.push('[');
    for (index, line) in found.iter().take(query.limit.get()).enumerate() {
        let (unread, conversation) = line.text.split_once(' ').unwrap_or(("0", "{}"));
        let comma = if index == 0 { "" } else { "," };
        let rest = conversation.strip_prefix('{').unwrap_or(conversation);
        let unread = unread.parse::<u32>().unwrap_or(0);
        // Writing to a string cannot fail.
        let _infallible = write!(json, "{comma}{{\"unread_count\":{unread},{rest}");
    }
    json.push(']');
    let last = found.get(query.limit.get() - 1).filter(|_| found.len() > query.limit.get());
    let next = last.map(|line| Cursor::new(query.sort.list(), line.keyless, line.key, number(line.seq)));
    Ok(ListJson { json, next })
}

/// One row of a page that was read as one value.
struct JsonLine {
    keyless: bool,
    key: i64,
    seq: i64,
    /// The number of unread messages, a space, and the conversation's JSON.
    text: String,
}

impl JsonLine {
    fn of(text: &str, keyless: bool) -> Option<Self> {
        let mut parts = text.splitn(3, ' ');
        let (key, seq) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        Some(Self { keyless, key, seq, text: parts.next()?.to_owned() })
    }
}

/// A cursor of conversations has the conversation's number where other cursors have an id.
fn number(seq: i64) -> Uuid {
    Uuid::from_u128(seq as u128)
}

/// How the rows of a page are found.
#[derive(Clone, Copy)]
enum Source {
    /// By a filter that few conversations match; the matching ones are sorted.
    Filter(SelectiveFilter),
    /// By an index in the order of the list, whose first columns are account, status and this prefix.
    Index(IndexPrefix),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum IndexPrefix {
    Status,
    Assignee,
    Team,
    /// Unassigned conversations, in the order of the time since when the customer waits.
    Unassigned,
}

#[derive(Clone, Copy)]
enum SelectiveFilter {
    Contact,
    Label,
    Updated,
    Channel,
    Priority,
    Assignee,
    Team,
}

/// Chooses the filter that few conversations match, or else the index.
async fn choose_source(readers: &Readers, query: &Conversations) -> Result<Source, DbError> {
    if query.contact.is_some() {
        return Ok(Source::Filter(SelectiveFilter::Contact));
    }
    let by_last_message = query.sort.by == SortBy::LastMessage;
    let queue = query.assignee == Some(AssigneeFilter::Unassigned) && query.sort.by == SortBy::Unanswered;
    let filters = [
        (query.label.is_some(), SelectiveFilter::Label),
        (query.updated_since.is_some(), SelectiveFilter::Updated),
        (query.channel.is_some(), SelectiveFilter::Channel),
        (query.priority.is_some(), SelectiveFilter::Priority),
        (query.assignee.is_some() && !by_last_message && !queue, SelectiveFilter::Assignee),
        (query.team.is_some() && !by_last_message, SelectiveFilter::Team),
    ];
    for (is_set, filter) in filters {
        if is_set && filter.count(readers, query).await? <= query.sort_at_most as i64 {
            return Ok(Source::Filter(filter));
        }
    }
    Ok(Source::Index(match (by_last_message, query.assignee, query.team) {
        (true, Some(_), _) => IndexPrefix::Assignee,
        (true, None, Some(_)) => IndexPrefix::Team,
        _ if queue => IndexPrefix::Unassigned,
        _ => IndexPrefix::Status,
    }))
}

impl SelectiveFilter {
    /// The statement that selects the numbers of the matching conversations, at most one more than may be sorted.
    fn matching(self, query: &Conversations, sql: &mut Sql) -> String {
        let account = sql.bind(&query.account);
        let (table, id, condition) = match self {
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
        let most = if matches!(self, Self::Contact) {
            String::new()
        } else {
            format!(" limit {}", query.sort_at_most + 1)
        };
        format!("select {id} as seq from {table} where account_id = {account} and {condition}{most}")
    }

    async fn count(self, readers: &Readers, query: &Conversations) -> Result<i64, DbError> {
        let mut sql = Sql::default();
        let ids = self.matching(query, &mut sql);
        let text = format!("select count(*) from ({ids}) as few");
        let row = readers.fetch_one(AssertSqlSafe(text), sql.values).await?;
        Columns::of(&row).take()
    }
}

fn assignee(filter: Option<AssigneeFilter>, sql: &mut Sql) -> String {
    match filter {
        Some(AssigneeFilter::Agent(user)) => sql.equal("assignee_id", &user),
        Some(AssigneeFilter::Unassigned) | None => "assignee_id is null".to_owned(),
    }
}

/// The statuses of the query without repetitions; every status when the query names none.
fn statuses(query: &Conversations) -> Vec<Status> {
    let wanted = if query.statuses.is_empty() { Status::ALL } else { &query.statuses };
    Status::ALL.iter().copied().filter(|status| wanted.contains(status)).collect()
}

/// The numbered parameters of a statement that is being built.
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
    /// A condition in a form for which the engine does not choose an index: the index must be the one in the order of
    /// the list.
    fn check(&mut self, condition: String) -> String {
        format!("case when {condition} then 1 else 0 end = 1")
    }
}

/// The number of a conversation's messages that the reader has not seen.
const UNREAD: &str = "c.received_count - coalesce(s.received, 0)";

/// A part of a page: the rows with a sort key, or the rows without one.
struct PagePart<'q> {
    query: &'q Conversations,
    source: Source,
    keyless: bool,
    after: Option<Cursor>,
    wanted: usize,
}

impl PagePart<'_> {
    /// Reads the rows as columns.
    async fn read_rows(self, readers: &Readers) -> Result<Vec<ListedConversation>, DbError> {
        let mut sql = Sql::default();
        let page = self.page(&mut sql);
        let (direction, _) = self.query.sort.direction();
        let columns =
            ConversationRow::COLUMNS.iter().map(|c| format!("c.{c}")).collect::<Vec<_>>().join(", ");
        let text = format!(
            "select {columns}, {UNREAD} from {page} order by page.k {direction}, page.seq {direction}"
        );
        let rows = readers.fetch_all(AssertSqlSafe(text), sql.values).await?;
        rows.iter()
            .map(|row| {
                let unread: i64 = row.number(ConversationRow::COLUMNS.len())?;
                let unread = u32::try_from(unread).unwrap_or(0);
                Ok(ListedConversation { conversation: ConversationRow::take(row)?, unread })
            })
            .collect()
    }

    /// Reads the JSON of all rows as one value, because fetching each row costs more than finding it.
    async fn read_json(self, readers: &Readers) -> Result<Vec<JsonLine>, DbError> {
        let mut sql = Sql::default();
        let page = self.page(&mut sql);
        let (direction, _) = self.query.sort.direction();
        let separator = sql.bind(&SEPARATOR.to_string());
        let text = format!(
            "select string_agg(
                 cast(page.k as text) || ' ' || cast(page.seq as text) || ' ' ||
                 cast({UNREAD} as text) || ' ' || c.list_json,
                 {separator} order by page.k {direction}, page.seq {direction})
             from {page}"
        );
        let row = readers.fetch_one(AssertSqlSafe(text), sql.values).await?;
        let lines = if row.is_null(0)? { None } else { Some(row.text(0)?) };
        let lines = lines.into_iter().flat_map(|lines| lines.split(SEPARATOR));
        Ok(lines.filter_map(|line| JsonLine::of(line, self.keyless)).collect())
    }

    /// The part of the statement that selects the conversations of the page, and how many messages the reader has
    /// seen of each.
    fn page(&self, sql: &mut Sql) -> String {
        let page = match self.source {
            Source::Filter(filter) => self.filtered(filter, sql),
            Source::Index(prefix) => {
                let branches = statuses(self.query).into_iter();
                let branches: Vec<_> = branches.map(|status| self.branch(status, prefix, sql)).collect();
                branches.join(" union all ")
            }
        };
        let (direction, _) = self.query.sort.direction();
        let reader = sql.bind(&self.query.reader);
        format!(
            "(select seq, k from ({page}) as branches order by k {direction}, seq {direction} limit {}) as page
             cross join conversations c
             left join agent_seen s on s.conversation_seq = c.seq and s.agent_id = {reader}
             where c.seq = page.seq",
            self.wanted
        )
    }

    /// The conversations of one status, in the order of an index.
    fn branch(&self, status: Status, prefix: IndexPrefix, sql: &mut Sql) -> String {
        let (direction, _) = self.query.sort.direction();
        let key = self.key();
        let mut conditions = vec![sql.equal("account_id", &self.query.account), sql.equal("status", &status)];
        match prefix {
            IndexPrefix::Status => {}
            IndexPrefix::Assignee | IndexPrefix::Unassigned => {
                conditions.push(assignee(self.query.assignee, sql))
            }
            IndexPrefix::Team => conditions.push(sql.equal("team_id", &self.query.team)),
        }
        self.filters(Some(prefix), sql, &mut conditions);
        self.after_cursor("seq", sql, &mut conditions);
        format!(
            "select seq, k from (select seq, {key} as k from conversations where {} order by {key} {direction}, seq {direction} limit {}) as s{}",
            conditions.join(" and "),
            self.wanted,
            status as u8,
        )
    }

    /// The conversations that match a filter, in no order.
    fn filtered(&self, filter: SelectiveFilter, sql: &mut Sql) -> String {
        let ids = filter.matching(self.query, sql);
        let mut conditions = vec!["c.seq = few.seq".to_owned(), sql.equal("account_id", &self.query.account)];
        if !self.query.statuses.is_empty() {
            let statuses: Vec<_> = self.query.statuses.iter().map(|status| sql.bind(status)).collect();
            conditions.push(format!("status in ({})", statuses.join(", ")));
        }
        self.filters(None, sql, &mut conditions);
        self.after_cursor("c.seq", sql, &mut conditions);
        let key = self.key();
        format!(
            "select c.seq, {key} as k from ({ids}) as few cross join conversations c where {}",
            conditions.join(" and ")
        )
    }

    fn key(&self) -> &'static str {
        if self.keyless { SortBy::LastMessage.column() } else { self.query.sort.by.column() }
    }

    /// Adds the conditions that select the rows with or without a sort key, after the last row of the page before.
    fn after_cursor(&self, seq: &str, sql: &mut Sql, conditions: &mut Vec<String>) {
        let by = self.query.sort.by;
        if self.keyless {
            conditions.push(sql.check(format!("{} is null", by.column())));
        } else if by.may_be_missing() {
            conditions.push(format!("{} is not null", by.column()));
        }
        if let Some(after) = self.after {
            let (_, comparison) = self.query.sort.direction();
            let (key, last) = (sql.bind(&after.key), sql.bind(&(after.id.as_u128() as i64)));
            conditions.push(format!("({}, {seq}) {comparison} ({key}, {last})", self.key()));
        }
    }

    /// Adds the filters that are not part of the chosen index's prefix.
    fn filters(&self, prefix: Option<IndexPrefix>, sql: &mut Sql, conditions: &mut Vec<String>) {
        let query = self.query;
        let mut checks = Vec::new();
        if query.assignee.is_some()
            && !matches!(prefix, Some(IndexPrefix::Assignee | IndexPrefix::Unassigned))
        {
            checks.push(assignee(query.assignee, sql));
        }
        if query.team.is_some() && prefix != Some(IndexPrefix::Team) {
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
            let own_seq = if prefix.is_some() { "conversations.seq" } else { "c.seq" };
            conditions.push(format!(
                "exists (select 1 from conversation_labels l
                  where l.account_id = {account} and l.label = {label} and l.conversation_seq = {own_seq})"
            ));
        }
    }
}
