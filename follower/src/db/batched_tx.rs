//! A transaction whose writes are sent to PostgreSQL in one statement.
//!
//! A page of the log writes to a dozen tables. Each statement would cost a round trip to the server, and so would
//! `begin` and `commit`. Therefore statements are batched and sent as one:
//! `with "0" as (insert …), "1" as (delete …) select …`, which is a transaction by itself. All of its parts see the
//! tables as they were before it, so a statement that may touch the rows of another one is sent in the next batch.

use super::{DbError, Values};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{AssertSqlSafe, Postgres};
use std::fmt::Write as _;
use std::sync::Arc;

/// A batch with more values than this is sent before the commit.
const MAX_VALUES: usize = 8_192;

/// The server's code for a division by zero, with which a batch fails when its claim changed no row.
const DIVISION_BY_ZERO: &str = "22012";

/// A transaction that may begin on the server only when its writes are sent.
pub struct BatchedTx {
    connection: PoolConnection<Postgres>,
    /// Whether the server has begun the transaction.
    begun: bool,
    /// The statement that must change a row; otherwise the transaction writes nothing.
    claim: Option<(Arc<str>, Values)>,
    /// Whether the claim changed no row.
    claim_failed: bool,
    batch: Vec<(Arc<str>, Values)>,
    values: usize,
}

impl Drop for BatchedTx {
    fn drop(&mut self) {
        if self.begun {
            // The transaction is still open, so the connection must not be reused.
            self.connection.close_on_drop();
        }
    }
}

impl BatchedTx {
    pub(super) fn on(connection: PoolConnection<Postgres>) -> Self {
        Self { connection, begun: false, claim: None, claim_failed: false, batch: Vec::new(), values: 0 }
    }

    /// Begins the transaction on the server at once, with this statement.
    pub(super) async fn begun(
        connection: PoolConnection<Postgres>,
        begin: &'static str,
    ) -> Result<Self, DbError> {
        let mut this = Self::on(connection);
        this.begun = true;
        this.run(begin).await?;
        Ok(this)
    }

    /// Begins a transaction on the server with a script that selects rows.
    pub(super) async fn begun_with(
        connection: PoolConnection<Postgres>,
        script: String,
    ) -> Result<(Self, Vec<PgRow>), DbError> {
        let mut this = Self::on(connection);
        this.begun = true;
        let rows = sqlx::raw_sql(AssertSqlSafe(script)).fetch_all(&mut *this.connection).await?;
        Ok((this, rows))
    }

    /// The transaction writes nothing unless this statement changes a row.
    pub(super) fn claim(&mut self, sql: &'static str, values: Values) {
        self.claim = Some((sql.into(), values));
    }

    pub(super) async fn write(&mut self, sql: Arc<str>, values: Values) -> Result<(), DbError> {
        // The same statement may touch the same rows a second time.
        let again = self.batch.iter().any(|(other, _)| *other == sql);
        if again || self.values + values.len() > MAX_VALUES {
            self.flush().await?;
        }
        self.values += values.len();
        self.batch.push((sql, values));
        Ok(())
    }

    /// Sends the batch, so that the next query of this transaction sees its rows.
    pub(super) async fn flush(&mut self) -> Result<(), DbError> {
        if self.batch.is_empty() {
            return Ok(());
        }
        self.begin().await?;
        self.write_all().await
    }

    /// Begins the transaction on the server when it has not begun yet.
    pub(super) async fn begin(&mut self) -> Result<(), DbError> {
        if !self.begun {
            // It is set before the statement is sent: when this call is cancelled, the server may have received it.
            self.begun = true;
            self.run("begin").await?;
        }
        Ok(())
    }

    pub(super) fn connection(&mut self) -> &mut sqlx::PgConnection {
        &mut self.connection
    }

