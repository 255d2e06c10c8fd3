//! The handoff of a conversation to human agents: what the customer is told, which team gets it, and why.

use super::assign::{Assign, Assignee, Requester};
use super::draft::Draft;
use super::send::{BotMessage, say};
use super::{Conversation, Rejection};
use crate::aggregate::Decide;
use crate::bot::{HandoffNeed, Playbook};
use event_schemas::conversation::{AssignStrategy, HandoffRequested};
use event_schemas::message::Status;
use event_schemas::{BotRuleId, ConversationEvent, MessageId, Timestamp};
use std::sync::Arc;
use std::time::Duration;

/// A human agent is to take over from the bot: any agent, or the one that is named.
#[derive(Clone, Debug)]
pub struct RequestHandoff {
    pub reason: String,
    pub agent: Option<Assignee>,
    pub by: Requester,
    pub playbook: Arc<Playbook>,
    /// The id of the message that the customer gets meanwhile, if the account sends one.
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
        let held_by = conversation.lifecycle.assignee_id;
        let asked_already = conversation.bot.requested().is_some() && conversation.bot.is_with_agents();
        let names_another = self.agent.as_ref().is_some_and(|agent| Some(agent.id) != held_by);
        if !names_another && (held_by.is_some() || asked_already) {
            return Ok(Vec::new());
        }
        let mut draft = Draft::of(state, now);
        let handoff = Handoff {
            agent: self.agent.clone(),
            chosen: Some(AssignStrategy::Manual),
            by: self.by,
            announcement: held_by.is_none().then_some((self.message_id, self.reply_window)),
            ..Handoff::of(self.playbook.handoff.for_request(self.reason.clone()))
        };
        hand_over(&mut draft, handoff)?;
        Ok(draft.into_events())
    }
}

/// A handoff as any part of the domain decides it.
#[derive(Debug)]
pub(super) struct Handoff {
    /// Why, to which team, and what the customer is told meanwhile.
    pub need: HandoffNeed,
    /// The message that led to it.
    pub message_id: Option<MessageId>,
    /// The bot's rule, when one led to it.
    pub rule_id: Option<BotRuleId>,
    /// The strategy by which an agent is to be found. `None` when the queue says how.
    pub strategy: Option<AssignStrategy>,
    /// The agent who is requested by name.
    pub agent: Option<Assignee>,
    /// How the team and the agent were chosen. `None` when a rule names the team.
    pub chosen: Option<AssignStrategy>,
    pub by: Requester,
    /// The id of the message to the customer, and how long after the customer's last message the channel lets
    /// it out. `None` when the customer is told nothing.
    pub announcement: Option<(MessageId, Option<Duration>)>,
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

/// Tells the customer, gives the conversation to the team and requests an agent. An agent who is named gets it
/// last: the request is then answered, and names no agent for the time after that.
pub(super) fn hand_over(draft: &mut Draft, handoff: Handoff) -> Result<(), Rejection> {
    let HandoffNeed { trigger, reason, rule_id: handoff_rule_id, team_id, message } = handoff.need;
    if let (Some(text), Some((message_id, reply_window))) = (message, handoff.announcement) {
        say(draft, BotMessage { message_id, text: &text, rule: None, reply_window })?;
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
    draft.tell(HandoffRequested {
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
