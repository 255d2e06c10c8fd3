//! A set of tables in a schema of its own in a PostgreSQL database.
//!
//! The schema's tables are found by the connection's `search_path`, so that the text of a statement is the
//! same as for a file. A pooler between must therefore keep sessions apart.

use super::batched_tx::BatchedTx;
use super::{CHECKPOINTS, DbError, Readers, Sizes, Tx};
use crate::location::pool;
use sqlx::AssertSqlSafe;
use sqlx::postgres::{PgConnectOptions, PgPool};
use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How long a connection that reads is used. A plan is kept for as long, and what is right for tables that are
/// all but empty is wrong for large ones.
const READER: Duration = Duration::from_secs(60);

/// One schema of a database.
#[derive(Clone)]
pub struct Schema {
    name: String,
    options: PgConnectOptions,
    writer: PgPool,
    /// How many transactions have begun.
    begun: Arc<AtomicU64>,
    readers: Readers,
}

impl Schema {
    /// Opens a schema that is there.
    pub(super) fn open(database: &PgConnectOptions, name: &str, sizes: Sizes) -> Self {
        let options = database.clone().statement_cache_capacity(200).options([("search_path", name)]);
        let options = options.options([
            // What a crash of the server costs is projected again.
            ("synchronous_commit", "off"),
            // Rows are found by their keys, and no value of a key is better looked for in another way.
            ("plan_cache_mode", "force_generic_plan"),
            ("jit", "off"),
            ("maintenance_work_mem", "256MB"),
        ]);
        let reading = database.clone().statement_cache_capacity(200).options([
            ("search_path", name),
            ("default_transaction_read_only", "on"),
            ("jit", "off"),
            // Making a plan for a page of the inbox takes longer than reading it.
            ("plan_cache_mode", "force_generic_plan"),
        ]);
        Self {
            name: name.to_owned(),
            writer: pool(1).connect_lazy_with(options.clone()),
            begun: Arc::default(),
            readers: Readers::Postgres(pool(sizes.readers).max_lifetime(READER).connect_lazy_with(reading)),
            options,
        }
    }

    /// Makes the schema and its tables, where they are not there. The script must say `if not exists`.
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

    pub(super) async fn begin(&self) -> Result<Tx, DbError> {
        let mut line = self.writer.acquire().await?;
        // A plan is kept for as long as the connection, and one made for a table that was all but empty reads
        // all of it for each row. So plans are made anew while the tables grow: after 1, 2, 4, 8 … transactions.
        if (self.begun.fetch_add(1, Ordering::Relaxed) + 1).is_power_of_two() {
            sqlx::raw_sql("discard plans").execute(&mut *line).await?;
        }
        Ok(Tx::Postgres(BatchedTx::on(line)))
    }

    /// The statements of a script are one transaction. Of processes that start together one runs it after
    /// the other, because `if not exists` does not see what another has not committed. No other advisory lock
    /// has the number of this one, see [`event_store::advisory_locks`].
    pub(super) async fn run(&self, script: &str) -> Result<(), DbError> {
        let name = &self.name;
        let script = format!("select pg_advisory_xact_lock(hashtext('{name}'));\n{}", by_bytes(script));
        sqlx::raw_sql(AssertSqlSafe(script)).execute(&self.writer).await.map(|_| ())
    }

    pub(super) async fn make_durable(&self) -> Result<(), DbError> {
        self.writer.set_connect_options(self.options.clone().options([("synchronous_commit", "on")]));
        self.run("set synchronous_commit = on").await
    }

    /// Without a look at freshly filled tables the server would plan as if they were empty. Reading is
    /// planned by what they are like then, and a plan is kept for as long as a connection.
    pub(super) async fn settle(&self) -> Result<(), DbError> {
        const TABLES: &str = "select tablename::text from pg_tables where schemaname = current_schema()";
        let tables = sqlx::query_scalar::<_, String>(TABLES).fetch_all(&self.writer).await?;
        self.run(&format!("analyze {}", tables.join(", "))).await
    }

    pub(super) async fn close(&self) {
        if let Readers::Postgres(readers) = &self.readers {
            readers.close().await;
        }
        self.writer.close().await;
    }
}

/// The one thing in the scripts of tables that the engines understand differently: text is to sort by its
/// bytes, as it does in SQLite, and not by the language the database was made for.
fn by_bytes(script: &str) -> Cow<'_, str> {
    if script.contains("create table") {
        script.replace(" text ", " text collate \"C\" ").replace(" text,", " text collate \"C\",").into()
    } else {
        script.into()
    }
}
