//! Asking and telling a database, whichever it is.

use super::{DbError, DbRow, Engine, Values};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use sqlx::{PgPool, Postgres, SqlSafeStr, Sqlite, SqlitePool, Transaction};

/// Connections that only read.
#[derive(Clone)]
pub enum Readers {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// A transaction: of the one connection that writes, or a reader's view of one moment.
pub enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// Hands one statement to the driver at hand. The text is the same for both.
macro_rules! ask {
    ($self:ident, $connection:ident => $on:expr, $ask:ident($sql:ident, $values:ident), $answer:expr) => {
        match $self {
            Self::Sqlite($connection) => {
                sqlx::query_with($sql, $values.for_sqlite()).$ask($on).await.map($answer)
            }
            Self::Postgres($connection) => {
                sqlx::query_with($sql, $values.for_postgres()).$ask($on).await.map($answer)
            }
        }
    };
}

impl Readers {
    pub async fn fetch_all(&self, sql: impl SqlSafeStr, values: Values) -> Result<Vec<DbRow>, DbError> {
        ask!(self, pool => pool, fetch_all(sql, values), |rows| rows.into_iter().map(DbRow::from).collect())
    }

    pub async fn fetch_optional(
        &self,
        sql: impl SqlSafeStr,
        values: Values,
    ) -> Result<Option<DbRow>, DbError> {
        ask!(self, pool => pool, fetch_optional(sql, values), |row| row.map(DbRow::from))
    }

    pub async fn fetch_one(&self, sql: impl SqlSafeStr, values: Values) -> Result<DbRow, DbError> {
        ask!(self, pool => pool, fetch_one(sql, values), DbRow::from)
    }

    /// Everything as it is at one moment, however long the reading takes.
    pub(crate) async fn snapshot(&self) -> Result<Tx, DbError> {
        match self {
            Self::Sqlite(pool) => pool.begin().await.map(Tx::Sqlite),
            Self::Postgres(pool) => {
                const BEGIN: &str = "begin isolation level repeatable read read only";
                pool.begin_with(BEGIN).await.map(Tx::Postgres)
            }
        }
    }
}

impl Tx {
    pub fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
        }
    }

    /// Answers how many rows it was about.
    pub async fn execute(&mut self, sql: impl SqlSafeStr, values: Values) -> Result<u64, DbError> {
        ask!(self, tx => &mut **tx, execute(sql, values), |done| done.rows_affected())
    }

    pub async fn fetch_all(&mut self, sql: impl SqlSafeStr, values: Values) -> Result<Vec<DbRow>, DbError> {
        ask!(self, tx => &mut **tx, fetch_all(sql, values), |rows| rows.into_iter().map(DbRow::from).collect())
    }

    pub async fn fetch_optional(
        &mut self,
        sql: impl SqlSafeStr,
        values: Values,
    ) -> Result<Option<DbRow>, DbError> {
        ask!(self, tx => &mut **tx, fetch_optional(sql, values), |row| row.map(DbRow::from))
    }

    pub async fn fetch_one(&mut self, sql: impl SqlSafeStr, values: Values) -> Result<DbRow, DbError> {
        ask!(self, tx => &mut **tx, fetch_one(sql, values), DbRow::from)
    }

    /// Row by row, for more rows than memory should hold.
    pub(crate) fn fetch(&mut self, sql: impl SqlSafeStr) -> BoxStream<'_, Result<DbRow, DbError>> {
        match self {
            Self::Sqlite(tx) => sqlx::query(sql).fetch(&mut **tx).map_ok(DbRow::from).boxed(),
            Self::Postgres(tx) => sqlx::query(sql).fetch(&mut **tx).map_ok(DbRow::from).boxed(),
        }
    }

    pub async fn commit(self) -> Result<(), DbError> {
        match self {
            Self::Sqlite(tx) => tx.commit().await,
            Self::Postgres(tx) => tx.commit().await,
        }
    }

    pub async fn rollback(self) -> Result<(), DbError> {
        match self {
            Self::Sqlite(tx) => tx.rollback().await,
            Self::Postgres(tx) => tx.rollback().await,
        }
    }
}
