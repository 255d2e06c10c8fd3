//! The wait of a conversation for an agent.

use crate::lifecycle::Lifecycle;
use event_schemas::conversation::AssignStrategy;
use event_schemas::message::Status;
use event_schemas::routing::{Decision, RoutingStrategy};
use event_schemas::{
    AssignmentEvent, BotEvent, ConversationEvent, LifecycleEvent, MessageEvent, OfferId, RoutingEvent,
    Timestamp, UserId,
};
use serde::{Deserialize, Serialize};

/// An open offer of the conversation to agents.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Offer {
    pub id: OfferId,
    /// The agents who have neither accepted nor declined.
    pub agents: Vec<UserId>,
    pub strategy: AssignStrategy,
    pub until: Timestamp,
    pub decision: Decision,
}

/// Whether the conversation waits for an agent, and the state of routing.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Wait {
    /// Whether the customer has written. Before that the conversation does not wait for an agent.
    has_message: bool,
    /// Whether a handoff was requested since the bot last had the conversation.
    pub handed_off: bool,
    /// Since when the conversation has waited. `None` when it does not wait.
    pub since: Option<Timestamp>,
    /// The requested strategy. `None` for the queue's own.
    pub strategy: Option<RoutingStrategy>,
    /// The agent who was requested by name.
    pub requested_agent: Option<UserId>,
    /// The agent who had the conversation when it was resolved, until it is assigned again.
    pub last_agent: Option<UserId>,
    /// Whether `Queued` was appended for this wait.
    pub queued: bool,
    /// When `Queued` was appended for the present team.
    pub queued_at: Option<Timestamp>,
    /// Whether the queue's time-out has ended during this wait.
    pub timed_out: bool,
    pub lead_notified: bool,
    pub offer: Option<Box<Offer>>,
    /// The agents who declined an offer or let it expire, with the time.
    pub asked: Vec<(UserId, Timestamp)>,
}

impl Wait {
    /// Applies an event. `lifecycle` is the state after the event.
    pub fn evolve(&mut self, lifecycle: &Lifecycle, event: &ConversationEvent, at: Timestamp) {
        use ConversationEvent as E;
        match event {
            E::Message(MessageEvent::MessageReceived(_)) => self.has_message = true,
            E::Bot(BotEvent::BotEngaged(_)) => self.handed_off = false,
            // The bot answers first again, unless an agent was assigned before.
            E::Lifecycle(LifecycleEvent::Reopened(_)) if lifecycle.assignee_id.is_none() => {
                self.handed_off = false;
            }
            E::Assignment(AssignmentEvent::Assigned(assigned)) if assigned.assignee_id.is_none() => {
                self.strategy = assigned.route_by;
                self.queued = false;
                self.queued_at = None;
            }
            E::Assignment(AssignmentEvent::Assigned(_)) => self.last_agent = None,
            E::Lifecycle(LifecycleEvent::Resolved(_)) => self.last_agent = lifecycle.assignee_id,
            E::Bot(BotEvent::HandoffRequested(handoff)) => {
                self.handed_off = true;
                self.strategy = handoff.strategy.and_then(AssignStrategy::routing).or(self.strategy);
                self.requested_agent = handoff.agent_id.or(self.requested_agent);
            }
            E::Routing(event) => self.apply_routing(event, at),
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
            | E::Lifecycle(_)
            | E::Assignment(_)
            | E::Delivery(_)
            | E::Sla(_)
            | E::Automation(_)
            | E::Schedule(_)
            | E::Details(_) => {}
        }
        self.begin_or_end(lifecycle, at);
    }

    fn apply_routing(&mut self, event: &RoutingEvent, at: Timestamp) {
        match event {
            RoutingEvent::Queued(_) => {
                self.queued = true;
                self.queued_at = Some(at);
            }
            RoutingEvent::QueueTimedOut(_) => self.timed_out = true,
            RoutingEvent::LeadNotified(_) => self.lead_notified = true,
            RoutingEvent::Offered(offered) => {
                self.offer = Some(Box::new(Offer {
                    id: offered.offer_id,
                    agents: offered.agent_ids.clone(),
                    strategy: offered.strategy,
                    until: offered.until,
                    decision: offered.decision.clone(),
                }));
            }
            RoutingEvent::OfferDeclined(declined) => {
                if let Some(offer) = &mut self.offer {
                    offer.agents.retain(|agent| *agent != declined.agent_id);
                }
                self.asked.push((declined.agent_id, at));
                self.offer = self.offer.take().filter(|offer| !offer.agents.is_empty());
            }
            RoutingEvent::OfferExpired(expired) => {
                self.asked.extend(expired.agent_ids.iter().map(|agent| (*agent, at)));
                self.offer = None;
            }
        }
    }

    fn begin_or_end(&mut self, lifecycle: &Lifecycle, at: Timestamp) {
        let waits = match lifecycle.status {
            Status::Open => self.has_message,
            Status::Bot => self.has_message && self.handed_off,
            Status::Assigned | Status::Pending | Status::Resolved | Status::Closed => false,
        };
        if waits {
            self.since = self.since.or(Some(at));
        } else if self.since.is_some() {
            // The next wait begins without the state of this one.
            *self = Self {
                has_message: self.has_message,
                handed_off: self.handed_off,
                last_agent: self.last_agent,
                ..Self::default()
            };
        }
    }

    pub fn declined(&self, agent: UserId, now: Timestamp, again_after: std::time::Duration) -> bool {
        self.asked.iter().any(|(asked, at)| *asked == agent && now < *at + again_after)
    }
}
