//! The answer to a command: the changed item, the version of its stream, and its position in the log.

use crate::problem::CommandProblem;
use aide::OperationOutput;
use aide::generate::GenContext;
use aide::openapi::{Operation, Response as ApiResponse};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use commands::Commands;
use commands::execute::Outcome;
use event_schemas::{Position, Version};
use gate::Json;
use schemars::JsonSchema;
use serde::Serialize;

/// The state after the command, and the command's position in the log.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "{T}Answer")]
pub(crate) struct Answer<T> {
    #[serde(flatten)]
    item: T,
    /// The version of its stream. It is also the `ETag`.
    version: Version,
    /// Send it as `Verbatim-After` with a query whose answer must include this command.
    position: Position,
}

impl<T> Answer<T> {
    pub(crate) async fn of<S>(
        commands: &Commands,
        outcome: &Outcome<S>,
        item: T,
    ) -> Result<Self, CommandProblem> {
        Ok(Self {
            item,
            version: outcome.version,
            position: position_or_end(commands, outcome.position).await?,
        })
    }

    pub(crate) fn item(&self) -> &T {
        &self.item
    }

    /// Replaces the version, for an item that is only a part of its stream.
    pub(crate) fn at(self, version: Version) -> Self {
        Self { version, ..self }
    }
}

/// The position of the command. When it changed nothing, all its effects are at or before the end of the log.
async fn position_or_end(
    commands: &Commands,
    position: Option<Position>,
) -> Result<Position, CommandProblem> {
    if let Some(position) = position {
        return Ok(position);
    }
    let end = commands.store.end().await.map_err(|error| {
        let stream = event_schemas::StreamId::named("the log");
        commands::execute::LoadError::of(&stream, error)
    })?;
    Ok(end.unwrap_or(Position::at(0)))
}

/// 200: the command was executed.
pub(crate) struct Completed<T>(pub Answer<T>);

/// 201: an item was created. The second part is its path, the `Location`.
pub(crate) struct Created<T>(pub Answer<T>, pub String);

/// 202: what the command asks for is done later. The second part is the path that says how far it is, the `Location`.
pub(crate) struct Accepted<T>(pub Answer<T>, pub String);

fn respond<T: Serialize>(status: StatusCode, answer: Answer<T>) -> Response {
    let tag = HeaderValue::from_str(&format!("\"{}\"", answer.version));
    let mut response = (status, Json(answer)).into_response();
    if let Ok(tag) = tag {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

impl<T: Serialize> IntoResponse for Completed<T> {
    fn into_response(self) -> Response {
        respond(StatusCode::OK, self.0)
    }
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        located(respond(StatusCode::CREATED, self.0), &self.1)
    }
}

impl<T: Serialize> IntoResponse for Accepted<T> {
    fn into_response(self) -> Response {
        located(respond(StatusCode::ACCEPTED, self.0), &self.1)
    }
}

fn located(mut response: Response, path: &str) -> Response {
    if let Ok(location) = HeaderValue::from_str(path) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

macro_rules! document {
    ($($answer:ident: $status:literal;)+) => {$(
        impl<T: JsonSchema> OperationOutput for $answer<T> {
            type Inner = Answer<T>;

            fn operation_response(ctx: &mut GenContext, operation: &mut Operation) -> Option<ApiResponse> {
                Json::<Answer<T>>::operation_response(ctx, operation)
            }
            fn inferred_responses(
                ctx: &mut GenContext,
                operation: &mut Operation,
            ) -> Vec<(Option<u16>, ApiResponse)> {
                let response = Self::operation_response(ctx, operation);
                response.map(|response| (Some($status), response)).into_iter().collect()
            }
        }
    )+};
}

document! {
    Completed: 200;
    Created: 201;
    Accepted: 202;
}
