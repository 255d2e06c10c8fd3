//! Lists of conversations: filters, sorts, pages.
//!
//! A page is read in the order of an index, with one branch per status, and the branches are merged. Its cost depends
//! on the size of the page and not on the number of conversations. When few conversations match a filter, the
//! matching ones are read and sorted. When many match, the filter is checked while the index is scanned, and the scan
//! soon finds enough of them.
//!
//! Conversations move in the list while an agent reads it page by page: a customer who writes again comes to its top, past the
//! reader. So that no reader misses them, the cursor says which change was the newest when the first page was read, and
//! the conversations that changed since then follow after the last page, in the order of their changes. A row may
//! come twice; the later one is the newer.

use super::filter::{Viewer, condition};
use super::sql::Sql;
use super::{Cursor, InvalidCursor, Limit, ListError, Listed};
use crate::read_models::inbox::ConversationRow;
use event_schemas::message::{Priority, Status};
use event_schemas::view_filter::{AssigneeIs, TeamIs, ViewFilter};
use event_schemas::{AccountId, ChannelId, ContactId, ConversationId, TeamId, Timestamp, UserId};
use follower::db::{AssertSqlSafe, DbError, Engine, Readers};
use follower::table::{Columns, Row, Values, columns_of};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::HashMap;
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

    /// The list a cursor belongs to: the list in its order, or the changes that follow it.
    fn list(self, part: Part) -> u32 {
        let order = 2 * self.by as u32 + u32::from(self.descending);
        if part == Part::Changed { CHANGED + order } else { order }
    }
    /// The part of this sort's list that a cursor ends in.
    fn part_of(self, cursor: Cursor) -> Result<Part, InvalidCursor> {
        let part = match (cursor.list >= CHANGED, cursor.keyless) {
            (true, _) => Part::Changed,
            (false, true) => Part::Keyless,
            (false, false) => Part::Keyed,
        };
        cursor.of_list(self.list(part)).map(|_| part)
    }
}

/// Added to the number of a sort's list for the changes that follow it. There are fewer sorts.
const CHANGED: u32 = 16;

/// The parts of a list, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// The conversations that have the sort key.
    Keyed,
    /// The conversations without the key, by their last message.
    Keyless,
    /// The conversations that changed while the list was read.
    Changed,
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
    /// A filter of several conditions. Set it with [`Conversations::filtered_by`].
    pub filter: Option<ViewFilter>,
    /// The time from which the filter counts back.
    pub now: Timestamp,
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
            filter: None,
            now: Timestamp::from_micros(0),
            sort: Sort::default(),
            limit: Limit::default(),
            after: None,
            sort_at_most: 5000,
        }
    }

    /// With this filter at this time. A condition that every conversation of the list meets chooses its index, too: the
    /// reader must have been set.
    pub fn filtered_by(mut self, filter: ViewFilter, now: Timestamp) -> Self {
        let all = match &filter {
            ViewFilter::All(all) => all.as_slice(),
            one => std::slice::from_ref(one),
        };
        for condition in all {
            match condition {
                ViewFilter::Status(statuses) if self.statuses.is_empty() => {
                    self.statuses.clone_from(statuses)
                }
                ViewFilter::Assignee(assignees) if self.assignee.is_none() => {
                    self.assignee = match assignees[..] {
                        [AssigneeIs::None] => Some(AssigneeFilter::Unassigned),
                        [AssigneeIs::Agent(user)] => Some(AssigneeFilter::Agent(user)),
                        [AssigneeIs::Me] => self.reader.map(AssigneeFilter::Agent),
                        _ => None,
                    };
                }
                ViewFilter::Team(teams) if self.team.is_none() => {
                    if let [TeamIs::Team(team)] = teams[..] {
                        self.team = Some(team);
                    }
                }
                ViewFilter::Channel(channels) if self.channel.is_none() => {
                    if let [channel] = channels[..] {
                        self.channel = Some(channel);
                    }
                }
                ViewFilter::Label(labels) if self.label.is_none() => {
                    if let [label] = &labels[..] {
                        self.label = Some(label.clone());
                    }
                }
                ViewFilter::Priority(priorities) if self.priority.is_none() => {
                    if let [priority] = priorities[..] {
                        self.priority = Some(priority);
                    }
                }
                _ => {}
            }
        }
        Self { filter: Some(filter), now, ..self }
    }
}

/// A conversation as the inbox shows it (requirement 000, section 1.1, and further fields that an inbox needs).
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "Conversation")]
pub struct ListedConversation {
    #[serde(flatten)]
    pub conversation: ConversationRow,
    /// The name of `unanswered_since` in earlier versions.
    pub waiting_since: Option<Timestamp>,
    /// The number of the customer's messages that the caller has not seen.
    #[serde(rename = "unread_count")]
    pub unread: u32,
}

