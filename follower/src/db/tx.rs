//! Asking and telling a database, whichever it is.

use super::batched_tx::BatchedTx;
use super::{DbError, DbRow, Engine, Values};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use sqlx::{AssertSqlSafe, PgPool, SqlSafeStr, Sqlite, SqlitePool, Transaction};
use std::sync::Arc;
use std::time::Duration;

/// Connections that only read.
#[derive(Clone)]
pub enum Readers {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// A transaction: of the one connection that writes, or a reader's view of one moment.
pub enum Tx {
    Sqlite(Transaction<'static, Sqlite>, Deferred),
    Postgres(BatchedTx),
}

/// Statements that are handed over together: SQLite's connection has a thread of its own, and going there
/// and back costs more than most of what is done there.
#[derive(Default)]
pub struct Deferred {
    text: String,
    values: Values,
}

/// A statement with more values than this is handed over by itself, while the next is made ready.
const MANY: usize = 512;

/// How long a question to a server may take: longer than a disk is slow and shorter than a caller waits.
const PATIENCE: Duration = Duration::from_secs(8);

/// Hands one statement to the driver at hand; the text is the same for both. Where PostgreSQL's server has
/// let go of the connection it is asked again over others, since a reader's question changes nothing: each
/// of them may be gone, and the last is new.
macro_rules! ask_again {
    ($self:ident, $ask:ident($sql:ident, $values:ident), $answer:expr) => {
        match $self {
            Self::Sqlite(pool) => sqlx::query_with($sql, $values.for_sqlite()).$ask(pool).await.map($answer),
            Self::Postgres(pool) => {
                let sql = $sql.into_sql_str();
                let mut left = pool.options().get_max_connections();
                loop {
                    let asked = match pool.acquire().await {
                        Ok(mut line) => {
                            let question = sqlx::query_with(sql.clone(), $values.clone().for_postgres());
                            match tokio::time::timeout(PATIENCE, question.$ask(&mut *line)).await {
                                Ok(asked) => asked,
                                Err(_) => {
                                    // Whoever is given it next would wait as well.
                                    line.close_on_drop();
                                    break Err(DbError::PoolTimedOut);
                                }
                            }
                        }
                        Err(error) => Err(error),
                    };
                    match asked {
                        Err(error) if left > 0 && connection_is_gone(&error) => left -= 1,
                        asked => break asked.map($answer),
                    }
                }
            }
        }
    };
}

/// `true` when the connection failed, and not the statement.
fn connection_is_gone(error: &DbError) -> bool {
    match error {
        DbError::Io(_) => true,
        // The server was stopped, or somebody cut the connection.
        DbError::Database(error) => error.code().is_some_and(|code| code.starts_with("57P")),
        _ => false,
    }
}

impl Readers {
    pub async fn fetch_all(&self, sql: impl SqlSafeStr, values: Values) -> Result<Vec<DbRow>, DbError> {
        ask_again!(self, fetch_all(sql, values), |rows| rows.into_iter().map(DbRow::from).collect())
    }

    pub async fn fetch_optional(
        &self,
        sql: impl SqlSafeStr,
        values: Values,
    ) -> Result<Option<DbRow>, DbError> {
        ask_again!(self, fetch_optional(sql, values), |row| row.map(DbRow::from))
    }

    pub async fn fetch_one(&self, sql: impl SqlSafeStr, values: Values) -> Result<DbRow, DbError> {
        ask_again!(self, fetch_one(sql, values), DbRow::from)
    }

    /// Everything as it is at one moment, however long the reading takes.
    pub async fn snapshot(&self) -> Result<Tx, DbError> {
        match self {
            Self::Sqlite(pool) => pool.begin().await.map(Tx::sqlite),
            Self::Postgres(pool) => {
                const BEGIN: &str = "begin isolation level repeatable read read only";
                BatchedTx::begun(pool.acquire().await?, BEGIN).await.map(Tx::Postgres)
            }
        }
    }
}

/// The same in a transaction, after what was to be written later.
macro_rules! ask_within {
    ($self:ident, $ask:ident($sql:ident, $values:ident), $answer:expr) => {{
        $self.catch_up().await?;
        match $self {
            Self::Sqlite(tx, _) => {
                sqlx::query_with($sql, $values.for_sqlite()).$ask(&mut **tx).await.map($answer)
            }
            Self::Postgres(tx) => {
                sqlx::query_with($sql, $values.for_postgres()).$ask(tx.line()).await.map($answer)
            }
        }
    }};
}

impl Tx {
    pub fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(..) => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
        }
    }

