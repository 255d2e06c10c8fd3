//! Messages to the customer, and internal notes.

use super::AppState;
use super::answer::{Answer, Created};
use super::command_headers::CommandHeaders;
use super::conflicts::explained;
use super::conversations::{opened, problem_of_command};
use super::references::check_agent;
use super::sizes::{check_bytes, check_number};
use crate::problem::CommandProblem;
use crate::problem::{channel_off, key_reused, unfilled, unsendable};
use aide::axum::ApiRouter;
use aide::axum::routing::post_with;
use axum::extract::State;
use commands::Commands;
use commands::execute::{Context, LoadError, Outcome};
use domain::bot::Playbook;
use domain::conversation::{AddNote, Conversation, Fenced, Message, Schedule, Send, SendTime, Sender};

use event_schemas::catalogue::CannedResponse;
use event_schemas::conversation::{IfWritten, MessageScheduled, ScheduleReason};
use event_schemas::message::{Attachment, ChannelType, Content, ContentType, Delivery, SenderType, Template};
use event_schemas::placeholders::{self, PlaceholderValues};
use event_schemas::{
    CannedResponseId, ConversationEvent, ConversationId, EventId, Events, MessageEvent, MessageId,
    ScheduleEvent, StreamId, Timestamp, UserId, Version,
};
use gate::{Agent, Caller, Json, Path, Problem};
use providers::Sendable;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Duration;

pub(super) fn routes() -> ApiRouter<Arc<Commands>> {
    ApiRouter::new().api_route(
        "/v1/conversations/{id}/messages",
        post_with(write, |op| {
            op.id("sendMessage")
                .tag("messages")
                .summary("Send a message to the customer, or add an internal note")
        }),
    )
}

/// The agents whom a note mentions.
const MOST_MENTIONS: usize = 100;
const MOST_ATTACHMENTS: usize = 30;

/// A message to the customer or, with `is_private`, an internal note.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewMessage {
    /// The text. Absent for the text of the canned response.
    #[serde(default)]
    content: String,
    /// Whether the message is an internal note, which is never sent to the customer.
    #[serde(default)]
    is_private: bool,
    #[serde(default)]
    content_type: Option<ContentType>,
    #[serde(default)]
    attachments: Vec<Attachment>,
    /// Structured content: coordinates, contact cards, the buttons of an interactive message.
    #[serde(default)]
    details: Option<Value>,
    #[serde(default)]
    template: Option<Template>,
    /// The message that this one answers.
    #[serde(default)]
    in_reply_to: Option<MessageId>,
    /// A canned response. Its text is used, with its variables filled in, when `content` is absent.
    #[serde(default)]
    canned_response_id: Option<CannedResponseId>,
    /// The agents whom a note mentions.
    #[serde(default)]
    mentions: Vec<UserId>,
    /// The sender of a service's message: `bot` or `system`. Only for services.
    #[serde(default)]
    sender_type: Option<SenderType>,
    #[serde(default)]
    metadata: Map<String, Value>,
    /// The `version` of the conversation that you have read. When others have written since, the message is refused
    /// with 409 `written-since`. Absent to send it in any case.
    #[serde(default)]
    seen_version: Option<Version>,
    /// When the message is to be sent: a time to come, at most a year ahead. Absent to send it after the account's
    /// `undo_send_seconds`, which are 0 by default: at once. A message that is sent later can be cancelled until then.
    #[serde(default)]
    send_at: Option<Timestamp>,
    /// The fate of the message when others write before it is sent: `send`, or `hold` until an agent decides. The default
    /// is `hold` for a message with `send_at`, and `send` for one that is only delayed so that it can be taken back.
    #[serde(default)]
    if_written: Option<IfWritten>,
}

/// The addressee of a message, and the kind of channel.
pub(super) struct Addressee<'a> {
    pub channel_type: ChannelType,
    /// Whether the channel sends messages: it is neither switched off nor retired.
    pub is_enabled: bool,
    pub identifier: &'a str,
    pub name: Option<&'a str>,
    /// The facts that the bot has collected. `None` before the conversation has begun.
    pub facts: Option<&'a Map<String, Value>>,
}

