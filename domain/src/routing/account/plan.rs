//! The actions that are due.
//!
//! Between two rounds no eligible agent is idle beside a waiting conversation. So a round looks only at
//! conversations that changed, and at those that an agent who became free since could take.

use super::{AccountRouting, QueueKey, RoutedConversation, RoutingAction, could_take};
use crate::agent::Agent;
use crate::agent::ineligibility;
use crate::routing::{CandidateInput, Candidates};
use event_schemas::conversation::AssignStrategy;
use event_schemas::message::Priority;
use event_schemas::routing::{Decision, Queue, RoutingStrategy};
use event_schemas::{ConversationId, TeamId, Timestamp, UserId};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

pub(super) type Agents = BTreeMap<UserId, Agent>;

/// The capacity that was planned within a round or is being offered.
struct Promises {
    agents: HashMap<UserId, u32>,
    given: HashMap<UserId, Timestamp>,
    turns: BTreeMap<Option<TeamId>, UserId>,
    /// How many more wait for each team than when the step began.
    queued: BTreeMap<Option<TeamId>, u32>,
}

impl Promises {
    fn to(&self, agent: UserId) -> u32 {
        self.agents.get(&agent).copied().unwrap_or(0)
    }
    fn promise(&mut self, agent: UserId, now: Timestamp) {
        *self.agents.entry(agent).or_default() += 1;
        self.given.insert(agent, now);
    }
}

/// The result of looking for an agent.
#[derive(Default)]
struct Found {
    step: Option<RoutingAction>,
    /// When it is to be looked at again although nothing happens.
    again: Option<Timestamp>,
}

impl AccountRouting {
    pub(in crate::routing) fn plan(
        &mut self,
        agents: &Agents,
        now: Timestamp,
        chance: u64,
    ) -> Vec<RoutingAction> {
        let mut moves = Vec::new();
        self.reconcile(agents, now, &mut moves);
        let mut promises = self.promised();
        let free = self.who_became_free(agents, &promises, now);
        let mut called = std::mem::take(&mut self.changed_cases);
        called.extend(self.woken(now));
        let busy: BTreeSet<_> = moves.iter().map(RoutingAction::conversation).collect();
        for place in self.to_look_at(&called, &free) {
            let Some(case) = self.cases.get(&place.id) else { continue };
            if busy.contains(&place.id) || case.wait.offer.is_some() {
                continue;
            }
            let might = |agent: &UserId| self.might_take(case, *agent, agents, &promises, now);
            if called.contains(&place.id) || free.iter().any(might) {
                let found = self.find_somebody(place.id, case, agents, &mut promises, now, chance);
                self.later.extend(found.again.map(|again| (again, place.id)));
                moves.extend(found.step);
            }
        }
        moves
    }

    /// First to last.
    fn to_look_at(&self, called: &BTreeSet<ConversationId>, free: &[UserId]) -> Vec<QueueKey> {
        if !free.is_empty() {
            return self.waiting.iter().copied().collect();
        }
        let line = |id: &ConversationId| self.cases.get(id).and_then(|case| case.line(*id));
        let mut lines: Vec<_> = called.iter().filter_map(line).collect();
        lines.sort_unstable();
        lines
    }

    /// An offer to one agent keeps a place of theirs in mind; what is offered to several does not.
    fn promised(&self) -> Promises {
        let mut promises = Promises {
            agents: HashMap::new(),
            given: HashMap::new(),
            turns: self.turns.clone(),
            queued: BTreeMap::new(),
        };
        let offers = self.open_offers.iter().filter_map(|id| self.cases.get(id)?.wait.offer.as_ref());
        for offer in offers {
            if let [agent] = &*offer.agents {
                *promises.agents.entry(*agent).or_default() += 1;
            }
        }
        promises
    }

    /// The agents who could take nothing in the last round, or have changed since, and now can.
    fn who_became_free(&mut self, agents: &Agents, promises: &Promises, now: Timestamp) -> Vec<UserId> {
        let mut free = Vec::new();
        for user in &self.members {
            let Some(agent) = agents.get(user) else { continue };
            let can = could_take(agent, promises.to(*user), now);
            if self.could.insert(*user, can) != Some(true) && can {
                free.push(*user);
            }
        }
        free
    }

    fn woken(&mut self, now: Timestamp) -> Vec<ConversationId> {
        let mut woken = Vec::new();
        while let Some((moment, id)) = self.later.first().copied().filter(|(moment, _)| *moment <= now) {
            self.later.remove(&(moment, id));
            woken.push(id);
        }
        woken
    }

    fn might_take(
        &self,
        case: &RoutedConversation,
        user: UserId,
        agents: &Agents,
        promises: &Promises,
        now: Timestamp,
    ) -> bool {
        let Some(agent) = agents.get(&user) else { return false };
        let active = agent.active() + promises.to(user);
        self.belongs(user, case.lifecycle.team_id)
            && ineligibility(agent, active, &case.requirements, now).is_none()
    }