    pub(super) fn sqlite(tx: Transaction<'static, Sqlite>) -> Self {
        Self::Sqlite(tx, Deferred::default())
    }

    /// Nothing is to be written unless this changes a row. Answers whether it does, as far as that is known
    /// now: PostgreSQL is told together with what is written, and [`Tx::commit_claimed`] knows.
    pub async fn claim(&mut self, sql: &'static str, values: Values) -> Result<bool, DbError> {
        match self {
            Self::Sqlite(..) => Ok(self.execute(sql, values).await? == 1),
            Self::Postgres(tx) => {
                tx.claim(sql, values);
                Ok(true)
            }
        }
    }

    /// Writes this, now or together with what is written next; at the latest before the commit. On SQLite the
    /// parameters are not numbered, so that statements can be put together.
    pub async fn write(&mut self, sql: Arc<str>, values: Values) -> Result<(), DbError> {
        match self {
            Self::Sqlite(_, later) if values.len() <= MANY => {
                later.text.push_str(&sql);
                later.text.push(';');
                later.values.append(values);
                Ok(())
            }
            Self::Sqlite(..) => self.execute(AssertSqlSafe(sql), values).await.map(|_| ()),
            Self::Postgres(tx) => tx.write(sql, values).await,
        }
    }

    /// Writes what was to be written later.
    async fn catch_up(&mut self) -> Result<(), DbError> {
        match self {
            Self::Sqlite(tx, later) => {
                if later.text.is_empty() {
                    return Ok(());
                }
                let Deferred { text, values } = std::mem::take(later);
                sqlx::query_with(AssertSqlSafe(text), values.for_sqlite())
                    .execute(&mut **tx)
                    .await
                    .map(|_| ())
            }
            Self::Postgres(tx) => tx.catch_up().await,
        }
    }

    /// Answers how many rows it was about.
    pub async fn execute(&mut self, sql: impl SqlSafeStr, values: Values) -> Result<u64, DbError> {
        if let Self::Postgres(tx) = self {
            tx.begin().await?;
        }
        ask_within!(self, execute(sql, values), |done| done.rows_affected())
    }

    pub async fn fetch_all(&mut self, sql: impl SqlSafeStr, values: Values) -> Result<Vec<DbRow>, DbError> {
        ask_within!(self, fetch_all(sql, values), |rows| rows.into_iter().map(DbRow::from).collect())
    }

    pub async fn fetch_optional(
        &mut self,
        sql: impl SqlSafeStr,
        values: Values,
    ) -> Result<Option<DbRow>, DbError> {
        ask_within!(self, fetch_optional(sql, values), |row| row.map(DbRow::from))
    }

    pub async fn fetch_one(&mut self, sql: impl SqlSafeStr, values: Values) -> Result<DbRow, DbError> {
        ask_within!(self, fetch_one(sql, values), DbRow::from)
    }

    /// Row by row, for more rows than memory should hold.
    pub fn fetch(&mut self, sql: impl SqlSafeStr) -> BoxStream<'_, Result<DbRow, DbError>> {
        match self {
            Self::Sqlite(tx, _) => sqlx::query(sql).fetch(&mut **tx).map_ok(DbRow::from).boxed(),
            Self::Postgres(tx) => sqlx::query(sql).fetch(tx.line()).map_ok(DbRow::from).boxed(),
        }
    }

    pub async fn commit(self) -> Result<(), DbError> {
        self.commit_claimed().await.map(|_| ())
    }

    /// Answers whether what was [claimed](Tx::claim) is the case. Where it is not, nothing is written.
    pub async fn commit_claimed(mut self) -> Result<bool, DbError> {
        match self {
            Self::Sqlite(..) => {
                self.catch_up().await?;
                let Self::Sqlite(tx, _) = self else { return Ok(true) };
                tx.commit().await.map(|()| true)
            }
            Self::Postgres(tx) => tx.commit().await,
        }
    }

    pub async fn rollback(self) -> Result<(), DbError> {
        match self {
            Self::Sqlite(tx, _) => tx.rollback().await,
            Self::Postgres(tx) => tx.rollback().await,
        }
    }
}
