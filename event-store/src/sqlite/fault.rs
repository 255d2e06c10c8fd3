//! Faults of the disk, for tests: SQLite reports them to the writer as it reports the real ones.

use sqlx::SqliteConnection;
use std::sync::{Arc, Mutex, PoisonError};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No page can be added to the file.
    DiskFull,
    /// The file cannot be written to.
    ReadOnly,
}

#[derive(Clone, Default)]
pub struct FaultSwitch(Arc<Mutex<Option<Fault>>>);

impl FaultSwitch {
    pub fn set(&self, fault: Option<Fault>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }

    pub async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        let fault = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let pragmas = match fault {
            None => "pragma query_only = off; pragma max_page_count = 1073741823",
            // SQLite never goes below the current number of pages, so this allows exactly the current number.
            Some(Fault::DiskFull) => "pragma query_only = off; pragma max_page_count = 1",
            Some(Fault::ReadOnly) => "pragma query_only = on",
        };
        sqlx::raw_sql(pragmas).execute(connection).await.map(drop)
    }
}
