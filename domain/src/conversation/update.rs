//! Several changes at once. All of them are made, or none.

use super::assign::{Assign, Assignee, Requester, Unassign};
use super::draft::Draft;
use super::label::{
    ApplySla, ChangeLabels, CollectContext, RemoveContext, RemoveSla, SetPriority, SetSubject,
};
use super::status::{Close, EngageBot, MarkPending, Reopen, Resolve};
use super::{Conversation, Rejection};
use crate::aggregate::Decide;
use event_schemas::conversation::{AssignStrategy, ReopenCause, SlaApplied};
use event_schemas::message::{Priority, Status};
use event_schemas::{ConversationEvent, TeamId, Timestamp};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// The changes that `PATCH /v1/conversations/{id}` can make. `Some(None)` removes a value.
#[derive(Clone, Debug)]
pub struct Update {
    pub by: Requester,
    pub assignee: Option<Option<Assignee>>,
    pub team_id: Option<Option<TeamId>>,
    pub status: Option<Status>,
    pub snoozed_until: Option<Option<Timestamp>>,
    pub priority: Option<Priority>,
    pub labels: Option<BTreeSet<String>>,
    pub subject: Option<Option<String>>,
    pub bot_context: Option<Option<Map<String, Value>>>,
    pub sla: Option<Option<SlaApplied>>,
    pub reason: Option<String>,
}

impl Update {
    /// An update without changes, for callers to fill in.
    pub fn by(by: Requester) -> Self {
        Self {
            by,
            assignee: None,
            team_id: None,
            status: None,
            snoozed_until: None,
            priority: None,
            labels: None,
            subject: None,
            bot_context: None,
            sla: None,
            reason: None,
        }
    }
}

impl Decide<Conversation> for Update {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, now: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        let closed = state.opened()?.lifecycle.is_closed();
        if closed && self.status != Some(Status::Closed) {
            return Err(Rejection::Closed);
        }
        let mut draft = Draft::of(state, now);
        if closed {
            return Ok(Vec::new());
        }
        if let Some(priority) = self.priority {
            draft.then(SetPriority { priority })?;
        }
        if let Some(labels) = &self.labels {
            draft.then(ChangeLabels { labels: labels.clone() })?;
        }
        if let Some(subject) = &self.subject {
            draft.then(SetSubject { subject: subject.clone() })?;
        }
        match &self.bot_context {
            Some(Some(fields)) => draft.then(CollectContext { fields: fields.clone() })?,
            Some(None) => draft.then(RemoveContext)?,
            None => {}
        }
        match &self.sla {
            Some(Some(applied)) => draft.then(ApplySla { applied: applied.clone() })?,
            Some(None) => draft.then(RemoveSla)?,
            None => {}
        }
        self.change_assignment(&mut draft)?;
        self.change_status(&mut draft)?;
        Ok(draft.into_events())
    }
}

impl Update {
    fn change_assignment(&self, draft: &mut Draft) -> Result<(), Rejection> {
        let (agent, team) = (self.assignee == Some(None), self.team_id == Some(None));
        if agent || team {
            draft.then(Unassign { agent, team, by: self.by, reason: self.reason.clone() })?;
        }
        let assignee = self.assignee.clone().flatten();
        let team_id = self.team_id.flatten();
        if assignee.is_none() && team_id.is_none() {
            return Ok(());
        }
        if assignee.is_some() && draft.status()? == Status::Resolved {
            draft.then(Reopen { cause: ReopenCause::Agent, reason: self.reason.clone() })?;
        }
        let claimed = assignee.as_ref().is_some_and(|to| Some(to.id) == self.by.user);
        draft.then(Assign {
            assignee,
            team_id,
            strategy: Some(if claimed { AssignStrategy::Claimed } else { AssignStrategy::Manual }),
            route_by: None,
            by: self.by,
            reason: self.reason.clone(),
        })
    }

    fn change_status(&self, draft: &mut Draft) -> Result<(), Rejection> {
        let reason = || self.reason.clone();
        match self.status {
            None => match self.snoozed_until {
                // A snooze without a status marks the conversation as pending.
                Some(until @ Some(_)) => draft.then(MarkPending { until, reason: reason() }),
                // It stays pending, without an end.
                Some(None) if draft.status()? == Status::Pending => {
                    draft.then(MarkPending { until: None, reason: reason() })
                }
                Some(None) | None => Ok(()),
            },
            Some(Status::Bot) => draft.then(EngageBot { rule_id: None, reason: reason() }),
            Some(Status::Pending) => {
                draft.then(MarkPending { until: self.snoozed_until.flatten(), reason: reason() })
            }
            Some(Status::Resolved) => draft.then(Resolve { reason: reason() }),
            Some(Status::Closed) => draft.then(Close { reason: reason() }),
            Some(Status::Open) => {
                // Any agent can take an open conversation.
                draft.then(Reopen { cause: ReopenCause::Agent, reason: reason() })?;
                draft.then(Unassign { agent: true, team: false, by: self.by, reason: reason() })
            }
            Some(Status::Assigned) => self.return_to_agent(draft),
        }
    }

    fn return_to_agent(&self, draft: &mut Draft) -> Result<(), Rejection> {
        draft.then(Reopen { cause: ReopenCause::Agent, reason: self.reason.clone() })?;
        let lifecycle = &draft.state().opened()?.lifecycle;
        let assignee = lifecycle.assignee_id.map(|id| Assignee { id, name: lifecycle.assignee_name.clone() });
        draft.then(Assign {
            assignee: Some(assignee.ok_or(Rejection::NotAssigned)?),
            team_id: None,
            strategy: Some(AssignStrategy::Manual),
            route_by: None,
            by: self.by,
            reason: self.reason.clone(),
        })
    }
}
