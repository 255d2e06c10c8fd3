//! Assignment. An agent can take an unassigned conversation. Only a requester who may take over can take one
//! from another agent.

use super::{Conversation, Opened, Rejection};
use crate::aggregate::Decide;
use event_schemas::conversation::{AssignStrategy, Assigned, Unassigned};
use event_schemas::message::Status;
use event_schemas::routing::{Ineligible, RoutingStrategy};
use event_schemas::{AssignmentEvent, ConversationEvent, TeamId, Timestamp, UserId};

/// An agent, with their name in the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignee {
    pub id: UserId,
    pub name: Option<String>,
}

/// The requester of an assignment, and their right to take over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requester {
    /// `None` when Verbatim or another program is the requester.
    pub user: Option<UserId>,
    /// Whether the requester may take the conversation from another agent: a supervisor may, and a caller who
    /// sent the version that they read.
    pub may_take_over: bool,
}

impl Requester {
    /// Verbatim itself, without the right to take a conversation from its agent.
    pub const VERBATIM: Self = Self { user: None, may_take_over: false };

    fn check_may_reassign(&self, conversation: &Opened) -> Result<(), Rejection> {
        match conversation.lifecycle.assignee_id {
            Some(holder) if Some(holder) != self.user && !self.may_take_over => {
                Err(Rejection::Taken { by: holder, name: conversation.lifecycle.assignee_name.clone() })
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// Assigns the conversation to an agent, a team, or both. A part that is `None` stays as it is.
#[derive(Clone, Debug)]
pub struct Assign {
    pub assignee: Option<Assignee>,
    pub team_id: Option<TeamId>,
    /// How the agent or the team was chosen. `None` when no strategy and no person chose.
    pub strategy: Option<AssignStrategy>,
    /// The strategy by which routing chooses an agent of the team. `None` for the queue's own.
    pub route_by: Option<RoutingStrategy>,
    pub by: Requester,
    pub reason: Option<String>,
}

impl Decide<Conversation> for Assign {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, _: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        let conversation = state.live()?;
        if self.assignee.is_none() && self.team_id.is_none() {
            return Err(Rejection::NoAssignee);
        }
        let lifecycle = &conversation.lifecycle;
        let changes_agent = self.assignee.as_ref().is_some_and(|to| Some(to.id) != lifecycle.assignee_id);
        if changes_agent {
            self.by.check_may_reassign(conversation)?;
        }
        let is_active = matches!(lifecycle.status, Status::Assigned | Status::Pending);
        let becomes_active = self.assignee.is_some() && !is_active;
        let changes_team = self.team_id.is_some_and(|team| Some(team) != lifecycle.team_id);
        if !changes_agent && !becomes_active && !changes_team {
            return Ok(Vec::new());
        }
        if self.assignee.is_some() && lifecycle.status == Status::Resolved {
            return Err(Rejection::NoSuchStep { from: Status::Resolved, to: Status::Assigned });
        }
        let (assignee_id, assignee_name) = match &self.assignee {
            Some(to) => (Some(to.id), to.name.clone()),
            None if is_active => (lifecycle.assignee_id, lifecycle.assignee_name.clone()),
            // Who had it before it was resolved does not get it back by a team's getting it.
            None => (None, None),
        };
        Ok(vec![
            Assigned {
                assignee_id,
                assignee_name,
                team_id: self.team_id.or(lifecycle.team_id),
                strategy: self.strategy,
                route_by: self.route_by,
                assigned_by: self.by.user,
                reason: self.reason.clone(),
                decision: None,
                offer_id: None,
                overridden: None,
            }
            .into(),
        ])
    }
}

/// Notes in the assignment among these events why the agent was not eligible, when a supervisor overrides
/// that.
pub fn note_override(events: &mut [ConversationEvent], overridden: Option<Ineligible>) {
    for event in events {
        if let ConversationEvent::Assignment(AssignmentEvent::Assigned(assigned)) = event {
            assigned.overridden = overridden;
        }
    }
}

/// Take it off its agent, its team, or both.
#[derive(Clone, Debug)]
pub struct Unassign {
    pub agent: bool,
    pub team: bool,
    pub by: Requester,
    pub reason: Option<String>,
}

impl Decide<Conversation> for Unassign {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, _: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        let conversation = state.live()?;
        let lifecycle = &conversation.lifecycle;
        let assignee_id = lifecycle.assignee_id.filter(|_| self.agent);
        let team_id = lifecycle.team_id.filter(|_| self.team);
        if assignee_id.is_none() && team_id.is_none() {
            return Ok(Vec::new());
        }
        if assignee_id.is_some() {
            self.by.check_may_reassign(conversation)?;
        }
        Ok(vec![
            Unassigned { assignee_id, team_id, unassigned_by: self.by.user, reason: self.reason.clone() }
                .into(),
        ])
    }
}
