//! The common parts of queries: pages, limits and cursors. The queries of one table are in the file of its row.
//! The lists of conversations and of catalogue items, and the search, which read several tables, are in this folder.

pub mod catalogue_items;
pub mod conversations;
pub mod cursor;
pub mod filter;
pub mod message;
pub mod past;
pub mod search;
pub(crate) mod sql;

pub(crate) use cursor::list_of;
pub use cursor::{Cursor, InvalidCursor};

use event_schemas::{AccountId, Timestamp};
use follower::db::{AssertSqlSafe, DbError, Readers};
use follower::table::{Columns, Row, Values};
use serde::Serialize;
use uuid::Uuid;

/// The number of rows that a page has at most, from 1 to 200.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(usize);

/// The limit is not between 1 and 200.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a page has between 1 and {} rows", Limit::MOST)]
pub struct InvalidLimit;

impl Limit {
    pub const MOST: usize = 200;

    pub fn new(limit: usize) -> Result<Self, InvalidLimit> {
        if (1..=Self::MOST).contains(&limit) { Ok(Self(limit)) } else { Err(InvalidLimit) }
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

/// A page of rows, and the cursor of the next page.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed<T> {
    pub rows: Vec<T>,
    pub next: Option<Cursor>,
}

impl<T> Listed<T> {
    /// Makes a page of rows that were fetched with one more than the limit. The extra row only shows that there is a
    /// next page.
    pub(crate) fn of(mut rows: Vec<T>, limit: Limit, cursor: impl Fn(&T) -> Cursor) -> Self {
        let more = rows.len() > limit.get();
        rows.truncate(limit.get());
        let next = if more { rows.last().map(cursor) } else { None };
        Self { rows, next }
    }
}

/// The bytes of the rows of a page. A row that is larger is a page of its own.
pub(crate) const LARGEST_PAGE: usize = 8 << 20;

impl<T> Listed<T> {
    /// The page without the rows that make it larger than [`LARGEST_PAGE`]. The next page has them.
    pub(crate) fn within_bytes(mut self, size: impl Fn(&T) -> usize, cursor: impl Fn(&T) -> Cursor) -> Self {
        let mut bytes = 0;
        let fits = |row: &&T| {
            bytes += size(row);
            bytes <= LARGEST_PAGE
        };
        let fitting = self.rows.iter().take_while(fits).count().max(1);
        if fitting < self.rows.len() {
            self.rows.truncate(fitting);
            self.next = self.rows.last().map(cursor);
        }
        self
    }
}

/// The reason why a list cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    #[error(transparent)]
    Cursor(#[from] InvalidCursor),
    #[error(transparent)]
    Db(#[from] DbError),
}

/// A page of an account's rows.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    pub account: AccountId,
    pub limit: Limit,
    /// The cursor of the page before. `None` for the first page.
    pub after: Option<Cursor>,
}

impl Page {
    /// The parameters of a list whose newest row is first: `$1` is the account, `$2` one row more than the
    /// limit, and `$3` and `$4` are the time and the id of the last row of the page before.
    pub(crate) fn values(self, list: u32) -> Result<Values, ListError> {
        let after = self.after.map(|cursor| cursor.of_list(list)).transpose()?;
        let (key, id) = after.map_or((i64::MAX, Uuid::max()), |cursor| (cursor.key, cursor.id));
        let wanted = self.limit.get() as i64 + 1;
        Ok(Values::default().with(&self.account).with(&wanted).with(&key).with(&id))
    }
}

/// A page of rows in the order of a time and an id, the newest first. `rest` is what follows the table in the
/// statement, with the parameters of [`Page::values`].
pub(crate) async fn newest_first<R: Row + Serialize>(
    readers: &Readers,
    page: Page,
    rest: &str,
    key: impl Fn(&R) -> (Timestamp, Uuid),
) -> Result<Listed<R>, ListError> {
    newest_first_with(readers, page, rest, |values| values, key).await
}

/// Like [`newest_first`], with further parameters, which `more` adds.
pub(crate) async fn newest_first_with<R: Row + Serialize>(
    readers: &Readers,
    page: Page,
    rest: &str,
    more: impl FnOnce(Values) -> Values,
    key: impl Fn(&R) -> (Timestamp, Uuid),
) -> Result<Listed<R>, ListError> {
    let list = list_of(R::TABLE);
    let found = rows(readers, rest, more(page.values(list)?)).await?;
    let cursor = |row: &R| {
        let (at, id) = key(row);
        Cursor::new(list, false, at.as_micros(), id)
    };
    Ok(Listed::of(found, page.limit, cursor).within_bytes(json_bytes, cursor))
}

/// The size of a value as JSON.
pub(crate) fn json_bytes(row: &impl Serialize) -> usize {
    serde_json::to_vec(row).map_or(0, |json| json.len())
}

/// `select <the row's columns> from <its table> <rest>`.
pub(crate) async fn rows<R: Row>(readers: &Readers, rest: &str, values: Values) -> Result<Vec<R>, DbError> {
    let sql = format!("select {} from {} {rest}", R::COLUMNS.join(", "), R::TABLE);
    let rows = readers.fetch_all(AssertSqlSafe(sql), values).await?;
    rows.iter().map(R::take).collect()
}

pub(crate) async fn row<R: Row>(readers: &Readers, rest: &str, values: Values) -> Result<Option<R>, DbError> {
    rows(readers, rest, values).await.map(|rows| rows.into_iter().next())
}

/// The number that a statement selects.
pub(crate) async fn number(
    readers: &Readers,
    sql: &'static str,
    values: Values,
) -> Result<Option<i64>, DbError> {
    let row = readers.fetch_optional(sql, values).await?;
    row.map(|row| Columns::of(&row).take()).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_bounded_in_bytes_and_loses_no_row() {
        let rows = vec!["x".repeat(LARGEST_PAGE / 2 - 100); 5];
        let cursor = |row: &String| Cursor::new(7, false, row.len() as i64, Uuid::nil());
        let page = Listed::of(rows, Limit::default(), cursor).within_bytes(String::len, cursor);
        assert_eq!((page.rows.len(), page.next.is_some()), (2, true));
        let page = Listed::of(vec!["x".repeat(LARGEST_PAGE * 2)], Limit::default(), cursor)
            .within_bytes(String::len, cursor);
        assert_eq!((page.rows.len(), page.next), (1, None));
    }
}
