//! Edits, deletions, reactions and the provider's notices: they are no messages and ask nothing. They are recorded in
//! a closed conversation too, and change no status, no clock and no count.
//!
//! A provider may report a change before the message, twice, or in another order. The time at the provider decides
//! which version and which reaction is the present one.

use super::{Conversation, Receive, Rejection};
use crate::aggregate::Decide;
use event_schemas::conversation::{
    MessageEdited, MessageRevoked, MessageVersion, NoticeReceived, ReactionChanged,
};
use event_schemas::message::{Content, SenderType};
use event_schemas::{ConversationEvent, MessageId, Timestamp};

/// The customer changed a message of the conversation.
#[derive(Clone, Debug)]
pub struct Edit {
    pub message_id: MessageId,
    /// The provider's id of this version.
    pub edit_id: String,
    pub body: Content,
    pub sent_at: Timestamp,
}

impl Decide<Conversation> for Edit {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, _: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        let messages = &state.opened()?.messages;
        if !messages.contains(self.message_id) && !messages.is_revoked(self.message_id) {
            return Err(Rejection::NoSuchMessage(self.message_id));
        }
        let is_late =
            messages.is_revoked(self.message_id) || messages.has_newer_version(self.message_id, self.sent_at);
        Ok(vec![self.event(if is_late { MessageVersion::Earlier } else { MessageVersion::Newest })])
    }
}

impl Edit {
    fn event(&self, version: MessageVersion) -> ConversationEvent {
        MessageEdited {
            message_id: self.message_id,
            provider_message_id: Some(self.edit_id.clone()),
            version,
            body: self.body.clone(),
            sent_at: self.sent_at,
        }
        .into()
    }
}

/// The customer changed a message that may not have been received. Then no agent has read the customer's words: the
/// message is received in this version.
#[derive(Clone, Debug)]
pub struct ReceiveEdited {
    pub message: Receive,
    pub edit_id: String,
}

impl Decide<Conversation> for ReceiveEdited {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, now: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        let edit = Edit {
            message_id: self.message.message_id,
            edit_id: self.edit_id.clone(),
            body: self.message.body.clone(),
            sent_at: self.message.sent_at,
        };
        match edit.decide(state, now) {
            Err(Rejection::NoSuchMessage(_) | Rejection::NotOpened) => {
                let mut events = self.message.decide(state, now)?;
                events.push(edit.event(MessageVersion::First));
                Ok(events)
            }
            decided => decided,
        }
    }
}

/// The customer deleted a message for both sides. It may not have been received yet.
#[derive(Clone, Debug)]
pub struct Revoke {
    pub message_id: MessageId,
    /// The provider's id of the deletion.
    pub revoke_id: String,
    pub sent_at: Timestamp,
}

impl Decide<Conversation> for Revoke {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, _: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        if state.opened()?.messages.is_revoked(self.message_id) {
            return Ok(Vec::new());
        }
        let revoked = MessageRevoked {
            message_id: self.message_id,
            provider_message_id: Some(self.revoke_id.clone()),
            sent_at: self.sent_at,
        };
        Ok(vec![revoked.into()])
    }
}

/// The customer reacted to a message, or took the reaction back.
#[derive(Clone, Debug)]
pub struct React {
    pub message_id: MessageId,
    /// The provider's id of the change.
    pub reaction_id: String,
    /// `None` to take the reaction back.
    pub emoji: Option<String>,
    pub sent_at: Timestamp,
}

impl Decide<Conversation> for React {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, _: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        let messages = &state.opened()?.messages;
        if !messages.contains(self.message_id) {
            return Err(Rejection::NoSuchMessage(self.message_id));
        }
        let sender_type = SenderType::Contact;
        let changed = ReactionChanged {
            message_id: self.message_id,
            sender_type,
            emoji: self.emoji.clone(),
            provider_message_id: Some(self.reaction_id.clone()),
            sent_at: self.sent_at,
            superseded: messages.has_newer_reaction(self.message_id, sender_type, self.sent_at),
        };
        Ok(vec![changed.into()])
    }
}

/// The provider gave notice of something about the contact.
#[derive(Clone, Debug)]
pub struct RecordNotice {
    pub notice: NoticeReceived,
}

impl Decide<Conversation> for RecordNotice {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, _: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        state.opened()?;
        Ok(vec![self.notice.clone().into()])
    }
}