impl NewMessage {
    /// A message that begins a conversation follows no other.
    pub(super) fn check_is_first(&self) -> Result<(), CommandProblem> {
        match self.seen_version {
            Some(_) => {
                let detail = "A conversation that begins has no version yet.";
                Err(Problem::unprocessable("message.seen_version", detail).into())
            }
            None if self.send_at.is_some() => {
                let detail = "The first message of a conversation is sent at once.";
                Err(Problem::unprocessable("message.send_at", detail).into())
            }
            None => Ok(()),
        }
    }

    /// The message as it is sent: at once, at the time of the request, or after the time in which its sender can take it
    /// back.
    async fn timed(
        &self,
        message: Message,
        commands: &Commands,
        caller: &Caller,
        context: &Context,
    ) -> Result<Message, CommandProblem> {
        let Message::ToCustomer(send) = message else {
            return match self.send_at {
                Some(_) => Err(Problem::unprocessable("send_at", "A note is not sent later.").into()),
                None => Ok(message),
            };
        };
        let (time, usual) = match self.send_at {
            Some(at) => (SendTime::At(at), IfWritten::Hold),
            None => match undo_send(commands, caller).await? {
                Duration::ZERO => return Ok(Message::ToCustomer(send)),
                span => (SendTime::After(span), IfWritten::Send),
            },
        };
        // The request's own event is that the message is scheduled.
        let message_id = context.further_message_id(&commands.clock, "message");
        let send = Send { message_id, ..*send };
        let if_written = self.if_written.unwrap_or(usual);
        Ok(Message::Scheduled(Box::new(Schedule { send, time, if_written })))
    }

    pub(super) async fn message(
        &self,
        commands: &Commands,
        caller: &Caller,
        context: &Context,
        to: Addressee<'_>,
    ) -> Result<Message, CommandProblem> {
        check_bytes("metadata", &self.metadata)?;
        check_bytes("details", &self.details)?;
        check_bytes("template", &self.template)?;
        check_bytes("attachments", &self.attachments)?;
        check_number("mentions", self.mentions.len(), MOST_MENTIONS)?;
        check_number("attachments", self.attachments.len(), MOST_ATTACHMENTS)?;
        let message_id = context.message_id(&commands.clock);
        let content = self.content(commands, caller, &to).await?;
        if self.is_private {
            for (index, user) in self.mentions.iter().enumerate().filter(|(_, user)| **user != caller.user) {
                check_agent(commands, caller.account, &format!("mentions[{index}]"), *user).await?;
            }
            return self.note(caller, message_id, content).map(Message::Note);
        }
        if !self.mentions.is_empty() {
            return Err(Problem::unprocessable(
                "mentions",
                "Only a note can mention users: set `is_private`.",
            )
            .into());
        }
        if !to.is_enabled {
            return Err(channel_off().into());
        }
        let mut metadata = self.metadata.clone();
        if let Some(id) = self.canned_response_id {
            metadata.insert("canned_response_id".to_owned(), id.to_string().into());
        }
        let sender = self.sender(caller)?;
        let reply_window = commands.providers.reply_window(to.channel_type, sender.sender_type);
        let body = Content {
            content,
            content_type: self.kind(),
            attachments: self.attachments.clone(),
            details: self.details.clone(),
        };
        let template = self.template.as_ref().map(|template| json!(template.components).to_string());
        if let Some(Err(names)) = template.map(|text| placeholders::fill(&text, |_| None).whole()) {
            return Err(unfilled(&names).field("template").into());
        }
        let in_reply_to = self.in_reply_to.map(|id| id.to_string());
        let (template, in_reply_to) = (self.template.as_ref(), in_reply_to.as_deref());
        let sendable = Sendable { body: &body, template, in_reply_to };
        commands.providers.check_message(to.channel_type, &sendable).map_err(unsendable)?;
        Ok(Message::ToCustomer(Box::new(Send {
            message_id,
            sender,
            body,
            template: self.template.clone(),
            in_reply_to: self.in_reply_to,
            metadata,
            scheduled_at: None,
            handoff: self.handoff(commands, caller).await?,
            automatic_limit: Some(commands.automatic_limit(caller.account).await?),
            reply_window,
        })))
    }

