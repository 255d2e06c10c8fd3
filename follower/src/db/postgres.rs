//! A set of tables in a schema of its own in a PostgreSQL database.
//!
//! The connection's `search_path` selects the schema, so that the text of a statement is the same as for SQLite. A
//! connection pooler must therefore run in session mode.

use super::batched_tx::BatchedTx;
use super::read_view::{self, ReadView};
use super::tx::{QUERY_TIMEOUT, connection_is_lost};
use super::{CHECKPOINTS, DbError, DbRow, Readers, Sizes, Tx};
use crate::location::pool;
use sqlx::AssertSqlSafe;
use sqlx::postgres::{PgConnectOptions, PgPool};
use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How long a connection that reads is used. It keeps its query plans, and a plan made for nearly empty tables is slow
/// for large ones.
const READER_LIFETIME: Duration = Duration::from_secs(60);

/// Begins a transaction that reads and sees the tables as they were at its first statement.
const BEGIN_SNAPSHOT: &str = "begin isolation level repeatable read read only";

/// One schema of a database.
#[derive(Clone)]
pub struct Schema {
    name: String,
    options: PgConnectOptions,
    writer: PgPool,
    /// The number of transactions that have begun.
    begun: Arc<AtomicU64>,
    reading: PgPool,
    /// The pool `reading`.
    readers: Readers,
}

impl Schema {
    /// Opens an existing schema.
    pub(super) fn open(database: &PgConnectOptions, name: &str, sizes: Sizes) -> Self {
        let options = database.clone().statement_cache_capacity(200).options([("search_path", name)]);
        let options = options.options([
            // Pages that a crash of the server loses are projected again.
            ("synchronous_commit", "off"),
            // Rows are found by their keys, and the same plan is right for every value of a key.
            ("plan_cache_mode", "force_generic_plan"),
            ("jit", "off"),
            ("maintenance_work_mem", "256MB"),
        ]);
        let reading = database.clone().statement_cache_capacity(200).options([
            ("search_path", name),
            ("default_transaction_read_only", "on"),
            ("jit", "off"),
            // Planning the query of an inbox page takes longer than running it.
            ("plan_cache_mode", "force_generic_plan"),
        ]);
        let reading = pool(sizes.readers).max_lifetime(READER_LIFETIME).connect_lazy_with(reading);
        Self {
            name: name.to_owned(),
            writer: pool(1).connect_lazy_with(options.clone()),
            begun: Arc::default(),
            readers: Readers::Postgres(reading.clone()),
            reading,
            options,
        }
    }

    /// Creates the schema and its tables when they do not exist. The script must say `if not exists`.
    pub(super) async fn create(
        database: &PgConnectOptions,
        name: &str,
        sizes: Sizes,
        tables: &str,
    ) -> Result<Self, DbError> {
        let schema = Self::open(database, name, sizes);
        schema.run(&format!("create schema if not exists {name};\n{CHECKPOINTS}\n{tables}")).await?;
        Ok(schema)
    }

    pub(super) fn readers(&self) -> &Readers {
        &self.readers
    }

    pub(super) async fn snapshot(&self) -> Result<Tx, DbError> {
        BatchedTx::begun(self.reading.acquire().await?, BEGIN_SNAPSHOT).await.map(Tx::Postgres)
    }

    /// Like every query, it begins again on another connection when one is lost.
    pub(super) async fn view(&self, checkpoint: &'static str) -> Result<ReadView, DbError> {
        let script = read_view::begin(BEGIN_SNAPSHOT, checkpoint);
        let mut retries = self.reading.options().get_max_connections();
        loop {
            let begun = async {
                let connection = self.reading.acquire().await?;
                let begun = BatchedTx::begun_with(connection, script.clone());
                tokio::time::timeout(QUERY_TIMEOUT, begun).await.unwrap_or(Err(DbError::PoolTimedOut))
            };
            match begun.await {
                Ok((tx, rows)) => {
                    return ReadView::of(Tx::Postgres(tx), rows.into_iter().next().map(DbRow::from).as_ref());
                }
                Err(error) if retries > 0 && connection_is_lost(&error) => retries -= 1,
                Err(error) => return Err(error),
            }
        }
    }

    pub(super) async fn begin(&self) -> Result<Tx, DbError> {
        let mut connection = self.writer.acquire().await?;
        // The connection keeps its plans, and a plan made for a nearly empty table scans all of it for each row. So
        // plans are discarded while the tables grow: after 1, 2, 4, 8 … transactions.
        if (self.begun.fetch_add(1, Ordering::Relaxed) + 1).is_power_of_two() {
            sqlx::raw_sql("discard plans").execute(&mut *connection).await?;
        }
        Ok(Tx::Postgres(BatchedTx::on(connection)))
    }

    /// The statements of a script are one transaction. Of processes that start together one runs it after
    /// the other, because `if not exists` does not see what another has not committed. No other advisory lock
    /// has the number of this one, see [`event_store::advisory_locks`].
    pub(super) async fn run(&self, script: &str) -> Result<(), DbError> {
        let name = &self.name;
        let script =
            format!("select pg_advisory_xact_lock(hashtext('{name}'));\n{}", with_byte_collation(script));
        sqlx::raw_sql(AssertSqlSafe(script)).execute(&self.writer).await.map(|_| ())
    }

    pub(super) async fn make_durable(&self) -> Result<(), DbError> {
        self.writer.set_connect_options(self.options.clone().options([("synchronous_commit", "on")]));
        self.run("set synchronous_commit = on").await
    }

    /// Updates the statistics of freshly filled tables. Without them the server would plan as if the tables were empty,
    /// and each connection keeps its plans.
    pub(super) async fn analyze(&self) -> Result<(), DbError> {
        const TABLES: &str = "select tablename::text from pg_tables where schemaname = current_schema()";
        let tables = sqlx::query_scalar::<_, String>(TABLES).fetch_all(&self.writer).await?;
        self.run(&format!("analyze {}", tables.join(", "))).await
    }

    pub(super) async fn close(&self) {
        self.reading.close().await;
        self.writer.close().await;
    }
}

/// Adds the collation by which text is sorted by its bytes, as in SQLite, and not by the database's language. It is the
/// only difference between the engines in the scripts that create tables.
fn with_byte_collation(script: &str) -> Cow<'_, str> {
    if script.contains("create table") {
        script.replace(" text ", " text collate \"C\" ").replace(" text,", " text collate \"C\",").into()
    } else {
        script.into()
    }
}
