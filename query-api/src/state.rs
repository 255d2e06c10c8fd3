//! The state of the handlers: the log, and the tables, which contain at least the caller's own writes.

use crate::growth::Growth;
use crate::problem::{log_unavailable, no_tables, tables_unavailable};
use aide::OperationInput;
use aide::generate::GenContext;
use aide::openapi::{Operation, Response};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use event_schemas::{Clock, Position};
use event_store::EventStore;
use follower::{NotYet, ReadView};
use gate::{After, Agent, AnsweredAt, Caller, PlaceOfRequest, Problem, Role};
use projections::{Tables, read_models};
use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// The state of all handlers.
#[derive(Clone)]
pub struct QueryState {
    pub tables: Tables,
    pub store: Arc<dyn EventStore>,
    /// The present time, from which filters count back.
    pub clock: Clock,
    /// The URL of the event schemas in event documents, without a slash at the end.
    pub schemas_url: Arc<str>,
    /// Ends the open event streams when the program stops.
    pub stop: CancellationToken,
    /// Wakes the open event streams.
    pub growth: Growth,
}

/// How long a request waits until the tables contain the caller's writes.
const CATCH_UP_TIMEOUT: Duration = Duration::from_secs(5);
/// The pause until tables that have lost events are read again.
const RETRY: Duration = Duration::from_millis(5);

impl QueryState {
    /// Waits until the tables contain all events up to `wanted`. Returns the position that they then have at least.
    async fn catch_up_with(&self, wanted: Position, deadline: Instant) -> Result<Option<Position>, Problem> {
        if self.tables.position().await.map_err(tables_unavailable)? >= Some(wanted) {
            return Ok(Some(wanted));
        }
        match self.store.end().await.map_err(log_unavailable)? {
            // An empty log has nothing to wait for.
            None => return Ok(None),
            Some(end) if end < wanted => return Err(beyond(end, wanted)),
            Some(_) => {}
        }
        let left = deadline.saturating_duration_since(Instant::now());
        self.tables.wait_for(wanted, left).await.map_err(|late| behind(&late))?;
        Ok(Some(wanted))
    }
}

fn behind(late: &NotYet) -> Problem {
    Problem::unavailable(format!("The tables are behind: {late}."), Duration::from_secs(1))
}

fn beyond(end: Position, wanted: Position) -> Problem {
    Problem::unreadable(format!("The log ends at {end}: no response can have had the position {wanted}."))
        .field("Verbatim-After")
}

/// The tables at one moment, which contain all events up to the position in the request's `Verbatim-After`. The
/// response has their position in `Verbatim-Position`.
pub struct Fresh(pub ReadView);

impl FromRequestParts<QueryState> for Fresh {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &QueryState) -> Result<Self, Problem> {
        FreshOnDemand::from_request_parts(parts, state).await?.view(state).await.map(Self)
    }
}

impl OperationInput for Fresh {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        After::operation_input(ctx, operation);
        AnsweredAt::describe(operation);
    }
}

/// Like [`Fresh`], for a handler that does not read the tables for every request.
pub struct FreshOnDemand {
    after: Option<Position>,
    place: Option<PlaceOfRequest>,
    answered_at: AnsweredAt,
}

impl FreshOnDemand {
    pub async fn view(&self, state: &QueryState) -> Result<ReadView, Problem> {
        let view = self.begin(state, self.after).await?;
        self.answered_at.set(view.position());
        Ok(view)
    }

    /// Waits until the tables contain the wanted events. The response does not name their position.
    pub async fn wait(&self, state: &QueryState) -> Result<ReadView, Problem> {
        self.begin(state, self.after).await
    }

    /// Waits until the tables contain the wanted events, and those up to this position.
    pub async fn wait_for(&self, state: &QueryState, position: Position) -> Result<ReadView, Problem> {
        self.begin(state, self.after.max(Some(position))).await
    }

    async fn begin(&self, state: &QueryState, after: Option<Position>) -> Result<ReadView, Problem> {
        let deadline = Instant::now() + CATCH_UP_TIMEOUT;
        loop {
            state.tables.current().map_err(no_tables)?;
            let wanted = match after {
                Some(wanted) => state.catch_up_with(wanted, deadline).await?,
                None => None,
            };
            if let Some(place) = &self.place {
                place.take().await;
            }
            let db = state.tables.db().map_err(no_tables)?;
            let view = db.view(read_models::NAME).await.map_err(tables_unavailable)?;
            if view.position() >= wanted {
                return Ok(view);
            }
            // Another generation has come into use, or a crash of the database server has lost the newest pages.
            match wanted {
                Some(wanted) if Instant::now() >= deadline => return Err(behind(&NotYet { wanted })),
                Some(_) | None => tokio::time::sleep(RETRY).await,
            }
        }
    }

    /// Checks a request that is answered from the log, which contains every event that a response has named.
    pub async fn check_log(&self, state: &QueryState) -> Result<(), Problem> {
        let Some(wanted) = self.after else { return Ok(()) };
        match state.store.end().await.map_err(log_unavailable)? {
            Some(end) if end < wanted => Err(beyond(end, wanted)),
            Some(_) | None => Ok(()),
        }
    }
}

impl FromRequestParts<QueryState> for FreshOnDemand {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &QueryState) -> Result<Self, Problem> {
        let After(after) = After::from_request_parts(parts, state).await?;
        let Ok(answered_at) = AnsweredAt::from_request_parts(parts, state).await;
        let caller = <Caller as FromRequestParts<QueryState>>::from_request_parts(parts, state).await?;
        Ok(Self { after, place: PlaceOfRequest::of(parts, caller.account), answered_at })
    }
}

impl OperationInput for FreshOnDemand {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        Fresh::operation_input(ctx, operation);
    }
}

/// For a handler that reads the log alone. The log contains every event that a response has named, so nothing is waited
/// for; a position that the log has not reached is refused.
pub struct FreshLog;

impl FromRequestParts<QueryState> for FreshLog {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &QueryState) -> Result<Self, Problem> {
        FreshOnDemand::from_request_parts(parts, state).await?.check_log(state).await.map(|()| Self)
    }
}

impl OperationInput for FreshLog {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        After::operation_input(ctx, operation);
    }
}

/// A caller who may read all events of the account: a supervisor, an administrator or a service.
pub struct Auditor(pub Caller);

impl<S: Send + Sync> FromRequestParts<S> for Auditor {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        <Caller as FromRequestParts<S>>::from_request_parts(parts, state).await.and_then(Self::of)
    }
}

impl Auditor {
    pub fn of(caller: Caller) -> Result<Self, Problem> {
        match caller.role {
            Role::Supervisor | Role::Administrator | Role::Owner | Role::Service => Ok(Self(caller)),
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
