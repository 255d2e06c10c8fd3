//! Texts that agents use again.

use super::AppState;
use super::answer::{Completed, Created};
use super::catalogue::{Retired, change, define, fresh_id, retire};
use super::command_headers::CommandHeaders;
use crate::problem::CommandProblem;
use aide::axum::ApiRouter;
use aide::axum::routing::{patch_with, post_with};
use axum::extract::State;
use commands::Commands;
use event_schemas::CannedResponseId;
use event_schemas::catalogue::CannedResponse;
use gate::{Agent, Change, Json, Path};
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;

pub(super) fn routes() -> ApiRouter<Arc<Commands>> {
    ApiRouter::new()
        .api_route(
            "/v1/canned-responses",
            post_with(create, |op| {
                op.id("createCannedResponse").tag("canned responses").summary("Define a canned response")
            }),
        )
        .api_route(
            "/v1/canned-responses/{id}",
            patch_with(update, |op| {
                op.id("updateCannedResponse").tag("canned responses").summary("Change a canned response")
            })
            .delete_with(remove, |op| {
                op.id("deleteCannedResponse").tag("canned responses").summary("Retire a canned response")
            }),
        )
}

/// A text to be used again.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewCannedResponse {
    /// `/greeting`: unique in the account.
    short_code: String,
    title: String,
    /// May name variables: `{{contact_name}}`.
    content: String,
    #[serde(default)]
    category: Option<String>,
}

async fn create(
    State(commands): AppState,
    Agent(caller): Agent,
    asking: CommandHeaders,
    Json(new): Json<NewCannedResponse>,
) -> Result<Created<CannedResponse>, CommandProblem> {
    let context = asking.of(&caller);
    let response = CannedResponse {
        id: CannedResponseId(fresh_id(&commands, &context)),
        short_code: new.short_code.trim().to_owned(),
        title: new.title.trim().to_owned(),
        content: new.content,
        category: new.category,
        created_by: Some(caller.user),
    };
    define(&commands, response, &context).await
}

/// What changes; what is left out stays as it is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CannedResponseChange {
    #[serde(default)]
    short_code: Option<String>,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    category: Change<String>,
}

impl CannedResponseChange {
    fn apply(&self, response: &mut CannedResponse) {
        if let Some(short_code) = &self.short_code {
            response.short_code = short_code.trim().to_owned();
        }
        if let Some(title) = &self.title {
            response.title = title.trim().to_owned();
        }
        if let Some(content) = &self.content {
            response.content.clone_from(content);
        }
        self.category.clone().apply(&mut response.category);
    }
}

async fn update(
    State(commands): AppState,
    Agent(caller): Agent,
    asking: CommandHeaders,
    Path(id): Path<CannedResponseId>,
    Json(changes): Json<CannedResponseChange>,
) -> Result<Completed<CannedResponse>, CommandProblem> {
    change(&commands, id, &asking.of(&caller), |response| changes.apply(response)).await
}

async fn remove(
    State(commands): AppState,
    Agent(caller): Agent,
    asking: CommandHeaders,
    Path(id): Path<CannedResponseId>,
) -> Result<Completed<Retired<CannedResponseId>>, CommandProblem> {
    retire::<CannedResponse>(&commands, id, &asking.of(&caller)).await
}
