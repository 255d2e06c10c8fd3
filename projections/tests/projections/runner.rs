//! The guarantees that the runner gives to every projection.

use crate::environment::Environment;
use crate::scenario::Scenario;
use event_schemas::{Category, EventId, NewEvent, StreamId};
use event_store::{EventStore, Expected, Filter};
use follower::table::Values;
use follower::{
    Condition, Db, DbError, DecodedEvent, FollowError, Projection, Runner, RunnerError, Sizes, Tx,
};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

crate::on_each_engine!(
    a_filter_selects_events_and_the_checkpoint_still_reaches_the_end,
    a_page_that_fails_leaves_neither_rows_nor_checkpoint,
    an_event_of_an_unknown_type_is_skipped,
    an_unreadable_event_stops_the_projection_and_says_which,
    a_wait_ends_when_the_tables_are_filled_or_at_its_timeout,
    tables_that_a_crash_set_back_are_filled_again_without_new_events,
    skipped_events_are_stored_in_the_checkpoint_when_no_more_arrive,
);

/// Counts the events that it receives, in its table and in memory.
#[derive(Default)]
struct Tally {
    committed: u64,
    page: u64,
    was_reset: bool,
    fails: bool,
    /// No event concerns this projection.
    ignores_all: bool,
}

const TALLY: &str = "create table if not exists tally (id bytea not null primary key);";

impl Projection for Tally {
    fn name(&self) -> &'static str {
        "tally"
    }
    fn filter(&self) -> Filter {
        Filter::categories([Category::Conversation])
    }
    fn concerns(&self, _: &DecodedEvent) -> bool {
        !self.ignores_all
    }
    async fn prepare(&mut self, _: &[Arc<DecodedEvent>]) -> Result<bool, FollowError> {
        Ok(!self.ignores_all)
    }
    async fn project(&mut self, page: &[Arc<DecodedEvent>], tx: &mut Tx) -> Result<(), FollowError> {
        for event in page {
            tx.execute("insert into tally (id) values ($1)", Values::default().with(&event.id)).await?;
        }
        self.page = page.len() as u64;
        if self.fails { Err(DbError::WorkerCrashed.into()) } else { Ok(()) }
    }
    fn committed(&mut self) {
        self.committed += self.page;
    }
    fn reset(&mut self) {
        self.was_reset = true;
    }
}

struct Fixture {
    env: Environment,
    store: Arc<dyn EventStore>,
    db: Db,
}

async fn fixture(env: Environment) -> Fixture {
    let store = env.store().await;
    let db = env.location.tables("tally", Sizes::small(), TALLY).await.unwrap();
    Fixture { env, store, db }
}

async fn tallied(db: &Db) -> i64 {
    db.readers().fetch_one("select count(*) from tally", Values::default()).await.unwrap().number(0).unwrap()
}

async fn conversation_events(store: &dyn EventStore) -> usize {
    store.read_all(None, &Filter::categories([Category::Conversation]), 10_000).await.unwrap().events.len()
}

async fn a_filter_selects_events_and_the_checkpoint_still_reaches_the_end(env: Environment) {
    let fixture = fixture(env).await;
    Scenario::new(1).run(300).write(&*fixture.store).await;
    let mut runner =
        Runner::open(Arc::clone(&fixture.store), fixture.db.clone(), Tally::default()).await.unwrap();
    runner.catch_up(None, |_| {}).await.unwrap();
    assert_eq!(tallied(&fixture.db).await, conversation_events(&*fixture.store).await as i64);
    assert_eq!(runner.projection().committed as i64, tallied(&fixture.db).await);
    assert!(runner.watch().position() >= fixture.store.end().await.unwrap());
    drop(fixture.env);
}

async fn a_page_that_fails_leaves_neither_rows_nor_checkpoint(env: Environment) {
    let fixture = fixture(env).await;
    Scenario::new(2).run(50).write(&*fixture.store).await;
    let failing = Tally { fails: true, ..Tally::default() };
    let mut runner = Runner::open(Arc::clone(&fixture.store), fixture.db.clone(), failing).await.unwrap();
    assert!(runner.catch_up(None, |_| {}).await.is_err());
    assert!(runner.projection().was_reset);
    assert_eq!(runner.projection().committed, 0);
    assert_eq!(tallied(&fixture.db).await, 0);
    let mut runner =
        Runner::open(Arc::clone(&fixture.store), fixture.db.clone(), Tally::default()).await.unwrap();
    runner.catch_up(None, |_| {}).await.unwrap();
    assert_eq!(tallied(&fixture.db).await, conversation_events(&*fixture.store).await as i64);
}

/// An append with one event of this id, type and JSON.
fn custom_event(
    scenario: &mut Scenario,
    n: u128,
    event_type: &'static str,
    data: &str,
) -> (StreamId, NewEvent) {
    scenario.open();
    let append = scenario.appends.pop().expect("an append was generated");
    let mut event = append.events.into_iter().next().expect("it has an event");
    event.id = EventId::from_u128(n);
    event.event_type = event_type.into();
    event.data = data.to_owned();
    (append.stream, event)
}

