//! The checkpoint of a projection.

use crate::db::{Db, DbError, DbRow, Tx};
use crate::table::{Columns, Values};
use event_schemas::{EventId, Position, Recorded, Timestamp};
use event_store::{EventStore, ReadError};

/// The position in the log up to which a projection has read, and the number of events that it has read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checkpoint {
    pub position: Option<Position>,
    pub events: u64,
    /// The event at the position. `None` when an earlier version stored the checkpoint, and on KurrentDB when a record
    /// of the server itself is there.
    pub event: Option<CheckpointEvent>,
}

/// The event at the position of a checkpoint. A log that has another event there is another log, or an older copy that
/// was continued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckpointEvent {
    pub id: EventId,
    pub recorded_at: Timestamp,
}

impl From<&Recorded> for CheckpointEvent {
    fn from(event: &Recorded) -> Self {
        Self { id: event.id, recorded_at: event.recorded_at }
    }
}

/// The log does not hold what a follower has read: it was restored from an older backup, lost its newest events, or is
/// another log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the event log is older than its tables or is another log: {follower} has read it up to position {position}, and \
     {found}; stop all processes and run `verbatim restore-check`, which says what to do (docs/backup.md)"
)]
pub struct OlderLog {
    pub follower: String,
    pub position: Position,
    pub found: FoundInLog,
}

/// The contents of a log at the position of a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FoundInLog {
    #[error("the log is empty")]
    Nothing,
    #[error("the log ends at {0}")]
    End(Position),
    #[error("the log has another event there")]
    AnotherEvent,
}

impl Checkpoint {
    /// Adds the columns that tables of an earlier version do not have.
    pub async fn prepare(db: &Db) -> Result<(), DbError> {
        const ADD: &str = "alter table checkpoints add column event_id bytea;
            alter table checkpoints add column recorded_at bigint;";
        match Self::row(db, "", SELECT).await {
            Err(error) if is_missing_column(&error) => {}
            other => return other.map(|_| ()),
        }
        match db.run(ADD).await {
            Ok(()) => Ok(()),
            // Another process may have added them at the same time.
            Err(error) => Self::row(db, "", SELECT).await.map(|_| ()).map_err(|_| error),
        }
    }

    pub async fn read(db: &Db, name: &str) -> Result<Self, DbError> {
        const SELECT_OF_EARLIER_VERSION: &str =
            "select commit_position, prepare_position, events, null, null from checkpoints where name = $1";
        let row = match Self::row(db, name, SELECT).await {
            Err(error) if is_missing_column(&error) => Self::row(db, name, SELECT_OF_EARLIER_VERSION).await?,
            other => other?,
        };
        let Some(row) = row else { return Ok(Self::default()) };
        let mut columns = Columns::of(&row);
        let (commit, prepare, events): (i64, i64, i64) = (columns.take()?, columns.take()?, columns.take()?);
        let event = match (columns.take()?, columns.take()?) {
            (Some(id), Some(recorded_at)) => Some(CheckpointEvent { id, recorded_at }),
            (None, _) | (_, None) => None,
        };
        let position = Some(Position::new(commit as u64, prepare as u64));
        Ok(Self { position, events: events as u64, event })
    }

    /// Stores the checkpoint whatever is stored now.
    pub(crate) async fn put(&self, name: &str, tx: &mut Tx) -> Result<(), DbError> {
        const DELETE: &str = "delete from checkpoints where name = $1";
        tx.execute(DELETE, Values::default().with(&name.to_owned())).await?;
        if self.position.is_some() {
            self.replace(Self::default(), name, tx).await?;
        }
        Ok(())
    }

    async fn row(db: &Db, name: &str, select: &'static str) -> Result<Option<DbRow>, DbError> {
        db.readers().fetch_optional(select, Values::default().with(&name.to_owned())).await
    }

    /// Compares the checkpoint of a follower with the log. `None` when the log holds what the follower has read. Read
    /// the checkpoint before this call: the log only grows.
    pub async fn compare(
        &self,
        follower: &str,
        store: &dyn EventStore,
    ) -> Result<Option<OlderLog>, ReadError> {
        let Some(position) = self.position else { return Ok(None) };
        let is_same = match self.event {
            Some(event) => store.event_at(position).await?.is_some_and(|found| found.id == event.id),
            None => store.reaches(position).await?,
        };
        if is_same {
            return Ok(None);
        }
        let found = match store.end().await? {
            None => FoundInLog::Nothing,
            Some(end) if end < position => FoundInLog::End(end),
            Some(_) => FoundInLog::AnotherEvent,
        };
        Ok(Some(OlderLog { follower: follower.to_owned(), position, found }))
    }

    pub fn moved_to(self, position: Position, events: u64, event: Option<CheckpointEvent>) -> Self {
        Self { position: Some(position), events: self.events + events, event }
    }

    /// The same checkpoint with the event at its position, which is looked up when it is not known.
    pub(super) async fn with_event(self, store: &dyn EventStore) -> Result<Self, ReadError> {
        let (Some(position), None) = (self.position, self.event) else { return Ok(self) };
        let event = store.event_at(position).await?.as_ref().map(CheckpointEvent::from);
        Ok(Self { event, ..self })
    }

    /// Replaces the stored checkpoint when it equals `before`, and returns whether it did. On PostgreSQL only
    /// [`Tx::commit_claimed`] can tell, and this returns true.
    pub async fn replace(self, before: Self, name: &str, tx: &mut Tx) -> Result<bool, DbError> {
        const FIRST: &str = "insert into checkpoints
            (name, commit_position, prepare_position, events, event_id, recorded_at)
            values ($1, $2, $3, $4, $5, $6) on conflict (name) do nothing";
        const NEXT: &str = "update checkpoints set commit_position = $2, prepare_position = $3, events = $4,
                event_id = $5, recorded_at = $6
            where name = $1 and commit_position = $7 and prepare_position = $8";
        let Some((commit, prepare)) = self.position.map(halves) else { return Ok(true) };
        let mut values = Values::default().with(&name.to_owned()).with(&commit).with(&prepare);
        values.put(&(self.events as i64));
        values.put(&self.event.map(|event| event.id)).put(&self.event.map(|event| event.recorded_at));
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

const SELECT: &str = "select commit_position, prepare_position, events, event_id, recorded_at
    from checkpoints where name = $1";

/// Whether a statement names a column that the table does not have.
fn is_missing_column(error: &DbError) -> bool {
    let DbError::Database(error) = error else { return false };
    error.code().is_some_and(|code| code == "42703") || error.message().starts_with("no such column")
}

/// The two numbers of a position as the columns have them. No engine's positions exceed 63 bits.
fn halves(position: Position) -> (i64, i64) {
    (position.commit() as i64, position.prepare() as i64)
}
