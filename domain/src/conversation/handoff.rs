//! Somebody asks by route that a person take over.

use super::answer::filled;
use super::assign::{Assign, Assignee, Requester};
use super::draft::Draft;
use super::send::{Send, Sender};
use super::{Conversation, Rejection};
use crate::aggregate::Decide;
use crate::bot::Playbook;
use event_schemas::conversation::{AssignStrategy, HandoffRequested};
use event_schemas::message::{Content, SenderType, Status};
use event_schemas::{ConversationEvent, MessageId, Timestamp};
use serde_json::Map;
use std::sync::Arc;
use std::time::Duration;

/// A person is to take over from the bot: anybody, or this agent.
#[derive(Clone, Debug)]
pub struct RequestHandoff {
    pub reason: String,
    pub agent: Option<Assignee>,
    pub by: Requester,
    pub playbook: Arc<Playbook>,
    /// What the customer is told meanwhile has this id, if the account tells them anything.
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
        let asked_already = conversation.bot.requested().is_some() && conversation.bot.is_with_people();
        let names_another = self.agent.as_ref().is_some_and(|agent| Some(agent.id) != held_by);
        if !names_another && (held_by.is_some() || asked_already) {
            return Ok(Vec::new());
        }
        let need = self.playbook.handoff.asked(self.reason.clone());
        let mut draft = Draft::of(state, now);
        draft.tell(HandoffRequested {
            trigger: need.trigger,
            reason: need.reason.clone(),
            message_id: None,
            rule_id: None,
            handoff_rule_id: need.rule_id,
            team_id: need.team_id,
            strategy: None,
            agent_id: self.agent.as_ref().map(|agent| agent.id),
            requested_by: self.by.user,
        });
        if let Some(text) = need.message.filter(|_| held_by.is_none()) {
            let told = draft.then(Send {
                message_id: self.message_id,
                sender: Sender { sender_type: SenderType::Bot, id: None, name: None },
                body: Content::text(filled(&text, conversation)),
                template: None,
                in_reply_to: None,
                metadata: Map::new(),
                reply_window: self.reply_window,
                handoff: None,
            });
            match told {
                Ok(()) | Err(Rejection::OutsideReplyWindow { .. } | Rejection::TooLong { .. }) => {}
                Err(refusal) => return Err(refusal),
            }
        }
        if self.agent.is_some() || need.team_id.is_some() {
            draft.then(Assign {
                assignee: self.agent.clone(),
                team_id: need.team_id,
                strategy: AssignStrategy::Manual,
                by: self.by,
                reason: Some(self.reason.clone()),
            })?;
        }
        Ok(draft.into_events())
    }
}
