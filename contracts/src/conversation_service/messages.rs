//! The routes of messages.

use super::conversation::Conversation;
use super::message::{MOST_MESSAGES, Message, Sender as ServiceSender};
use super::tables::log_unavailable;
use super::tenant::Tenant;
use super::{AppState, ConversationService};
use aide::axum::ApiRouter;
use aide::axum::routing::{get_with, post_with};
use axum::extract::State;
use command_api::http::{CommandHeaders, check_bytes, problem_of_command};
use command_api::problem::{CommandProblem, channel_off, unsendable};
use commands::execute::{Context, Outcome};
use domain::conversation::{Conversation as Aggregate, Opened, ReceiveForProgram, RecordSent, Send, Sender};
use event_schemas::message::{ChannelType, Content, SenderType};
use event_schemas::{
    ConversationEvent, ConversationId, Event, EventId, MessageEvent, MessageId, Recorded, StreamId, UserId,
};
use gate::{Created, Json, Path, Problem, Query};
use providers::Sendable;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::sync::Arc;

pub(super) fn routes() -> ApiRouter<Arc<ConversationService>> {
    const TAG: &str = "conversation service";
    ApiRouter::new()
        .api_route(
            "/api/v1/messages",
            post_with(create, |op| {
                op.id("createServiceMessage").tag(TAG).summary("Store a message").description(
                    "A message of the customer may ask for a human agent, and so may three answers of low \
                     confidence; the answer says so. A message to the customer with `whatsapp_message_id` was sent \
                     by the caller; without it Verbatim sends it.",
                )
            }),
        )
        .api_route(
            "/api/v1/conversations/{id}/messages",
            get_with(list, |op| {
                op.id("listServiceMessages")
                    .tag(TAG)
                    .summary("The last messages of a conversation, oldest first")
            }),
        )
        .api_route(
            "/api/v1/conversations/{id}/messages/recent",
            get_with(recent, |op| {
                op.id("listRecentServiceMessages")
                    .tag(TAG)
                    .summary("The last few messages of a conversation, oldest first, for a prompt")
            }),
        )
}

/// A message. Further members are ignored.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "NewServiceMessage")]
struct NewMessage {
    conversation_id: ConversationId,
    sender_type: ServiceSender,
    content: String,
    /// The provider's id of the message. A message with the same id is stored once.
    #[serde(default)]
    whatsapp_message_id: Option<String>,
    /// The agent who wrote it. Absent for the agent who has the conversation; ignored for other senders.
    #[serde(default)]
    sender_id: Option<String>,
    #[serde(default)]
    metadata: Option<Map<String, Value>>,
}

/// A stored message, and whether it led to a request for a human agent.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "StoredServiceMessage")]
struct Stored {
    message: Message,
    handoff_requested: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    handoff_reason: Option<String>,
}

async fn create(
    State(service): AppState,
    tenant: Tenant,
    headers: CommandHeaders,
    Json(body): Json<NewMessage>,
) -> Result<Created<Stored>, CommandProblem> {
    body.check()?;
    let context = headers.of(&tenant);
    let conversation = service.opened(&tenant, body.conversation_id).await?;
    // A key that was used for another request is refused.
    let stream = StreamId::conversation(conversation.id);
    let before = service.commands.conversations.answered_before(&stream, &context).await;
    before.map_err(problem_of_command)?;
    let id = body.message_id(&service, &context, &conversation);
    let stored = match service.recorded(id).await? {
        Some(before) => before,
        None => {
            service.store(&tenant, &context, &conversation, &body, id).await?;
            service.recorded(id).await?.ok_or_else(Problem::internal)?
        }
    };
    Ok(Created(service.answer_stored(&tenant, &stored, id).await?))
}

impl NewMessage {
    fn check(&self) -> Result<(), Problem> {
        check_bytes("metadata", &self.metadata)?;
        if self.content.trim().is_empty() {
            return Err(Problem::unprocessable("content", "A message needs a text."));
        }
        match &self.whatsapp_message_id {
            Some(id) if !(1..=255).contains(&id.len()) => Err(Problem::unprocessable(
                "whatsapp_message_id",
                "`whatsapp_message_id` has between 1 and 255 bytes.",
            )),
            Some(_) | None => Ok(()),
        }
    }

