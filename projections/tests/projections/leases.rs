//! One of several processes works at a time, and another one takes over when it ends.

use crate::environment::Environment;
use crate::scenario::Scenario;
use follower::{Lease, Leases};
use projections::{ReadSide, verify};
use std::sync::Arc;
use std::time::{Duration, Instant};
use test_engines::Postgres;
use tokio_util::sync::CancellationToken;

crate::on_each_engine!(
    one_process_holds_a_lease_and_another_gets_it_after_its_release,
    leases_of_different_names_are_independent,
    one_of_two_read_sides_fills_the_tables_and_the_other_takes_over,
);

/// Waits for a lease, at most 30 s.
async fn take(leases: &Leases, name: &'static str) -> Lease {
    let stop = CancellationToken::new();
    let taken = leases.take(name, &stop);
    tokio::time::timeout(Duration::from_secs(30), taken).await.unwrap().unwrap()
}

async fn one_process_holds_a_lease_and_another_gets_it_after_its_release(env: Environment) {
    let (one, other) = (Leases::new(env.reopened().await), Leases::new(env.reopened().await));
    let lease = one.try_take("work").await.unwrap().unwrap();
    assert!(other.try_take("work").await.unwrap().is_none());
    assert!(one.try_take("work").await.unwrap().is_none(), "not even the same process has it twice");
    lease.release().await;
    let next = take(&other, "work").await;
    assert!(one.try_take("work").await.unwrap().is_none());
    assert!(!next.is_lost());
}

async fn leases_of_different_names_are_independent(env: Environment) {
    let leases = Leases::new(env.location.clone());
    let _one = leases.try_take("work").await.unwrap().unwrap();
    assert!(leases.try_take("other-work").await.unwrap().is_some());
    let stop = CancellationToken::new();
    stop.cancel();
    assert!(leases.take("third-work", &stop).await.is_none(), "the wait ends when it is cancelled");
}

async fn one_of_two_read_sides_fills_the_tables_and_the_other_takes_over(env: Environment) {
    let store = env.store().await;
    let mut scenario = Scenario::new(31);
    scenario.run(100).write(&*store).await;
    let mut sides = Vec::new();
    for _ in 0..2 {
        let generations = projections::generations::Generations::new(env.reopened().await);
        let side = ReadSide::open(Arc::clone(&store), generations, |_| {}).await.unwrap();
        let (tables, stop) = (side.tables(), CancellationToken::new());
        sides.push((tables, stop.clone(), tokio::spawn(side.run(stop))));
    }
    assert!(sides[0].0.progress().is_some() && sides[1].0.progress().is_none(), "the first one works");
    scenario.run(100).write(&*store).await;
    let end = store.end().await.unwrap().unwrap();
    for (tables, _, _) in &sides {
        tables.wait_for(end, Duration::from_secs(30)).await.unwrap();
    }
    let (_, stop, running) = sides.remove(0);
    stop.cancel();
    running.await.unwrap().unwrap();
    scenario.run(100).write(&*store).await;
    let end = store.end().await.unwrap().unwrap();
    let (tables, stop, running) = sides.remove(0);
    tables.wait_for(end, Duration::from_secs(30)).await.unwrap();
    assert!(tables.progress().is_some(), "the second one works now");
    let verdict = verify(&store, &env.generations(), |_| {}).await.unwrap().unwrap();
    assert!(verdict.is_identical(), "{:#?}", verdict.differences);
    stop.cancel();
    running.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_whose_session_has_ended_is_taken_at_once() {
    let env = Environment::of_schemas().await;
    let (one, other) = (Leases::new(env.reopened().await), Leases::new(env.reopened().await));
    let lease = one.try_take("work").await.unwrap().unwrap();
    let began = Instant::now();
    // The server has noticed that the holder's session ended; the holder has not noticed yet.
    const GONE: &str = "update verbatim.leases set backend = 1";
    Postgres::sql(env.url.as_ref().unwrap(), GONE).await;
    let next = take(&other, "work").await;
    assert!(began.elapsed() < follower::lease::GOOD_FOR, "the lease was taken before it expired");
    tokio::time::timeout(Duration::from_secs(30), lease.lost()).await.unwrap();
    assert!(!next.is_lost());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_holder_that_cannot_renew_stops_before_another_begins() {
    let server = Postgres::start().await;
    let url = server.database().await;
    let leases = Leases::new(follower::Location::open(&url).await.unwrap());
    let lease = leases.try_take("work").await.unwrap().unwrap();
    let began = Instant::now();
    server.stop();
    tokio::time::timeout(Duration::from_secs(30), lease.lost()).await.unwrap();
    assert!(began.elapsed() < follower::lease::GOOD_FOR, "{:?}", began.elapsed());
    server.resume().await;
    let _again = take(&leases, "work").await;
}
