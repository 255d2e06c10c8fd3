//! The begin of a conversation, and the messages of the customer.

use super::{Conversation, Rejection};
use crate::aggregate::Decide;
use event_schemas::conversation::{
    ConversationOpened, DisplayNameChanged, MessageEdited, MessageReceived, MessageVersion, ReopenCause,
    Reopened, SeenByAgent, SlaApplied,
};
use event_schemas::message::{ChannelType, Content, Priority, Status};
use event_schemas::{
    AccountId, ChannelId, ContactId, ConversationEvent, ConversationId, MessageId, Timestamp, UserId,
};
use serde_json::{Map, Value};

/// The data of a new conversation.
#[derive(Clone, Debug)]
pub struct Opening {
    pub account_id: AccountId,
    pub channel_id: ChannelId,
    pub channel_type: ChannelType,
    pub contact_id: ContactId,
    pub contact_identifier: String,
    pub display_name: Option<String>,
    pub ordinal: u32,
    pub subject: Option<String>,
    pub priority: Priority,
    pub language: Option<String>,
    pub metadata: Map<String, Value>,
    /// The SLA policy that is applied. `None` when the account has none for it.
    pub sla: Option<SlaApplied>,
}

impl Opening {
    pub fn conversation_id(&self) -> ConversationId {
        ConversationId::of(self.channel_id, &self.contact_identifier, self.ordinal)
    }

    fn events(&self) -> Vec<ConversationEvent> {
        let opened = ConversationOpened {
            conversation_id: self.conversation_id(),
            account_id: self.account_id,
            channel_id: self.channel_id,
            channel_type: self.channel_type,
            contact_id: self.contact_id,
            contact_identifier: self.contact_identifier.clone(),
            display_name: self.display_name.clone(),
            ordinal: self.ordinal,
            subject: self.subject.clone(),
            priority: self.priority,
            language: self.language.clone(),
            metadata: self.metadata.clone(),
        };
        std::iter::once(opened.into()).chain(self.sla.clone().map(Into::into)).collect()
    }
}

/// An agent or a program opens a conversation.
#[derive(Clone, Debug)]
pub struct Open {
    pub opening: Opening,
}

impl Decide<Conversation> for Open {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, _: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        match state {
            Conversation::NotOpened => Ok(self.opening.events()),
            Conversation::Opened(opened) if opened.lifecycle.is_closed() => Err(Rejection::Closed),
            Conversation::Opened(opened) => Err(Rejection::AlreadyOpen { status: opened.status() }),
        }
    }
}

/// A message of the customer was received.
#[derive(Clone, Debug)]
pub struct Receive {
    /// The data of the conversation that this message begins, if it is the first.
    pub opening: Opening,
    pub message_id: MessageId,
    pub provider_message_id: Option<String>,
    pub body: Content,
    pub reply_to: Option<String>,
    pub sent_at: Timestamp,
    pub metadata: Map<String, Value>,
}

impl Decide<Conversation> for Receive {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, _: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        let mut events = match state {
            Conversation::NotOpened => self.opening.events(),
            // A newer version, or the deletion, was received before the message.
            Conversation::Opened(opened) if opened.messages.is_overtaken(self.message_id) => {
                return Ok(vec![self.as_earlier_version()]);
            }
            Conversation::Opened(opened) if opened.messages.is_revoked(self.message_id) => {
                return Ok(Vec::new());
            }
            Conversation::Opened(opened) => match opened.status() {
                Status::Closed => return Err(Rejection::Closed),
                Status::Resolved => {
                    vec![Reopened { cause: ReopenCause::CustomerMessage, reason: None }.into()]
                }
                Status::Open | Status::Bot | Status::Assigned | Status::Pending => Vec::new(),
            },
        };
        events.extend(self.renaming(state));
        events.push(
            MessageReceived {
                message_id: self.message_id,
                provider_message_id: self.provider_message_id.clone(),
                body: self.body.clone(),
                reply_to: self.reply_to.clone(),
                sent_at: self.sent_at,
                metadata: self.metadata.clone(),
            }
            .into(),
        );
        Ok(events)
    }
}

impl Receive {
    /// The customer's name, when the message brings another one.
    fn renaming(&self, state: &Conversation) -> Option<ConversationEvent> {
        let Conversation::Opened(opened) = state else { return None };
        let (old, new) = (&opened.display_name, &self.opening.display_name);
        (new.is_some() && new != old)
            .then(|| DisplayNameChanged { old: old.clone(), new: new.clone() }.into())
    }

    /// The message as history: no agent has to answer it.
    fn as_earlier_version(&self) -> ConversationEvent {
        MessageEdited {
            message_id: self.message_id,
            provider_message_id: None,
            version: MessageVersion::Earlier,
            body: self.body.clone(),
            sent_at: self.sent_at,
        }
        .into()
    }
}

/// An agent has read all messages of the customer.
#[derive(Clone, Debug)]
pub struct See {
    pub agent_id: UserId,
}

impl Decide<Conversation> for See {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, _: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        let opened = state.opened()?;
        let already = opened.seen.get(&self.agent_id).copied().unwrap_or(0);
        if already >= opened.received {
            return Ok(Vec::new());
        }
        Ok(vec![SeenByAgent { agent_id: self.agent_id, received: opened.received }.into()])
    }
}