    /// The playbook with the handoff rules for a program's answers as the bot. `None` for every other
    /// message.
    async fn handoff(
        &self,
        commands: &Commands,
        caller: &Caller,
    ) -> Result<Option<Arc<Playbook>>, CommandProblem> {
        match self.sender_type {
            Some(SenderType::Bot) => Ok(Some(commands.playbook(caller.account).await?)),
            Some(SenderType::Agent | SenderType::System | SenderType::Contact) | None => Ok(None),
        }
    }

    /// The text of the request, or else that of the canned response with its placeholders filled.
    async fn content(
        &self,
        commands: &Commands,
        caller: &Caller,
        to: &Addressee<'_>,
    ) -> Result<String, CommandProblem> {
        let Some(id) = self.canned_response_id else { return Ok(self.content.clone()) };
        let responses = commands.catalogue::<CannedResponse>(caller.account).current().await?;
        let response = responses.state.get(id).ok_or_else(|| {
            Problem::unprocessable("canned_response_id", "This account has no such canned response.")
        })?;
        let (field, filled) = if self.content.is_empty() {
            let values = PlaceholderValues {
                contact_name: to.name,
                contact_identifier: to.identifier,
                agent_name: caller.name.as_deref(),
                facts: to.facts,
            };
            ("canned_response_id", values.fill(&response.content))
        } else {
            // The client has filled the text.
            ("content", placeholders::fill(&self.content, |_| None))
        };
        filled.whole().map_err(|names| unfilled(&names).field(field).into())
    }

    fn note(
        &self,
        caller: &Caller,
        message_id: MessageId,
        content: String,
    ) -> Result<AddNote, CommandProblem> {
        let not_in_notes = [
            ("attachments", !self.attachments.is_empty()),
            ("template", self.template.is_some()),
            ("in_reply_to", self.in_reply_to.is_some()),
            ("details", self.details.is_some()),
        ];
        if let Some((field, _)) = not_in_notes.into_iter().find(|(_, is_there)| *is_there) {
            return Err(Problem::unprocessable(field, "A note has only a text.").into());
        }
        Ok(AddNote {
            message_id,
            author_id: caller.user,
            author_name: caller.name.clone(),
            content,
            mentions: self.mentions.clone(),
        })
    }

    /// The content type when none is given: template, the type of the attachment, or text.
    fn kind(&self) -> ContentType {
        let attached = || self.attachments.first().map(|attachment| attachment.content_type);
        let template = || self.template.as_ref().map(|_| ContentType::Template);
        self.content_type.or_else(template).or_else(attached).unwrap_or(ContentType::Text)
    }

    fn sender(&self, caller: &Caller) -> Result<Sender, CommandProblem> {
        let sender_type = match (caller.is_program(), self.sender_type) {
            (true, None) => SenderType::System,
            (true, Some(kind @ (SenderType::Bot | SenderType::System))) => kind,
            (false, None | Some(SenderType::Agent)) => SenderType::Agent,
            (true, Some(SenderType::Agent | SenderType::Contact)) | (false, Some(_)) => {
                return Err(Problem::unprocessable(
                    "sender_type",
                    "You cannot send a message as another sender.",
                )
                .into());
            }
        };
        Ok(Sender { sender_type, id: Some(caller.user), name: caller.name.clone() })
    }
}

/// For how long the caller can take a reply back. Programs take nothing back.
async fn undo_send(commands: &Commands, caller: &Caller) -> Result<Duration, LoadError> {
    match caller.is_program() {
        true => Ok(Duration::ZERO),
        false => commands.undo_send(caller.account).await,
    }
}

