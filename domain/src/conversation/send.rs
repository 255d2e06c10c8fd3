//! Messages to the customer, and internal notes.

use super::answer::filled;
use super::draft::Draft;
use super::handoff::{Handoff, hand_over};
use super::program::ANSWERS_AS_BOT;
use super::schedule::Schedule;
use super::{Conversation, Opened, Rejection};
use crate::aggregate::Decide;
use crate::bot::{AutomaticLimit, HandoffNeed, Playbook, Rule, is_automatic};
use event_schemas::conversation::{Addressee, BotEngaged, MessageSent, NoteAdded};
use event_schemas::message::{Content, ContentType, SenderType, Template};
use event_schemas::{ConversationEvent, MessageId, Timestamp, UserId};
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::Duration;

/// The longest text of a message: the limit of WhatsApp, which is the lowest of the providers'.
pub const LONGEST_MESSAGE: usize = 4096;
/// The longest note.
pub const LONGEST_NOTE: usize = 65_536;

/// The sender of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    pub sender_type: SenderType,
    pub id: Option<UserId>,
    pub name: Option<String>,
}

/// An answer to the customer.
#[derive(Clone, Debug)]
pub struct Send {
    pub message_id: MessageId,
    pub sender: Sender,
    pub body: Content,
    pub template: Option<Template>,
    pub in_reply_to: Option<MessageId>,
    pub metadata: Map<String, Value>,
    /// When its sender scheduled it. `None` when it is sent at once.
    pub scheduled_at: Option<Timestamp>,
    /// How long after the customer's last message the channel allows a message that is no template. `None`
    /// for ever.
    pub reply_window: Option<Duration>,
    /// The playbook that decides whether the bot's answer leads to a handoff. `None` for every other sender.
    pub handoff: Option<Arc<Playbook>>,
    /// The bound on automatic messages. `None` for a message of an agent, which is none.
    pub automatic_limit: Option<AutomaticLimit>,
}

impl Decide<Conversation> for Send {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, now: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        let conversation = state.live()?;
        let has_content = !self.body.content.trim().is_empty()
            || !self.body.attachments.is_empty()
            || self.body.details.is_some()
            || self.template.is_some()
            || self.body.content_type == ContentType::Reaction;
        if !has_content {
            return Err(Rejection::EmptyMessage);
        }
        if self.body.content.chars().count() > LONGEST_MESSAGE {
            return Err(Rejection::TooLong { limit: LONGEST_MESSAGE });
        }
        if let (Some(window), None) = (self.reply_window, &self.template) {
            let open = conversation.last_said_at.is_some_and(|last| now.since(last) <= window);
            if !open {
                return Err(Rejection::OutsideReplyWindow { hours: window.as_secs() / 3600 });
            }
        }
        let left = self.automatic_left(conversation, now);
        if let (Some(0), Some(limit)) = (left, self.automatic_limit) {
            let (messages, seconds) = (limit.messages, limit.within.as_secs());
            return Err(Rejection::TooManyAutomaticMessages { messages, seconds });
        }
        let in_reply_to_provider_id = match self.in_reply_to {
            None => None,
            Some(message) => {
                Some(conversation.provider_id(message).ok_or(Rejection::NoSuchMessage(message))?.to_owned())
            }
        };
        let sent = MessageSent {
            message_id: self.message_id,
            to: Some(Addressee {
                channel_id: conversation.channel_id,
                contact_identifier: conversation.contact_identifier.clone(),
            }),
            sender_type: self.sender.sender_type,
            sender_id: self.sender.id,
            sender_name: self.sender.name.clone(),
            body: self.body.clone(),
            template: self.template.clone(),
            in_reply_to: self.in_reply_to,
            in_reply_to_provider_id,
            metadata: self.metadata.clone(),
            scheduled_at: self.scheduled_at,
        };
        // The last automatic message is followed by a handoff, so that agents see that there are no more.
        let limit = self.automatic_limit.filter(|_| left == Some(1));
        let need = self.handoff_need(conversation, &sent).or(limit.map(AutomaticLimit::handoff));
        if need.is_none() && self.begins_bots_turn(conversation) {
            // The message keeps its place: its id is that of the request's first event.
            let reason = Some(ANSWERS_AS_BOT.to_owned());
            return Ok(vec![sent.into(), BotEngaged { rule_id: None, reason }.into()]);
        }
        let Some(need) = need else { return Ok(vec![sent.into()]) };
        let mut draft = Draft::of(state, now);
        draft.record(sent);
        let message_id = Some(self.message_id);
        hand_over(&mut draft, Handoff { message_id, ..Handoff::of(need) })?;
        Ok(draft.into_events())
    }
}

impl Send {
    /// How many more automatic messages may be sent, with this one. `None` when it is none.
    fn automatic_left(&self, conversation: &Opened, now: Timestamp) -> Option<u32> {
        let limit = self.automatic_limit.filter(|_| is_automatic(self.sender.sender_type))?;
        Some(conversation.automatic.left(limit, now))
    }

