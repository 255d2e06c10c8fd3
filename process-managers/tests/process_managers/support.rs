//! The context of a process manager in a test. Its tables are SQLite files, or schemas in a database of the test's own
//! with `VERBATIM_TEST_ENGINE=postgres`.

use commands::Commands;
use follower::{DecodedLog, Location};
use process_managers::{Context, Settings, delivery, outgoing_webhooks};
use providers::Timeouts;
use providers::outgoing_webhook::WebhookClient;
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
    let client = WebhookClient::new(Timeouts::default().into()).unwrap();
    Settings {
        delivery: delivery::Settings::default(),
        outgoing_webhooks: outgoing_webhooks::Settings::of(client, "http://fixture".to_owned()),
    }
}

/// A context with tables of this name. All contexts with the same folder and name share them.
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

/// Removes the tables of this name.
pub async fn remove_tables(folder: &Path, name: &str, tables: &str) {
    let folder = folder.join(name);
    match database(&folder).await {
        Some(url) => Postgres::sql(&url, &format!("drop schema verbatim_{tables} cascade")).await,
        None => std::fs::remove_file(folder.join(format!("{tables}.db"))).unwrap(),
    }
}
