//! The checkpoint of a projection.

use crate::db::{Db, DbError, Tx};
use crate::table::{Columns, Values};
use event_schemas::Position;

/// The position in the log up to which a projection has read, and the number of events that it has read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checkpoint {
    pub position: Option<Position>,
    pub events: u64,
}

impl Checkpoint {
    pub async fn read(db: &Db, name: &str) -> Result<Self, DbError> {
        const SELECT: &str =
            "select commit_position, prepare_position, events from checkpoints where name = $1";
        let row = db.readers().fetch_optional(SELECT, Values::default().with(&name.to_owned())).await?;
        let Some(row) = row else { return Ok(Self::default()) };
        let mut columns = Columns::of(&row);
        let (commit, prepare, events): (i64, i64, i64) = (columns.take()?, columns.take()?, columns.take()?);
        Ok(Self { position: Some(Position::new(commit as u64, prepare as u64)), events: events as u64 })
    }

    pub(super) fn moved_to(self, position: Position, events: u64) -> Self {
        Self { position: Some(position), events: self.events + events }
    }

    /// Replaces the stored checkpoint when it equals `before`, and returns whether it did. On PostgreSQL only
    /// [`Tx::commit_claimed`] can tell, and this returns true.
    pub(super) async fn replace(self, before: Self, name: &str, tx: &mut Tx) -> Result<bool, DbError> {
        const FIRST: &str = "insert into checkpoints (name, commit_position, prepare_position, events)
            values ($1, $2, $3, $4) on conflict (name) do nothing";
        const NEXT: &str = "update checkpoints set commit_position = $2, prepare_position = $3, events = $4
            where name = $1 and commit_position = $5 and prepare_position = $6";
        let Some((commit, prepare)) = self.position.map(halves) else { return Ok(true) };
        let mut values = Values::default().with(&name.to_owned()).with(&commit).with(&prepare);
        values.put(&(self.events as i64));
        let statement = match before.position.map(halves) {
            None => FIRST,
            Some((commit, prepare)) => {
                values.put(&commit).put(&prepare);
                NEXT
            }
        };
        tx.claim(statement, values).await
    }
}

/// The two numbers of a position as the columns have them. No engine's positions exceed 63 bits.
fn halves(position: Position) -> (i64, i64) {
    (position.commit() as i64, position.prepare() as i64)
}
