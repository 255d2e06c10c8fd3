//! The handoff of a conversation to human agents: the message to the customer, the team, and the reason.

use super::assign::{Assign, Assignee, Requester};
use super::draft::Draft;
use super::send::{BotMessage, send_bot_message};
use super::{Conversation, Rejection};
use crate::aggregate::Decide;
use crate::bot::{AutomaticLimit, HandoffNeed, Playbook};
use event_schemas::conversation::{AssignStrategy, HandoffRequested};
use event_schemas::message::Status;
use event_schemas::{BotRuleId, ConversationEvent, MessageId, Timestamp};
use std::sync::Arc;
use std::time::Duration;

/// Requests a handoff from the bot to any human agent, or to a given one.
#[derive(Clone, Debug)]
pub struct RequestHandoff {
    pub reason: String,
    pub agent: Option<Assignee>,
    pub by: Requester,
    pub playbook: Arc<Playbook>,
    /// The id of the message to the customer, if the account sends one.
    pub message_id: MessageId,
    pub reply_window: Option<Duration>,
}

impl Decide<Conversation> for RequestHandoff {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, now: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        let conversation = state.live()?;
        let from = conversation.status();
        if from == Status::Resolved {
            return Err(Rejection::NoSuchStep { from, to: Status::Open });
        }
        let assignee = conversation.lifecycle.assignee_id;
        let is_requested = conversation.bot.requested().is_some() && conversation.bot.is_with_agents();
        let names_another_agent = self.agent.as_ref().is_some_and(|agent| Some(agent.id) != assignee);
        if !names_another_agent && (assignee.is_some() || is_requested) {
            return Ok(Vec::new());
        }
        let mut draft = Draft::of(state, now);
        let handoff = Handoff {
            agent: self.agent.clone(),
            chosen: Some(AssignStrategy::Manual),
            by: self.by,
            announcement: assignee.is_none().then_some(Announcement {
                message_id: self.message_id,
                reply_window: self.reply_window,
                automatic_limit: Some(self.playbook.automatic_limit),
            }),
            ..Handoff::of(self.playbook.handoff.for_request(self.reason.clone()))
        };
        hand_over(&mut draft, handoff)?;
        Ok(draft.into_events())
    }
}

/// A handoff, whichever part of the domain decides it.
#[derive(Debug)]
pub(super) struct Handoff {
    /// The reason, the team and the message to the customer.
    pub need: HandoffNeed,
    /// The message that led to it.
    pub message_id: Option<MessageId>,
    /// The bot rule that led to it.
    pub rule_id: Option<BotRuleId>,
    /// The strategy by which routing chooses an agent. `None` for the queue's own.
    pub strategy: Option<AssignStrategy>,
    /// The agent who is requested by name.
    pub agent: Option<Assignee>,
    /// How the team and the agent were chosen. `None` when a rule names the team.
    pub chosen: Option<AssignStrategy>,
    pub by: Requester,
    /// The message to the customer. `None` when the customer gets none.
    pub announcement: Option<Announcement>,
}

/// The message to the customer that comes with a handoff, if the account sends one.
#[derive(Clone, Copy, Debug)]
pub struct Announcement {
    pub message_id: MessageId,
    /// How long after the customer's last message the channel allows it. `None` for ever.
    pub reply_window: Option<Duration>,
    /// The bound on automatic messages.
    pub automatic_limit: Option<AutomaticLimit>,
}

impl Handoff {
    pub(super) fn of(need: HandoffNeed) -> Self {
        Self {
            need,
            message_id: None,
            rule_id: None,
            strategy: None,
            agent: None,
            chosen: None,
            by: Requester::VERBATIM,
            announcement: None,
        }
    }
}

/// Sends the message to the customer, assigns the team and requests an agent. An agent who is named is
/// assigned after the request, so that the request does not count for the time after that assignment.
pub(super) fn hand_over(draft: &mut Draft, handoff: Handoff) -> Result<(), Rejection> {
    let HandoffNeed { trigger, reason, rule_id: handoff_rule_id, team_id, message } = handoff.need;
    if let (Some(text), Some(announcement)) = (message, handoff.announcement) {
        let Announcement { message_id, reply_window, automatic_limit } = announcement;
        send_bot_message(
            draft,
            BotMessage { message_id, text: &text, rule: None, reply_window, automatic_limit },
        )?;
    }
    let agent_id = handoff.agent.as_ref().map(|agent| agent.id);
    let assign = Assign {
        assignee: handoff.agent,
        team_id,
        strategy: handoff.chosen,
        route_by: handoff.strategy.and_then(AssignStrategy::routing),
        by: handoff.by,
        reason: Some(reason.clone()),
    };
    if agent_id.is_none() && team_id.is_some() {
        draft.then(&assign)?;
    }
    draft.record(HandoffRequested {
        trigger,
        reason,
        message_id: handoff.message_id,
        rule_id: handoff.rule_id,
        handoff_rule_id,
        team_id,
        strategy: handoff.strategy,
        agent_id,
        requested_by: handoff.by.user,
    });
    if agent_id.is_some() {
        draft.then(&assign)?;
    }
    Ok(())
}
