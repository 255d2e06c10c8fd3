//! The keys with which programs work in the account.

use super::AppState;
use super::answer::{Answer, Completed, Created};
use super::command_headers::CommandHeaders;
use crate::problem::CommandProblem;
use aide::axum::ApiRouter;
use aide::axum::routing::{delete_with, get_with};
use axum::extract::State;
use commands::Commands;
use commands::api_keys::NewApiKey;
use commands::execute::Context;
use domain::account::ApiKey;
use event_schemas::account::{ApiKeyRole, Permission};
use event_schemas::{ApiKeyId, Timestamp};
use gate::{Administrator, Caller, Json, Path, Problem, RequestContext};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub(super) fn routes() -> ApiRouter<Arc<Commands>> {
    ApiRouter::new()
        .api_route(
            "/v1/api-keys",
            get_with(list, |op| {
                op.id("listApiKeys").tag("api keys").summary("The API keys of the account").description(
                    "Keys that were revoked are not in the list; those that have expired are. The newest key is first.",
                )
            })
            .post_with(create, |op| {
                op.id("createApiKey").tag("api keys").summary("Create an API key for a program").description(
                    "The answer has the key, which is shown only here. The program sends it as `Authorization: Bearer \
                     vbt_…`. What it does is done in the key's name, as a service. Only people create and revoke keys, not \
                     programs with an API key.",
                )
            }),
        )
        .api_route(
            "/v1/api-keys/{id}",
            delete_with(revoke, |op| {
                op.id("revokeApiKey").tag("api keys").summary("Revoke an API key").description(
                    "The key is refused at once, and its connections and event streams end.",
                )
            }),
        )
}

/// An API key, without its secret.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ApiKey")]
struct View {
    /// Also the id of the program as the actor of its events.
    id: ApiKeyId,
    name: String,
    role: ApiKeyRole,
    /// The key may do only this. `null` when it may do all that its role may.
    permissions: Option<Vec<Permission>>,
    created_at: Timestamp,
    /// `null` when the key is valid until it is revoked.
    expires_at: Option<Timestamp>,
    has_expired: bool,
    /// The last use, to an hour. `null` when the key was never used.
    last_used_at: Option<Timestamp>,
}

impl View {
    fn of(id: ApiKeyId, key: &ApiKey, now: Timestamp) -> Self {
        Self {
            id,
            name: key.name.clone(),
            role: key.role,
            permissions: key.permissions.clone(),
            created_at: key.created_at,
            expires_at: key.expires_at,
            has_expired: key.has_expired(now),
            last_used_at: None,
        }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ApiKeys")]
struct ApiKeys {
    data: Vec<View>,
}

async fn list(
    State(commands): AppState,
    Administrator(caller): Administrator,
) -> Result<Json<ApiKeys>, CommandProblem> {
    let account = commands.account(caller.account).await?;
    let now = commands.clock.now();
    let mut data: Vec<_> = account.state.api_keys().map(|(id, key)| View::of(id, key, now)).collect();
    for key in &mut data {
        key.last_used_at = commands.api_key_used_at(key.id).await?;
    }
    data.sort_by_key(|key| std::cmp::Reverse((key.created_at, key.id)));
    Ok(Json(ApiKeys { data }))
}

/// An API key to be created.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewApiKey")]
struct Wanted {
    /// The purpose of the key. Colleagues see it as the name of the program.
    name: String,
    /// The most that the program may do. By default a service.
    #[serde(default = "service")]
    role: ApiKeyRole,
    /// The key may do only this. Absent or `null` for all that its role may do.
    #[serde(default)]
    permissions: Option<Vec<Permission>>,
    /// Absent or `null` for a key that is valid until it is revoked.
    #[serde(default)]
    expires_at: Option<Timestamp>,
}

fn service() -> ApiKeyRole {
    ApiKeyRole::Service
}

/// A key that was created.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "CreatedApiKey")]
struct CreatedKey {
    #[serde(flatten)]
    key: View,
    /// The key itself. It is shown only here.
    token: String,
}

/// Refuses a program with an API key: one that leaks would make others.
fn must_be_no_key(caller: &Caller) -> Result<(), Problem> {
    match caller.api_key() {
        Some(_) => Err(Problem::forbidden("A program with an API key cannot create or revoke API keys.")),
        None => Ok(()),
    }
}

async fn create(
    State(commands): AppState,
    Administrator(caller): Administrator,
    request: RequestContext,
    Json(body): Json<Wanted>,
) -> Result<Created<CreatedKey>, CommandProblem> {
    must_be_no_key(&caller)?;
    // Without a key of idempotency: a repeated request makes another API key, because the first is nowhere to be read.
    let context = Context {
        traceparent: request.traceparent,
        credential: Some(caller.credential),
        ..Context::of(caller.account, caller.actor(), request.correlation_id)
    };
    let Wanted { name, role, permissions, expires_at } = body;
    let (token, outcome) =
        commands.create_api_key(NewApiKey { name, role, permissions, expires_at }, &context).await?;
    let now = commands.clock.now();
    let key = outcome.state.state.api_keys().find(|(id, _)| *id == token.id);
    let key = key.map(|(id, key)| View::of(id, key, now)).ok_or_else(|| Problem::not_found("API key"))?;
    let location = format!("/v1/api-keys/{}", token.id);
    let created = CreatedKey { key, token: token.to_string() };
    Ok(Created(Answer::of(&commands, &outcome, created).await?, location))
}

/// A key that was revoked.
#[derive(Debug, Serialize, JsonSchema)]
struct RevokedApiKey {
    id: ApiKeyId,
}

async fn revoke(
    State(commands): AppState,
    Administrator(caller): Administrator,
    headers: CommandHeaders,
    Path(id): Path<ApiKeyId>,
) -> Result<Completed<RevokedApiKey>, CommandProblem> {
    must_be_no_key(&caller)?;
    let outcome = commands.revoke_api_key(id, &headers.of(&caller)).await?;
    Ok(Completed(Answer::of(&commands, &outcome, RevokedApiKey { id }).await?))
}
