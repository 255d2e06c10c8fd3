//! Another program answers in the bot's place (requirement 001): it stores the customer's messages, and messages that
//! it has sent itself.

use super::assign::{Requester, Unassign};
use super::deliver::{RecordDelivery, Report};
use super::draft::Draft;
use super::receive::{Opening, Receive};
use super::send::Send;
use super::status::{EngageBot, Reopen};
use super::{Conversation, Opened, Rejection};
use crate::aggregate::Decide;
use event_schemas::conversation::ReopenCause;
use event_schemas::message::{Content, Status};
use event_schemas::{ConversationEvent, MessageId, Timestamp};
use serde_json::{Map, Value};

/// The reason in the event with which a program becomes the conversation's bot.
pub(super) const ANSWERS_AS_BOT: &str = "Another program answers as the bot";

impl Opened {
    /// Whether the bot's turn may begin: the conversation has no agent and does not wait for one.
    pub(super) fn is_free_for_bot(&self) -> bool {
        let is_free = self.status() == Status::Open && self.lifecycle.assignee_id.is_none();
        let waits_for_agent = self.bot.is_with_agents() || self.wait.queued || self.wait.offer.is_some();
        is_free && !waits_for_agent
    }

    /// The data of the opening, which [`Receive`] needs for a conversation that has not begun.
    fn opening(&self) -> Opening {
        Opening {
            account_id: self.account_id,
            channel_id: self.channel_id,
            channel_type: self.channel_type,
            contact_id: self.contact_id,
            contact_identifier: self.contact_identifier.clone(),
            display_name: self.display_name.clone(),
            ordinal: 0,
            subject: None,
            priority: self.priority,
            language: None,
            metadata: Map::new(),
            sla: None,
        }
    }
}

/// Makes another program the conversation's bot.
pub(super) fn engage_program() -> EngageBot {
    EngageBot { rule_id: None, reason: Some(ANSWERS_AS_BOT.to_owned()) }
}

/// Stores a message of the customer that the answering program received. The program becomes the conversation's bot,
/// unless an agent has the conversation or was requested.
#[derive(Clone, Debug)]
pub struct ReceiveForProgram {
    pub message_id: MessageId,
    pub provider_message_id: Option<String>,
    pub body: Content,
    pub sent_at: Timestamp,
    pub metadata: Map<String, Value>,
}

impl Decide<Conversation> for ReceiveForProgram {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, now: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        let mut draft = Draft::of(state, now);
        let message = Receive {
            opening: state.opened()?.opening(),
            message_id: self.message_id,
            provider_message_id: self.provider_message_id.clone(),
            body: self.body.clone(),
            reply_to: None,
            sent_at: self.sent_at,
            metadata: self.metadata.clone(),
        };
        draft.then(message)?;
        if draft.state().opened()?.is_free_for_bot() {
            draft.then(engage_program())?;
        }
        Ok(draft.into_events())
    }
}

/// Stores a message to the customer that another program has sent already, so that it is not sent again.
#[derive(Clone, Debug)]
pub struct RecordSent {
    pub message: Send,
    /// The provider's id of the message.
    pub provider_message_id: String,
}

impl Decide<Conversation> for RecordSent {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, now: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        let mut draft = Draft::of(state, now);
        draft.then(self.message.clone())?;
        draft.then(RecordDelivery {
            message_id: self.message.message_id,
            provider_message_id: Some(self.provider_message_id.clone()),
            time: now,
            report: Report::Dispatched,
        })?;
        Ok(draft.into_events())
    }
}

/// Returns the conversation to the program that answers as its bot: no agent has it any more, and none is requested.
#[derive(Clone, Debug)]
pub struct ReturnToProgram {
    pub by: Requester,
}

impl Decide<Conversation> for ReturnToProgram {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, now: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        if state.live()?.status() == Status::Bot {
            return Ok(Vec::new());
        }
        let mut draft = Draft::of(state, now);
        draft.then(Reopen { cause: ReopenCause::Agent, reason: None })?;
        draft.then(Unassign { agent: true, team: false, by: self.by, reason: None })?;
        draft.then(engage_program())?;
        Ok(draft.into_events())
    }
}
