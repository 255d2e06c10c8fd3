//! The status and the assignment of a conversation, computed from its events (requirement 000, section 1.1).
//!
//! open → bot → assigned → pending → resolved → closed. A message of the customer returns a pending
//! conversation to its agent, and opens a resolved one again. A closed conversation stays closed.

use event_schemas::conversation::ReopenCause;
use event_schemas::message::Status;
use event_schemas::{
    AssignmentEvent, BotEvent, ConversationEvent, LifecycleEvent, MessageEvent, TeamId, Timestamp, UserId,
};
use serde::{Deserialize, Serialize};

/// The assignment and the status of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lifecycle {
    pub status: Status,
    pub assignee_id: Option<UserId>,
    pub assignee_name: Option<String>,
    pub team_id: Option<TeamId>,
    pub snoozed_until: Option<Timestamp>,
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self {
            status: Status::Open,
            assignee_id: None,
            assignee_name: None,
            team_id: None,
            snoozed_until: None,
        }
    }
}

impl Lifecycle {
    pub fn evolve(&mut self, event: &ConversationEvent) {
        use ConversationEvent as E;
        match event {
            E::Message(MessageEvent::MessageReceived(_)) => {
                if self.status == Status::Pending {
                    self.end_pending();
                }
            }
            E::Lifecycle(event) => self.apply_lifecycle(event),
            E::Assignment(event) => self.apply_assignment(event),
            E::Bot(BotEvent::BotEngaged(_)) => self.status = Status::Bot,
            // The agent who takes the conversation finds it among the open ones.
            E::Bot(BotEvent::HandoffRequested(_)) => {
                if self.status == Status::Bot {
                    self.go_to(Status::Open);
                }
            }
            E::Message(
                MessageEvent::MessageSent(_)
                | MessageEvent::NoteAdded(_)
                | MessageEvent::MessageEdited(_)
                | MessageEvent::MessageRevoked(_)
                | MessageEvent::ReactionChanged(_)
                | MessageEvent::NoticeReceived(_),
            )
            | E::Bot(
                BotEvent::BotContextCollected(_)
                | BotEvent::BotContextRemoved(_)
                | BotEvent::InfoRequested(_),
            )
            | E::Delivery(_)
            | E::Routing(_)
            | E::Sla(_)
            | E::Automation(_)
            | E::Schedule(_)
            | E::Details(_) => {}
        }
    }

    fn apply_lifecycle(&mut self, event: &LifecycleEvent) {
        match event {
            LifecycleEvent::ConversationOpened(_) => *self = Self::default(),
            LifecycleEvent::MarkedPending(pending) => {
                self.status = Status::Pending;
                self.snoozed_until = pending.until;
            }
            LifecycleEvent::Resolved(_) => self.go_to(Status::Resolved),
            LifecycleEvent::Reopened(reopened) => match reopened.cause {
                ReopenCause::CustomerMessage => self.go_to(Status::Open),
                ReopenCause::SnoozeEnded | ReopenCause::Agent => self.end_pending(),
            },
            LifecycleEvent::Closed(_) | LifecycleEvent::Expired(_) => self.go_to(Status::Closed),
        }
    }

    fn apply_assignment(&mut self, event: &AssignmentEvent) {
        match event {
            AssignmentEvent::Assigned(assigned) => {
                self.assignee_id = assigned.assignee_id;
                self.assignee_name.clone_from(&assigned.assignee_name);
                self.team_id = assigned.team_id;
                if assigned.assignee_id.is_some() {
                    self.go_to(Status::Assigned);
                } else if matches!(self.status, Status::Bot | Status::Assigned) {
                    self.go_to(Status::Open);
                }
            }
            AssignmentEvent::Unassigned(unassigned) => {
                if unassigned.assignee_id.is_some() {
                    self.assignee_id = None;
                    self.assignee_name = None;
                    if matches!(self.status, Status::Assigned | Status::Pending) {
                        self.go_to(Status::Open);
                    }
                }
                if unassigned.team_id.is_some() {
                    self.team_id = None;
                }
            }
            AssignmentEvent::AssignmentDropped(_) => {}
        }
    }

    /// The agent to whom the conversation is assigned, also while it is pending. `None` when it is not
    /// assigned, or resolved or closed.
    pub fn holder(&self) -> Option<UserId> {
        self.assignee_id.filter(|_| matches!(self.status, Status::Assigned | Status::Pending))
    }

    /// Whether the conversation is closed, which never changes.
    pub fn is_closed(&self) -> bool {
        self.status == Status::Closed
    }

    fn go_to(&mut self, status: Status) {
        self.status = status;
        self.snoozed_until = None;
    }

    fn end_pending(&mut self) {
        self.go_to(if self.assignee_id.is_some() { Status::Assigned } else { Status::Open });
    }
}
