//! The parts of a process manager in a test: its tables are SQLite files, or, with `VERBATIM_TEST_ENGINE=postgres`,
//! schemas in a database of the test's own.

use commands::Commands;
use follower::{DecodedLog, Location};
use process_managers::{Context, Settings, delivery, outgoing_webhooks};
use providers::Timeouts;
use providers::outgoing_webhook::{Addresses, Caller};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use test_engines::Postgres;
use tokio::sync::Mutex;

/// `None` when the tables are files in the folder.
async fn database(folder: &Path) -> Option<String> {
    static DATABASES: Mutex<BTreeMap<PathBuf, String>> = Mutex::const_new(BTreeMap::new());
    if std::env::var("VERBATIM_TEST_ENGINE").as_deref() != Ok("postgres") {
        return None;
    }
    let mut databases = DATABASES.lock().await;
    if !databases.contains_key(folder) {
        databases.insert(folder.to_owned(), Postgres::shared().await.database().await);
    }
    databases.get(folder).cloned()
}

pub fn settings() -> Settings {
    let caller = Caller::new(Timeouts::default(), Addresses::PublicOnly).unwrap();
    Settings {
        delivery: delivery::Settings::default(),
        outgoing_webhooks: outgoing_webhooks::Settings::of(caller, "http://desk".to_owned()),
    }
}

/// The tables are found under this name by each process that belongs to the folder.
pub async fn context(folder: &Path, name: &str, commands: &Arc<Commands>) -> Context {
    context_with(folder, name, commands, settings()).await
}

pub async fn context_with(
    folder: &Path,
    name: &str,
    commands: &Arc<Commands>,
    settings: Settings,
) -> Context {
    let folder = folder.join(name);
    let location = match database(&folder).await {
        Some(url) => Location::open(&url).await.unwrap(),
        None => Location::from(folder),
    };
    let log = DecodedLog::shared(Arc::clone(&commands.store));
    Context::new(location, log, Arc::clone(commands), settings)
}

/// As if the set of tables under this name had never been.
pub async fn lose(folder: &Path, name: &str, tables: &str) {
    let folder = folder.join(name);
    match database(&folder).await {
        Some(url) => Postgres::sql(&url, &format!("drop schema verbatim_{tables} cascade")).await,
        None => std::fs::remove_file(folder.join(format!("{tables}.db"))).unwrap(),
    }
}
