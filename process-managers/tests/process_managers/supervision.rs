//! Which process works, and what one that does not says of itself.

use crate::support::settings;
use commands::Commands;
use event_schemas::Clock;
use event_store::sqlite::SqliteStore;
use follower::{DecodedLog, Leases, Location};
use process_managers::ProcessManagers;
use providers::{Providers, Timeouts};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

async fn eventually(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < deadline, "still not: {what}");
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
}

#[tokio::test]
async fn who_could_not_start_is_well_again_while_another_process_works() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path().join("events.db"), Clock::System).await.unwrap();
    let providers = Providers::new([], Timeouts::default(), Clock::System).unwrap();
    let commands = Arc::new(Commands::new(store.clone(), Arc::new(providers), Clock::System));
    let place = Location::open(&format!("sqlite:{}", dir.path().display())).await.unwrap();
    // Something is in the way of its tables.
    std::fs::create_dir(dir.path().join("process-managers.db")).unwrap();
    let managers = ProcessManagers::new(place.clone(), DecodedLog::shared(store), commands, settings());
    let (trouble, stop) = (managers.error(), CancellationToken::new());
    let running = tokio::spawn(managers.run(stop.clone()));
    eventually("it cannot start", || trouble().is_some()).await;

    let other = Leases::new(place).take("process-managers", &CancellationToken::new()).await.unwrap();
    eventually("it waits, and nothing is wrong", || trouble().is_none()).await;
    other.release().await;
    eventually("it tries again", || trouble().is_some()).await;
    stop.cancel();
    running.await.unwrap();
}
