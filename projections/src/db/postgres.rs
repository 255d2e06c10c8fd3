//! A set of tables in a schema of its own in a PostgreSQL database.
//!
//! The schema's tables are found by the connection's `search_path`, so that the text of a statement is the
//! same as for a file. A pooler between must therefore keep sessions apart.

use super::{DbError, Readers, Tx};
use sqlx::AssertSqlSafe;
use sqlx::postgres::{PgConnectOptions, PgPool};

/// One schema of a database.
#[derive(Clone)]
pub struct Schema {
    options: PgConnectOptions,
    writer: PgPool,
    readers: Readers,
}

impl Schema {
    pub(super) fn readers(&self) -> &Readers {
        &self.readers
    }

    pub(super) async fn begin(&self) -> Result<Tx, DbError> {
        self.writer.begin().await.map(Tx::Postgres)
    }

    pub(super) async fn run(&self, script: &str) -> Result<(), DbError> {
        sqlx::raw_sql(AssertSqlSafe(script)).execute(&self.writer).await.map(|_| ())
    }

    pub(super) async fn make_durable(&self) -> Result<(), DbError> {
        self.writer.set_connect_options(self.options.clone().options([("synchronous_commit", "on")]));
        self.run("set synchronous_commit = on").await
    }

    pub(super) async fn close(&self) {
        if let Readers::Postgres(readers) = &self.readers {
            readers.close().await;
        }
        self.writer.close().await;
    }
}
