//! The messages that agents have scheduled.

use crate::problem::tables_unavailable;
use crate::response::List;
use crate::state::{Fresh, QueryState};
use aide::axum::ApiRouter;
use aide::axum::routing::get_with;
use event_schemas::{ConversationId, MessageId};
use gate::{Agent, Json, Path, Problem};
use projections::queries::conversations;
use projections::read_models::scheduled_messages::{self, ScheduledMessage};

pub fn routes() -> ApiRouter<QueryState> {
    ApiRouter::new()
        .api_route(
            "/v1/conversations/{id}/scheduled-messages",
            get_with(of_conversation, |op| {
                op.id("listScheduledMessages").tag("messages").summary(
                    "The messages of a conversation that wait for their time or are held, the next one first",
                )
            }),
        )
        .api_route(
            "/v1/conversations/{id}/scheduled-messages/{message_id}",
            get_with(one, |op| {
                op.id("getScheduledMessage")
                    .tag("messages")
                    .summary("A message that waits for its time or is held")
                    .description(
                        "Once it was sent, `GET /v1/conversations/{id}/messages/{message_id}` has it.",
                    )
            }),
        )
        .api_route(
            "/v1/scheduled-messages",
            get_with(own, |op| {
                op.id("listOwnScheduledMessages")
                    .tag("messages")
                    .summary("The messages that you have scheduled, those that are held first")
                    .description("At most 200. A message that was sent or cancelled is not listed any more.")
            }),
        )
}

async fn of_conversation(
    caller: Agent,
    Fresh(tables): Fresh,
    Path(id): Path<ConversationId>,
) -> Result<Json<List<ScheduledMessage>>, Problem> {
    let readers = tables.readers();
    let found = conversations::find(readers, caller.account, id, None).await.map_err(tables_unavailable)?;
    found.ok_or_else(|| Problem::not_found("conversation"))?;
    let rows = scheduled_messages::of_conversation(readers, caller.account, id).await;
    Ok(List::whole(rows.map_err(tables_unavailable)?, ScheduledMessage::from))
}

async fn one(
    caller: Agent,
    Fresh(tables): Fresh,
    Path((id, message)): Path<(ConversationId, MessageId)>,
) -> Result<Json<ScheduledMessage>, Problem> {
    let found = scheduled_messages::find(tables.readers(), caller.account, message).await;
    let found = found.map_err(tables_unavailable)?.filter(|row| row.conversation_id == id);
    found.map(|row| Json(row.into())).ok_or_else(|| Problem::not_found("scheduled message"))
}

async fn own(caller: Agent, Fresh(tables): Fresh) -> Result<Json<List<ScheduledMessage>>, Problem> {
    let rows = scheduled_messages::of_sender(tables.readers(), caller.account, caller.user).await;
    Ok(List::whole(rows.map_err(tables_unavailable)?, ScheduledMessage::from))
}
