//! Plain lists: everything of an account in one order, page by page.

use super::conversations::ListError;
use super::{Cursor, Limit, Listed, row, rows};
use crate::read_models::contacts::{ContactIdentifierRow, ContactRow};
use crate::read_models::sla_timers::SlaTimerRow;
use crate::read_models::webhook_rejections::WebhookRejectionRow;
use event_schemas::message::{ChannelType, SlaMetric};
use event_schemas::{AccountId, ContactId, ContactIdentifierId, ConversationId, EventId};
use follower::db::{AssertSqlSafe, DbError, Readers};
use follower::table::{Column, Row, Values};

/// A page of an account's rows.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    pub account: AccountId,
    pub limit: Limit,
    pub after: Option<Cursor>,
}

impl Page {
    /// Account, one row more than wanted, and where to go on: the beginning is before everything.
    fn values(self, list: u8, newest_first: bool) -> Result<Values, ListError> {
        let (key, id) = match self.after.map(|cursor| cursor.of_list(list)).transpose()? {
            Some(cursor) => (cursor.key, cursor.id),
            None if newest_first => (i64::MAX, uuid::Uuid::max()),
            None => (i64::MIN, uuid::Uuid::nil()),
        };
        let wanted = self.limit.get() as i64 + 1;
        Ok(Values::default().with(&self.account).with(&wanted).with(&key).with(&id))
    }
}

const CONTACTS: u8 = 101;
const IDENTIFIERS: u8 = 102;
const REJECTIONS: u8 = 103;
const TIMERS: u8 = 104;

/// Contacts, the newest first.
pub async fn contacts(readers: &Readers, page: Page) -> Result<Listed<ContactRow>, ListError> {
    const NEWEST: &str = "where account_id = $1 and (created_at, id) < ($3, $4)
        order by created_at desc, id desc limit 0 + $2";
    let found = rows(readers, NEWEST, page.values(CONTACTS, true)?).await?;
    Ok(Listed::of(found, page.limit, |contact: &ContactRow| {
        Cursor::new(CONTACTS, false, contact.created_at.as_micros(), contact.id.0)
    }))
}

pub async fn contact(
    readers: &Readers,
    account: AccountId,
    id: ContactId,
) -> Result<Option<ContactRow>, DbError> {
    row(readers, "where account_id = $1 and id = $2", Values::default().with(&account).with(&id)).await
}

/// What a contact is known by.
pub async fn identifiers_of(
    readers: &Readers,
    account: AccountId,
    contact: ContactId,
) -> Result<Vec<ContactIdentifierRow>, DbError> {
    let values = Values::default().with(&account).with(&contact);
    rows(readers, "where account_id = $1 and contact_id = $2 order by created_at, id", values).await
}

/// Which identifiers.
#[derive(Clone, Debug, Default)]
pub struct Identified {
    pub contact: Option<ContactId>,
    pub channel_type: Option<ChannelType>,
    pub identifier: Option<String>,
}

/// Identifiers, the newest first.
pub async fn identifiers(
    readers: &Readers,
    page: Page,
    which: &Identified,
) -> Result<Listed<ContactIdentifierRow>, ListError> {
    let mut values = page.values(IDENTIFIERS, true)?;
    let mut narrow = String::new();
    let mut place = 4;
    let mut also = |condition: &str| {
        place += 1;
        narrow.push_str(&format!(" and {condition} = ${place}"));
    };
    if let Some(contact) = &which.contact {
        values.put(contact);
        also("contact_id");
    }
    if let Some(channel_type) = &which.channel_type {
        values.put(channel_type);
        also("channel_type");
    }
    if let Some(identifier) = &which.identifier {
        values.put(identifier);
        also("identifier");
    }
    let rest = format!(
        "where account_id = $1 and (created_at, id) < ($3, $4){narrow}
         order by created_at desc, id desc limit 0 + $2"
    );
    let found = rows(readers, &rest, values).await?;
    Ok(Listed::of(found, page.limit, |row: &ContactIdentifierRow| {
        Cursor::new(IDENTIFIERS, false, row.created_at.as_micros(), row.id.0)
    }))
}

pub async fn identifier(
    readers: &Readers,
    account: AccountId,
    id: ContactIdentifierId,
) -> Result<Option<ContactIdentifierRow>, DbError> {
    row(readers, "where account_id = $1 and id = $2", Values::default().with(&account).with(&id)).await
}

/// What could not be read, the newest first.
pub async fn rejections(readers: &Readers, page: Page) -> Result<Listed<WebhookRejectionRow>, ListError> {
    const NEWEST: &str = "where account_id = $1 and (received_at, id) < ($3, $4)
        order by received_at desc, id desc limit 0 + $2";
    let found = rows(readers, NEWEST, page.values(REJECTIONS, true)?).await?;
    Ok(Listed::of(found, page.limit, |row: &WebhookRejectionRow| {
        Cursor::new(REJECTIONS, false, row.received_at.as_micros(), row.id.0)
    }))
}

pub async fn rejection(
    readers: &Readers,
    account: AccountId,
    id: EventId,
) -> Result<Option<WebhookRejectionRow>, DbError> {
    row(readers, "where account_id = $1 and id = $2", Values::default().with(&account).with(&id)).await
}

/// A clock that somebody waits for, and in which conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct RunningTimer {
    pub conversation: ConversationId,
    pub timer: SlaTimerRow,
}

/// The clocks that somebody still waits for, the next deadline first.
pub async fn running_timers(readers: &Readers, page: Page) -> Result<Listed<RunningTimer>, ListError> {
    // Two clocks of a conversation can be due at once, so the cursor tells which of them was shown.
    let last =
        page.after.and_then(|cursor| SlaMetric::ALL.get(usize::from(cursor.list.wrapping_sub(TIMERS))));
    let list = page.after.filter(|_| last.is_some()).map_or(TIMERS, |cursor| cursor.list);
    let after = page.after.map(|cursor| cursor.of_list(list)).transpose()?;
    let wanted = page.limit.get() as i64 + 1;
    let values = Values::default()
        .with(&page.account)
        .with(&wanted)
        .with(&after.map_or(i64::MIN, |cursor| cursor.key))
        .with(&after.map_or(0, |cursor| cursor.id.as_u128() as i64))
        .with(&last.map_or(String::new(), |metric| metric.as_str().to_owned()));
    let columns =
        SlaTimerRow::COLUMNS.iter().map(|column| format!("t.{column}")).collect::<Vec<_>>().join(", ");
    let sql = format!(
        "select {columns}, c.id from sla_timers t cross join conversations c
         where t.account_id = $1 and t.due_at is not null and t.ended_at is null
           and t.state in ('running', 'breached') and (t.due_at, t.conversation_seq, t.metric) > ($3, $4, $5)
           and c.seq = t.conversation_seq
         order by t.due_at, t.conversation_seq, t.metric limit 0 + $2"
    );
    let found = readers.fetch_all(AssertSqlSafe(sql), values).await?;
    let found = found.iter().map(|row| {
        let conversation = ConversationId::take(row, SlaTimerRow::COLUMNS.len())?;
        Ok(RunningTimer { conversation, timer: SlaTimerRow::take(row)? })
    });
    Ok(Listed::of(found.collect::<Result<_, DbError>>()?, page.limit, |row: &RunningTimer| {
        let due_at = row.timer.due_at.map_or(i64::MAX, |due_at| due_at.as_micros());
        let seq = uuid::Uuid::from_u128(row.timer.conversation_seq as u128);
        Cursor::new(TIMERS + row.timer.metric as u8, false, due_at, seq)
    }))
}
