//! Taking back what events have changed (see [`crate::undo`]).

use super::assign::{Assign, Assignee, Requester, Unassign};
use super::draft::Draft;
use super::label::{ApplySla, ChangeLabels, CollectContext, RemoveSla, SetPriority, SetSubject};
use super::status::{EngageBot, MarkPending, Reopen, Resolve};
use super::{Conversation, Rejection};
use crate::aggregate::Decide;
use crate::lifecycle::Lifecycle;
use crate::undo::{Plan, Restored};
use event_schemas::conversation::{AssignStrategy, ChangeUndone, ReopenCause};
use event_schemas::message::Status;
use event_schemas::{ConversationEvent, Timestamp};

/// The reason in the events that restore the status and the assignment.
const REASON: &str = "Undone";

/// Undoes events, by a plan that was made of the history up to the state on which it is decided.
#[derive(Clone, Debug)]
pub struct Undo {
    pub plan: Plan,
    pub by: Requester,
}

impl Decide<Conversation> for Undo {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, now: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        state.live()?;
        let mut draft = Draft::of(state, now);
        draft.record(ChangeUndone { event_ids: self.plan.event_ids.clone() });
        for part in &self.plan.restored {
            self.restore(&mut draft, part)?;
        }
        Ok(draft.into_events())
    }
}

impl Undo {
    fn restore(&self, draft: &mut Draft, part: &Restored) -> Result<(), Rejection> {
        match part {
            Restored::Lifecycle(before) => self.restore_lifecycle(draft, before),
            Restored::Priority(priority) => draft.then(SetPriority { priority: *priority }),
            Restored::Labels { added, removed } => {
                let mut labels = draft.state().live()?.labels.clone();
                labels.retain(|label| !removed.contains(label));
                labels.extend(added.iter().cloned());
                draft.then(ChangeLabels { labels })
            }
            Restored::Subject(subject) => draft.then(SetSubject { subject: subject.clone() }),
            Restored::Sla(Some(applied)) => draft.then(ApplySla { applied: (**applied).clone() }),
            Restored::Sla(None) => draft.then(RemoveSla),
            Restored::Facts(fields) => draft.then(CollectContext { fields: fields.clone() }),
        }
    }

    fn restore_lifecycle(&self, draft: &mut Draft, before: &Lifecycle) -> Result<(), Rejection> {
        let is_apart = |status| matches!(status, Status::Resolved | Status::Pending | Status::Bot);
        let status = draft.status()?;
        if status != before.status && is_apart(status) {
            draft.then(Reopen { cause: ReopenCause::Agent, reason: reason() })?;
        }
        self.restore_assignment(draft, before)?;
        match before.status {
            Status::Resolved => draft.then(Resolve { reason: reason() })?,
            Status::Pending => draft.then(MarkPending { until: before.snoozed_until, reason: reason() })?,
            Status::Bot => draft.then(EngageBot { rule_id: None, reason: reason() })?,
            Status::Open | Status::Assigned | Status::Closed => {}
        }
        let after = &draft.state().opened()?.lifecycle;
        let is_restored = after.status == before.status
            && after.holder() == before.holder()
            && after.team_id == before.team_id;
        if is_restored { Ok(()) } else { Err(Rejection::NotRestored { to: before.status }) }
    }

    fn restore_assignment(&self, draft: &mut Draft, before: &Lifecycle) -> Result<(), Rejection> {
        // An open conversation can still name the agent who had it, which counts as no agent.
        let has_agent = !matches!(before.status, Status::Open | Status::Bot);
        let agent = before.assignee_id.filter(|_| has_agent);
        let present = draft.state().opened()?.lifecycle.clone();
        let (drops_agent, drops_team) = (agent.is_none(), before.team_id.is_none());
        draft.then(Unassign { agent: drops_agent, team: drops_team, by: self.by, reason: reason() })?;
        let agent = agent.filter(|agent| Some(*agent) != present.assignee_id);
        let team_id = before.team_id.filter(|team| Some(*team) != present.team_id);
        if agent.is_none() && team_id.is_none() {
            return Ok(());
        }
        draft.then(Assign {
            assignee: agent.map(|id| Assignee { id, name: before.assignee_name.clone() }),
            team_id,
            strategy: Some(AssignStrategy::Manual),
            route_by: None,
            by: self.by,
            reason: reason(),
        })
    }
}

fn reason() -> Option<String> {
    Some(REASON.to_owned())
}
