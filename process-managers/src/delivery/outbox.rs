//! The table of messages on their way out.

use event_schemas::{AccountId, ChannelId, ConversationId, MessageId, Timestamp, Version};
use follower::table::{Columns, Values};
use follower::{Db, DbError, Tx};

const TABLE: &str = include_str!("../../../migrations/process-managers/outbox.sql");

/// What remains to be sent, on disk.
#[derive(Clone)]
pub struct Outbox {
    db: Db,
}

/// A message that was sent in a conversation.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Queued {
    pub message_id: MessageId,
    pub account_id: AccountId,
    pub conversation_id: ConversationId,
    pub channel_id: ChannelId,
    pub version: Version,
    pub queued_at: Timestamp,
}

/// A message whose turn it is. The table says so until it is put back or the log tells its end.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Claimed {
    pub message_id: MessageId,
    pub account_id: AccountId,
    pub conversation_id: ConversationId,
    /// This one included.
    pub attempts: u32,
    pub queued_at: Timestamp,
}

/// Why a message is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// The provider did not take it.
    Unanswered,
    /// Nobody knows whether the provider took it.
    Unknown,
    /// It was not tried: something in the house stood in the way.
    NotTried,
}

impl Outbox {
    /// `db` may hold other tables too. An attempt is on disk before the request goes out, so that not even
    /// a power cut sends twice.
    pub async fn open(db: Db) -> Result<Self, DbError> {
        db.make_durable().await?;
        db.run(TABLE).await?;
        Ok(Self { db })
    }

    /// How many messages the log does not tell the end of.
    pub async fn len(&self) -> Result<u64, DbError> {
        let row = self.db.readers().fetch_one("select count(*) from outbox", Values::default()).await?;
        Ok(Columns::of(&row).take::<i64>()?.unsigned_abs())
    }

    pub async fn is_empty(&self) -> Result<bool, DbError> {
        Ok(self.len().await? == 0)
    }

    pub(super) fn db(&self) -> &Db {
        &self.db
    }

    pub(super) async fn insert(tx: &mut Tx, queued: &Queued) -> Result<(), DbError> {
        const INSERT: &str = "insert into outbox
            (message_id, account_id, conversation_id, channel_id, version, state, attempts, queued_at, next_attempt_at)
            values ($1, $2, $3, $4, $5, 'waiting', 0, $6, $6) on conflict (message_id) do nothing";
        let values = Values::default()
            .with(&queued.message_id)
            .with(&queued.account_id)
            .with(&queued.conversation_id)
            .with(&queued.channel_id)
            .with(&queued.version)
            .with(&queued.queued_at);
        tx.execute(INSERT, values).await.map(|_| ())
    }

    /// The log tells its end. Answers the channel that has one less to send.
    pub(super) async fn settle(tx: &mut Tx, message: MessageId) -> Result<Option<ChannelId>, DbError> {
        const DELETE: &str = "delete from outbox where message_id = $1 returning channel_id";
        let row = tx.fetch_optional(DELETE, Values::default().with(&message)).await?;
        row.map(|row| Columns::of(&row).take()).transpose()
    }

    pub(super) async fn remove(&self, message: MessageId) -> Result<(), DbError> {
        let mut tx = self.db.begin().await?;
        Self::settle(&mut tx, message).await?;
        tx.commit().await
    }

    /// What was under way when the process ended: nobody knows what became of it.
    pub(super) async fn recover(&self, try_again_at: Timestamp) -> Result<u64, DbError> {
        const UPDATE: &str =
            "update outbox set state = 'unknown', next_attempt_at = $1 where state = 'attempting'";
        let mut tx = self.db.begin().await?;
        let done = tx.execute(UPDATE, Values::default().with(&try_again_at)).await?;
        tx.commit().await?;
        Ok(done)
    }

    /// The channels that have something to send.
    pub(super) async fn channels(&self) -> Result<Vec<ChannelId>, DbError> {
        let rows =
            self.db.readers().fetch_all("select distinct channel_id from outbox", Values::default()).await?;
        rows.iter().map(|row| Columns::of(row).take()).collect()
    }

    /// Takes up to `limit` messages whose time has come, and of each conversation only the earliest.
    pub(super) async fn claim(
        &self,
        channel: ChannelId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Claimed>, DbError> {
        // Asked again outside: of two that claim at once on PostgreSQL the second sees what the first has done
        // to a row, but not the rest anew.
        const CLAIM: &str = "update outbox set state = 'attempting', attempts = attempts + 1
            where state <> 'attempting' and message_id in (
                select o.message_id from outbox o
                where o.channel_id = $1 and o.state <> 'attempting' and o.next_attempt_at <= $2
                and not exists (select 1 from outbox earlier
                    where earlier.conversation_id = o.conversation_id and earlier.version < o.version)
                order by o.next_attempt_at limit 0 + $3)
            returning message_id, account_id, conversation_id, attempts, queued_at";
        let values =
            Values::default().with(&channel).with(&now).with(&i64::try_from(limit).unwrap_or(i64::MAX));
        let mut tx = self.db.begin().await?;
        let rows = tx.fetch_all(CLAIM, values).await?;
        tx.commit().await?;
        rows.iter()
            .map(|row| {
                let mut columns = Columns::of(row);
                Ok(Claimed {
                    message_id: columns.take()?,
                    account_id: columns.take()?,
                    conversation_id: columns.take()?,
                    attempts: columns.take()?,
                    queued_at: columns.take()?,
                })
            })
            .collect()
    }

    /// When the channel's next message is due.
    pub(super) async fn next_due(&self, channel: ChannelId) -> Result<Option<Timestamp>, DbError> {
        const NEXT: &str = "select o.next_attempt_at from outbox o
            where o.channel_id = $1 and o.state <> 'attempting'
            and not exists (select 1 from outbox earlier
                where earlier.conversation_id = o.conversation_id and earlier.version < o.version)
            order by o.next_attempt_at limit 1";
        let row = self.db.readers().fetch_optional(NEXT, Values::default().with(&channel)).await?;
        row.map(|row| Columns::of(&row).take()).transpose()
    }

    pub(super) async fn put_back(
        &self,
        message: MessageId,
        again: Again,
        at: Timestamp,
    ) -> Result<(), DbError> {
        const UPDATE: &str = "update outbox set state = $2, next_attempt_at = $3, attempts = attempts - $4
            where message_id = $1";
        let (state, not_counted) = match again {
            Again::Unanswered => ("waiting", 0),
            Again::Unknown => ("unknown", 0),
            Again::NotTried => ("waiting", 1),
        };
        let values =
            Values::default().with(&message).with(&state.to_owned()).with(&at).with(&i64::from(not_counted));
        let mut tx = self.db.begin().await?;
        tx.execute(UPDATE, values).await?;
        tx.commit().await
    }
}
