//! The commands of routing. Each has an effect only on a conversation that still waits for an agent.

use super::{Assign, Assignee, Conversation, Rejection, Requester, Unassign};
use crate::aggregate::Decide;
use event_schemas::conversation::{
    AssignStrategy, Assigned, AssignmentDropped, LeadNotified, QueueTimedOut, Queued,
};
use event_schemas::routing::{Decision, RoutingStrategy};
use event_schemas::{ConversationEvent, TeamId, Timestamp, UserId};

/// Assigns the agent that routing has chosen.
#[derive(Clone, Debug)]
pub struct RouteTo {
    pub assignee: Assignee,
    pub team_id: Option<TeamId>,
    pub strategy: AssignStrategy,
    pub decision: Decision,
    /// The lead to notify of the priority.
    pub lead: Option<UserId>,
}

impl Decide<Conversation> for RouteTo {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, _: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        let conversation = state.live()?;
        if let Some(by) = conversation.lifecycle.holder() {
            return Err(Rejection::Taken { by, name: conversation.lifecycle.assignee_name.clone() });
        }
        if conversation.wait.since.is_none() {
            return Ok(Vec::new());
        }
        let assigned = Assigned {
            assignee_id: Some(self.assignee.id),
            assignee_name: self.assignee.name.clone(),
            team_id: self.team_id,
            strategy: Some(self.strategy),
            route_by: None,
            assigned_by: None,
            reason: None,
            decision: Some(self.decision.clone()),
            offer_id: None,
            overridden: None,
        };
        let notified = self.lead.map(|lead_id| LeadNotified {
            lead_id,
            team_id: self.team_id,
            priority: conversation.priority,
            assignee_id: Some(self.assignee.id),
        });
        Ok(std::iter::once(assigned.into()).chain(notified.map(Into::into)).collect())
    }
}

/// Queues a conversation that no agent can take now.
#[derive(Clone, Debug)]
pub struct Enqueue {
    pub team_id: Option<TeamId>,
    pub position: u32,
    pub reason: String,
    pub decision: Option<Decision>,
    pub lead: Option<UserId>,
}

impl Decide<Conversation> for Enqueue {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, _: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        let conversation = state.live()?;
        let Some(queued_since) = conversation.wait.since.filter(|_| !conversation.wait.queued) else {
            return Ok(Vec::new());
        };
        let queued = Queued {
            team_id: self.team_id,
            position: self.position,
            queued_since,
            reason: self.reason.clone(),
            decision: self.decision.clone(),
        };
        let notified = self.lead.map(|lead_id| LeadNotified {
            lead_id,
            team_id: self.team_id,
            priority: conversation.priority,
            assignee_id: None,
        });
        Ok(std::iter::once(queued.into()).chain(notified.map(Into::into)).collect())
    }
}

/// Assigns the conversation to another team, because the queue of the first is full.
#[derive(Clone, Debug, PartialEq)]
pub struct Overflow {
    pub to: TeamId,
    /// The strategy of the other team's queue.
    pub strategy: AssignStrategy,
    /// The strategy that was requested for this conversation, which counts in the other team's queue too.
    pub route_by: Option<RoutingStrategy>,
}

impl Overflow {
    fn assign(&self, reason: &str) -> Assign {
        Assign {
            assignee: None,
            team_id: Some(self.to),
            strategy: Some(self.strategy),
            route_by: self.route_by,
            by: Requester::VERBATIM,
            reason: Some(reason.to_owned()),
        }
    }
}

impl Decide<Conversation> for Overflow {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, now: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        if state.live()?.wait.since.is_none() {
            return Ok(Vec::new());
        }
        self.assign("the queue was full").decide(state, now)
    }
}

/// Ends the time that the conversation may wait in its queue: another team gets it, if the queue names one.
#[derive(Clone, Debug)]
pub struct TimeOut {
    pub team_id: Option<TeamId>,
    /// `None` when the queue names no other team.
    pub overflow: Option<Overflow>,
}

impl Decide<Conversation> for TimeOut {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, now: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        let wait = &state.live()?.wait;
        let Some(queued_at) = wait.queued_at.filter(|_| wait.since.is_some() && !wait.timed_out) else {
            return Ok(Vec::new());
        };
        let to_team_id = self.overflow.as_ref().map(|overflow| overflow.to);
        let timed_out = QueueTimedOut { team_id: self.team_id, queued_at, to_team_id };
        let mut events = vec![timed_out.into()];
        if let Some(overflow) = &self.overflow {
            events.extend(overflow.assign("it waited in the queue for too long").decide(state, now)?);
        }
        Ok(events)
    }
}

/// Unassigns an agent who went offline, so that another is assigned.
#[derive(Clone, Debug)]
pub struct ReturnToQueue {
    pub agent: UserId,
}

impl Decide<Conversation> for ReturnToQueue {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, now: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        if state.live()?.lifecycle.holder() != Some(self.agent) {
            return Ok(Vec::new());
        }
        let unassign = Unassign {
            agent: true,
            team: false,
            by: Requester { user: None, may_take_over: true },
            reason: Some("the agent went offline".to_owned()),
        };
        unassign.decide(state, now)
    }
}

/// Gives up an assignment that was interrupted after its reservation, so that it can never be appended.
#[derive(Clone, Debug)]
pub struct DropAssignment {
    pub assignee: UserId,
}

impl Decide<Conversation> for DropAssignment {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, _: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        if state.live()?.lifecycle.holder() == Some(self.assignee) {
            return Ok(Vec::new());
        }
        Ok(vec![AssignmentDropped { assignee_id: self.assignee }.into()])
    }
}
