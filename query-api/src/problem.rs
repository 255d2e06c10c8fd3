//! Errors of a query as problem documents.

use follower::DbError;
use gate::Problem;
use projections::NoTables;
use projections::queries::ListError;
use std::time::Duration;

/// The tables cannot be read at the moment.
pub fn tables_unavailable(error: DbError) -> Problem {
    tracing::error!(%error, "the tables cannot be read");
    Problem::unavailable("The tables cannot be read at the moment.", Duration::from_secs(1))
}

/// There are no tables yet.
pub fn no_tables(error: NoTables) -> Problem {
    Problem::unavailable(format!("Queries cannot be answered yet; {error}."), Duration::from_secs(1))
}

/// The log cannot be read at the moment.
pub fn log_unavailable(error: event_store::ReadError) -> Problem {
    tracing::error!(%error, "the log cannot be read");
    Problem::unavailable("The log cannot be read at the moment.", Duration::from_secs(1))
}

/// The cursor belongs to another list, or the tables cannot be read.
pub fn list_problem(error: ListError) -> Problem {
    match error {
        ListError::Cursor(error) => {
            Problem::unreadable(format!("{error}: begin again without it.")).field("cursor")
        }
        ListError::Db(error) => tables_unavailable(error),
    }
}
