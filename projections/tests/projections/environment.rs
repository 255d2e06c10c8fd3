//! The event log of one test, and a location for its tables on each engine.

use event_schemas::Clock;
use event_store::EventStore;
use event_store::sqlite::SqliteStore;
use follower::location::Location;
use projections::generations::Generations;
use std::sync::Arc;
use test_engines::Postgres;

pub struct Environment {
    pub folder: tempfile::TempDir,
    pub location: Location,
    /// `None` when the tables are in the folder.
    pub url: Option<String>,
}

impl Environment {
    pub async fn of_files() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { location: Location::from(folder.path()), url: None, folder }
    }

    pub async fn of_schemas() -> Self {
        let url = Postgres::shared().await.database().await;
        let location = Location::open(&url).await.unwrap();
        Self { folder: tempfile::tempdir().unwrap(), location, url: Some(url) }
    }

    /// Another environment with the same engine.
    pub async fn fresh(&self) -> Self {
        if self.url.is_some() { Self::of_schemas().await } else { Self::of_files().await }
    }

    pub fn generations(&self) -> Generations {
        Generations::new(self.location.clone())
    }

    /// The same location, opened a second time as another process would.
    pub async fn reopened(&self) -> Location {
        match &self.url {
            Some(url) => Location::open(url).await.unwrap(),
            None => self.location.clone(),
        }
    }

    pub async fn store(&self) -> Arc<dyn EventStore> {
        SqliteStore::open(self.folder.path().join("events.db"), Clock::System).await.unwrap()
    }
}

/// Runs each of these tests on SQLite and on PostgreSQL.
#[macro_export]
macro_rules! on_each_engine {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test($crate::environment::Environment::of_files().await).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test($crate::environment::Environment::of_schemas().await).await;
            })+
        }
    };
}
