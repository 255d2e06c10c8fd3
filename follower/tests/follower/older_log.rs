//! A follower compares its checkpoint with the log: it does not go on with an older copy or another log.

use crate::support::{Log, eventually};
use event_schemas::{Category, Position};
use event_store::Filter;
use follower::db::Values;
use follower::restore::{last_in_common, put_checkpoint};
use follower::runner::{FoundInLog, RunnerError};
use follower::{
    Checkpoint, Condition, Db, DecodedEvent, FollowError, OlderLog, Projection, Runner, Sizes, Tx,
};
use std::path::Path;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Reads every event of this kind of stream and writes nothing.
struct Reader(Category);

impl Projection for Reader {
    fn name(&self) -> &'static str {
        "reader"
    }
    fn filter(&self) -> Filter {
        Filter::categories([self.0])
    }
    async fn project(&mut self, _: &[Arc<DecodedEvent>], _: &mut Tx) -> Result<(), FollowError> {
        Ok(())
    }
}

async fn tables(folder: &Path) -> Db {
    Db::open(&folder.join("tables.db"), Sizes::small(), "").await.unwrap()
}

async fn follow(log: &Log, db: &Db, kind: Category) -> Result<(), RunnerError> {
    let mut runner = Runner::open(Arc::clone(&log.store), db.clone(), Reader(kind)).await?;
    runner.catch_up(log.store.end().await.unwrap(), |_| {}).await
}

async fn assert_refused(log: &Log, db: &Db, expected: FoundInLog) {
    let mut runner =
        Runner::open(Arc::clone(&log.store), db.clone(), Reader(Category::Conversation)).await.unwrap();
    // Past the end of any log of these tests, so that the runner would wait if it did not refuse.
    match runner.catch_up(Some(Position::at(1_000)), |_| {}).await {
        Err(RunnerError::OlderLog(OlderLog { found, .. })) => assert_eq!(found, expected),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_checkpoint_has_its_event_although_no_event_of_the_follower_is_there() {
    let log = Log::new().await;
    let db = tables(log.folder.path()).await;
    log.notes(1, 3).await;
    follow(&log, &db, Category::Conversation).await.unwrap();
    let read = Checkpoint::read(&db, "reader").await.unwrap();
    let last = log.store.event_at(read.position.unwrap()).await.unwrap().unwrap();
    assert_eq!(read.event.unwrap().id, last.id);
    // No event of an agent is in the log.
    let agents = Db::open(&log.folder.path().join("agents.db"), Sizes::small(), "").await.unwrap();
    let runner = Runner::open(Arc::clone(&log.store), agents.clone(), Reader(Category::Agent)).await.unwrap();
    let (watch, stop) = (runner.watch(), CancellationToken::new());
    let running = tokio::spawn(runner.run(stop.clone()));
    eventually("the log is read", || async { watch.position() == read.position }).await;
    stop.cancel();
    running.await.unwrap().unwrap();
    assert_eq!(Checkpoint::read(&agents, "reader").await.unwrap().event, read.event);
}

#[tokio::test]
async fn a_shorter_log_an_empty_log_and_another_log_are_refused() {
    let log = Log::new().await;
    let db = tables(log.folder.path()).await;
    log.notes(1, 5).await;
    follow(&log, &db, Category::Conversation).await.unwrap();
    let other = Log::new().await;
    assert_refused(&other, &db, FoundInLog::Nothing).await;
    let end = other.notes(1, 3).await.unwrap();
    assert_refused(&other, &db, FoundInLog::End(end)).await;
    other.notes(1, 4).await;
    assert_refused(&other, &db, FoundInLog::AnotherEvent).await;
    // The log itself is still read.
    log.notes(1, 1).await;
    follow(&log, &db, Category::Conversation).await.unwrap();
}

#[tokio::test]
async fn a_follower_continues_after_the_last_event_that_both_have() {
    let log = Log::new().await;
    let db = tables(log.folder.path()).await;
    log.notes(1, 3).await;
    let common = log.store.end().await.unwrap();
    let copy = log.folder.path().join("copy.db");
    let copied = format!("vacuum into '{}'", copy.display());
    let events = Db::open(&log.folder.path().join("events.db"), Sizes::small(), "").await.unwrap();
    events.run(&copied).await.unwrap();
    events.close().await;
    log.notes(1, 4).await;
    follow(&log, &db, Category::Conversation).await.unwrap();
    // The copy was continued before anyone noticed.
    let store = event_store::SqliteStore::open(&copy, log.clock.clone()).await.unwrap();
    let restored = Log { folder: tempfile::tempdir().unwrap(), clock: log.clock.clone(), store };
    restored.notes(2, 9).await;
    assert_refused(&restored, &db, FoundInLog::AnotherEvent).await;
    let read = Checkpoint::read(&db, "reader").await.unwrap();
    let last = last_in_common(&*restored.store, &read).await.unwrap();
    assert_eq!(last.position, common);
    put_checkpoint(&db, "reader", &last).await.unwrap();
    follow(&restored, &db, Category::Conversation).await.unwrap();
    assert_eq!(Checkpoint::read(&db, "reader").await.unwrap().position, restored.store.end().await.unwrap());
}

#[tokio::test]
async fn tables_of_an_earlier_version_get_the_columns_and_their_position_is_compared() {
    let log = Log::new().await;
    let db = tables(log.folder.path()).await;
    db.run(
        "drop table checkpoints;
         create table checkpoints (name text not null primary key, commit_position bigint not null,
            prepare_position bigint not null, events bigint not null);
         insert into checkpoints values ('reader', 2, 2, 2)",
    )
    .await
    .unwrap();
    assert_eq!(Checkpoint::read(&db, "reader").await.unwrap().event, None);
    let end = log.notes(1, 1).await.unwrap();
    assert_refused(&log, &db, FoundInLog::End(end)).await;
    log.notes(1, 2).await;
    follow(&log, &db, Category::Conversation).await.unwrap();
    assert!(Checkpoint::read(&db, "reader").await.unwrap().event.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_whose_tables_fail_without_new_events_works_again_without_new_events() {
    let log = Log::new().await;
    let db = tables(log.folder.path()).await;
    let last = log.notes(1, 3).await;
    let runner =
        Runner::open(Arc::clone(&log.store), db.clone(), Reader(Category::Conversation)).await.unwrap();
    let (watch, stop) = (runner.watch(), CancellationToken::new());
    let running = tokio::spawn(runner.run(stop.clone()));
    eventually("the events are read", || async { watch.position() == last }).await;
    db.run("alter table checkpoints rename to away").await.unwrap();
    eventually("the failure is reported", || async { watch.progress().condition != Condition::Running })
        .await;
    db.run("alter table away rename to checkpoints").await.unwrap();
    eventually("no failure is reported", || async { watch.progress().condition == Condition::Running }).await;
    stop.cancel();
    running.await.unwrap().unwrap();
    let rows = db.readers().fetch_all("select name from checkpoints", Values::default()).await.unwrap();
    assert_eq!(rows.len(), 1);
}
