//! Tables that are filled live, in pages of any size and with interruptions, equal the tables of a rebuild.

use crate::environment::Environment;
use crate::scenario::{Random, Scenario};
use follower::Runner;
use projections::read_models::ReadModels;
use projections::{ReadSide, verify};
use std::sync::Arc;

crate::on_each_engine!(
    tables_filled_in_pages_of_any_size_and_with_kills_equal_a_rebuild,
    two_runners_write_each_event_once,
    a_rebuild_while_serving_comes_into_use_and_no_event_is_missing,
    a_comparison_finds_the_row_that_was_tampered_with,
);

async fn tables_filled_in_pages_of_any_size_and_with_kills_equal_a_rebuild(env: Environment) {
    for seed in 1..=12 {
        let env = env.fresh().await;
        let (store, generations) = (env.store().await, env.generations());
        let mut scenario = Scenario::new(seed);
        scenario.run(30).write(&*store).await;
        generations.rebuild(&store, |_| {}).await.unwrap();
        let (_, db) = generations.open_current(Default::default()).await.unwrap().unwrap();
        let mut random = Random::new(seed + 1000);
        let fresh = |random: &mut Random| {
            let (page, cached) = (1 + random.below(40), 1 + random.below(30));
            let (store, db) = (Arc::clone(&store), db.clone());
            async move { Runner::open(store, db, ReadModels::with_cache(cached)).await.unwrap().with_page(page) }
        };
        let mut runner = fresh(&mut random).await;
        for _ in 0..60 {
            let steps = 1 + random.below(12);
            scenario.run(steps).write(&*store).await;
            runner.step().await.unwrap();
            if random.chance(20) {
                // A new runner has an empty cache, as after a kill.
                runner = fresh(&mut random).await;
            }
        }
        while !runner.step().await.unwrap() {}
        drop(runner);
        db.close().await;
        let verdict = verify(&store, &generations, |_| {}).await.unwrap().unwrap();
        assert!(verdict.is_identical(), "seed {seed}: {:#?}", verdict.differences);
        assert!(verdict.rows > 200, "{} rows are too few for this test", verdict.rows);
        store.close().await;
    }
}

async fn two_runners_write_each_event_once(env: Environment) {
    let (store, generations) = (env.store().await, env.generations());
    generations.rebuild(&store, |_| {}).await.unwrap();
    let (_, db) = generations.open_current(Default::default()).await.unwrap().unwrap();
    let (_, same) = generations.open_current(Default::default()).await.unwrap().unwrap();
    let mut scenario = Scenario::new(77);
    scenario.run(1500).write(&*store).await;
    let one = Runner::open(Arc::clone(&store), db.clone(), ReadModels::default()).await.unwrap();
    let other = Runner::open(Arc::clone(&store), same.clone(), ReadModels::default()).await.unwrap();
    let run = |mut runner: Runner<ReadModels>| {
        tokio::spawn(async move {
            runner = runner.with_page(7);
            runner.catch_up(None, |_| {}).await.unwrap();
        })
    };
    let (one, other) = (run(one), run(other));
    one.await.unwrap();
    other.await.unwrap();
    db.close().await;
    same.close().await;
    let verdict = verify(&store, &generations, |_| {}).await.unwrap().unwrap();
    assert!(verdict.is_identical(), "{:#?}", verdict.differences);
    assert_eq!(verdict.position, store.end().await.unwrap());
}

async fn a_rebuild_while_serving_comes_into_use_and_no_event_is_missing(env: Environment) {
    use std::time::Duration;
    let (store, generations) = (env.store().await, env.generations());
    let mut scenario = Scenario::new(5);
    scenario.run(100).write(&*store).await;
    let side = ReadSide::open(Arc::clone(&store), generations.clone(), |_| {}).await.unwrap();
    let tables = side.tables();
    assert_eq!(tables.current().unwrap().number, 1);
    let stop = tokio_util::sync::CancellationToken::new();
    let running = tokio::spawn(side.run(stop.clone()));
    scenario.run(100).write(&*store).await;
    generations.rebuild(&store, |_| {}).await.unwrap();
    scenario.run(100).write(&*store).await;
    let end = store.end().await.unwrap().unwrap();
    tables.wait_for(end, Duration::from_secs(20)).await.unwrap();
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while tables.current().unwrap().number != 2 {
        assert!(std::time::Instant::now() < deadline, "the next generation did not come into use");
        tokio::task::yield_now().await;
    }
    scenario.run(20).write(&*store).await;
    let end = store.end().await.unwrap().unwrap();
    tables.wait_for(end, Duration::from_secs(20)).await.unwrap();
    let verdict = verify(&store, &generations, |_| {}).await.unwrap().unwrap();
    assert!(verdict.is_identical(), "{:#?}", verdict.differences);
    assert_eq!(verdict.generation, 2);
    stop.cancel();
    running.await.unwrap().unwrap();
    let next_start = ReadSide::open(store.clone(), generations.clone(), |_| {}).await.unwrap();
    assert!(
        !generations.existing().await.unwrap().contains(&1),
        "the next start removes the generation before"
    );
    drop(next_start);
}

async fn a_comparison_finds_the_row_that_was_tampered_with(env: Environment) {
    let (store, generations) = (env.store().await, env.generations());
    let mut scenario = Scenario::new(9);
    scenario.run(200).write(&*store).await;
    generations.rebuild(&store, |_| {}).await.unwrap();
    let (_, db) = generations.open_current(Default::default()).await.unwrap().unwrap();
    db.run("update conversations set received_count = received_count + 1 where ordinal = 3").await.unwrap();
    db.run(
        "delete from messages where conversation_seq in (select seq from conversations where ordinal = 4)",
    )
    .await
    .unwrap();
    db.close().await;
    let verdict = verify(&store, &generations, |_| {}).await.unwrap().unwrap();
    assert!(verdict.differences.iter().any(|difference| difference.table == "conversations"));
    assert!(verdict.differences.iter().any(|difference| difference.table == "messages"));
}
