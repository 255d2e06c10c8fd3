//! The state of the handlers: the log, and the tables, which contain at least the caller's own writes.

use crate::growth::Growth;
use crate::places::take_place;
use crate::problem::{log_unavailable, no_tables, tables_unavailable};
use aide::OperationInput;
use aide::generate::GenContext;
use aide::openapi::{Operation, Response};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use event_schemas::Position;
use event_store::EventStore;
use follower::Db;
use gate::{After, Agent, Caller, Problem, Role};
use projections::Tables;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The state of all handlers.
#[derive(Clone)]
pub struct QueryState {
    pub tables: Tables,
    pub store: Arc<dyn EventStore>,
    /// The URL of the event schemas in event documents, without a slash at the end.
    pub schemas_url: Arc<str>,
    /// Ends the open event streams when the program stops.
    pub stop: CancellationToken,
    /// Wakes the open event streams.
    pub growth: Growth,
}

/// How long a request waits until the tables contain the caller's writes.
const CATCH_UP_TIMEOUT: Duration = Duration::from_secs(5);

impl QueryState {
    /// Waits until the tables contain all events up to `wanted`.
    async fn catch_up_with(&self, wanted: Position) -> Result<(), Problem> {
        if self.tables.position().await.map_err(tables_unavailable)? >= Some(wanted) {
            return Ok(());
        }
        match self.store.end().await.map_err(log_unavailable)? {
            // An empty log has nothing to wait for.
            None => return Ok(()),
            Some(end) if end < wanted => {
                return Err(Problem::unreadable(format!(
                    "The log ends at {end}: no response can have had the position {wanted}."
                ))
                .field("Verbatim-After"));
            }
            Some(_) => {}
        }
        self.tables.wait_for(wanted, CATCH_UP_TIMEOUT).await.map_err(|behind| {
            Problem::unavailable(format!("The tables are behind: {behind}."), Duration::from_secs(1))
        })
    }
}

/// The tables, which contain all events up to the position in the request's `Verbatim-After`.
pub struct Fresh(pub Db);

impl FromRequestParts<QueryState> for Fresh {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &QueryState) -> Result<Self, Problem> {
        let After(after) = After::from_request_parts(parts, state).await?;
        state.tables.current().map_err(no_tables)?;
        if let Some(wanted) = after {
            state.catch_up_with(wanted).await?;
        }
        let caller = <Caller as FromRequestParts<QueryState>>::from_request_parts(parts, state).await?;
        take_place(parts, caller.account).await;
        Ok(Self(state.tables.db().map_err(no_tables)?))
    }
}

impl OperationInput for Fresh {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        After::operation_input(ctx, operation);
    }
}

/// A caller who may read all events of the account: a supervisor, an administrator or a service.
pub struct Auditor(pub Caller);

impl<S: Send + Sync> FromRequestParts<S> for Auditor {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = <Caller as FromRequestParts<S>>::from_request_parts(parts, state).await?;
        match caller.role {
            Role::Supervisor | Role::Administrator | Role::Service => Ok(Self(caller)),
            Role::Agent => Err(Problem::forbidden(
                "The account's events are for supervisors, administrators and services; you are an agent.",
            )),
        }
    }
}

impl Deref for Auditor {
    type Target = Caller;
    fn deref(&self) -> &Caller {
        &self.0
    }
}

impl OperationInput for Auditor {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        Agent::operation_input(ctx, operation);
    }
    fn inferred_early_responses(
        ctx: &mut GenContext,
        operation: &mut Operation,
    ) -> Vec<(Option<u16>, Response)> {
        Agent::inferred_early_responses(ctx, operation)
    }
}
