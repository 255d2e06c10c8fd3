//! Queries and transactions on either engine.

use super::batched_tx::BatchedTx;
use super::read_view::ViewTx;
use super::sqlite_tx::SqliteTx;
use super::{DbError, DbRow, Engine, Values};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use sqlx::{AssertSqlSafe, PgPool, SqlSafeStr, SqlitePool};
use std::sync::Arc;
use std::time::Duration;

/// Connections that only read.
#[derive(Clone)]
pub enum Readers {
    Sqlite(SqlitePool),
    Postgres(PgPool),
    /// The connection of a [`ReadView`](super::ReadView).
    View(Arc<ViewTx>),
}

/// A transaction of the connection that writes, or a reader's snapshot.
pub enum Tx {
    Sqlite(SqliteTx, Deferred),
    Postgres(BatchedTx),
}

/// Statements that are sent together. SQLite's connection has a thread of its own, and a call to it costs more than
/// most statements.
#[derive(Default)]
pub struct Deferred {
    text: String,
    values: Values,
}

/// A statement with more values than this is sent at once.
const MAX_VALUES: usize = 512;

/// The time limit of a query: longer than a slow disk needs and shorter than a caller waits.
pub(super) const QUERY_TIMEOUT: Duration = Duration::from_secs(8);

/// Runs a reader's query on the engine's driver. When the connection to PostgreSQL is lost, the query runs again on
/// another one, which is safe because it changes nothing. Every pooled connection may be lost, so there is one try
/// more than the pool has connections; the last one is new.
macro_rules! query_with_retry {
    ($self:ident, $fetch:ident($sql:ident, $values:ident), $answer:expr) => {
        match $self {
            Self::Sqlite(pool) => {
                sqlx::query_with($sql, $values.for_sqlite()).$fetch(pool).await.map($answer)
            }
            Self::View(view) => {
                let mut open = view.lock().await;
                let result = tokio::time::timeout(QUERY_TIMEOUT, open.tx()?.$fetch($sql, $values)).await;
                open.checked(result.unwrap_or(Err(DbError::PoolTimedOut)))
            }
            Self::Postgres(pool) => {
                let sql = $sql.into_sql_str();
                let mut retries = pool.options().get_max_connections();
                loop {
                    let result = match pool.acquire().await {
                        Ok(mut connection) => {
                            let query = sqlx::query_with(sql.clone(), $values.clone().for_postgres());
                            match tokio::time::timeout(QUERY_TIMEOUT, query.$fetch(&mut *connection)).await {
                                Ok(result) => result,
                                Err(_) => {
                                    // The next query on this connection would wait as well.
                                    connection.close_on_drop();
                                    break Err(DbError::PoolTimedOut);
                                }
                            }
                        }
                        Err(error) => Err(error),
                    };
                    match result {
                        Err(error) if retries > 0 && connection_is_lost(&error) => retries -= 1,
                        result => break result.map($answer),
                    }
                }
            }
        }
    };
}

/// `true` when the connection failed, and not the statement.
pub(super) fn connection_is_lost(error: &DbError) -> bool {
    match error {
        DbError::Io(_) => true,
        // The server was stopped, or an administrator closed the connection.
        DbError::Database(error) => error.code().is_some_and(|code| code.starts_with("57P")),
        _ => false,
    }
}

impl Readers {
    pub fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
            Self::View(view) => view.engine(),
        }
    }

    pub async fn fetch_all(&self, sql: impl SqlSafeStr, values: Values) -> Result<Vec<DbRow>, DbError> {
        query_with_retry!(self, fetch_all(sql, values), |rows| rows.into_iter().map(DbRow::from).collect())
    }

    pub async fn fetch_optional(
        &self,
        sql: impl SqlSafeStr,
        values: Values,
    ) -> Result<Option<DbRow>, DbError> {
        query_with_retry!(self, fetch_optional(sql, values), |row| row.map(DbRow::from))
    }

    pub async fn fetch_one(&self, sql: impl SqlSafeStr, values: Values) -> Result<DbRow, DbError> {
        query_with_retry!(self, fetch_one(sql, values), DbRow::from)
    }
}

