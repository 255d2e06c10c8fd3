//! Places and assignments that do not agree, what agents who went offline leave behind, and offers that are
//! over.

use super::plan::Agents;
use super::{AccountRouting, RoutingAction, keeps_for};
use crate::agent::{Agent, Presence};
use crate::routing::UNDER_WAY;
use event_schemas::{ConversationId, Timestamp, UserId};

impl AccountRouting {
    pub(super) fn reconcile(&mut self, agents: &Agents, now: Timestamp, moves: &mut Vec<RoutingAction>) {
        if self.routes() {
            self.count(agents, moves);
        }
        for user in std::mem::take(&mut self.changed_agents) {
            let Some(agent) = agents.get(&user) else { continue };
            self.unsettled.extend(self.places_of(agent).map(|(id, _)| (user, id)));
            if matches!(agent.presence(), Presence::Offline { .. }) && agent.active() > 0 {
                self.gone.insert(user);
            } else {
                self.gone.remove(&user);
            }
            // Whether they could take anything is looked at anew.
            self.could.remove(&user);
        }
        for (user, conversation) in std::mem::take(&mut self.unsettled) {
            self.settle_place(user, conversation, agents, now, moves);
        }
        self.give_back(agents, now, moves);
        self.end_offers(agents, now, moves);
    }

    fn places_of<'a>(
        &self,
        agent: &'a Agent,
    ) -> impl Iterator<Item = (ConversationId, &'a crate::agent::Reservation)> + use<'a> {
        let account = self.account;
        agent.reservations().filter(move |(_, place)| place.account_id == account)
    }

    /// The assignments without a reservation: from before capacity counted, or forced.
    fn count(&self, agents: &Agents, moves: &mut Vec<RoutingAction>) {
        for id in &self.changed_cases {
            let Some(case) = self.cases.get(id) else { continue };
            let Some(holder) = case.holder() else { continue };
            if agents.get(&holder).is_none_or(|agent| agent.reservation(*id).is_none()) {
                moves.push(RoutingAction::Count { conversation: *id, version: case.version, agent: holder });
            }
        }
    }

    fn settle_place(
        &mut self,
        agent: UserId,
        conversation: ConversationId,
        agents: &Agents,
        now: Timestamp,
        moves: &mut Vec<RoutingAction>,
    ) {
        let Some(place) = agents.get(&agent).and_then(|agent| agent.reservation(conversation)) else {
            return;
        };
        match self.cases.get(&conversation) {
            Some(case) if case.holder() == Some(agent) => {}
            // It may still become theirs: the assignment is under way, or was interrupted.
            Some(case) if case.version <= place.conversation_version => {
                if now >= place.since + UNDER_WAY {
                    moves.push(RoutingAction::Drop { conversation, version: case.version, agent });
                } else {
                    self.later.insert((place.since + UNDER_WAY, conversation));
                }
                self.unsettled.insert((agent, conversation));
            }
            Some(_) | None => {
                moves.push(RoutingAction::Free { conversation, place: place.conversation_version, agent });
            }
        }
    }

    fn give_back(&mut self, agents: &Agents, now: Timestamp, moves: &mut Vec<RoutingAction>) {
        let mut later = Vec::new();
        for user in &self.gone {
            let Some(agent) = agents.get(user) else { continue };
            let Presence::Offline { since } = agent.presence() else { continue };
            for (conversation, _) in self.places_of(agent) {
                let case = self.cases.get(&conversation).filter(|case| case.holder() == Some(*user));
                let Some(case) = case else { continue };
                let Some(delay) = keeps_for(self.queue_of(case.lifecycle.team_id)) else { continue };
                if now >= since + delay {
                    moves.push(RoutingAction::ReturnToQueue {
                        conversation,
                        version: case.version,
                        agent: *user,
                    });
                } else {
                    later.push((since + delay, conversation));
                }
            }
        }
        self.later.extend(later);
    }

    fn end_offers(&mut self, agents: &Agents, now: Timestamp, moves: &mut Vec<RoutingAction>) {
        for id in &self.open_offers {
            let Some(case) = self.cases.get(id) else { continue };
            let Some(offer) = &case.wait.offer else { continue };
            let is_there = |user: &UserId| agents.get(user).is_some_and(|agent| may_answer(agent, now));
            if offer.until <= now || !offer.agents.iter().any(is_there) {
                moves.push(RoutingAction::Lapse {
                    conversation: *id,
                    version: case.version,
                    offer: offer.id,
                });
            } else {
                self.later.insert((offer.until, *id));
            }
        }
    }
}

/// Whether an agent who was asked is there to answer.
fn may_answer(agent: &Agent, now: Timestamp) -> bool {
    agent.preferences().is_available && agent.presence().ineligibility(now).is_none()
}