    /// Commits. Returns false, and writes nothing, when the claim changed no row.
    pub(super) async fn commit(mut self) -> Result<bool, DbError> {
        self.write_all().await?;
        if self.claim_failed {
            self.rollback().await?;
            return Ok(false);
        }
        if self.begun {
            self.run("commit").await?;
            self.begun = false;
        }
        Ok(true)
    }

    pub(super) async fn rollback(mut self) -> Result<(), DbError> {
        if self.begun {
            self.run("rollback").await?;
            self.begun = false;
        }
        Ok(())
    }

    async fn write_all(&mut self) -> Result<(), DbError> {
        self.values = 0;
        let batch = std::mem::take(&mut self.batch);
        let claim = self.claim.take();
        if self.claim_failed || (batch.is_empty() && claim.is_none()) {
            return Ok(());
        }
        let (text, arguments) = joined(claim, batch);
        let written = sqlx::query_with(AssertSqlSafe(text), arguments).execute(&mut *self.connection).await;
        match written {
            Ok(_) => Ok(()),
            Err(error) if code_of(&error).as_deref() == Some(DIVISION_BY_ZERO) => {
                self.claim_failed = true;
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    async fn run(&mut self, statement: &'static str) -> Result<(), DbError> {
        sqlx::raw_sql(statement).execute(&mut *self.connection).await.map(|_| ())
    }
}

fn code_of(error: &DbError) -> Option<String> {
    error.as_database_error()?.code().map(|code| code.into_owned())
}

/// Joins the statements into one.
fn joined(claim: Option<(Arc<str>, Values)>, batch: Vec<(Arc<str>, Values)>) -> (String, PgArguments) {
    let claimed = claim.is_some();
    let length: usize = batch.iter().map(|(text, _)| text.len() + 32).sum();
    let mut text = String::with_capacity(length + 256);
    let mut arguments = PgArguments::default();
    let mut before = 0;
    let parts = claim.into_iter().map(|(text, values)| (format!("{text} returning 1").into(), values));
    for (index, (part, values)) in parts.chain(batch).enumerate() {
        text.push_str(if index == 0 { "with " } else { ", " });
        // Writing to a string cannot fail.
        let _written = write!(text, "\"{index}\" as (");
        renumber(&part, before, &mut text);
        text.push(')');
        before += values.bind_postgres(&mut arguments);
    }
    // When the claim changed no row, the division by zero fails the whole statement.
    text.push_str(if claimed { " select 1 / count(*) from \"0\"" } else { " select 1" });
    (text, arguments)
}

/// Adds a statement whose parameters come after `before` others.
fn renumber(statement: &str, before: usize, text: &mut String) {
    let mut parts = statement.split('$');
    text.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let number: usize = part[..digits].parse().unwrap_or_default();
        let _written = write!(text, "${}", before + number);
        text.push_str(&part[digits..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::Engine;

    #[test]
    fn statements_are_joined_and_their_parameters_are_renumbered() {
        let claim = ("update checkpoints set at = $2 where name = $1 and at = $3".into(), {
            Values::default().with(&"inbox".to_owned()).with(&8_i64).with(&7_i64)
        });
        let mut rows = Values::for_rows(Engine::Postgres, 2, 2);
        rows.put(&1_i64).put(&true).put(&2_i64).put(&false);
        let insert = ("insert into one (a, b) select * from unnest($1,$2)".into(), rows);
        let delete = ("delete from two where a = any($1)".into(), {
            let mut keys = Values::for_rows(Engine::Postgres, 1, 1);
            keys.put(&1_i64);
            keys
        });
        let (text, _) = joined(Some(claim), vec![insert, delete]);
        assert_eq!(
            text,
            "with \"0\" as (update checkpoints set at = $2 where name = $1 and at = $3 returning 1), \
             \"1\" as (insert into one (a, b) select * from unnest($4,$5)), \
             \"2\" as (delete from two where a = any($6)) \
             select 1 / count(*) from \"0\""
        );
    }
}
