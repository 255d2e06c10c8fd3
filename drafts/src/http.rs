//! The routes of drafts. A draft is seen by its author alone: its address has no user.

use crate::problem::problem;
use crate::{Author, DraftRow, Drafts, NewDraft};
use aide::OperationOutput;
use aide::axum::ApiRouter;
use aide::axum::routing::get_with;
use aide::generate::GenContext;
use aide::openapi::{Operation, Response as ApiResponse};
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use event_schemas::{AccountId, ConversationId, MessageId, Timestamp, Version};
use futures::future::BoxFuture;
use gate::{Agent, Caller, IfMatch, Json, Path, Problem};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The longest text of a draft, in characters: that of a note.
const LONGEST_DRAFT: usize = 65_536;
/// The longest cursor.
const LONGEST_CURSOR: usize = 200;
/// The characters of a draft in the list.
const PREVIEW: usize = 120;

/// Knows the conversations of an account.
pub trait Conversations: Send + Sync + 'static {
    /// Whether the account has this conversation.
    fn has(&self, account: AccountId, id: ConversationId) -> BoxFuture<'_, Result<bool, Problem>>;
}

#[derive(Clone)]
struct DraftState {
    drafts: Drafts,
    conversations: Arc<dyn Conversations>,
}

/// The routes of drafts.
pub fn router(drafts: Drafts, conversations: Arc<dyn Conversations>) -> ApiRouter {
    ApiRouter::new()
        .api_route(
            "/v1/conversations/{id}/draft",
            get_with(get, |op| {
                op.id("getDraft").tag("messages").summary("Your draft in a conversation").description(
                    "404 when you have none. Only you see it; it is in no event, export or webhook.",
                )
            })
            .put_with(put, |op| {
                op.id("putDraft").tag("messages").summary("Write your draft in a conversation").description(
                    "The last writer wins. With `If-Match` a draft that was written elsewhere since is kept, and the \
                     answer is 412 with its `current_version`. A draft ends when it was not changed for the time that \
                     the operator has set (90 days by default).",
                )
            })
            .delete_with(delete, |op| {
                op.id("deleteDraft").tag("messages").summary("Remove your draft in a conversation")
            }),
        )
        .api_route(
            "/v1/drafts",
            get_with(list, |op| {
                op.id("listDrafts").tag("messages").summary("Your drafts, the newest first")
            }),
        )
        .with_state(DraftState { drafts, conversations })
}

/// A text that you have written and not sent.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DraftText {
    /// At most 65,536 characters.
    content: String,
    /// Whether the text is an internal note.
    #[serde(default)]
    is_private: bool,
    /// The message that it answers.
    #[serde(default)]
    in_reply_to: Option<MessageId>,
    /// The `cursor` of the newest message when you began to write.
    #[serde(default)]
    seen: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Draft")]
struct View {
    conversation_id: ConversationId,
    content: String,
    is_private: bool,
    in_reply_to: Option<MessageId>,
    seen: Option<String>,
    updated_at: Timestamp,
    /// It is also the `ETag`. It grows with each change.
    version: Version,
}

impl From<DraftRow> for View {
    fn from(row: DraftRow) -> Self {
        Self {
            conversation_id: row.conversation_id,
            content: row.content,
            is_private: row.is_private,
            in_reply_to: row.in_reply_to,
            seen: row.seen,
            updated_at: row.updated_at,
            version: row.version,
        }
    }
}

impl IntoResponse for View {
    fn into_response(self) -> Response {
        let tag = HeaderValue::from_str(&format!("\"{}\"", self.version));
        let mut response = Json(self).into_response();
        if let Ok(tag) = tag {
            response.headers_mut().insert(header::ETAG, tag);
        }
        response
    }
}

impl OperationOutput for View {
    type Inner = Self;