    /// Whether another program takes the conversation as the bot with this answer: it has no agent, and does not wait
    /// for one.
    fn begins_bots_turn(&self, conversation: &Opened) -> bool {
        let by_program = self.handoff.is_some() && self.sender.sender_type == SenderType::Bot;
        by_program && conversation.is_free_for_bot()
    }

    /// The handoff that the bot's answer demands, for example after three answers of low confidence.
    fn handoff_need(&self, conversation: &Opened, sent: &MessageSent) -> Option<HandoffNeed> {
        let playbook = self.handoff.as_ref().filter(|_| sent.sender_type == SenderType::Bot)?;
        if conversation.bot.is_with_agents() || conversation.lifecycle.assignee_id.is_some() {
            return None;
        }
        let mut memory = conversation.bot.clone();
        memory.evolve(&sent.clone().into());
        let confidence = sent.metadata.get("confidence").and_then(Value::as_f64);
        playbook.handoff.for_answers(&memory, confidence)
    }
}

/// A message or a note.
#[derive(Clone, Debug)]
pub enum Message {
    ToCustomer(Box<Send>),
    /// A message to the customer that is sent later.
    Scheduled(Box<Schedule>),
    Note(AddNote),
}

impl Message {
    pub fn id(&self) -> MessageId {
        match self {
            Self::ToCustomer(send) => send.message_id,
            Self::Scheduled(schedule) => schedule.send.message_id,
            Self::Note(note) => note.message_id,
        }
    }

    /// The user or program that wrote it. `None` when the program has no id.
    pub fn writer(&self) -> Option<UserId> {
        match self {
            Self::ToCustomer(send) => send.sender.id,
            Self::Scheduled(schedule) => schedule.send.sender.id,
            Self::Note(note) => Some(note.author_id),
        }
    }

    pub fn with_id(self, message_id: MessageId) -> Self {
        match self {
            Self::ToCustomer(send) => Self::ToCustomer(Box::new(Send { message_id, ..*send })),
            Self::Scheduled(schedule) => {
                let send = Send { message_id, ..schedule.send };
                Self::Scheduled(Box::new(Schedule { send, ..*schedule }))
            }
            Self::Note(note) => Self::Note(AddNote { message_id, ..note }),
        }
    }
}

impl Decide<Conversation> for Message {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, now: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        match self {
            Self::ToCustomer(send) => send.decide(state, now),
            Self::Scheduled(schedule) => schedule.decide(state, now),
            Self::Note(note) => note.decide(state, now),
        }
    }
}

/// A message of the bot.
pub(super) struct BotMessage<'a> {
    pub message_id: MessageId,
    /// The text, with placeholders.
    pub text: &'a str,
    /// The rule whose reply it is.
    pub rule: Option<&'a Rule>,
    pub reply_window: Option<Duration>,
    pub automatic_limit: Option<AutomaticLimit>,
}

/// Sends a message of the bot. A message that cannot be sent, or that has an unfilled placeholder, is skipped without
/// a rejection.
pub(super) fn send_bot_message(draft: &mut Draft, message: BotMessage<'_>) -> Result<(), Rejection> {
    let Ok(text) = filled(message.text, draft.state().opened()?) else { return Ok(()) };
    let body = Content::text(text);
    let sent = draft.then(Send {
        message_id: message.message_id,
        sender: Sender {
            sender_type: SenderType::Bot,
            // Requirement 000, section 1.2: an agent's id or the rule's.
            id: message.rule.map(|rule| UserId(rule.id.0)),
            name: message.rule.map(|rule| rule.name.clone()),
        },
        body,
        template: None,
        in_reply_to: None,
        metadata: Map::new(),
        scheduled_at: None,
        reply_window: message.reply_window,
        handoff: None,
        automatic_limit: message.automatic_limit,
    });
    match sent {
        Ok(())
        | Err(
            Rejection::OutsideReplyWindow { .. }
            | Rejection::TooLong { .. }
            | Rejection::TooManyAutomaticMessages { .. }
            | Rejection::EmptyMessage,
        ) => Ok(()),
        Err(refusal) => Err(refusal),
    }
}

/// An internal note.
#[derive(Clone, Debug)]
pub struct AddNote {
    pub message_id: MessageId,
    pub author_id: UserId,
    pub author_name: Option<String>,
    pub content: String,
    pub mentions: Vec<UserId>,
}

impl Decide<Conversation> for AddNote {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, _: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        // A note can be added to a closed conversation too: it changes nothing for the customer.
        state.opened()?;
        if self.content.trim().is_empty() {
            return Err(Rejection::EmptyMessage);
        }
        if self.content.chars().count() > LONGEST_NOTE {
            return Err(Rejection::TooLong { limit: LONGEST_NOTE });
        }
        Ok(vec![
            NoteAdded {
                message_id: self.message_id,
                author_id: self.author_id,
                author_name: self.author_name.clone(),
                content: self.content.clone(),
                mentions: self.mentions.clone(),
            }
            .into(),
        ])
    }
}
