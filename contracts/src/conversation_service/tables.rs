//! The tables, with everything that the log had when the request came. A client of this contract has no position to send
//! with a query, so that only this shows it its own writes, whichever process it asks.

use super::ConversationService;
use super::tenant::Tenant;
use event_schemas::Position;
use event_store::ReadError;
use follower::{Db, DbError};
use gate::Problem;
use projections::NoTables;
use projections::queries::ListError;
use std::time::Duration;

/// How long a request waits for the tables.
const CATCH_UP_TIMEOUT: Duration = Duration::from_secs(5);

impl ConversationService {
    /// The tables, with all events that the log has now.
    pub(super) async fn current_tables(&self, tenant: &Tenant) -> Result<Db, Problem> {
        match self.commands.store.end().await.map_err(log_unavailable)? {
            Some(end) => self.tables_at(tenant, end).await,
            None => self.tables.db().map_err(no_tables),
        }
    }

    /// The tables, with all events up to a command's position. `None` when the command changed nothing.
    pub(super) async fn tables_after(
        &self,
        tenant: &Tenant,
        position: Option<Position>,
    ) -> Result<Db, Problem> {
        match position {
            Some(position) => self.tables_at(tenant, position).await,
            None => self.current_tables(tenant).await,
        }
    }

    async fn tables_at(&self, tenant: &Tenant, position: Position) -> Result<Db, Problem> {
        self.tables.current().map_err(no_tables)?;
        self.tables.wait_for(position, CATCH_UP_TIMEOUT).await.map_err(|behind| {
            Problem::unavailable(format!("The tables are behind: {behind}."), Duration::from_secs(1))
        })?;
        tenant.take_place().await;
        self.tables.db().map_err(no_tables)
    }
}

/// There are no tables yet.
fn no_tables(error: NoTables) -> Problem {
    Problem::unavailable(format!("Queries cannot be answered yet; {error}."), Duration::from_secs(1))
}

/// The log cannot be read at the moment.
pub(super) fn log_unavailable(error: ReadError) -> Problem {
    tracing::error!(%error, "the log cannot be read");
    Problem::unavailable("The log cannot be read at the moment.", Duration::from_secs(1))
}

/// The tables cannot be read at the moment.
pub(super) fn tables_unavailable(error: DbError) -> Problem {
    tracing::error!(%error, "the tables cannot be read");
    Problem::unavailable("The tables cannot be read at the moment.", Duration::from_secs(1))
}

/// The contract has no cursors, so that only the tables can be the cause.
pub(super) fn list_unavailable(error: ListError) -> Problem {
    match error {
        ListError::Db(error) => tables_unavailable(error),
        ListError::Cursor(error) => {
            tracing::error!(%error, "a list cannot be continued");
            Problem::internal()
        }
    }
}
