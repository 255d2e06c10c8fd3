//! The time up to which everything is history, after the log was restored from an older backup.
//!
//! What the log has lost has had its effects: alarms were raised, rules have run, messages were sent. Timers that were
//! due in that time become due again, and their events are appended again, because the log must say what is so. But
//! nothing is sent because of them.

use event_schemas::{Position, Timestamp};
use follower::db::DbError;
use follower::table::{Columns, Values};
use follower::{DecodedEvent, Location, LocationError, Sizes};

const TABLES: &str = "history";

const SCRIPT: &str = "create table if not exists history (
    name             text   not null primary key,
    until_at         bigint not null,
    commit_position  bigint not null,
    prepare_position bigint not null
);";

/// The time up to which everything is history. The default has no such time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct History(Option<Restore>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Restore {
    /// When the newest event that was lost was recorded.
    until: Timestamp,
    /// The end of the log when its followers were put right. Events up to there are as they were.
    end: Position,
}

impl History {
    /// Whether an event repeats what had happened before the log was restored.
    pub(crate) fn repeats(self, event: &DecodedEvent) -> bool {
        self.0.is_some_and(|restore| {
            event.position > restore.end && event.metadata.occurred_at <= restore.until
        })
    }

    /// Whether a moment was reached before the log was restored.
    pub(crate) fn has(self, moment: Timestamp) -> bool {
        self.0.is_some_and(|restore| moment <= restore.until)
    }

    pub(crate) async fn read(location: &Location) -> Result<Self, LocationError> {
        const SELECT: &str = "select until_at, commit_position, prepare_position from history";
        let Some(db) = location.existing_tables(TABLES, Sizes::small()).await? else {
            return Ok(Self::default());
        };
        let row = db.readers().fetch_optional(SELECT, Values::default()).await;
        db.close().await;
        let Some(row) = row? else { return Ok(Self::default()) };
        let mut columns = Columns::of(&row);
        let until = columns.take()?;
        let (commit, prepare): (i64, i64) = (columns.take()?, columns.take()?);
        Ok(Self(Some(Restore { until, end: Position::new(commit as u64, prepare as u64) })))
    }

    /// Makes everything up to this time history, for the log that ends at this position.
    pub(crate) async fn extend(
        location: &Location,
        until: Timestamp,
        end: Position,
    ) -> Result<(), LocationError> {
        const PUT: &str = "insert into history (name, until_at, commit_position, prepare_position)
            values ('restore', $1, $2, $3) on conflict (name) do update
            set until_at = excluded.until_at, commit_position = excluded.commit_position,
                prepare_position = excluded.prepare_position";
        let db = location.tables(TABLES, Sizes::small(), SCRIPT).await?;
        let put = async {
            let mut tx = db.begin().await?;
            let (commit, prepare) = (end.commit() as i64, end.prepare() as i64);
            tx.execute(PUT, Values::default().with(&until).with(&commit).with(&prepare)).await?;
            tx.commit().await
        };
        let put: Result<(), DbError> = put.await;
        db.close().await;
        Ok(put?)
    }
}
