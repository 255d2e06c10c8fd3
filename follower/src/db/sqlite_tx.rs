//! A transaction of a SQLite connection.
//!
//! After some errors, a full disk among them, SQLite has rolled back by itself. A pool that keeps account of
//! transactions would then believe the connection to be in one for ever. So a transaction that does not end with a
//! successful commit or rollback takes its connection with it, and the pool opens another.

use super::DbError;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Sqlite, SqliteConnection, SqlitePool};

pub struct SqliteTx {
    connection: PoolConnection<Sqlite>,
    ended: bool,
}

impl SqliteTx {
    pub(super) async fn begin(pool: &SqlitePool, begin: &'static str) -> Result<Self, DbError> {
        // Built first: when the statement fails or its caller goes away, the connection is closed.
        let mut tx = Self { connection: pool.acquire().await?, ended: false };
        tx.run(begin).await?;
        Ok(tx)
    }

    /// Begins a transaction with a script that selects rows.
    pub(super) async fn begin_with(
        pool: &SqlitePool,
        script: String,
    ) -> Result<(Self, Vec<SqliteRow>), DbError> {
        let mut tx = Self { connection: pool.acquire().await?, ended: false };
        let rows = sqlx::query(AssertSqlSafe(script)).fetch_all(&mut *tx.connection).await?;
        Ok((tx, rows))
    }

    pub(super) fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }

    pub(super) async fn commit(mut self) -> Result<(), DbError> {
        self.run("commit").await?;
        self.ended = true;
        Ok(())
    }

    pub(super) async fn rollback(mut self) -> Result<(), DbError> {
        self.run("rollback").await?;
        self.ended = true;
        Ok(())
    }

    async fn run(&mut self, statement: &'static str) -> Result<(), DbError> {
        sqlx::query(statement).execute(&mut *self.connection).await.map(|_| ())
    }
}

impl Drop for SqliteTx {
    fn drop(&mut self) {
        if !self.ended {
            self.connection.close_on_drop();
        }
    }
}
