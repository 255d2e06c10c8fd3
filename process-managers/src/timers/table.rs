//! The table of timers: a row for each conversation, with the moment it is next to be looked at.

use event_schemas::{AccountId, ConversationId, Timestamp};
use follower::table::{Columns, Values};
use follower::{Db, DbError, Tx};

/// How many conversations are looked at before the table is asked again.
const AT_ONCE: i64 = 256;

/// The statements of one such table.
#[derive(Clone, Copy)]
pub(crate) struct Table {
    /// What makes it.
    pub(crate) script: &'static str,
    pub(crate) name: &'static str,
    pub(crate) all_at: &'static str,
    pub(crate) ids: &'static str,
    pub(crate) due: &'static str,
    pub(crate) next: &'static str,
    pub(crate) again: &'static str,
}

/// The statements of the table of that name, whose columns are `conversation_id`, `account_id`, `due_at`.
macro_rules! table_of {
    ($name:literal) => {
        $crate::timers::Table {
            script: include_str!(concat!("../../migrations/process-managers/", $name, ".sql")),
            name: $name,
            all_at: concat!("update ", $name, " set due_at = $1 where account_id = $2"),
            ids: concat!("select conversation_id from ", $name),
            due: concat!(
                "select conversation_id, account_id, due_at from ",
                $name,
                " where due_at is not null and due_at <= $1 order by due_at limit 0 + $2"
            ),
            next: concat!("select min(due_at) from ", $name, " where due_at is not null"),
            again: concat!("update ", $name, " set due_at = $1 where conversation_id = $2 and due_at = $3"),
        }
    };
}
pub(crate) use table_of;

/// What a page of the log says of a conversation: when it is next to be looked at, if it keeps its row.
pub(crate) enum Entry {
    /// None: nothing is to be done by itself, as far as is known now.
    LookAt(Option<Timestamp>),
    /// There will never be anything to do about it by itself.
    Cancel,
}

/// A conversation whose moment has come.
pub(crate) struct Due {
    pub(crate) id: ConversationId,
    pub(crate) account: AccountId,
    /// The moment that was written down for it.
    pub(crate) at: Timestamp,
}

impl Table {
    /// Writes down what a page says, many rows to a statement.
    pub(crate) async fn write(
        &self,
        tx: &mut Tx,
        page: &[(ConversationId, AccountId, Entry)],
    ) -> Result<(), DbError> {
        let (mut rows, mut struck) = (Vec::new(), Vec::new());
        for (id, account, entry) in page {
            match entry {
                Entry::LookAt(at) => rows.push((id, account, at)),
                Entry::Cancel => struck.push(id),
            }
        }
        let (engine, name) = (tx.engine(), self.name);
        let mut rows = &rows[..];
        while !rows.is_empty() {
            let (_, size) = engine.pick(rows.len());
            let (these, others) = rows.split_at(size);
            rows = others;
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
        let mut struck = &struck[..];
        while !struck.is_empty() {
            let (_, size) = engine.pick(struck.len());
            let (these, others) = struck.split_at(size);
            struck = others;
            let mut values = Values::for_rows(engine, size, 1);
            for id in these {
                values.put(*id);
            }
            let text = format!("delete from {name} where {}", engine.among(&["conversation_id"], size));
            tx.write(text.into(), values).await?;
        }
        Ok(())
    }

    /// All that the account has in it are to be looked at then.
    pub(crate) async fn put_all(
        &self,
        tx: &mut Tx,
        account: AccountId,
        at: Timestamp,
    ) -> Result<(), DbError> {
        tx.execute(self.all_at, Values::default().with(&at).with(&account)).await.map(|_| ())
    }

    /// The conversations that have a row.
    pub(crate) async fn conversations<C: FromIterator<ConversationId>>(
        &self,
        tx: &mut Tx,
    ) -> Result<C, DbError> {
        let rows = tx.fetch_all(self.ids, Values::default()).await?;
        rows.iter().map(|row| Columns::of(row).take()).collect()
    }

    pub(super) async fn due(&self, db: &Db, now: Timestamp) -> Result<Vec<Due>, DbError> {
        let values = Values::default().with(&now).with(&AT_ONCE);
        let rows = db.readers().fetch_all(self.due, values).await?;
        rows.iter()
            .map(|row| {
                let mut columns = Columns::of(row);
                Ok(Due { id: columns.take()?, account: columns.take()?, at: columns.take()? })
            })
            .collect()
    }

    pub(super) async fn next(&self, db: &Db) -> Result<Option<Timestamp>, DbError> {
        let row = db.readers().fetch_one(self.next, Values::default()).await?;
        Columns::of(&row).take()
    }

    /// What was just written will come by in the log too; this keeps it from being looked at until then.
    /// Where the follower has written meanwhile, it knows better.
    pub(super) async fn look_again(
        &self,
        db: &Db,
        attended: &[(Due, Option<Timestamp>)],
    ) -> Result<(), DbError> {
        let mut tx = db.begin().await?;
        for (due, again) in attended {
            let values = Values::default().with(again).with(&due.id).with(&due.at);
            tx.execute(self.again, values).await?;
        }
        tx.commit().await
    }
}
