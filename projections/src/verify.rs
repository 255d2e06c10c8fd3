//! Fills the tables anew beside those in use and compares every row of every table.

use crate::db::{DbError, Sizes};
use crate::generations::{GenerationError, Generations, fill, remove};
use crate::read_models::{self, NAME};
use crate::runner::Progress;
use crate::table::{Columns, Shape, Values};
use event_schemas::Position;
use event_store::EventStore;
use futures::TryStreamExt;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Row, SqliteConnection, ValueRef};
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// A row that is not what the log says it should be.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    pub table: &'static str,
    pub key: String,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// The log says there is such a row.
    Missing,
    /// The log knows nothing of such a row.
    TooMuch,
    Column {
        name: &'static str,
    },
}

/// What a comparison found.
#[derive(Debug, Default)]
pub struct Verdict {
    pub generation: u64,
    /// Up to where the log was compared.
    pub position: Option<Position>,
    pub tables: usize,
    pub rows: u64,
    pub different: u64,
    /// The first of them.
    pub differences: Vec<Difference>,
}

impl Verdict {
    pub fn is_identical(&self) -> bool {
        self.different == 0
    }

    fn note(&mut self, table: &'static str, key: &[Cell], what: What) {
        self.different += 1;
        if self.differences.len() < 100 {
            let key = key.iter().map(Cell::to_string).collect::<Vec<_>>().join("/");
            self.differences.push(Difference { table, key, what });
        }
    }
}

/// Compares the generation in use with the log. It may go on being written: the comparison sees it as it was
/// at one moment.
pub async fn verify(
    store: &Arc<dyn EventStore>,
    generations: &Generations,
    mut on_progress: impl FnMut(&Progress) + Send,
) -> Result<Option<Verdict>, GenerationError> {
    let Some((generation, live)) = generations.open_current(Sizes::small()).await? else { return Ok(None) };
    let mut snapshot = live.readers().begin().await?;
    let position = checkpoint(&mut snapshot).await?;
    let mut verdict = Verdict { generation, position, ..Verdict::default() };
    if let Some(position) = position {
        let aside = generations.path(generation).with_extension("verify");
        remove(&aside)?;
        let rebuilt = fill(store, &aside, Some(position), &mut on_progress).await?;
        let mut other = rebuilt.readers().acquire().await?;
        for shape in read_models::shapes() {
            compare(&mut snapshot, &mut other, &shape, &mut verdict).await?;
        }
        drop(other);
        rebuilt.close().await;
        remove(&aside)?;
    }
    snapshot.rollback().await?;
    live.close().await;
    Ok(Some(verdict))
}

async fn checkpoint(connection: &mut SqliteConnection) -> Result<Option<Position>, DbError> {
    const SELECT: &str = "select commit_position, prepare_position from checkpoints where name = $1";
    let values = Values::default().with(&NAME.to_owned());
    let row = sqlx::query_with(SELECT, values.into_arguments()).fetch_optional(connection).await?;
    let Some(row) = row else { return Ok(None) };
    let mut columns = Columns::of(&row);
    let (commit, prepare): (i64, i64) = (columns.take()?, columns.take()?);
    Ok(Some(Position::new(commit as u64, prepare as u64)))
}

/// Walks both tables in the order of their keys, side by side.
async fn compare(
    live: &mut SqliteConnection,
    rebuilt: &mut SqliteConnection,
    shape: &Shape,
    verdict: &mut Verdict,
) -> Result<(), DbError> {
    let columns: Vec<_> =
        shape.key.iter().chain(shape.columns.iter().filter(|c| !shape.key.contains(c))).collect();
    let list = columns.iter().map(|column| **column).collect::<Vec<_>>().join(", ");
    let sql = format!("select {list} from {} order by {}", shape.table, shape.key.join(", "));
    let mut ours = sqlx::query(AssertSqlSafe(sql.clone())).fetch(live);
    let mut theirs = sqlx::query(AssertSqlSafe(sql)).fetch(rebuilt);
    let width = shape.key.len();
    let (mut left, mut right) = (next(&mut ours).await?, next(&mut theirs).await?);
    verdict.tables += 1;
    loop {
        let order = match (&left, &right) {
            (None, None) => return Ok(()),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(left), Some(right)) => left[..width].cmp(&right[..width]),
        };
        match (order, &left, &right) {
            (Ordering::Equal, Some(ours), Some(theirs)) => {
                verdict.rows += 1;
                for (index, name) in columns.iter().enumerate() {
                    if ours[index] != theirs[index] {
                        verdict.note(shape.table, &ours[..width], What::Column { name });
                    }
                }
            }
            (Ordering::Less, Some(ours), _) => verdict.note(shape.table, &ours[..width], What::TooMuch),
            (_, _, Some(theirs)) => verdict.note(shape.table, &theirs[..width], What::Missing),
            (_, _, None) => {}
        }
        if order.is_le() {
            left = next(&mut ours).await?;
        }
        if order.is_ge() {
            right = next(&mut theirs).await?;
        }
    }
}

async fn next(
    rows: &mut (impl futures::Stream<Item = Result<SqliteRow, DbError>> + Unpin),
) -> Result<Option<Vec<Cell>>, DbError> {
    let Some(row) = rows.try_next().await? else { return Ok(None) };
    (0..row.len()).map(|index| Cell::of(&row, index)).collect::<Result<_, _>>().map(Some)
}

/// A stored value, ordered as the engine orders them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Cell {
    Null,
    Number(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl Cell {
    fn of(row: &SqliteRow, index: usize) -> Result<Self, DbError> {
        use sqlx::TypeInfo;
        let value = row.try_get_raw(index)?;
        if value.is_null() {
            return Ok(Self::Null);
        }
        let kind = value.type_info().name().to_owned();
        Ok(match &*kind {
            "TEXT" => Self::Text(row.try_get_unchecked(index)?),
            "BLOB" => Self::Bytes(row.try_get_unchecked(index)?),
            _number => Self::Number(row.try_get_unchecked(index)?),
        })
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
            Self::Bytes(bytes) => bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
        }
    }
}
