//! Lists of conversations as they were at a moment.
//!
//! A conversation that has not changed since then has its row still; the others are folded from their streams. This
//! finds the rows that come into question, and filters and sorts those of the moment.

use super::conversations::{
    AssigneeFilter, Conversations, ListedConversation, Sort, SortBy, UNREAD, statuses,
};
use super::sql::Sql;
use super::{Cursor, InvalidCursor, Listed};
use crate::read_models::inbox::ConversationRow;
use crate::snapshot::Moment;
use event_schemas::{AccountId, ConversationId, Timestamp};
use follower::db::{AssertSqlSafe, DbError, Readers};
use follower::table::{Columns, Row, Values};
use std::cmp::Ordering;
use uuid::Uuid;

/// The rows, as they are now, of all conversations that may have been in the list at the moment: those that match the
/// status now, and those that have changed since. At most `most`.
///
/// `last` is the number of the last conversation that was opened until then. It is needed for a position only.
pub async fn candidates(
    readers: &Readers,
    query: &Conversations,
    moment: Moment,
    last: i64,
    most: usize,
) -> Result<Vec<ListedConversation>, DbError> {
    let mut sql = Sql::default();
    let account = sql.bind(&query.account);
    let (opened, changed) = match moment {
        Moment::Time(time) => {
            let time = sql.bind(&time);
            (format!("created_at <= {time}"), format!("updated_at > {time}"))
        }
        Moment::Position(position) => {
            let commit = i64::try_from(position.commit()).unwrap_or(i64::MAX);
            (format!("seq <= {}", sql.bind(&last)), format!("changed > {}", sql.bind(&commit)))
        }
    };
    let wanted = statuses(query).iter().map(|status| sql.bind(status)).collect::<Vec<_>>().join(", ");
    let mut conditions = vec![opened];
    if query.channel.is_some() {
        conditions.push(sql.equal("channel_id", &query.channel));
    }
    if query.contact.is_some() {
        conditions.push(sql.equal("contact_id", &query.contact));
    }
    let columns = ConversationRow::COLUMNS.iter().map(|c| format!("c.{c}")).collect::<Vec<_>>().join(", ");
    let (reader, conditions) = (sql.bind(&query.reader), conditions.join(" and "));
    let text = format!(
        "select {columns}, {UNREAD} from (
             select seq from conversations where account_id = {account} and status in ({wanted}) and {conditions}
             union
             select seq from conversations where account_id = {account} and {changed} and {conditions}
             limit {most}) as found
         cross join conversations c
         left join agent_seen s on s.conversation_seq = c.seq and s.agent_id = {reader}
         where c.seq = found.seq"
    );
    let rows = readers.fetch_all(AssertSqlSafe(text), sql.values).await?;
    let listed = rows.iter().map(|row| {
        let unread: i64 = row.number(ConversationRow::COLUMNS.len())?;
        let conversation = ConversationRow::take(row)?;
        Ok(ListedConversation::new(conversation, u32::try_from(unread).unwrap_or(0)))
    });
    listed.collect()
}

/// The newest change of the account's conversations until a time. A row whose last event is not after it is still as
/// it was at that time.
pub async fn newest_change_until(
    readers: &Readers,
    account: AccountId,
    time: Timestamp,
) -> Result<i64, DbError> {
    let values = Values::default().with(&account).with(&time);
    let sql = "select changed from conversations where account_id = $1 and updated_at <= $2
               order by updated_at desc limit 1";
    let row = readers.fetch_optional(AssertSqlSafe(sql.to_owned()), values).await?;
    row.map_or(Ok(0), |row| Columns::of(&row).take())
}

/// The number and the id of the last conversation, of any account, whose number is not higher than this.
pub async fn last_numbered(
    readers: &Readers,
    highest: i64,
) -> Result<Option<(i64, ConversationId)>, DbError> {
    let sql = "select seq, id from conversations where seq <= $1 order by seq desc limit 1";
    let row = readers.fetch_optional(AssertSqlSafe(sql.to_owned()), Values::default().with(&highest)).await?;
    let Some(row) = row else { return Ok(None) };
    let mut columns = Columns::of(&row);
    Ok(Some((columns.take()?, columns.take()?)))
}

impl Conversations {
    /// Whether a conversation is in the list. The list's channel and contact are checked where the rows are found; a
    /// filter of several conditions is not checked.
    pub fn admits(&self, listed: &ListedConversation) -> bool {
        let row = &listed.conversation;
        (self.statuses.is_empty() || self.statuses.contains(&row.status))
            && self.assignee.is_none_or(|wanted| match wanted {
                AssigneeFilter::Unassigned => row.assignee_id.is_none(),
                AssigneeFilter::Agent(user) => row.assignee_id == Some(user),
            })
            && self.team.is_none_or(|team| row.team_id == Some(team))
            && self.label.as_ref().is_none_or(|label| row.labels.0.contains(label))
            && self.priority.is_none_or(|priority| row.priority == priority)
            && self.updated_since.is_none_or(|since| row.updated_at >= since)
    }
}

/// Where a row is in a list: those without the sort key come last, by their last message.
#[derive(Clone, Copy)]
struct Place {
    keyless: bool,
    key: i64,
    seq: i64,
}

impl Place {
    fn of(row: &ConversationRow, by: SortBy) -> Self {
        let key = match by {
            SortBy::LastMessage => Some(row.last_message_at.as_micros()),
            SortBy::Created => Some(row.created_at.as_micros()),
            SortBy::Priority => Some(row.priority as i64),
            SortBy::Unanswered => row.unanswered_since.map(Timestamp::as_micros),
            SortBy::SlaDue => row.sla_due_at.map(Timestamp::as_micros),
        };
        Self { keyless: key.is_none(), key: key.unwrap_or(row.last_message_at.as_micros()), seq: row.seq }
    }

    fn of_cursor(cursor: Cursor) -> Self {
        Self { keyless: cursor.keyless, key: cursor.key, seq: cursor.id.as_u128() as i64 }
    }

    fn compare(self, other: Self, descending: bool) -> Ordering {
        let within = (self.key, self.seq).cmp(&(other.key, other.seq));
        self.keyless.cmp(&other.keyless).then(if descending { within.reverse() } else { within })
    }
}

/// Added to the number of a sort, for lists of the past. The lists of now have lower numbers.
const PAST: u32 = 32;

fn list_of(sort: Sort) -> u32 {
    PAST + 2 * sort.by as u32 + u32::from(sort.descending)
}

/// The page of these rows, which must be all that were in the list.
pub fn page(
    mut rows: Vec<ListedConversation>,
    query: &Conversations,
) -> Result<Listed<ListedConversation>, InvalidCursor> {
    let (list, Sort { by, descending }) = (list_of(query.sort), query.sort);
    let place = |listed: &ListedConversation| Place::of(&listed.conversation, by);
    if let Some(cursor) = query.after {
        let last = Place::of_cursor(cursor.of_list(list)?);
        rows.retain(|row| last.compare(place(row), descending).is_lt());
    }
    rows.sort_by(|one, other| place(one).compare(place(other), descending));
    Ok(Listed::of(rows, query.limit, |row| {
        let Place { keyless, key, seq } = place(row);
        Cursor::new(list, keyless, key, Uuid::from_u128(seq as u128))
    }))
}