async fn write(
    State(commands): AppState,
    Agent(caller): Agent,
    headers: CommandHeaders,
    Path(id): Path<ConversationId>,
    Json(body): Json<NewMessage>,
) -> Result<Created<Written>, CommandProblem> {
    let context = headers.of(&caller);
    let stream = StreamId::conversation(id);
    let before = commands.conversations.answered_before(&stream, &context).await;
    if let Some(outcome) = before.map_err(problem_of_command)? {
        let message = recorded_message(&commands, id, context.message_id(&commands.clock)).await?;
        return Written::after(&commands, &outcome, message).await;
    }
    let conversation = opened(&commands, &caller, id).await?;
    let channel = match body.is_private {
        true => None,
        false => commands.channel(caller.account, conversation.channel_id).await?,
    };
    let to = Addressee {
        channel_type: conversation.channel_type,
        is_enabled: channel.is_some_and(|channel| channel.is_enabled),
        identifier: &conversation.contact_identifier,
        name: conversation.display_name.as_deref(),
        facts: Some(conversation.bot.collected()),
    };
    let message = body.message(&commands, &caller, &context, to).await?;
    let message = body.timed(message, &commands, &caller, &context).await?;
    let fenced = Fenced { message: &message, seen: body.seen_version };
    let outcome = match commands.conversations.execute(&stream, &fenced, &context).await {
        Ok(outcome) => outcome,
        Err(error) => return Err(explained(&commands, id, error).await.into()),
    };
    let view = match outcome.wrote {
        true => View::of(id, &message, scheduled_in(&outcome, &message)),
        false => recorded_message(&commands, id, context.message_id(&commands.clock)).await?,
    };
    Written::after(&commands, &outcome, view).await
}

/// The time of the message, when it is sent later.
fn scheduled_in(outcome: &Outcome<Conversation>, message: &Message) -> Option<ScheduledFor> {
    let conversation = outcome.state.state.opened().ok()?;
    conversation.scheduled(message.id()).map(|scheduled| ScheduledFor::of(scheduled.message()))
}

/// A message, and whether it led to a handoff.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "WrittenMessage")]
struct Written {
    #[serde(flatten)]
    message: View,
    /// Whether this answer of the bot led to the request for a human agent.
    handoff_requested: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    handoff_reason: Option<String>,
}

/// The message that the first request with this key stored.
async fn recorded_message(
    commands: &Commands,
    conversation_id: ConversationId,
    id: MessageId,
) -> Result<View, CommandProblem> {
    let recorded = commands.store.find(EventId(id.0)).await;
    let recorded =
        recorded.map_err(|error| LoadError::of(&StreamId::conversation(conversation_id), error))?;
    let recorded = recorded.ok_or_else(key_reused)?;
    let event = ConversationEvent::decode(&recorded.event_type, recorded.schema_version, &recorded.data);
    let view = event.ok().and_then(|event| View::recorded(conversation_id, &event));
    view.ok_or_else(|| key_reused().into())
}

impl Written {
    async fn after(
        commands: &Commands,
        outcome: &Outcome<Conversation>,
        message: View,
    ) -> Result<Created<Self>, CommandProblem> {
        let conversation = outcome.state.state.opened().ok();
        let requested = conversation.and_then(|conversation| conversation.bot.requested());
        let handoff = requested.filter(|handoff| handoff.message_id == Some(message.id));
        let written = Self {
            handoff_requested: handoff.is_some(),
            handoff_reason: handoff.map(|handoff| handoff.reason.clone()),
            message,
        };
        let (conversation, id) = (written.message.conversation_id, written.message.id);
        let list = match written.message.scheduled {
            Some(_) => "scheduled-messages",
            None => "messages",
        };
        let location = format!("/v1/conversations/{conversation}/{list}/{id}");
        Ok(Created(Answer::of(commands, outcome, written).await?, location))
    }
}

/// A stored message or note.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "MessageState")]
struct View {
    id: MessageId,
    conversation_id: ConversationId,
    sender_type: SenderType,
    sender_id: Option<UserId>,
    sender_name: Option<String>,
    is_private: bool,
    #[serde(flatten)]
    body: Content,
    #[serde(skip_serializing_if = "Option::is_none")]
    template: Option<Template>,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_reply_to: Option<MessageId>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mentions: Vec<UserId>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    metadata: Map<String, Value>,
    /// The status of the delivery. `null` for a note, and for a message that is sent later.
    delivery: Option<Delivery>,
    /// When and how the message is sent later. Absent for a message that was sent at once, and for a note.
    #[serde(skip_serializing_if = "Option::is_none")]
    scheduled: Option<ScheduledFor>,
}

