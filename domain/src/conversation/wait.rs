//! A conversation between the moment an agent is wanted and the moment one is assigned.

use crate::lifecycle::Lifecycle;
use event_schemas::conversation::AssignStrategy;
use event_schemas::message::Status;
use event_schemas::routing::{Decision, RoutingStrategy};
use event_schemas::{
    AssignmentEvent, BotEvent, ConversationEvent, LifecycleEvent, MessageEvent, OfferId, RoutingEvent,
    Timestamp, UserId,
};

/// The question to agents whether they take it.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    pub id: OfferId,
    /// The agents who have neither accepted nor declined.
    pub agents: Vec<UserId>,
    pub strategy: AssignStrategy,
    pub until: Timestamp,
    pub decision: Decision,
}

/// Whether an agent is wanted, and the steps taken to find one.
#[derive(Clone, Debug, Default)]
pub struct Wait {
    /// Whether the customer has written: before, no agent is wanted.
    spoken: bool,
    /// The bot has said that a person is needed.
    pub handed_off: bool,
    pub since: Option<Timestamp>,
    /// The strategy that the handoff asked for. `None` for the queue's own.
    pub strategy: Option<RoutingStrategy>,
    /// The agent who was requested by name.
    pub requested_agent: Option<UserId>,
    /// Whether `Queued` was appended for this wait.
    pub queued: bool,
    pub lead_notified: bool,
    pub offer: Option<Box<Offer>>,
    /// The agents who did not take it, and when that was.
    pub asked: Vec<(UserId, Timestamp)>,
}

impl Wait {
    /// `lifecycle` is how the conversation stands after the event.
    pub fn evolve(&mut self, lifecycle: &Lifecycle, event: &ConversationEvent, at: Timestamp) {
        use ConversationEvent as E;
        match event {
            E::Message(MessageEvent::MessageReceived(_)) => self.spoken = true,
            E::Bot(BotEvent::BotEngaged(_)) => self.handed_off = false,
            // The bot answers first again, unless the conversation is assigned.
            E::Lifecycle(LifecycleEvent::Reopened(_)) if lifecycle.assignee_id.is_none() => {
                self.handed_off = false;
            }
            E::Assignment(AssignmentEvent::Assigned(assigned)) if assigned.assignee_id.is_none() => {
                self.strategy = assigned.route_by;
                self.queued = false;
            }
            E::Bot(BotEvent::HandoffRequested(handoff)) => {
                self.handed_off = true;
                self.strategy = handoff.strategy.and_then(AssignStrategy::routing).or(self.strategy);
                self.requested_agent = handoff.agent_id.or(self.requested_agent);
            }
            E::Routing(event) => self.remember(event, at),
            E::Message(MessageEvent::MessageSent(_) | MessageEvent::NoteAdded(_))
            | E::Bot(BotEvent::BotContextCollected(_) | BotEvent::InfoRequested(_))
            | E::Lifecycle(_)
            | E::Assignment(_)
            | E::Delivery(_)
            | E::Sla(_)
            | E::Automation(_)
            | E::Details(_) => {}
        }
        self.look(lifecycle, at);
    }

    fn remember(&mut self, event: &RoutingEvent, at: Timestamp) {
        match event {
            RoutingEvent::Queued(_) => self.queued = true,
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
            RoutingEvent::OfferExpired(lapsed) => {
                self.asked.extend(lapsed.agent_ids.iter().map(|agent| (*agent, at)));
                self.offer = None;
            }
        }
    }

    fn look(&mut self, lifecycle: &Lifecycle, at: Timestamp) {
        let requested_agent = match lifecycle.status {
            Status::Open => self.spoken,
            Status::Bot => self.spoken && self.handed_off,
            Status::Assigned | Status::Pending | Status::Resolved | Status::Closed => false,
        };
        if requested_agent {
            self.since = self.since.or(Some(at));
        } else if self.since.is_some() {
            // What was said about this wait is not said about the next.
            *self = Self { spoken: self.spoken, handed_off: self.handed_off, ..Self::default() };
        }
    }

    pub fn declined(&self, agent: UserId, now: Timestamp, again_after: std::time::Duration) -> bool {
        self.asked.iter().any(|(asked, at)| *asked == agent && now < *at + again_after)
    }
}