    /// The id of the message: derived from the provider's id when there is one, as webhooks derive it, so that a
    /// message that comes twice is stored once.
    fn message_id(
        &self,
        service: &ConversationService,
        context: &Context,
        conversation: &Opened,
    ) -> MessageId {
        let fact = match self.sender_type {
            ServiceSender::Customer => "received",
            ServiceSender::Llm | ServiceSender::Agent => "sent",
        };
        match &self.whatsapp_message_id {
            Some(provider_id) => EventId::reported(conversation.channel_id, provider_id, fact).into(),
            None => context.message_id(&service.commands.clock),
        }
    }

    fn metadata(&self) -> Map<String, Value> {
        self.metadata.clone().unwrap_or_default()
    }
}

impl ConversationService {
    /// The account's conversation of this id. It can lag behind another process.
    async fn opened(&self, tenant: &Tenant, id: ConversationId) -> Result<Arc<Opened>, CommandProblem> {
        let loaded = self.commands.conversations.cached(&StreamId::conversation(id)).await?;
        match &loaded.state {
            Aggregate::Opened(opened) if opened.account_id == tenant.account => Ok(Arc::clone(opened)),
            Aggregate::Opened(_) | Aggregate::NotOpened => Err(Problem::not_found("conversation").into()),
        }
    }

    pub(super) async fn channel_type_of(
        &self,
        tenant: &Tenant,
        id: ConversationId,
    ) -> Result<ChannelType, CommandProblem> {
        Ok(self.opened(tenant, id).await?.channel_type)
    }

    /// The event of a message. `None` when it is not stored.
    async fn recorded(&self, id: MessageId) -> Result<Option<Recorded>, Problem> {
        self.commands.store.find(EventId(id.0)).await.map_err(log_unavailable)
    }

    /// Stores a message.
    async fn store(
        &self,
        tenant: &Tenant,
        context: &Context,
        conversation: &Opened,
        body: &NewMessage,
        id: MessageId,
    ) -> Result<(), CommandProblem> {
        let conversations = &self.commands.conversations;
        let stream = StreamId::conversation(conversation.id);
        let outcome = match body.sender_type {
            ServiceSender::Customer => {
                let message = ReceiveForProgram {
                    message_id: id,
                    provider_message_id: body.whatsapp_message_id.clone(),
                    body: Content::text(&*body.content),
                    sent_at: self.commands.clock.now(),
                    metadata: body.metadata(),
                };
                conversations.execute(&stream, &message, context).await
            }
            ServiceSender::Llm | ServiceSender::Agent => {
                let message = self.outgoing(tenant, conversation, body, id).await?;
                match &body.whatsapp_message_id {
                    Some(provider_message_id) => {
                        let provider_message_id = provider_message_id.clone();
                        let sent = RecordSent { message, provider_message_id };
                        conversations.execute(&stream, &sent, context).await
                    }
                    None => {
                        self.check_sendable(tenant, conversation, &message).await?;
                        conversations.execute(&stream, &message, context).await
                    }
                }
            }
        };
        let _outcome: Outcome<Aggregate> = outcome.map_err(problem_of_command)?;
        Ok(())
    }

    /// A message to the customer. What was sent already has no limits any more.
    async fn outgoing(
        &self,
        tenant: &Tenant,
        conversation: &Opened,
        body: &NewMessage,
        id: MessageId,
    ) -> Result<Send, CommandProblem> {
        let commands = &self.commands;
        let sender = match body.sender_type {
            ServiceSender::Agent => self.agent_sender(tenant, conversation, body).await?,
            ServiceSender::Customer | ServiceSender::Llm => {
                Sender { sender_type: SenderType::Bot, id: Some(tenant.user), name: tenant.name.clone() }
            }
        };
        let is_sent = body.whatsapp_message_id.is_some();
        let reply_window = commands.providers.reply_window(conversation.channel_type, sender.sender_type);
        Ok(Send {
            message_id: id,
            body: Content::text(&*body.content),
            template: None,
            in_reply_to: None,
            metadata: body.metadata(),
            scheduled_at: None,
            reply_window: reply_window.filter(|_| !is_sent),
            handoff: match sender.sender_type {
                SenderType::Bot => Some(commands.playbook(tenant.account).await?),
                SenderType::Agent | SenderType::System | SenderType::Contact => None,
            },
            automatic_limit: match is_sent {
                true => None,
                false => Some(commands.automatic_limit(tenant.account).await?),
            },
            sender,
        })
    }