async fn an_event_of_an_unknown_type_is_skipped(env: Environment) {
    let fixture = fixture(env).await;
    let mut scenario = Scenario::new(3);
    scenario.run(20).write(&*fixture.store).await;
    let (stream, event) = custom_event(&mut scenario, 1, "CustomerSang", "{}");
    fixture.store.append(&stream, Expected::Any, vec![event]).await.unwrap();
    scenario.run(20).write(&*fixture.store).await;
    let mut runner =
        Runner::open(Arc::clone(&fixture.store), fixture.db.clone(), Tally::default()).await.unwrap();
    runner.catch_up(None, |_| {}).await.unwrap();
    assert_eq!(tallied(&fixture.db).await, conversation_events(&*fixture.store).await as i64 - 1);
}

async fn an_unreadable_event_stops_the_projection_and_says_which(env: Environment) {
    let fixture = fixture(env).await;
    let mut scenario = Scenario::new(4);
    let (stream, event) = custom_event(&mut scenario, 1, "ConversationOpened", "{\"half\":");
    fixture.store.append(&stream, Expected::Any, vec![event]).await.unwrap();
    let runner =
        Runner::open(Arc::clone(&fixture.store), fixture.db.clone(), Tally::default()).await.unwrap();
    let watch = runner.watch();
    let ended = runner.run(CancellationToken::new()).await;
    assert!(matches!(ended, Err(RunnerError::Unreadable { .. })), "{ended:?}");
    let Condition::Stopped { error } = watch.progress().condition else {
        panic!("the runner should have stopped")
    };
    assert!(error.contains(stream.as_str()), "{error}");
}

async fn a_wait_ends_when_the_tables_are_filled_or_at_its_timeout(env: Environment) {
    let fixture = fixture(env).await;
    Scenario::new(5).run(50).write(&*fixture.store).await;
    let end = fixture.store.end().await.unwrap().unwrap();
    let runner =
        Runner::open(Arc::clone(&fixture.store), fixture.db.clone(), Tally::default()).await.unwrap();
    let watch = runner.watch();
    assert!(watch.wait_for(end, Duration::from_millis(1)).await.is_err());
    let stop = CancellationToken::new();
    let running = tokio::spawn(runner.run(stop.clone()));
    watch.wait_for(end, Duration::from_secs(20)).await.unwrap();
    assert_eq!(tallied(&fixture.db).await, conversation_events(&*fixture.store).await as i64);
    stop.cancel();
    running.await.unwrap().unwrap();
}

async fn tables_that_a_crash_set_back_are_filled_again_without_new_events(env: Environment) {
    let fixture = fixture(env).await;
    Scenario::new(6).run(50).write(&*fixture.store).await;
    let end = fixture.store.end().await.unwrap().unwrap();
    let runner =
        Runner::open(Arc::clone(&fixture.store), fixture.db.clone(), Tally::default()).await.unwrap();
    let watch = runner.watch();
    let stop = CancellationToken::new();
    let running = tokio::spawn(runner.run(stop.clone()));
    watch.wait_for(end, Duration::from_secs(20)).await.unwrap();
    let all = tallied(&fixture.db).await;
    let mut crash = fixture.db.begin().await.unwrap();
    for lost in ["delete from tally", "delete from checkpoints"] {
        crash.execute(lost, Values::default()).await.unwrap();
    }
    crash.commit().await.unwrap();
    let began = Instant::now();
    while tallied(&fixture.db).await != all {
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", watch.progress());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    stop.cancel();
    running.await.unwrap().unwrap();
}

async fn stored_events(db: &Db) -> i64 {
    const STORED: &str = "select coalesce(max(events), 0) from checkpoints where name = 'tally'";
    let row = db.readers().fetch_one(STORED, Values::default()).await.unwrap();
    row.number(0).unwrap()
}

async fn skipped_events_are_stored_in_the_checkpoint_when_no_more_arrive(env: Environment) {
    let fixture = fixture(env).await;
    let mut scenario = Scenario::new(6);
    scenario.run(5).write(&*fixture.store).await;
    let ignores_all = Tally { ignores_all: true, ..Tally::default() };
    let runner = Runner::open(Arc::clone(&fixture.store), fixture.db.clone(), ignores_all).await.unwrap();
    let watch = runner.watch();
    let stop = CancellationToken::new();
    let running = tokio::spawn(runner.run(stop.clone()));
    let end = fixture.store.end().await.unwrap().unwrap();
    watch.wait_for(end, Duration::from_secs(20)).await.unwrap();
    let before = conversation_events(&*fixture.store).await as i64;
    scenario.open();
    scenario.write(&*fixture.store).await;
    let end = fixture.store.end().await.unwrap().unwrap();
    watch.wait_for(end, Duration::from_secs(20)).await.unwrap();
    let events = conversation_events(&*fixture.store).await as i64;
    assert!(events > before);
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while stored_events(&fixture.db).await != events {
        assert!(tokio::time::Instant::now() < deadline, "the checkpoint should not stay behind");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stop.cancel();
    running.await.unwrap().unwrap();
}