/// When and how a message is sent later.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
struct ScheduledFor {
    send_at: Timestamp,
    reason: ScheduleReason,
    if_written: IfWritten,
}

impl ScheduledFor {
    fn of(message: &MessageScheduled) -> Self {
        Self { send_at: message.send_at, reason: message.reason, if_written: message.if_written }
    }
}

impl View {
    fn of(conversation_id: ConversationId, message: &Message, scheduled: Option<ScheduledFor>) -> Self {
        match message {
            Message::ToCustomer(send) => Self::of_send(conversation_id, send),
            Message::Scheduled(schedule) => {
                Self { delivery: None, scheduled, ..Self::of_send(conversation_id, &schedule.send) }
            }
            Message::Note(note) => Self {
                id: note.message_id,
                conversation_id,
                sender_type: SenderType::Agent,
                sender_id: Some(note.author_id),
                sender_name: note.author_name.clone(),
                is_private: true,
                body: Content::text(&*note.content),
                template: None,
                in_reply_to: None,
                mentions: note.mentions.clone(),
                metadata: Map::new(),
                delivery: None,
                scheduled: None,
            },
        }
    }

    fn of_send(conversation_id: ConversationId, send: &Send) -> Self {
        Self {
            id: send.message_id,
            conversation_id,
            sender_type: send.sender.sender_type,
            sender_id: send.sender.id,
            sender_name: send.sender.name.clone(),
            is_private: false,
            body: send.body.clone(),
            template: send.template.clone(),
            in_reply_to: send.in_reply_to,
            mentions: Vec::new(),
            metadata: send.metadata.clone(),
            delivery: Some(Delivery::Queued),
            scheduled: None,
        }
    }

    /// `None` when the event is no message of a request.
    fn recorded(conversation_id: ConversationId, event: &ConversationEvent) -> Option<Self> {
        use ConversationEvent as E;
        match event {
            E::Message(MessageEvent::MessageSent(sent)) => Some(Self {
                id: sent.message_id,
                conversation_id,
                sender_type: sent.sender_type,
                sender_id: sent.sender_id,
                sender_name: sent.sender_name.clone(),
                is_private: false,
                body: sent.body.clone(),
                template: sent.template.clone(),
                in_reply_to: sent.in_reply_to,
                mentions: Vec::new(),
                metadata: sent.metadata.clone(),
                delivery: Some(Delivery::Queued),
                scheduled: None,
            }),
            E::Schedule(ScheduleEvent::MessageScheduled(message)) => Some(Self {
                id: message.message_id,
                conversation_id,
                sender_type: SenderType::Agent,
                sender_id: Some(message.sender_id),
                sender_name: message.sender_name.clone(),
                is_private: false,
                body: message.body.clone(),
                template: message.template.clone(),
                in_reply_to: message.in_reply_to,
                mentions: Vec::new(),
                metadata: message.metadata.clone(),
                delivery: None,
                scheduled: Some(ScheduledFor::of(message)),
            }),
            E::Message(MessageEvent::NoteAdded(note)) => Some(Self {
                id: note.message_id,
                conversation_id,
                sender_type: SenderType::Agent,
                sender_id: Some(note.author_id),
                sender_name: note.author_name.clone(),
                is_private: true,
                body: Content::text(&*note.content),
                template: None,
                in_reply_to: None,
                mentions: note.mentions.clone(),
                metadata: Map::new(),
                delivery: None,
                scheduled: None,
            }),
            E::Schedule(
                ScheduleEvent::MessageRescheduled(_)
                | ScheduleEvent::ScheduledMessageHeld(_)
                | ScheduleEvent::ScheduledMessageCancelled(_),
            )
            | E::Message(
                MessageEvent::MessageReceived(_)
                | MessageEvent::MessageEdited(_)
                | MessageEvent::MessageRevoked(_)
                | MessageEvent::ReactionChanged(_)
                | MessageEvent::NoticeReceived(_),
            )
            | E::Delivery(_)
            | E::Lifecycle(_)
            | E::Assignment(_)
            | E::Routing(_)
            | E::Sla(_)
            | E::Bot(_)
            | E::Automation(_)
            | E::Details(_) => None,
        }
    }
}