    fn operation_response(ctx: &mut GenContext, operation: &mut Operation) -> Option<ApiResponse> {
        Json::<Self>::operation_response(ctx, operation)
    }
    fn inferred_responses(
        ctx: &mut GenContext,
        operation: &mut Operation,
    ) -> Vec<(Option<u16>, ApiResponse)> {
        Json::<Self>::inferred_responses(ctx, operation)
    }
}

/// A draft in the list.
#[derive(Debug, Serialize, JsonSchema)]
struct ListedDraft {
    conversation_id: ConversationId,
    is_private: bool,
    /// The beginning of its text: 120 characters.
    preview: String,
    updated_at: Timestamp,
    version: Version,
}

#[derive(Debug, Serialize, JsonSchema)]
struct DraftList {
    data: Vec<ListedDraft>,
}

/// A conversation in which you have no draft any more.
#[derive(Debug, Serialize, JsonSchema)]
struct RemovedDraft {
    conversation_id: ConversationId,
}

fn author(caller: &Caller) -> Author {
    Author { account: caller.account, user: caller.user }
}

async fn check_exists(state: &DraftState, caller: &Caller, id: ConversationId) -> Result<(), Problem> {
    match state.conversations.has(caller.account, id).await? {
        true => Ok(()),
        false => Err(Problem::not_found("conversation")),
    }
}

async fn get(
    State(state): State<DraftState>,
    Agent(caller): Agent,
    Path(id): Path<ConversationId>,
) -> Result<View, Problem> {
    let found = state.drafts.find(author(&caller), id).await.map_err(problem)?;
    found.map(View::from).ok_or_else(|| Problem::not_found("draft"))
}

async fn put(
    State(state): State<DraftState>,
    Agent(caller): Agent,
    IfMatch(expected): IfMatch,
    Path(id): Path<ConversationId>,
    Json(text): Json<DraftText>,
) -> Result<View, Problem> {
    check(&text)?;
    check_exists(&state, &caller, id).await?;
    let DraftText { content, is_private, in_reply_to, seen } = text;
    let draft = NewDraft { content, is_private, in_reply_to, seen };
    let row = state.drafts.put(author(&caller), id, &draft, expected).await.map_err(problem)?;
    Ok(row.into())
}

fn check(text: &DraftText) -> Result<(), Problem> {
    if text.content.is_empty() && text.in_reply_to.is_none() {
        let detail = "A draft has a text, or the message that it answers. Delete a draft that is empty.";
        return Err(Problem::unprocessable("content", detail));
    }
    if text.content.chars().count() > LONGEST_DRAFT {
        let detail = format!("At most {LONGEST_DRAFT} characters.");
        return Err(Problem::unprocessable("content", detail).with("limit", LONGEST_DRAFT));
    }
    if text.seen.as_ref().is_some_and(|cursor| cursor.len() > LONGEST_CURSOR) {
        let detail = format!("At most {LONGEST_CURSOR} characters.");
        return Err(Problem::unprocessable("seen", detail).with("limit", LONGEST_CURSOR));
    }
    Ok(())
}

async fn delete(
    State(state): State<DraftState>,
    Agent(caller): Agent,
    IfMatch(expected): IfMatch,
    Path(id): Path<ConversationId>,
) -> Result<Json<RemovedDraft>, Problem> {
    state.drafts.remove(author(&caller), id, expected).await.map_err(problem)?;
    Ok(Json(RemovedDraft { conversation_id: id }))
}

async fn list(State(state): State<DraftState>, Agent(caller): Agent) -> Result<Json<DraftList>, Problem> {
    let rows = state.drafts.of_author(author(&caller)).await.map_err(problem)?;
    let listed = |row: DraftRow| ListedDraft {
        conversation_id: row.conversation_id,
        is_private: row.is_private,
        preview: row.content.chars().take(PREVIEW).collect(),
        updated_at: row.updated_at,
        version: row.version,
    };
    Ok(Json(DraftList { data: rows.into_iter().map(listed).collect() }))
}