impl ListedConversation {
    pub fn new(conversation: ConversationRow, unread: u32) -> Self {
        Self { waiting_since: conversation.unanswered_since, conversation, unread }
    }
}

/// A conversation as [`pushed_rows`] gives it: the JSON that is stored with the row, which no reader's unread messages
/// are in.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PushedConversation {
    #[serde(flatten)]
    pub conversation: ConversationRow,
    /// The name of `unanswered_since` in earlier versions.
    pub waiting_since: Option<Timestamp>,
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
    Ok(Some(ListedConversation::new(conversation, unread)))
}

/// The conversations that one statement looks up. The sizes are few, so that few statements are prepared.
const LOOKUP_SIZES: [usize; 3] = [1, 10, 100];

/// A conversation as pushes show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushedRow {
    pub channel_id: ChannelId,
    pub contact_id: ContactId,
    /// The row as JSON, without unread messages.
    pub json: String,
}

/// The rows of these conversations. One that does not exist is not among them.
pub async fn pushed_rows(
    readers: &Readers,
    ids: &[ConversationId],
) -> Result<HashMap<ConversationId, PushedRow>, DbError> {
    let mut found = HashMap::with_capacity(ids.len());
    for ids in ids.chunks(LOOKUP_SIZES[LOOKUP_SIZES.len() - 1]) {
        let size = LOOKUP_SIZES.into_iter().find(|size| *size >= ids.len()).unwrap_or(ids.len());
        let mut values = Values::default();
        for position in 0..size {
            values.put(ids.get(position).or(ids.last()).unwrap_or(&ids[0]));
        }
        let places: Vec<String> = (1..=size).map(|number| format!("${number}")).collect();
        let sql = format!(
            "select id, channel_id, contact_id, list_json from conversations where id in ({})",
            places.join(", ")
        );
        for row in readers.fetch_all(AssertSqlSafe(sql), values).await? {
            let mut columns = Columns::of(&row);
            let id = columns.take()?;
            let row =
                PushedRow { channel_id: columns.take()?, contact_id: columns.take()?, json: columns.take()? };
            found.insert(id, row);
        }
    }
    Ok(found)
}

/// A list of conversations.
pub async fn list(readers: &Readers, query: &Conversations) -> Result<Listed<ListedConversation>, ListError> {
    let found = Page::read(readers, query, PagePart::read_rows).await?;
    let next = found.next(query);
    let rows = found.lines.into_iter().take(query.limit.get()).map(|line| line.content).collect();
    Ok(Listed { rows, next })
}

/// The number of conversations of a list. More than `most` are not counted.
pub async fn count(readers: &Readers, query: &Conversations, most: usize) -> Result<usize, DbError> {
    // Conversations without a sort key count too: each has a last message.
    let query = Conversations { sort: Sort::default(), after: None, ..query.clone() };
    let source = choose_source(readers, &query).await?;
    let engine = readers.engine();
    let part =
        PagePart { query: &query, engine, source, part: Part::Keyed, after: None, begun: 0, wanted: most };
    let mut sql = Sql::default();
    let matching = part.matching(&mut sql);
    let text = format!("select count(*) from (select seq from ({matching}) as found limit {most}) as few");
    let row = readers.fetch_one(AssertSqlSafe(text), sql.values).await?;
    let counted: i64 = Columns::of(&row).take()?;
    Ok(usize::try_from(counted).unwrap_or(0))
}

/// A row of a page, and where in the list it is.
struct Line<T> {
    part: Part,
    key: i64,
    seq: i64,
    content: T,
}

/// The lines that a part of a page has, and the newest change at the moment at which they were read.
struct Lines<T> {
    lines: Vec<Line<T>>,
    newest: i64,
}

/// The rows of a page and one row more, which only shows that there is a next page.
struct Page<T> {
    lines: Vec<Line<T>>,
    /// The newest change when the first page of the list was read.
    begun: i64,
}

