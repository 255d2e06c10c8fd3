//! The error that a process without the lease reports.

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
async fn a_process_that_could_not_start_reports_no_error_while_another_holds_the_lease() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path().join("events.db"), Clock::System).await.unwrap();
    let providers = Providers::new([], Timeouts::default(), Clock::System).unwrap();
    let commands = Arc::new(Commands::new(store.clone(), Arc::new(providers), Clock::System));
    let location = Location::open(&format!("sqlite:{}", dir.path().display())).await.unwrap();
    // A folder with the name of the database makes opening the tables fail.
    std::fs::create_dir(dir.path().join("process-managers.db")).unwrap();
    let managers = ProcessManagers::new(location.clone(), DecodedLog::shared(store), commands, settings());
    let (error, stop) = (managers.error(), CancellationToken::new());
    let running = tokio::spawn(managers.run(stop.clone()));
    eventually("an error is reported", || error().is_some()).await;

    let other = Leases::new(location).take("process-managers", &CancellationToken::new()).await.unwrap();
    eventually("no error is reported while it waits", || error().is_none()).await;
    other.release().await;
    eventually("an error is reported again", || error().is_some()).await;
    stop.cancel();
    running.await.unwrap();
}
