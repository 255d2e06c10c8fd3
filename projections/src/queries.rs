//! The queries that the tables answer, one account at a time.

pub mod by_subject;
pub mod catalogue_items;
pub mod conversations;
pub mod cursor;
pub mod details;
pub mod list;
pub mod queue_entries;

pub use cursor::{Cursor, NotACursor};

use follower::db::{AssertSqlSafe, DbError, Readers};
use follower::table::{Columns, Row, Values};

/// How many rows a page holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(usize);

/// A page holds between 1 and 200 rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a page holds between 1 and {} rows", Limit::MOST)]
pub struct BadLimit;

impl Limit {
    pub const MOST: usize = 200;

    pub fn new(limit: usize) -> Result<Self, BadLimit> {
        if (1..=Self::MOST).contains(&limit) { Ok(Self(limit)) } else { Err(BadLimit) }
    }
    pub const fn get(self) -> usize {
        self.0
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(50)
    }
}

/// A page of rows, and where the next begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed<T> {
    pub rows: Vec<T>,
    pub next: Option<Cursor>,
}

impl<T> Listed<T> {
    /// Of one row more than was asked for, the last only tells that there is another page.
    fn of(mut rows: Vec<T>, limit: Limit, cursor: impl Fn(&T) -> Cursor) -> Self {
        let more = rows.len() > limit.get();
        rows.truncate(limit.get());
        let next = if more { rows.last().map(cursor) } else { None };
        Self { rows, next }
    }
}

/// `select <the row's columns> from <its table> <rest>`.
async fn rows<R: Row>(readers: &Readers, rest: &str, values: Values) -> Result<Vec<R>, DbError> {
    let sql = format!("select {} from {} {rest}", R::COLUMNS.join(", "), R::TABLE);
    let rows = readers.fetch_all(AssertSqlSafe(sql), values).await?;
    rows.iter().map(R::take).collect()
}

async fn row<R: Row>(readers: &Readers, rest: &str, values: Values) -> Result<Option<R>, DbError> {
    rows(readers, rest, values).await.map(|rows| rows.into_iter().next())
}

/// The one number a statement answers.
async fn number(readers: &Readers, sql: &'static str, values: Values) -> Result<Option<i64>, DbError> {
    let row = readers.fetch_optional(sql, values).await?;
    row.map(|row| Columns::of(&row).take()).transpose()
}
