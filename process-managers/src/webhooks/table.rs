//! The table of webhooks on their way.

use event_schemas::{AccountId, ConversationId, EventId, Timestamp, WebhookId};
use follower::table::{Columns, Values};
use follower::{Db, DbError, Tx};

const TABLE: &str = include_str!("../../../migrations/process-managers/webhooks.sql");

#[derive(Clone)]
pub(super) struct Webhooks {
    db: Db,
}

/// A webhook that is to be told.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pending {
    pub webhook_id: WebhookId,
    pub account_id: AccountId,
    pub conversation_id: ConversationId,
    /// The event that asks for it.
    pub event_id: EventId,
    pub host: String,
    /// How often it was tried.
    pub attempts: u32,
}

impl Webhooks {
    pub(super) async fn open(db: Db) -> Result<Self, DbError> {
        db.run(TABLE).await?;
        Ok(Self { db })
    }

    pub(super) async fn insert(tx: &mut Tx, pending: &Pending, at: Timestamp) -> Result<(), DbError> {
        const INSERT: &str = "insert into webhooks
            (webhook_id, account_id, conversation_id, event_id, host, attempts, next_attempt_at)
            values ($1, $2, $3, $4, $5, 0, $6) on conflict (webhook_id) do nothing";
        let values = Values::default()
            .with(&pending.webhook_id)
            .with(&pending.account_id)
            .with(&pending.conversation_id)
            .with(&pending.event_id)
            .with(&pending.host)
            .with(&at);
        tx.execute(INSERT, values).await.map(|_| ())
    }

    /// The log tells its end.
    pub(super) async fn settle(tx: &mut Tx, webhook: WebhookId) -> Result<(), DbError> {
        const DELETE: &str = "delete from webhooks where webhook_id = $1";
        tx.execute(DELETE, Values::default().with(&webhook)).await.map(|_| ())
    }

    pub(super) async fn remove(&self, webhook: WebhookId) -> Result<(), DbError> {
        let mut tx = self.db.begin().await?;
        Self::settle(&mut tx, webhook).await?;
        tx.commit().await
    }

    /// It is tried again then.
    pub(super) async fn put_back(
        &self,
        webhook: WebhookId,
        attempts: u32,
        at: Timestamp,
    ) -> Result<(), DbError> {
        const UPDATE: &str = "update webhooks set attempts = $2, next_attempt_at = $3 where webhook_id = $1";
        let mut tx = self.db.begin().await?;
        tx.execute(UPDATE, Values::default().with(&webhook).with(&attempts).with(&at)).await?;
        tx.commit().await
    }

    pub(super) async fn hosts_due(&self, now: Timestamp) -> Result<Vec<String>, DbError> {
        const HOSTS: &str = "select distinct host from webhooks where next_attempt_at <= $1";
        let rows = self.db.readers().fetch_all(HOSTS, Values::default().with(&now)).await?;
        rows.iter().map(|row| Columns::of(row).take()).collect()
    }

    pub(super) async fn due(
        &self,
        host: &str,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Pending>, DbError> {
        const DUE: &str = "select webhook_id, account_id, conversation_id, event_id, host, attempts
            from webhooks where host = $1 and next_attempt_at <= $2 order by next_attempt_at limit 0 + $3";
        let values = Values::default()
            .with(&host.to_owned())
            .with(&now)
            .with(&i64::try_from(limit).unwrap_or(i64::MAX));
        let rows = self.db.readers().fetch_all(DUE, values).await?;
        rows.iter()
            .map(|row| {
                let mut columns = Columns::of(row);
                Ok(Pending {
                    webhook_id: columns.take()?,
                    account_id: columns.take()?,
                    conversation_id: columns.take()?,
                    event_id: columns.take()?,
                    host: columns.take()?,
                    attempts: columns.take()?,
                })
            })
            .collect()
    }

    /// When the first is due that is not yet.
    pub(super) async fn next_after(&self, now: Timestamp) -> Result<Option<Timestamp>, DbError> {
        const NEXT: &str = "select min(next_attempt_at) from webhooks where next_attempt_at > $1";
        let row = self.db.readers().fetch_one(NEXT, Values::default().with(&now)).await?;
        Columns::of(&row).take()
    }
}
