//! A transaction whose writes go to PostgreSQL in one statement.
//!
//! A page of the log writes to a dozen tables. Each statement by itself would be a way to the server and
//! back, and so would the transaction's beginning and its end. So statements gather, and leave together as
//! one: `with "0" as (insert …), "1" as (delete …) select …`, which is a transaction by itself. All of its
//! parts see the tables as they were before, so a statement that might meet another's rows leaves on its own.

use super::{DbError, Values};
use sqlx::pool::PoolConnection;
use sqlx::postgres::PgArguments;
use sqlx::{AssertSqlSafe, Postgres};
use std::fmt::Write as _;
use std::sync::Arc;

/// With more values than this, what has gathered leaves, while the next is made ready.
const MANY: usize = 8_192;

/// The server's name for a division by zero, by which a claim that is not met ends a statement.
const DIVISION_BY_ZERO: &str = "22012";

/// A transaction, which the server need not know of before it ends.
pub struct BatchedTx {
    line: PoolConnection<Postgres>,
    /// Whether the server is within it.
    begun: bool,
    /// The statement that must change a row; otherwise nothing is written.
    claim: Option<(Arc<str>, Values)>,
    /// Whether that was found not to be so.
    unmet: bool,
    gathered: Vec<(Arc<str>, Values)>,
    values: usize,
}

impl Drop for BatchedTx {
    fn drop(&mut self) {
        if self.begun {
            // Given up half way: whoever is given the connection next must not be within it.
            self.line.close_on_drop();
        }
    }
}

impl BatchedTx {
    pub(super) fn on(line: PoolConnection<Postgres>) -> Self {
        Self { line, begun: false, claim: None, unmet: false, gathered: Vec::new(), values: 0 }
    }

    /// Begins at once, in the way that this says.
    pub(super) async fn begun(line: PoolConnection<Postgres>, begin: &'static str) -> Result<Self, DbError> {
        let mut this = Self::on(line);
        this.begun = true;
        this.tell(begin).await?;
        Ok(this)
    }

    /// Nothing is to be written unless this changes a row.
    pub(super) fn claim(&mut self, sql: &'static str, values: Values) {
        self.claim = Some((sql.into(), values));
    }

    pub(super) async fn write(&mut self, sql: Arc<str>, values: Values) -> Result<(), DbError> {
        // The same statement again may be about the same rows.
        let again = self.gathered.iter().any(|(other, _)| *other == sql);
        if again || self.values + values.len() > MANY {
            self.catch_up().await?;
        }
        self.values += values.len();
        self.gathered.push((sql, values));
        Ok(())
    }

    /// Writes what has gathered, so that it can be seen from here.
    pub(super) async fn catch_up(&mut self) -> Result<(), DbError> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        self.begin().await?;
        self.write_all().await
    }

    /// From here on the server is within a transaction.
    pub(super) async fn begin(&mut self) -> Result<(), DbError> {
        if !self.begun {
            // Before it is told: whoever stops waiting here does not know whether the server heard it.
            self.begun = true;
            self.tell("begin").await?;
        }
        Ok(())
    }

    pub(super) fn line(&mut self) -> &mut sqlx::PgConnection {
        &mut self.line
    }

    /// Answers whether the claim was met. Where it was not, nothing is written.
    pub(super) async fn commit(mut self) -> Result<bool, DbError> {
        self.write_all().await?;
        if self.unmet {
            self.rollback().await?;
            return Ok(false);
        }
        if self.begun {
            self.tell("commit").await?;
            self.begun = false;
        }
        Ok(true)
    }

    pub(super) async fn rollback(mut self) -> Result<(), DbError> {
        if self.begun {
            self.tell("rollback").await?;
            self.begun = false;
        }
        Ok(())
    }

    async fn write_all(&mut self) -> Result<(), DbError> {
        self.values = 0;
        let gathered = std::mem::take(&mut self.gathered);
        let claim = self.claim.take();
        if self.unmet || (gathered.is_empty() && claim.is_none()) {
            return Ok(());
        }
        let (text, arguments) = joined(claim, gathered);
        let written = sqlx::query_with(AssertSqlSafe(text), arguments).execute(&mut *self.line).await;
        match written {
            Ok(_) => Ok(()),
            Err(error) if code_of(&error).as_deref() == Some(DIVISION_BY_ZERO) => {
                self.unmet = true;
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    async fn tell(&mut self, statement: &'static str) -> Result<(), DbError> {
        sqlx::raw_sql(statement).execute(&mut *self.line).await.map(|_| ())
    }
}

fn code_of(error: &DbError) -> Option<String> {
    error.as_database_error()?.code().map(|code| code.into_owned())
}

/// One statement of them all.
fn joined(claim: Option<(Arc<str>, Values)>, gathered: Vec<(Arc<str>, Values)>) -> (String, PgArguments) {
    let claimed = claim.is_some();
    let length: usize = gathered.iter().map(|(text, _)| text.len() + 32).sum();
    let mut text = String::with_capacity(length + 256);
    let mut arguments = PgArguments::default();
    let mut before = 0;
    let parts = claim.into_iter().map(|(text, values)| (format!("{text} returning 1").into(), values));
    for (place, (part, values)) in parts.chain(gathered).enumerate() {
        text.push_str(if place == 0 { "with " } else { ", " });
        // Writing to a string cannot fail.
        let _written = write!(text, "\"{place}\" as (");
        renumber(&part, before, &mut text);
        text.push(')');
        before += values.bind_postgres(&mut arguments);
    }
    // A claim that is not met ends the whole statement.
    text.push_str(if claimed { " select 1 / count(*) from \"0\"" } else { " select 1" });
    (text, arguments)
}

/// Adds a statement whose parameters come after so many others.
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
    fn statements_become_one_and_their_parameters_follow_each_other() {
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
