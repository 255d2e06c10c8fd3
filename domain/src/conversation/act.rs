//! Lists of actions. All events of a list are decided on one version of the conversation and appended at it.
//! Of a macro all actions are executed or none; of a rule an action that cannot be executed is skipped and
//! recorded.

#[cfg(test)]
mod tests;

use super::answer::filled_by;
use super::assign::{Assign, Assignee, Requester, Unassign};
use super::draft::Draft;
use super::handoff::{Handoff, hand_over};
use super::label::{ChangeLabels, SetPriority};
use super::send::{AddNote, Send, Sender};
use super::status::{MarkPending, Reopen, Resolve};
use super::{Conversation, Rejection};
use crate::aggregate::Decide;
use crate::automation::{Cause, Rules};
use crate::bot::{AutomaticLimit, HandoffNeed, strategy};
use event_schemas::automation::Action;
use event_schemas::bot::{BotStrategy, HandoffCause};
use event_schemas::conversation::{
    AssignStrategy, AutomationRan, BulkActionRan, MacroRan, ReopenCause, Skipped, WebhookRequested,
};
use event_schemas::message::{Content, SenderType, Status};
use event_schemas::{
    AutomationRuleId, BulkId, ConversationEvent, EventId, MacroId, MessageId, TeamId, Timestamp, UserId,
    WebhookId,
};
use serde_json::Map;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// Actions, with the data that their execution needs.
#[derive(Clone, Debug)]
pub struct ActionList {
    pub steps: Vec<Step>,
    pub by: Requester,
    /// The sender of replies.
    pub sender: Sender,
    /// The author of notes: the agent, or the rule.
    pub author: UserId,
    /// How long after the customer's last message the channel allows an answer. `None` for ever.
    pub reply_window: Option<Duration>,
    /// The bound on automatic messages.
    pub automatic_limit: AutomaticLimit,
}

/// One action.
#[derive(Clone, Debug)]
pub struct Step {
    pub action: Action,
    /// The id of its message, note or webhook, the same for every execution.
    pub message_id: MessageId,
    pub webhook_id: WebhookId,
    /// The text of a reply. `None` when its canned response is retired.
    pub text: Option<String>,
    /// The agent that the action names, with their name in the account.
    pub assignee: Option<Assignee>,
    /// Why the conversation's agent cannot be the one of the action, when that is known before. `None` otherwise.
    pub obstacle: Option<String>,
    /// Why the action cannot be executed: what it needs is retired or switched off. `None` otherwise.
    pub refused: Option<Rejection>,
}

/// An agent runs a macro.
#[derive(Clone, Debug)]
pub struct RunMacro {
    pub id: MacroId,
    pub name: String,
    pub list: ActionList,
}

impl Decide<Conversation> for RunMacro {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, now: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        state.opened()?;
        let mut run = ActionRun {
            draft: Draft::of(state, now),
            list: &self.list,
            now,
            reason: format!("Macro '{}'", self.name),
            handoff: HandoffCause::Manual,
            macro_id: Some(self.id),
            rule_id: None,
            event_id: None,
        };
        run.draft.record(MacroRan { macro_id: self.id, name: self.name.clone() });
        run.execute_all()?;
        Ok(run.draft.into_events())
    }
}

/// A bulk change comes to this conversation.
#[derive(Clone, Debug)]
pub struct RunBulk {
    pub bulk_id: BulkId,
    pub list: ActionList,
}

impl Decide<Conversation> for RunBulk {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, now: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        state.opened()?;
        let mut run = ActionRun {
            draft: Draft::of(state, now),
            list: &self.list,
            now,
            reason: "Bulk change".to_owned(),
            handoff: HandoffCause::Manual,
            macro_id: None,
            rule_id: None,
            event_id: None,
        };
        run.execute_all()?;
        let events = run.draft.into_events();
        if events.is_empty() {
            // The conversation is as wanted already.
            return Ok(events);
        }
        Ok(std::iter::once(BulkActionRan { bulk_id: self.bulk_id }.into()).chain(events).collect())
    }
}