impl<T> Page<T> {
    /// First the rows that have a sort key, then those that have none, then those that changed since the first page.
    async fn read<'q, F>(
        readers: &'q Readers,
        query: &'q Conversations,
        read: impl Fn(PagePart<'q>, &'q Readers) -> F,
    ) -> Result<Self, ListError>
    where
        F: Future<Output = Result<Lines<T>, DbError>>,
    {
        let after = match query.after {
            None => None,
            Some(cursor) => Some((query.sort.part_of(cursor)?, cursor)),
        };
        let source = choose_source(readers, query).await?;
        let engine = readers.engine();
        let wanted = query.limit.get() + 1;
        let mut page = Self { lines: Vec::new(), begun: after.map_or(0, |(_, cursor)| cursor.begun) };
        for part in [Part::Keyed, Part::Keyless, Part::Changed] {
            let exists = match part {
                Part::Keyed => true,
                Part::Keyless => query.sort.by.may_be_missing(),
                // What is read in one page does not move meanwhile.
                Part::Changed => after.is_some(),
            };
            let is_passed = after.is_some_and(|(last, _)| part < last);
            if !exists || is_passed || page.lines.len() == wanted {
                continue;
            }
            let after = after.filter(|(last, _)| *last == part).map(|(_, cursor)| cursor);
            let wanted = wanted - page.lines.len();
            let begun = page.begun;
            let found = read(PagePart { query, engine, source, part, after, begun, wanted }, readers).await?;
            if query.after.is_none() && part == Part::Keyed {
                page.begun = found.newest;
            }
            page.lines.extend(found.lines);
        }
        Ok(page)
    }

    fn next(&self, query: &Conversations) -> Option<Cursor> {
        let last = self.lines.get(query.limit.get() - 1).filter(|_| self.lines.len() > query.limit.get())?;
        let list = query.sort.list(last.part);
        Some(Cursor::new(list, last.part == Part::Keyless, last.key, number(last.seq)).begun_at(self.begun))
    }
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
    let found = Page::read(readers, query, PagePart::read_json).await?;
    let mut json =
        String::with_capacity(found.lines.iter().map(|line| line.content.len() + 24).sum::<usize>() + 2);
    json.push('[');
    for (index, line) in found.lines.iter().take(query.limit.get()).enumerate() {
        let (unread, conversation) = line.content.split_once(' ').unwrap_or(("0", "{}"));
        let comma = if index == 0 { "" } else { "," };
        let rest = conversation.strip_prefix('{').unwrap_or(conversation);
        let unread = unread.parse::<u32>().unwrap_or(0);
        // Writing to a string cannot fail.
        let _infallible = write!(json, "{comma}{{\"unread_count\":{unread},{rest}");
    }
    json.push(']');
    Ok(ListJson { json, next: found.next(query) })
}

impl Line<String> {
    /// A line of a page that was read as one value. Its content is the number of unread messages, a space, and the
    /// conversation's JSON.
    fn of(text: &str, part: Part) -> Option<Self> {
        let mut parts = text.splitn(3, ' ');
        let (key, seq) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        Some(Self { part, key, seq, content: parts.next()?.to_owned() })
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
pub(super) fn statuses(query: &Conversations) -> Vec<Status> {
    let wanted = if query.statuses.is_empty() { Status::ALL } else { &query.statuses };
    Status::ALL.iter().copied().filter(|status| wanted.contains(status)).collect()
}

/// The number of a conversation's messages that the reader has not seen.
pub(super) const UNREAD: &str = "c.received_count - coalesce(s.received, 0)";

/// A part of a page.
struct PagePart<'q> {
    query: &'q Conversations,
    engine: Engine,
    source: Source,
    part: Part,
    after: Option<Cursor>,
    /// The newest change when the first page was read.
    begun: i64,
    wanted: usize,
}

impl PagePart<'_> {
    /// Reads the rows as columns.
    async fn read_rows(self, readers: &Readers) -> Result<Lines<ListedConversation>, DbError> {
        let newest = self.newest(readers).await?;
        let mut sql = Sql::default();
        let page = self.page(&mut sql);
        let (direction, _) = self.direction();
        let columns =
            ConversationRow::COLUMNS.iter().map(|c| format!("c.{c}")).collect::<Vec<_>>().join(", ");
        let text = format!(
            "select {columns}, {UNREAD}, page.k from {page} order by page.k {direction}, page.seq {direction}"
        );
        let rows = readers.fetch_all(AssertSqlSafe(text), sql.values).await?;
        let lines = rows.iter().map(|row| {
            let unread: i64 = row.number(ConversationRow::COLUMNS.len())?;
            let unread = u32::try_from(unread).unwrap_or(0);
            let conversation = ConversationRow::take(row)?;
            let key = row.number(ConversationRow::COLUMNS.len() + 1)?;
            let seq = conversation.seq;
            Ok(Line { part: self.part, key, seq, content: ListedConversation::new(conversation, unread) })
        });
        Ok(Lines { lines: lines.collect::<Result<_, DbError>>()?, newest })
    }

    /// The newest change of the account's conversations. Changes that are made later have higher numbers.
    async fn newest(&self, readers: &Readers) -> Result<i64, DbError> {
        let mut sql = Sql::default();
        let newest = self.newest_change(&mut sql);
        let row = readers.fetch_one(AssertSqlSafe(format!("select {newest}")), sql.values).await?;
        Columns::of(&row).take()
    }

