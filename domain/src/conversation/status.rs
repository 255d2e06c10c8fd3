//! The changes of a conversation's status (requirement 000, section 1.1).

use super::{Conversation, Rejection};
use crate::aggregate::Decide;
use event_schemas::conversation::{BotEngaged, Closed, MarkedPending, ReopenCause, Reopened, Resolved};
use event_schemas::message::Status;
use event_schemas::{BotRuleId, ConversationEvent, Timestamp};

/// Gives the conversation to the bot, while it is open.
#[derive(Clone, Debug)]
pub struct EngageBot {
    pub rule_id: Option<BotRuleId>,
    pub reason: Option<String>,
}

impl Decide<Conversation> for EngageBot {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, _: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        let from = state.live()?.status();
        match from {
            Status::Bot => Ok(Vec::new()),
            Status::Open => {
                Ok(vec![BotEngaged { rule_id: self.rule_id, reason: self.reason.clone() }.into()])
            }
            Status::Assigned | Status::Pending | Status::Resolved | Status::Closed => {
                Err(Rejection::NoSuchStep { from, to: Status::Bot })
            }
        }
    }
}

/// Marks the conversation as pending: the agent waits for the customer. With `until` it is a snooze.
#[derive(Clone, Debug)]
pub struct MarkPending {
    pub until: Option<Timestamp>,
    pub reason: Option<String>,
}

impl Decide<Conversation> for MarkPending {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, now: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        let conversation = state.live()?;
        let from = conversation.status();
        if self.until.is_some_and(|until| until <= now) {
            return Err(Rejection::SnoozeInThePast);
        }
        match from {
            Status::Pending if conversation.lifecycle.snoozed_until == self.until => Ok(Vec::new()),
            Status::Open | Status::Assigned | Status::Pending => {
                Ok(vec![MarkedPending { until: self.until, reason: self.reason.clone() }.into()])
            }
            Status::Bot | Status::Resolved | Status::Closed => {
                Err(Rejection::NoSuchStep { from, to: Status::Pending })
            }
        }
    }
}

/// Resolves the conversation.
#[derive(Clone, Debug)]
pub struct Resolve {
    pub reason: Option<String>,
}

impl Decide<Conversation> for Resolve {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, _: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        match state.live()?.status() {
            Status::Resolved => Ok(Vec::new()),
            Status::Open | Status::Bot | Status::Assigned | Status::Pending | Status::Closed => {
                Ok(vec![Resolved { reason: self.reason.clone() }.into()])
            }
        }
    }
}

/// Reopens the conversation.
#[derive(Clone, Debug)]
pub struct Reopen {
    pub cause: ReopenCause,
    pub reason: Option<String>,
}

impl Decide<Conversation> for Reopen {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, now: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        let conversation = state.live()?;
        let reopened = || Ok(vec![Reopened { cause: self.cause, reason: self.reason.clone() }.into()]);
        match self.cause {
            // A timer ended the snooze. It counts only while a snooze lasts that is over by now.
            ReopenCause::SnoozeEnded => match conversation.lifecycle.snoozed_until {
                Some(until) if until <= now && conversation.status() == Status::Pending => reopened(),
                Some(_) | None => Ok(Vec::new()),
            },
            ReopenCause::Agent | ReopenCause::CustomerMessage => match conversation.status() {
                Status::Pending | Status::Resolved | Status::Bot => reopened(),
                Status::Open | Status::Assigned | Status::Closed => Ok(Vec::new()),
            },
        }
    }
}

/// Closes the conversation for ever.
#[derive(Clone, Debug)]
pub struct Close {
    pub reason: Option<String>,
}

impl Decide<Conversation> for Close {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, _: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        if state.opened()?.lifecycle.is_closed() {
            return Ok(Vec::new());
        }
        Ok(vec![Closed { reason: self.reason.clone() }.into()])
    }
}