/// Runs an automation rule because of an event or a timer.
#[derive(Clone, Debug)]
pub struct RunRule {
    pub rules: Arc<Rules>,
    /// The index of the rule.
    pub index: usize,
    pub cause: Cause,
    pub list: ActionList,
}

impl Decide<Conversation> for RunRule {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, now: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        let (Ok(conversation), Some(rule)) = (state.opened(), self.rules.get(self.index)) else {
            return Ok(Vec::new());
        };
        let facts = conversation.facts();
        let triggers_itself = self.cause.by_itself && conversation.automation.is_exhausted(rule.id, now);
        let matches = rule.has_waited(&self.cause, &facts, now) && self.rules.fits(rule, &self.cause, &facts);
        if triggers_itself || !matches {
            return Ok(Vec::new());
        }
        let mut run = ActionRun {
            draft: Draft::of(state, now),
            list: &self.list,
            now,
            reason: format!("Automation rule '{}'", rule.name),
            handoff: HandoffCause::Rule,
            macro_id: None,
            rule_id: Some(rule.id),
            event_id: self.cause.event_id,
        };
        let mut skipped = Vec::new();
        for (index, step) in (0..).zip(&self.list.steps) {
            let done = match &step.obstacle {
                Some(obstacle) => Err(obstacle.clone()),
                None => run.execute(step).map_err(|refusal| refusal.to_string()),
            };
            if let Err(reason) = done {
                skipped.push(Skipped { index, action: step.action.kind(), reason });
            }
        }
        let events = run.draft.into_events();
        if events.is_empty() && skipped.is_empty() {
            // The actions change nothing.
            return Ok(events);
        }
        let ran = AutomationRan {
            rule_id: rule.id,
            name: rule.name.clone(),
            event: self.cause.event,
            event_id: self.cause.event_id,
            by_itself: self.cause.by_itself,
            unanswered_since: self.cause.unanswered_since,
            skipped,
        };
        Ok(std::iter::once(ran.into()).chain(events).collect())
    }
}

/// The execution of a list of actions.
struct ActionRun<'a> {
    draft: Draft,
    list: &'a ActionList,
    now: Timestamp,
    /// The reason, for the history.
    reason: String,
    handoff: HandoffCause,
    macro_id: Option<MacroId>,
    rule_id: Option<AutomationRuleId>,
    event_id: Option<EventId>,
}