    /// The agent whom the message names, or else the one who has the conversation.
    async fn agent_sender(
        &self,
        tenant: &Tenant,
        conversation: &Opened,
        body: &NewMessage,
    ) -> Result<Sender, CommandProblem> {
        let sender_type = SenderType::Agent;
        let Some(id) = &body.sender_id else {
            let lifecycle = &conversation.lifecycle;
            return Ok(Sender {
                sender_type,
                id: lifecycle.holder(),
                name: lifecycle.holder().and_then(|_| lifecycle.assignee_name.clone()),
            });
        };
        let no_such_agent = || Problem::unprocessable("sender_id", "This account has no such agent.");
        let id: UserId = id.parse().map_err(|_| no_such_agent())?;
        let agent = self.commands.assignee(tenant.account, id).await?;
        match agent.name {
            Some(name) => Ok(Sender { sender_type, id: Some(id), name: Some(name) }),
            None => Err(no_such_agent().into()),
        }
    }

    /// Checks a message that Verbatim is to send.
    async fn check_sendable(
        &self,
        tenant: &Tenant,
        conversation: &Opened,
        message: &Send,
    ) -> Result<(), CommandProblem> {
        let channel = self.commands.channel(tenant.account, conversation.channel_id).await?;
        if channel.is_none_or(|channel| !channel.is_enabled) {
            return Err(CommandProblem::from(channel_off()).field("conversation_id"));
        }
        let sendable = Sendable { body: &message.body, template: None, in_reply_to: None };
        let checked = self.commands.providers.check_message(conversation.channel_type, &sendable);
        Ok(checked.map_err(unsendable)?)
    }

    /// The answer with a stored message. A customer's message is first compared with what demands a human agent, so
    /// that the answer can say it.
    async fn answer_stored(
        &self,
        tenant: &Tenant,
        recorded: &Recorded,
        id: MessageId,
    ) -> Result<Stored, CommandProblem> {
        let conversation_id = recorded.stream.as_conversation().ok_or_else(Problem::internal)?;
        if let Ok(Event::Conversation(ConversationEvent::Message(MessageEvent::MessageReceived(message)))) =
            Event::read(recorded)
        {
            let answered = self.commands.answer_at_once(recorded, &message).await;
            answered.map_err(problem_of_command)?;
        }
        let loaded = self.commands.conversations.current(&recorded.stream).await?;
        let requested = match &loaded.state {
            Aggregate::Opened(opened) => opened.bot.requested(),
            Aggregate::NotOpened => None,
        };
        let handoff = requested.filter(|requested| requested.message_id == Some(id));
        let tables = self.current_tables(tenant).await?;
        Ok(Stored {
            message: self.message(&tables, tenant.account, conversation_id, id).await?,
            handoff_requested: handoff.is_some(),
            handoff_reason: handoff.map(|requested| requested.reason.clone()),
        })
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "ServiceMessagesParams")]
struct ListParams {
    /// The most messages, from 1 to 1000.
    #[serde(default = "fifty")]
    limit: usize,
}

fn fifty() -> usize {
    50
}

async fn list(
    State(service): AppState,
    tenant: Tenant,
    Path(id): Path<ConversationId>,
    Query(params): Query<ListParams>,
) -> Result<Json<Vec<Message>>, Problem> {
    service.listed(&tenant, id, ("limit", params.limit)).await
}

#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "RecentServiceMessagesParams")]
struct RecentParams {
    /// The number of messages, from 1 to 1000.
    #[serde(default = "four")]
    count: usize,
}

fn four() -> usize {
    4
}

async fn recent(
    State(service): AppState,
    tenant: Tenant,
    Path(id): Path<ConversationId>,
    Query(params): Query<RecentParams>,
) -> Result<Json<Vec<Message>>, Problem> {
    service.listed(&tenant, id, ("count", params.count)).await
}

impl ConversationService {
    async fn listed(
        &self,
        tenant: &Tenant,
        id: ConversationId,
        (name, count): (&str, usize),
    ) -> Result<Json<Vec<Message>>, Problem> {
        if !(1..=MOST_MESSAGES).contains(&count) {
            let detail = format!("`{name}` is between 1 and {MOST_MESSAGES}.");
            return Err(Problem::unreadable(detail).field(name));
        }
        let tables = self.current_tables(tenant).await?;
        // 404 for a conversation of another account.
        let _exists: Conversation = self.conversation(&tables, tenant.account, id).await?;
        Ok(Json(self.last_messages(&tables, tenant.account, id, count).await?))
    }
}