/// Runs a query in a transaction, after its deferred writes.
macro_rules! query_within {
    ($self:ident, $fetch:ident($sql:ident, $values:ident), $answer:expr) => {{
        $self.flush().await?;
        match $self {
            Self::Sqlite(tx, _) => {
                sqlx::query_with($sql, $values.for_sqlite()).$fetch(tx.connection()).await.map($answer)
            }
            Self::Postgres(tx) => {
                sqlx::query_with($sql, $values.for_postgres()).$fetch(tx.connection()).await.map($answer)
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

    pub(super) fn sqlite(tx: SqliteTx) -> Self {
        Self::Sqlite(tx, Deferred::default())
    }

    /// The transaction must write nothing unless this statement changes a row. Returns whether it did. On PostgreSQL
    /// the statement is sent together with the writes: this returns true, and [`Tx::commit_claimed`] returns the
    /// result.
    pub async fn claim(&mut self, sql: &'static str, values: Values) -> Result<bool, DbError> {
        match self {
            Self::Sqlite(..) => Ok(self.execute(sql, values).await? == 1),
            Self::Postgres(tx) => {
                tx.claim(sql, values);
                Ok(true)
            }
        }
    }

    /// Runs a write now or together with later ones, at the latest before the commit. On SQLite its parameters must
    /// not be numbered, so that statements can be joined.
    pub async fn write(&mut self, sql: Arc<str>, values: Values) -> Result<(), DbError> {
        match self {
            Self::Sqlite(_, deferred) if values.len() <= MAX_VALUES => {
                deferred.text.push_str(&sql);
                deferred.text.push(';');
                deferred.values.append(values);
                Ok(())
            }
            Self::Sqlite(..) => self.execute(AssertSqlSafe(sql), values).await.map(|_| ()),
            Self::Postgres(tx) => tx.write(sql, values).await,
        }
    }

    /// Sends the deferred writes.
    async fn flush(&mut self) -> Result<(), DbError> {
        match self {
            Self::Sqlite(tx, deferred) => {
                if deferred.text.is_empty() {
                    return Ok(());
                }
                let Deferred { text, values } = std::mem::take(deferred);
                sqlx::query_with(AssertSqlSafe(text), values.for_sqlite())
                    .execute(tx.connection())
                    .await
                    .map(|_| ())
            }
            Self::Postgres(tx) => tx.flush().await,
        }
    }

    /// Runs a statement and returns the number of rows that it changed.
    pub async fn execute(&mut self, sql: impl SqlSafeStr, values: Values) -> Result<u64, DbError> {
        if let Self::Postgres(tx) = self {
            tx.begin().await?;
        }
        query_within!(self, execute(sql, values), |done| done.rows_affected())
    }

    pub async fn fetch_all(&mut self, sql: impl SqlSafeStr, values: Values) -> Result<Vec<DbRow>, DbError> {
        query_within!(self, fetch_all(sql, values), |rows| rows.into_iter().map(DbRow::from).collect())
    }

    pub async fn fetch_optional(
        &mut self,
        sql: impl SqlSafeStr,
        values: Values,
    ) -> Result<Option<DbRow>, DbError> {
        query_within!(self, fetch_optional(sql, values), |row| row.map(DbRow::from))
    }

    pub async fn fetch_one(&mut self, sql: impl SqlSafeStr, values: Values) -> Result<DbRow, DbError> {
        query_within!(self, fetch_one(sql, values), DbRow::from)
    }

    /// Reads row by row, for results that are too large for memory.
    pub fn fetch(&mut self, sql: impl SqlSafeStr) -> BoxStream<'_, Result<DbRow, DbError>> {
        match self {
            Self::Sqlite(tx, _) => sqlx::query(sql).fetch(tx.connection()).map_ok(DbRow::from).boxed(),
            Self::Postgres(tx) => sqlx::query(sql).fetch(tx.connection()).map_ok(DbRow::from).boxed(),
        }
    }

    pub async fn commit(self) -> Result<(), DbError> {
        self.commit_claimed().await.map(|_| ())
    }

    /// Commits. Returns false, and writes nothing, when the [claim](Tx::claim) changed no row.
    pub async fn commit_claimed(mut self) -> Result<bool, DbError> {
        match self {
            Self::Sqlite(..) => {
                self.flush().await?;
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