impl ActionRun<'_> {
    /// Executes every action, or says which cannot be executed.
    fn execute_all(&mut self) -> Result<(), Rejection> {
        for (index, step) in self.list.steps.iter().enumerate() {
            let action = step.action.kind();
            self.execute(step).map_err(|because| Rejection::CannotDo {
                index,
                action,
                because: Box::new(because),
            })?;
        }
        Ok(())
    }

    fn execute(&mut self, step: &Step) -> Result<(), Rejection> {
        if let Some(refused) = &step.refused {
            return Err(refused.clone());
        }
        match &step.action {
            Action::Reply { .. } => self.reply(step),
            Action::AssignTeam { team_id } => self.assign(None, Some(*team_id)),
            Action::AssignAgent { agent_id } => {
                let assignee = step.assignee.clone().unwrap_or(Assignee { id: *agent_id, name: None });
                if self.draft.status()? == Status::Resolved {
                    self.draft.then(Reopen { cause: ReopenCause::Agent, reason: self.why() })?;
                }
                self.assign(Some(assignee), None)
            }
            Action::Unassign { agent, team } => self.unassign(*agent, *team),
            Action::Route { strategy, team_id } => self.route(*strategy, *team_id),
            Action::AddLabels { labels } => {
                let mut all = self.labels()?;
                all.extend(labels.iter().cloned());
                self.draft.then(ChangeLabels { labels: all })
            }
            Action::RemoveLabels { labels } => {
                let mut all = self.labels()?;
                all.retain(|label| !labels.contains(label));
                self.draft.then(ChangeLabels { labels: all })
            }
            Action::SetPriority { priority } => self.draft.then(SetPriority { priority: *priority }),
            Action::Note { text } => self.note(step.message_id, text),
            Action::Snooze { until, for_seconds } => {
                let for_seconds = for_seconds.map(|seconds| Duration::from_secs(seconds.into()));
                let until = for_seconds.map(|span| self.now + span).or(*until);
                self.draft.then(MarkPending { until, reason: self.why() })
            }
            Action::Resolve { reason } => self.draft.then(Resolve { reason: reason.clone().or(self.why()) }),
            Action::Reopen { reason } => {
                let reason = reason.clone().or(self.why());
                let was_resolved = self.draft.status()? == Status::Resolved;
                self.draft.then(Reopen { cause: ReopenCause::Agent, reason })?;
                // It comes back open: routing gives it to its last agent, if they can take it.
                if was_resolved { self.unassign(true, false) } else { Ok(()) }
            }
            Action::Webhook { url } => {
                self.draft.record(WebhookRequested {
                    webhook_id: step.webhook_id,
                    url: url.clone(),
                    event_id: self.event_id,
                    macro_id: self.macro_id,
                    rule_id: self.rule_id,
                });
                Ok(())
            }
        }
    }

    fn why(&self) -> Option<String> {
        Some(self.reason.clone())
    }

    fn labels(&self) -> Result<BTreeSet<String>, Rejection> {
        Ok(self.draft.state().live()?.labels.clone())
    }

    fn reply(&mut self, step: &Step) -> Result<(), Rejection> {
        let text = step.text.as_deref().ok_or(Rejection::NoSuchCannedResponse)?;
        let sender = &self.list.sender;
        let conversation = self.draft.state().opened()?;
        let agent = match sender.sender_type {
            SenderType::Agent => sender.name.as_deref(),
            // The name of a rule or a program is not an agent's.
            SenderType::Bot | SenderType::System | SenderType::Contact => {
                conversation.lifecycle.assignee_name.as_deref()
            }
        };
        let body = Content::text(filled_by(agent, text, conversation)?);
        self.draft.then(Send {
            message_id: step.message_id,
            sender: sender.clone(),
            body,
            template: None,
            in_reply_to: None,
            metadata: Map::new(),
            scheduled_at: None,
            reply_window: self.list.reply_window,
            handoff: None,
            automatic_limit: Some(self.list.automatic_limit),
        })
    }

    fn note(&mut self, message_id: MessageId, text: &str) -> Result<(), Rejection> {
        let sender = &self.list.sender;
        // Colleagues notice an unfilled placeholder; a customer never sees a note.
        let values = self.draft.state().opened()?.placeholder_values(sender.name.as_deref());
        let content = values.fill(text).text;
        self.draft.then(AddNote {
            message_id,
            author_id: self.list.author,
            author_name: sender.name.clone(),
            content,
            mentions: Vec::new(),
        })
    }

    fn assign(&mut self, assignee: Option<Assignee>, team_id: Option<TeamId>) -> Result<(), Rejection> {
        let by = self.list.by;
        let is_claim = by.user.is_some() && assignee.as_ref().map(|to| to.id) == by.user;
        self.draft.then(Assign {
            assignee,
            team_id,
            strategy: Some(if is_claim { AssignStrategy::Claimed } else { AssignStrategy::Manual }),
            route_by: None,
            by,
            reason: self.why(),
        })
    }

    fn unassign(&mut self, agent: bool, team: bool) -> Result<(), Rejection> {
        self.draft.then(Unassign { agent, team, by: self.list.by, reason: self.why() })
    }

    /// Unassigns the agent and requests another.
    fn route(&mut self, how: BotStrategy, team_id: Option<TeamId>) -> Result<(), Rejection> {
        self.draft.state().live()?;
        match self.draft.status()? {
            from @ Status::Resolved => return Err(Rejection::NoSuchStep { from, to: Status::Open }),
            Status::Pending => {
                self.draft.then(Reopen { cause: ReopenCause::Agent, reason: self.why() })?;
            }
            Status::Open | Status::Bot | Status::Assigned | Status::Closed => {}
        }
        self.unassign(true, false)?;
        let handoff = Handoff {
            strategy: Some(strategy(how)),
            by: self.list.by,
            ..Handoff::of(HandoffNeed {
                trigger: self.handoff,
                reason: self.reason.clone(),
                rule_id: None,
                team_id,
                message: None,
            })
        };
        hand_over(&mut self.draft, handoff)
    }
}
