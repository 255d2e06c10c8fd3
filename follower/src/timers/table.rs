//! The table of timers of one kind: a row for each conversation, with the moment at which it is due.

use crate::db::{AssertSqlSafe, Db, DbError, Tx};
use crate::table::{Columns, Values};
use event_schemas::{AccountId, ConversationId, Timestamp};
use std::sync::Arc;

/// The number of timers that are read and handled before the table is read again.
const BATCH: i64 = 256;

/// A table of timers. It is created when it does not exist.
#[derive(Clone, Copy, Debug)]
pub struct TimerTable {
    pub name: &'static str,
    /// Whether all timers of an account can become due together. The table then has an index for it.
    pub by_account: bool,
}

/// A timer that is due.
#[derive(Clone, Debug, PartialEq)]
pub struct DueTimer {
    pub id: ConversationId,
    pub account: AccountId,
    /// The moment in its row.
    pub at: Timestamp,
}

/// The change of a conversation's row by a page of the log.
pub(super) enum Entry {
    /// Writes the row with this moment, or without a moment when it depends on a later event or setting.
    Set(Option<Timestamp>),
    /// Deletes the row.
    Remove,
}

/// The rows of one table of timers.
#[derive(Clone)]
pub(super) struct TimerRows {
    name: &'static str,
    statements: Arc<Statements>,
}

struct Statements {
    all_at: Arc<str>,
    ids: Arc<str>,
    due: Arc<str>,
    next: Arc<str>,
    reschedule: Arc<str>,
}

impl Statements {
    fn of(name: &str) -> Self {
        Self {
            all_at: format!("update {name} set due_at = $1 where account_id = $2").into(),
            ids: format!("select conversation_id from {name}").into(),
            due: format!(
                "select conversation_id, account_id, due_at from {name}
                where due_at is not null and due_at <= $1 order by due_at limit 0 + $2"
            )
            .into(),
            next: format!("select min(due_at) from {name} where due_at is not null").into(),
            reschedule: format!("update {name} set due_at = $1 where conversation_id = $2 and due_at = $3")
                .into(),
        }
    }
}

fn script(TimerTable { name, by_account }: TimerTable) -> String {
    let by_account = match by_account {
        true => format!("create index if not exists {name}_by_account on {name} (account_id);"),
        false => String::new(),
    };
    format!(
        "create table if not exists {name} (
            conversation_id bytea  not null primary key,
            account_id      bytea  not null,
            due_at          bigint
        );
        create index if not exists {name}_by_due on {name} (due_at) where due_at is not null;
        {by_account}"
    )
}

impl TimerRows {
    pub(super) async fn open(db: &Db, table: TimerTable) -> Result<Self, DbError> {
        db.run(&script(table)).await?;
        Ok(Self { name: table.name, statements: Arc::new(Statements::of(table.name)) })
    }

    /// Writes the rows of a page, many rows in one statement.
    pub(super) async fn write(
        &self,
        tx: &mut Tx,
        page: &[(ConversationId, AccountId, Entry)],
    ) -> Result<(), DbError> {
        let (mut set, mut removed) = (Vec::new(), Vec::new());
        for (id, account, entry) in page {
            match entry {
                Entry::Set(at) => set.push((id, account, at)),
                Entry::Remove => removed.push(id),
            }
        }
        let (engine, name) = (tx.engine(), self.name);
        let mut set = &set[..];
        while !set.is_empty() {
            let (_, size) = engine.pick(set.len());
            let (these, others) = set.split_at(size);
            set = others;
            let mut values = Values::for_rows(engine, size, 3);
            for (id, account, at) in these {
                values.put(*id).put(*account).put(*at);
            }
            let text = format!(
                "insert into {name} (conversation_id, account_id, due_at) {} \
                 on conflict (conversation_id) do update set due_at = excluded.due_at",
                engine.rows(size, 3)
            );
            tx.write(text.into(), values).await?;
        }
        let mut removed = &removed[..];
        while !removed.is_empty() {
            let (_, size) = engine.pick(removed.len());
            let (these, others) = removed.split_at(size);
            removed = others;
            let mut values = Values::for_rows(engine, size, 1);
            for id in these {
                values.put(*id);
            }
            let text = format!("delete from {name} where {}", engine.among(&["conversation_id"], size));
            tx.write(text.into(), values).await?;
        }
        Ok(())
    }

    /// Makes every timer of the account due at this moment.
    pub(super) async fn all_due(
        &self,
        tx: &mut Tx,
        account: AccountId,
        at: Timestamp,
    ) -> Result<(), DbError> {
        let sql = AssertSqlSafe(Arc::clone(&self.statements.all_at));
        tx.execute(sql, Values::default().with(&at).with(&account)).await.map(|_| ())
    }

    /// The conversations that have a row.
    pub(super) async fn conversations<C: FromIterator<ConversationId>>(
        &self,
        tx: &mut Tx,
    ) -> Result<C, DbError> {
        let rows = tx.fetch_all(AssertSqlSafe(Arc::clone(&self.statements.ids)), Values::default()).await?;
        rows.iter().map(|row| Columns::of(row).take()).collect()
    }

    pub(super) async fn due(&self, db: &Db, now: Timestamp) -> Result<Vec<DueTimer>, DbError> {
        let values = Values::default().with(&now).with(&BATCH);
        let rows = db.readers().fetch_all(AssertSqlSafe(Arc::clone(&self.statements.due)), values).await?;
        rows.iter()
            .map(|row| {
                let mut columns = Columns::of(row);
                Ok(DueTimer { id: columns.take()?, account: columns.take()?, at: columns.take()? })
            })
            .collect()
    }

    pub(super) async fn next(&self, db: &Db) -> Result<Option<Timestamp>, DbError> {
        let sql = AssertSqlSafe(Arc::clone(&self.statements.next));
        Columns::of(&db.readers().fetch_one(sql, Values::default()).await?).take()
    }

    /// Writes the next moment of timers that were handled, so that they are not handled again before the follower reads
    /// the events that the handler appended. A row that the follower has written meanwhile stays as it is.
    pub(super) async fn reschedule(
        &self,
        db: &Db,
        handled: &[(DueTimer, Option<Timestamp>)],
    ) -> Result<(), DbError> {
        let mut tx = db.begin().await?;
        for (timer, again) in handled {
            let values = Values::default().with(again).with(&timer.id).with(&timer.at);
            tx.execute(AssertSqlSafe(Arc::clone(&self.statements.reschedule)), values).await?;
        }
        tx.commit().await
    }
}