    fn newest_change(&self, sql: &mut Sql) -> String {
        let account = sql.bind(&self.query.account);
        format!("coalesce((select max(changed) from conversations where account_id = {account}), 0)")
    }

    /// Reads the JSON of all rows as one value, because fetching each row costs more than finding it.
    async fn read_json(self, readers: &Readers) -> Result<Lines<String>, DbError> {
        let mut sql = Sql::default();
        let page = self.page(&mut sql);
        let (direction, _) = self.direction();
        let separator = sql.bind(&SEPARATOR.to_string());
        let newest = self.newest_change(&mut sql);
        let text = format!(
            "select string_agg(
                 cast(page.k as text) || ' ' || cast(page.seq as text) || ' ' ||
                 cast({UNREAD} as text) || ' ' || c.list_json,
                 {separator} order by page.k {direction}, page.seq {direction}),
                 {newest}
             from {page}"
        );
        let row = readers.fetch_one(AssertSqlSafe(text), sql.values).await?;
        let lines = if row.is_null(0)? { None } else { Some(row.text(0)?) };
        let lines = lines.into_iter().flat_map(|lines| lines.split(SEPARATOR));
        let lines = lines.filter_map(|line| Line::of(line, self.part)).collect();
        Ok(Lines { lines, newest: row.number(1)? })
    }

    /// The direction of the part in SQL, and the comparison with the last row of the page before.
    fn direction(&self) -> (&'static str, &'static str) {
        if self.query.sort.descending && self.part != Part::Changed { ("desc", "<") } else { ("asc", ">") }
    }

    /// The part of the statement that selects the conversations of the page, and how many messages the reader has
    /// seen of each.
    fn page(&self, sql: &mut Sql) -> String {
        let page = self.matching(sql);
        let (direction, _) = self.direction();
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
        let (direction, _) = self.direction();
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
            "select seq, k from (select seq, {key} as k from conversations c where {} order by {key} {direction}, seq {direction} limit {}) as s{}",
            conditions.join(" and "),
            self.wanted,
            status as u8,
        )
    }

    /// The conversations of the part, in no order: at least as many as are wanted, if there are so many.
    fn matching(&self, sql: &mut Sql) -> String {
        match self.source {
            Source::Filter(filter) => self.filtered(filter, sql),
            Source::Index(_) if self.part == Part::Changed => self.changed(sql),
            Source::Index(prefix) => {
                let branches = statuses(self.query).into_iter();
                let branches: Vec<_> = branches.map(|status| self.branch(status, prefix, sql)).collect();
                branches.join(" union all ")
            }
        }
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

    /// The conversations that changed since the first page, in the order of the index of changes.
    fn changed(&self, sql: &mut Sql) -> String {
        let mut conditions = vec![sql.equal("account_id", &self.query.account)];
        if !self.query.statuses.is_empty() {
            let statuses: Vec<_> = self.query.statuses.iter().map(|status| sql.bind(status)).collect();
            conditions.push(sql.check(format!("status in ({})", statuses.join(", "))));
        }
        self.filters(None, sql, &mut conditions);
        self.after_cursor("c.seq", sql, &mut conditions);
        format!(
            "select seq, k from (select c.seq, changed as k from conversations c where {} order by changed, c.seq limit {}) as changes",
            conditions.join(" and "),
            self.wanted,
        )
    }

    fn key(&self) -> &'static str {
        match self.part {
            Part::Keyed => self.query.sort.by.column(),
            Part::Keyless => SortBy::LastMessage.column(),
            Part::Changed => "changed",
        }
    }

    /// Adds the conditions that select the rows of the part, after the last row of the page before.
    fn after_cursor(&self, seq: &str, sql: &mut Sql, conditions: &mut Vec<String>) {
        let by = self.query.sort.by;
        match self.part {
            Part::Keyless => conditions.push(sql.check(format!("{} is null", by.column()))),
            Part::Keyed if by.may_be_missing() => conditions.push(format!("{} is not null", by.column())),
            Part::Changed if self.after.is_none() => {
                conditions.push(format!("changed > {}", sql.bind(&self.begun)))
            }
            Part::Keyed | Part::Changed => {}
        }
        if let Some(after) = self.after {
            let (_, comparison) = self.direction();
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
        if let Some(filter) = &query.filter {
            let viewer = Viewer { account: query.account, reader: query.reader, now: query.now };
            checks.push(condition(filter, &viewer, self.engine, sql));
        }
        conditions.extend(checks.into_iter().map(|check| sql.check(check)));
        if query.label.is_some() {
            let (account, label) = (sql.bind(&query.account), sql.bind(&query.label));
            conditions.push(format!(
                "exists (select 1 from conversation_labels l
                  where l.account_id = {account} and l.label = {label} and l.conversation_seq = c.seq)"
            ));
        }
    }
}