    /// Plans for one conversation: it is assigned, offered, or waits.
    fn find_somebody(
        &self,
        id: ConversationId,
        case: &RoutedConversation,
        agents: &Agents,
        promises: &mut Promises,
        now: Timestamp,
        chance: u64,
    ) -> Found {
        let Some(strategy) = self.strategy_for(case) else { return Found::default() };
        if let Some(moment) = self.is_the_bots(case).filter(|moment| *moment > now) {
            return Found { step: None, again: Some(moment) };
        }
        if strategy == RoutingStrategy::ManualQueue {
            return Found { step: self.wait_in_line(id, case, None, promises), again: None };
        }
        let (team, version) = (case.lifecycle.team_id, case.version);
        let ask_again = self.queue_of(team).map_or(Queue::ASK_AGAIN_SECONDS, |queue| queue.ask_again_seconds);
        let ask_again = Duration::from_secs(ask_again.into());
        let looked = self.look(case, agents, promises, now, ask_again);
        let turn = promises.turns.get(&team).copied();
        let looked = looked.in_order(strategy, turn, chance ^ id.as_uuid().as_u64_pair().1);
        let looked = looked.preferring(case.wait.requested_agent);
        let Some(first) = looked.first() else {
            let again = case.wait.asked.iter().map(|(_, at)| *at + ask_again).filter(|at| *at > now).min();
            return Found { step: self.wait_in_line(id, case, Some(looked.told()), promises), again };
        };
        if strategy == RoutingStrategy::RoundRobin {
            promises.turns.insert(team, first);
        }
        let lead = self.lead_of(case);
        let takes_at_once = strategy != RoutingStrategy::RingAll
            && agents.get(&first).is_some_and(|agent| agent.preferences().auto_accept);
        let agents = if strategy == RoutingStrategy::RingAll { looked.foremost() } else { vec![first] };
        if strategy != RoutingStrategy::RingAll {
            promises.promise(first, now);
        }
        let (conversation, strategy, decision) = (id, AssignStrategy::from(strategy), looked.told());
        let step = if takes_at_once {
            RoutingAction::Assign { conversation, version, agent: first, team, strategy, decision, lead }
        } else {
            let patience = self.queue_of(team).map_or(Queue::OFFER_SECONDS, |queue| queue.offer_seconds);
            let until = now + Duration::from_secs(patience.into());
            RoutingAction::Offer { conversation, version, agents, team, strategy, until, decision, lead }
        };
        Found { step: Some(step), again: None }
    }

    fn look(
        &self,
        case: &RoutedConversation,
        agents: &Agents,
        promises: &Promises,
        now: Timestamp,
        ask_again: Duration,
    ) -> Candidates {
        let team = case.lifecycle.team_id;
        let queue = self.queue_of(team);
        let pool = self.pool(team);
        let seats = pool.into_iter().filter_map(|user_id| {
            let agent = agents.get(&user_id)?;
            let given = promises.given.get(&user_id).or_else(|| self.offered.get(&user_id)).copied();
            Some(CandidateInput {
                user_id,
                agent,
                promised: promises.to(user_id),
                last_given: given.max(agent.last_given()),
                penalty: queue.and_then(|queue| queue.penalties.get(&user_id)).copied().unwrap_or(0),
                declined: case.wait.declined(user_id, now, ask_again),
            })
        });
        Candidates::at(seats, &case.requirements, now)
    }

    /// Whom to tell that something urgent has come, once.
    fn lead_of(&self, case: &RoutedConversation) -> Option<UserId> {
        let matters = matches!(case.priority, Priority::High | Priority::Urgent);
        let lead = case.lifecycle.team_id.and_then(|team| self.teams.get(team)?.lead_id);
        lead.filter(|_| matters && !case.wait.lead_notified)
    }

    fn wait_in_line(
        &self,
        conversation: ConversationId,
        case: &RoutedConversation,
        decision: Option<Decision>,
        promises: &mut Promises,
    ) -> Option<RoutingAction> {
        let (team, version) = (case.lifecycle.team_id, case.version);
        let queued_since = case.wait.since.filter(|_| !case.wait.queued)?;
        if let Some(to) = self.room_elsewhere(team, promises) {
            *promises.queued.entry(Some(to)).or_default() += 1;
            let route_by = case.wait.strategy;
            let strategy = route_by.or(self.queue_of(Some(to)).map(|queue| queue.strategy));
            let strategy = strategy.unwrap_or(RoutingStrategy::LeastBusy).into();
            return Some(RoutingAction::Overflow { conversation, version, to, strategy, route_by });
        }
        *promises.queued.entry(team).or_default() += 1;
        let ahead = self.line_of(team).take_while(|other| *other != conversation).count();
        let position = u32::try_from(ahead + 1).unwrap_or(u32::MAX);
        Some(RoutingAction::Queue {
            conversation,
            version,
            team,
            position,
            queued_since,
            decision,
            lead: self.lead_of(case),
            announcement: self.queue_of(team).and_then(|queue| queue.announcement.clone()),
            wait: self.paces.get(&team).and_then(|pace| pace.expected(position)),
        })
    }

    /// The first team along the overflows that has room, when this one has none.
    fn room_elsewhere(&self, team: Option<TeamId>, promises: &Promises) -> Option<TeamId> {
        let (mut at, mut seen) = (team, BTreeSet::new());
        while seen.insert(at) {
            let queue = self.queue_of(at)?;
            let more = promises.queued.get(&at).copied().unwrap_or(0);
            if queue.max_waiting.is_none_or(|most| self.queued_for(at) + more < most) {
                return at.filter(|_| at != team);
            }
            at = Some(queue.overflow_team_id.filter(|to| self.teams.get(*to).is_some())?);
        }
        None
    }

    fn queued_for(&self, team: Option<TeamId>) -> u32 {
        let queued = self.line_of(team).filter(|id| self.cases.get(id).is_some_and(|case| case.wait.queued));
        u32::try_from(queued.count()).unwrap_or(u32::MAX)
    }
}
