//! Fills a second set of tables from the log and compares every row of every table with the tables in use.

use crate::generations::{GenerationError, Generations, TableSetName};
use crate::read_models::{self, NAME};
use event_schemas::Position;
use event_store::EventStore;
use follower::db::{AssertSqlSafe, DbError, DbRow, Kind, Sizes, Tx};
use follower::runner::Progress;
use follower::table::{Columns, Shape, Values};
use futures::TryStreamExt;
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// A row that differs from the row that the log gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    pub table: &'static str,
    pub key: String,
    pub kind: DifferenceKind,
}

#[derive(Debug, Clone, PartialEq)]
pub enum DifferenceKind {
    /// The log gives this row, but the table does not have it.
    Missing,
    /// The table has this row, but the log does not give it.
    Unexpected,
    /// This column has another value than the log gives.
    Column { name: &'static str },
}

/// The result of a comparison.
#[derive(Debug, Default)]
pub struct Verdict {
    pub generation: u64,
    /// The position up to which the log was compared.
    pub position: Option<Position>,
    pub tables: usize,
    pub rows: u64,
    pub different: u64,
    /// The first 100 differences.
    pub differences: Vec<Difference>,
}

impl Verdict {
    pub fn is_identical(&self) -> bool {
        self.different == 0
    }

    fn note(&mut self, table: &'static str, key: &[Cell], kind: DifferenceKind) {
        self.different += 1;
        if self.differences.len() < 100 {
            let key = key.iter().map(Cell::to_string).collect::<Vec<_>>().join("/");
            self.differences.push(Difference { table, key, kind });
        }
    }
}

/// Compares the generation in use with the log. The comparison reads a snapshot, so events may be projected
/// meanwhile. `None` when no generation is in use that this program can read.
pub async fn verify(
    store: &Arc<dyn EventStore>,
    generations: &Generations,
    mut on_progress: impl FnMut(&Progress) + Send,
) -> Result<Option<Verdict>, GenerationError> {
    let Some((generation, live)) = generations.open_current(Sizes::small()).await? else { return Ok(None) };
    let mut snapshot = live.snapshot().await?;
    let position = checkpoint(&mut snapshot).await?;
    let mut verdict = Verdict { generation, position, ..Verdict::default() };
    if let Some(position) = position {
        let verification = TableSetName::Verification(generation);
        let rebuilt = generations.fill(store, verification, Some(position), &mut on_progress).await?;
        let mut other = rebuilt.snapshot().await?;
        for shape in read_models::shapes() {
            compare(&mut snapshot, &mut other, &shape, &mut verdict).await?;
        }
        other.rollback().await?;
        rebuilt.close().await;
        generations.remove(verification).await?;
    }
    snapshot.rollback().await?;
    live.close().await;
    Ok(Some(verdict))
}

async fn checkpoint(tx: &mut Tx) -> Result<Option<Position>, DbError> {
    const SELECT: &str = "select commit_position, prepare_position from checkpoints where name = $1";
    let values = Values::default().with(&NAME.to_owned());
    let Some(row) = tx.fetch_optional(SELECT, values).await? else { return Ok(None) };
    let mut columns = Columns::of(&row);
    let (commit, prepare): (i64, i64) = (columns.take()?, columns.take()?);
    Ok(Some(Position::new(commit as u64, prepare as u64)))
}

/// Reads both tables in the order of their keys and compares them row by row.
async fn compare(
    live: &mut Tx,
    rebuilt: &mut Tx,
    shape: &Shape,
    verdict: &mut Verdict,
) -> Result<(), DbError> {
    let columns: Vec<_> =
        shape.key.iter().chain(shape.columns.iter().filter(|c| !shape.key.contains(c))).collect();
    let list = columns.iter().map(|column| **column).collect::<Vec<_>>().join(", ");
    let sql = format!("select {list} from {} order by {}", shape.table, shape.key.join(", "));
    let mut ours = live.fetch(AssertSqlSafe(sql.clone()));
    let mut theirs = rebuilt.fetch(AssertSqlSafe(sql));
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
                        verdict.note(shape.table, &ours[..width], DifferenceKind::Column { name });
                    }
                }
            }
            (Ordering::Less, Some(ours), _) => {
                verdict.note(shape.table, &ours[..width], DifferenceKind::Unexpected)
            }
            (_, _, Some(theirs)) => verdict.note(shape.table, &theirs[..width], DifferenceKind::Missing),
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
    rows: &mut (impl futures::Stream<Item = Result<DbRow, DbError>> + Unpin),
) -> Result<Option<Vec<Cell>>, DbError> {
    let Some(row) = rows.try_next().await? else { return Ok(None) };
    (0..row.len()).map(|index| Cell::of(&row, index)).collect::<Result<_, _>>().map(Some)
}

/// A stored value, in the order that the engine sorts values.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Cell {
    Null,
    Number(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl Cell {
    fn of(row: &DbRow, index: usize) -> Result<Self, DbError> {
        Ok(match row.kind(index)? {
            Kind::Null => Self::Null,
            Kind::Number => Self::Number(row.number(index)?),
            Kind::Flag => Self::Number(row.flag(index)?.into()),
            Kind::Text => Self::Text(row.text(index)?.to_owned()),
            Kind::Bytes => Self::Bytes(row.bytes(index)?.to_owned()),
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
