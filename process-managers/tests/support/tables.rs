//! Tables of a process manager: a SQLite file, or, with `VERBATIM_TEST_ENGINE=postgres`, a schema in a
//! database of the test's own.

#![allow(dead_code)] // each test file uses a part of this

use follower::{Db, Location, Sizes};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use test_engines::Postgres;
use tokio::sync::Mutex;

/// None: files in the folder.
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

/// Tables of this name, as a process finds or makes them that belongs to this folder.
pub async fn tables(folder: &Path, name: &str) -> Db {
    let place = match database(folder).await {
        Some(url) => Location::open(&url).await.unwrap(),
        None => Location::from(folder),
    };
    place.tables(name, Sizes::small(), "").await.unwrap()
}

/// As if they had never been.
pub async fn lose(folder: &Path, name: &str) {
    match database(folder).await {
        Some(url) => Postgres::sql(&url, &format!("drop schema verbatim_{name} cascade")).await,
        None => std::fs::remove_file(folder.join(format!("{name}.db"))).unwrap(),
    }
}
