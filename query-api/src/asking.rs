//! What a question needs: the tables, fresh enough, and the log.

use aide::OperationInput;
use aide::generate::GenContext;
use aide::openapi::{Operation, Response};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use event_schemas::Position;
use event_store::EventStore;
use follower::{Db, DbError};
use gate::{After, Agent, Caller, Problem, Role};
use projections::Tables;
use projections::queries::conversations::ListError;
use serde::Deserialize;
use serde::de::{self, Deserializer};
use std::ops::Deref;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// What every handler is given.
#[derive(Clone)]
pub struct QueryState {
    pub tables: Tables,
    pub store: Arc<dyn EventStore>,
    /// Where event documents say their schemas are, without a slash at the end.
    pub schemas_url: Arc<str>,
    /// Ends the event streams that are open when the program stops.
    pub stop: CancellationToken,
}

/// How long an answer waits for what the caller wrote.
const PATIENCE: Duration = Duration::from_secs(5);

impl QueryState {
    /// Returns when the tables hold what is in the log up to `wanted`.
    async fn catch_up_with(&self, wanted: Position) -> Result<(), Problem> {
        if self.tables.position().await.map_err(unreadable)? >= Some(wanted) {
            return Ok(());
        }
        match self.store.end().await.map_err(unread)? {
            // An empty log has nothing to wait for.
            None => return Ok(()),
            Some(end) if end < wanted => {
                return Err(Problem::unreadable(format!(
                    "The log ends at {end}: nobody was answered {wanted}."
                ))
                .field("Verbatim-After"));
            }
            Some(_) => {}
        }
        self.tables.wait_for(wanted, PATIENCE).await.map_err(|not_yet| {
            Problem::unavailable(format!("The tables are behind: {not_yet}."), Duration::from_secs(1))
        })
    }
}

/// The tables, holding at least what the caller asked for with `Verbatim-After`.
pub struct Fresh(pub Db);

impl FromRequestParts<QueryState> for Fresh {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &QueryState) -> Result<Self, Problem> {
        let After(after) = After::from_request_parts(parts, state).await?;
        if let Some(wanted) = after {
            state.catch_up_with(wanted).await?;
        }
        Ok(Self(state.tables.db()))
    }
}

impl OperationInput for Fresh {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        After::operation_input(ctx, operation);
    }
}

/// Who may see everything that happened: supervisors, administrators and services.
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

/// The tables cannot be read just now.
pub fn unreadable(error: DbError) -> Problem {
    tracing::error!(%error, "the tables cannot be read");
    Problem::unavailable("The tables cannot be read at the moment.", Duration::from_secs(1))
}

/// The log cannot be read just now.
pub fn unread(error: event_store::ReadError) -> Problem {
    tracing::error!(%error, "the log cannot be read");
    Problem::unavailable("The log cannot be read at the moment.", Duration::from_secs(1))
}

pub fn unlisted(error: ListError) -> Problem {
    match error {
        ListError::Cursor(no) => {
            Problem::unreadable(format!("{no}: begin again without it.")).field("cursor")
        }
        ListError::Db(error) => unreadable(error),
    }
}

/// A parameter that is written as text and read by `FromStr`.
pub fn parsed<'de, D: Deserializer<'de>, T: FromStr<Err: std::fmt::Display>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| text.parse()).transpose().map_err(de::Error::custom)
}

/// Words separated by commas.
pub fn several<'de, D: Deserializer<'de>, T: FromStr<Err: std::fmt::Display>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
    words.map(str::parse).collect::<Result<_, _>>().map_err(de::Error::custom)
}
