//! One conversation: itself, its messages, who had it, its clocks.

use super::{Cursor, Limit, Listed, rows};
use crate::read_models::assignments::AssignmentRow;
use crate::read_models::inbox::ConversationRow;
use crate::read_models::messages::MessageRow;
use crate::read_models::sla_timers::SlaTimerRow;
use event_schemas::{AccountId, ConversationId, UserId};
use follower::db::{AssertSqlSafe, DbError, Readers};
use follower::table::{Columns, Row, Values, columns_of};

use super::conversations::{ListError, ListedConversation};

/// The conversation, if it is this account's.
pub async fn conversation(
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

/// Which messages of a conversation, from where, which way.
#[derive(Clone, Copy, Debug)]
pub struct Messages {
    pub account: AccountId,
    pub conversation: ConversationId,
    pub from: From,
    pub limit: Limit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// The newest.
    End,
    /// Those before the row of a cursor.
    Before(Cursor),
    /// Those after it.
    After(Cursor),
}

/// The list that cursors of messages belong to.
const LIST: u8 = 100;

/// Where a message is in its conversation, to page from.
pub fn place(message: &MessageRow) -> Cursor {
    let version = i64::try_from(message.version.0).unwrap_or(i64::MAX);
    Cursor::new(LIST, false, version, message.id.0)
}

/// Messages and notes, oldest first. `next` goes on in the direction that was asked for.
pub async fn messages(readers: &Readers, query: Messages) -> Result<Listed<MessageRow>, ListError> {
    let mut values = Values::default().with(&query.conversation).with(&query.account);
    let wanted = query.limit.get() as i64 + 1;
    values.put(&wanted);
    let mut listed = match query.from {
        From::End => rows(readers, NEWEST, values).await?,
        From::Before(cursor) => {
            values.put(&cursor.of_list(LIST)?.key);
            rows(readers, BEFORE, values).await?
        }
        From::After(cursor) => {
            values.put(&cursor.of_list(LIST)?.key);
            rows(readers, AFTER, values).await?
        }
    };
    let mut listed = Listed::of(std::mem::take(&mut listed), query.limit, place);
    if !matches!(query.from, From::After(_)) {
        listed.rows.reverse();
    }
    Ok(listed)
}

const NEWEST: &str = "where conversation_seq = (select seq from conversations where id = $1 and account_id = $2) order by version desc limit 0 + $3";
const BEFORE: &str = "where conversation_seq = (select seq from conversations where id = $1 and account_id = $2) and version < $4 order by version desc limit 0 + $3";
const AFTER: &str = "where conversation_seq = (select seq from conversations where id = $1 and account_id = $2) and version > $4 order by version limit 0 + $3";

/// Who had the conversation, first to last.
pub async fn assignments(
    readers: &Readers,
    account: AccountId,
    id: ConversationId,
) -> Result<Vec<AssignmentRow>, DbError> {
    let values = Values::default().with(&id).with(&account);
    rows(readers, "where conversation_seq = (select seq from conversations where id = $1 and account_id = $2) order by version", values).await
}

/// The clocks of a conversation.
pub async fn timers(
    readers: &Readers,
    account: AccountId,
    id: ConversationId,
) -> Result<Vec<SlaTimerRow>, DbError> {
    let values = Values::default().with(&id).with(&account);
    rows(readers, "where conversation_seq = (select seq from conversations where id = $1 and account_id = $2) order by metric", values).await
}
