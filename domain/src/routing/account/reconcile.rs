//! Reservations and assignments that do not agree, the conversations of agents who went offline, and offers
//! that have expired.

use super::{AccountRouting, RoutingAction, return_delay};
use crate::agent::{Agent, Presence};
use crate::routing::ASSIGNMENT_TIMEOUT;
use crate::routing::state::Agents;
use event_schemas::{ConversationId, Timestamp, UserId};

impl AccountRouting {
    pub(super) fn reconcile(&mut self, agents: Agents<'_>, now: Timestamp, actions: &mut Vec<RoutingAction>) {
        if self.routes() {
            self.count(agents, actions);
        }
        for user in std::mem::take(&mut self.changed_agents) {
            let Some(agent) = agents.get(&user) else { continue };
            self.unsettled.extend(agent.reservations().map(|(id, _)| (user, id)));
            if matches!(agent.presence(), Presence::Offline { .. }) && agent.active() > 0 {
                self.offline.insert(user);
            } else {
                self.offline.remove(&user);
            }
            // Whether the agent is available is computed anew.
            self.was_available.remove(&user);
        }
        for (user, conversation) in std::mem::take(&mut self.unsettled) {
            self.settle_reservation(user, conversation, agents, now, actions);
        }
        self.return_to_queue(agents, now, actions);
        self.end_offers(agents, now, actions);
    }

    /// Plans reservations for conversations that are assigned without one: they were assigned before the
    /// account had a queue, or by force.
    fn count(&self, agents: Agents<'_>, actions: &mut Vec<RoutingAction>) {
        for id in &self.changed_conversations {
            let Some(routed) = self.conversations.get(id) else { continue };
            let Some(assignee) = routed.holder() else { continue };
            if agents.get(&assignee).is_none_or(|agent| agent.reservation(*id).is_none()) {
                actions.push(RoutingAction::Count {
                    conversation: *id,
                    version: routed.version,
                    agent: assignee,
                });
            }
        }
    }

    fn settle_reservation(
        &mut self,
        agent: UserId,
        conversation: ConversationId,
        agents: Agents<'_>,
        now: Timestamp,
        actions: &mut Vec<RoutingAction>,
    ) {
        let Some(reservation) = agents.get(&agent).and_then(|agent| agent.reservation(conversation)) else {
            return;
        };
        match self.conversations.get(&conversation) {
            Some(routed) if routed.holder() == Some(agent) => {}
            // The conversation can still be assigned to the agent: the assignment is in progress, or was
            // interrupted.
            Some(routed) if routed.version <= reservation.conversation_version => {
                if now >= reservation.since + ASSIGNMENT_TIMEOUT {
                    actions.push(RoutingAction::Drop { conversation, version: routed.version, agent });
                } else {
                    self.timers.insert((reservation.since + ASSIGNMENT_TIMEOUT, conversation));
                }
                self.unsettled.insert((agent, conversation));
            }
            Some(_) | None => {
                actions.push(RoutingAction::Release {
                    conversation,
                    reserved_at: reservation.conversation_version,
                    agent,
                });
            }
        }
    }

    fn return_to_queue(&mut self, agents: Agents<'_>, now: Timestamp, actions: &mut Vec<RoutingAction>) {
        let mut timers = Vec::new();
        for user in &self.offline {
            let Some(agent) = agents.get(user) else { continue };
            let Presence::Offline { since } = agent.presence() else { continue };
            for (conversation, _) in agent.reservations() {
                let routed =
                    self.conversations.get(&conversation).filter(|routed| routed.holder() == Some(*user));
                let Some(routed) = routed else { continue };
                let Some(delay) = return_delay(self.queue_of(routed.lifecycle.team_id)) else { continue };
                if now >= since + delay {
                    actions.push(RoutingAction::ReturnToQueue {
                        conversation,
                        version: routed.version,
                        agent: *user,
                    });
                } else {
                    timers.push((since + delay, conversation));
                }
            }
        }
        self.timers.extend(timers);
    }

    fn end_offers(&mut self, agents: Agents<'_>, now: Timestamp, actions: &mut Vec<RoutingAction>) {
        for id in &self.open_offers {
            let Some(routed) = self.conversations.get(id) else { continue };
            let Some(offer) = &routed.wait.offer else { continue };
            let is_there = |user: &UserId| agents.get(user).is_some_and(|agent| may_answer(agent, now));
            if offer.until <= now || !offer.agents.iter().any(is_there) {
                actions.push(RoutingAction::ExpireOffer {
                    conversation: *id,
                    version: routed.version,
                    offer: offer.id,
                });
            } else {
                self.timers.insert((offer.until, *id));
            }
        }
    }
}

/// Whether an agent to whom a conversation is offered can answer.
fn may_answer(agent: &Agent, now: Timestamp) -> bool {
    agent.preferences().is_available && agent.presence().ineligibility(now).is_none()
}
