//! The table of appointments: a row for each conversation, with the moment it is next to be looked at.

use event_schemas::{AccountId, ConversationId, Timestamp};
use projections::table::{Columns, Values};
use projections::{Db, DbError, Tx};

/// How many conversations are looked at before the table is asked again.
const AT_ONCE: i64 = 256;

/// The statements of one such table.
#[derive(Clone, Copy)]
pub(crate) struct Table {
    /// What makes it.
    pub(crate) script: &'static str,
    pub(crate) put: &'static str,
    pub(crate) strike: &'static str,
    pub(crate) all_at: &'static str,
    pub(crate) ids: &'static str,
    pub(crate) due: &'static str,
    pub(crate) next: &'static str,
    pub(crate) again: &'static str,
}

/// The statements of the table of that name, whose columns are `conversation_id`, `account_id`, `due_at`.
macro_rules! table_of {
    ($name:literal) => {
        $crate::appointments::Table {
            script: include_str!(concat!("../../migrations/process-managers/", $name, ".sql")),
            put: concat!(
                "insert into ",
                $name,
                " (conversation_id, account_id, due_at) values ($1, $2, $3)
                 on conflict (conversation_id) do update set due_at = excluded.due_at"
            ),
            strike: concat!("delete from ", $name, " where conversation_id = $1"),
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

/// A conversation whose moment has come.
pub(crate) struct Due {
    pub(crate) id: ConversationId,
    pub(crate) account: AccountId,
    /// The moment that was written down for it.
    pub(crate) at: Timestamp,
}

impl Table {
    /// It is to be looked at then. None: it keeps its row, and nothing is to be done by itself.
    pub(crate) async fn put(
        &self,
        tx: &mut Tx,
        id: ConversationId,
        account: AccountId,
        at: Option<Timestamp>,
    ) -> Result<(), DbError> {
        let values = Values::default().with(&id).with(&account).with(&at);
        tx.execute(self.put, values).await.map(|_| ())
    }

    /// There will never be anything to do about it by itself.
    pub(crate) async fn strike(&self, tx: &mut Tx, id: ConversationId) -> Result<(), DbError> {
        tx.execute(self.strike, Values::default().with(&id)).await.map(|_| ())
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
