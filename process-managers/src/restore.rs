//! The process managers' tables beside a log that was restored from an older backup.

use crate::MANAGERS;
use crate::history::History;
use crate::manager::OpenError;
use event_schemas::{EventId, Position, Timestamp};
use event_store::EventStore;
use follower::db::AssertSqlSafe;
use follower::restore::{last_in_common, put_checkpoint};
use follower::runner::RunnerError;
use follower::table::{Columns, Values};
use follower::{Checkpoint, Db, Location, Sizes};

/// The tables of a process manager, and what becomes of them when the log was restored from an older backup.
#[derive(Clone, Copy, Debug)]
pub struct TableSet {
    pub name: &'static str,
    /// The name of the manager's checkpoint in its tables.
    pub checkpoint: &'static str,
    pub after_restore: AfterRestore,
}

/// The fate of tables that are ahead of the log. Everything that the log has lost is history: its effects in the
/// world remain, and no effect is repeated.
#[derive(Clone, Copy, Debug)]
pub enum AfterRestore {
    /// The manager handles causes one by one and keeps only its checkpoint: it continues after the last event that it
    /// has handled and the log still has.
    Continue,
    /// The manager has jobs in this table: those whose event the log has lost are removed, the others remain. Events
    /// whose job has ended are not read again.
    KeepJobs { table: &'static str, event: &'static str },
    /// The rows follow from the log alone and have no effects of their own: they are removed and derived again.
    Derive,
}

/// The checkpoint of a process manager.
#[derive(Clone, Copy, Debug)]
pub struct ManagerCheckpoint {
    pub tables: TableSet,
    pub checkpoint: Checkpoint,
}

/// All checkpoints of the process managers in a location.
pub async fn checkpoints(location: &Location) -> Result<Vec<ManagerCheckpoint>, OpenError> {
    let mut all = Vec::new();
    for tables in MANAGERS.iter().filter_map(|manager| manager.tables) {
        let Some(db) = location.existing_tables(tables.name, Sizes::small()).await? else { continue };
        let checkpoint = Checkpoint::read(&db, tables.checkpoint).await;
        db.close().await;
        all.push(ManagerCheckpoint { tables, checkpoint: checkpoint? });
    }
    Ok(all)
}

/// The number of jobs that [`put_right`] removes, and of those that it leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Jobs {
    pub removed: usize,
    pub left: usize,
}

/// The jobs of a manager whose checkpoint is ahead of the log. `None` when the manager has none.
pub async fn jobs(
    location: &Location,
    store: &dyn EventStore,
    ahead: &ManagerCheckpoint,
) -> Result<Option<Jobs>, OpenError> {
    let AfterRestore::KeepJobs { table, event } = ahead.tables.after_restore else { return Ok(None) };
    let Some(db) = location.existing_tables(ahead.tables.name, Sizes::small()).await? else {
        return Ok(None);
    };
    let lost = lost_jobs(&db, store, table, event).await;
    db.close().await;
    let (lost, all) = lost?;
    Ok(Some(Jobs { removed: lost.len(), left: all - lost.len() }))
}

/// Puts the tables of a manager right whose checkpoint is ahead of the log. No process may have them open.
pub async fn put_right(
    location: &Location,
    store: &dyn EventStore,
    ahead: &ManagerCheckpoint,
) -> Result<(), OpenError> {
    let ManagerCheckpoint { tables, checkpoint } = ahead;
    if let AfterRestore::Derive = tables.after_restore {
        return Ok(location.remove_tables(tables.name).await?);
    }
    let common = last_in_common(store, checkpoint).await.map_err(RunnerError::from)?;
    let Some(db) = location.existing_tables(tables.name, Sizes::small()).await? else { return Ok(()) };
    let done = async {
        if let AfterRestore::KeepJobs { table, event } = tables.after_restore {
            let (lost, _) = lost_jobs(&db, store, table, event).await?;
            let delete = format!("delete from {table} where {event} = $1");
            let mut tx = db.begin().await?;
            for id in lost {
                tx.execute(AssertSqlSafe(delete.clone()), Values::default().with(&id)).await?;
            }
            tx.commit().await?;
        }
        put_checkpoint(&db, tables.checkpoint, &common).await?;
        Ok::<_, OpenError>(())
    }
    .await;
    db.close().await;
    done
}

/// Lets every process manager continue at the end of the log and drops the jobs that wait, for tables that were lost or
/// come from a backup too: what waited then was sent meanwhile. Returns the number of jobs dropped.
pub async fn drop_waiting(location: &Location, store: &dyn EventStore) -> Result<u64, OpenError> {
    let everything = Checkpoint { position: Some(Position::at(0)), ..Checkpoint::default() };
    let end = last_in_common(store, &everything).await.map_err(RunnerError::from)?;
    let mut dropped = 0;
    for tables in MANAGERS.iter().filter_map(|manager| manager.tables) {
        let table = match tables.after_restore {
            AfterRestore::Derive => continue,
            AfterRestore::Continue => None,
            AfterRestore::KeepJobs { table, .. } => Some(table),
        };
        let existing = location.existing_tables(tables.name, Sizes::small()).await?;
        let (db, table) = match existing {
            Some(db) => (db, table),
            None => (location.tables(tables.name, Sizes::small(), "").await?, None),
        };
        let done = async {
            if let Some(table) = table {
                let mut tx = db.begin().await?;
                let delete = AssertSqlSafe(format!("delete from {table}"));
                dropped += tx.execute(delete, Values::default()).await?;
                tx.commit().await?;
            }
            put_checkpoint(&db, tables.checkpoint, &end).await
        }
        .await;
        db.close().await;
        done?;
    }
    Ok(dropped)
}

/// Makes everything that was recorded up to this time history, for the log that ends at this position: the events that
/// timers append again about that time have no effects. The end is `None` when the log is empty.
pub async fn make_history(
    location: &Location,
    until: Timestamp,
    end: Option<Position>,
) -> Result<(), OpenError> {
    Ok(History::extend(location, until, end.unwrap_or(Position::at(0))).await?)
}

/// The events of jobs that the log has lost, and the number of all jobs.
async fn lost_jobs(
    db: &Db,
    store: &dyn EventStore,
    table: &str,
    event: &str,
) -> Result<(Vec<EventId>, usize), OpenError> {
    let select = format!("select {event} from {table}");
    let rows = db.readers().fetch_all(AssertSqlSafe(select), Values::default()).await?;
    let mut lost = Vec::new();
    for row in &rows {
        let id: EventId = Columns::of(row).take()?;
        if store.find(id).await.map_err(RunnerError::from)?.is_none() {
            lost.push(id);
        }
    }
    Ok((lost, rows.len()))
}
