//! The actions that are due.
//!
//! After a round no conversation waits that an eligible agent could take. So a round checks only
//! conversations that changed, and those that an agent who became available since could take.

use super::{AccountRouting, QueueKey, RoutedConversation, RoutingAction, is_available};
use crate::agent::{Requirements, ineligibility};
use crate::conversation::Overflow;
use crate::routing::state::Agents;
use crate::routing::{CandidateInput, Candidates};
use event_schemas::conversation::AssignStrategy;
use event_schemas::message::Priority;
use event_schemas::routing::{Decision, Queue, RoutingStrategy};
use event_schemas::{ConversationId, TeamId, Timestamp, UserId};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

/// The capacity that this round plans to use, or that an open offer keeps.
struct Planned {
    agents: HashMap<UserId, u32>,
    assigned_at: HashMap<UserId, Timestamp>,
    turns: BTreeMap<Option<TeamId>, UserId>,
    /// How many more conversations wait for each team than when the round began.
    queued: BTreeMap<Option<TeamId>, u32>,
    /// The teams and requirements for which no agent is eligible. Within a round capacity only decreases, so it is not
    /// searched again for the many conversations that wait for the same.
    exhausted: HashSet<(Option<TeamId>, Requirements)>,
}

impl Planned {
    fn capacity_of(&self, agent: UserId) -> u32 {
        self.agents.get(&agent).copied().unwrap_or(0)
    }
    fn assign(&mut self, agent: UserId, now: Timestamp) {
        *self.agents.entry(agent).or_default() += 1;
        self.assigned_at.insert(agent, now);
    }
}

/// The result of the search for an agent.
#[derive(Default)]
struct Found {
    action: Option<RoutingAction>,
    /// When the conversation is checked again even without an event.
    retry_at: Option<Timestamp>,
}

impl AccountRouting {
    pub(in crate::routing) fn plan(
        &mut self,
        agents: Agents<'_>,
        now: Timestamp,
        chance: u64,
    ) -> Vec<RoutingAction> {
        let mut actions = Vec::new();
        self.reconcile(agents, now, &mut actions);
        let mut planned = self.planned_at_start();
        let free = self.who_became_free(agents, &planned, now);
        let mut changed = std::mem::take(&mut self.changed_conversations);
        changed.extend(self.due_timers(now));
        let busy: BTreeSet<_> = actions.iter().map(RoutingAction::conversation).collect();
        for key in self.to_check(&changed, &free) {
            let Some(routed) = self.conversations.get(&key.id) else { continue };
            if busy.contains(&key.id) || routed.wait.offer.is_some() {
                continue;
            }
            let is_possible = |agent: &UserId| self.can_take(routed, *agent, agents, &planned, now);
            if changed.contains(&key.id) || free.iter().any(is_possible) {
                let found = self.find_agent(key.id, routed, agents, &mut planned, now, chance);
                self.timers.extend(found.retry_at.map(|at| (at, key.id)));
                actions.extend(found.action);
            }
        }
        actions
    }

    /// The conversations to check, in the order of the queue.
    fn to_check(&self, changed: &BTreeSet<ConversationId>, free: &[UserId]) -> Vec<QueueKey> {
        if !free.is_empty() {
            return self.waiting.iter().copied().collect();
        }
        let key = |id: &ConversationId| self.conversations.get(id).and_then(|routed| routed.queue_key(*id));
        let mut keys: Vec<_> = changed.iter().filter_map(key).collect();
        keys.sort_unstable();
        keys
    }

    /// The capacity at the start of a round. An open offer to one agent uses their capacity; an offer to
    /// several agents does not.
    fn planned_at_start(&self) -> Planned {
        let mut planned = Planned {
            agents: HashMap::new(),
            assigned_at: HashMap::new(),
            turns: self.turns.clone(),
            queued: BTreeMap::new(),
            exhausted: HashSet::new(),
        };
        let offers = self.open_offers.iter().filter_map(|id| self.conversations.get(id)?.wait.offer.as_ref());
        for offer in offers {
            if let [agent] = &*offer.agents {
                *planned.agents.entry(*agent).or_default() += 1;
            }
        }
        planned
    }

    /// The agents who are available now, and were not in the last round or have changed since.
    fn who_became_free(&mut self, agents: Agents<'_>, planned: &Planned, now: Timestamp) -> Vec<UserId> {
        let mut free = Vec::new();
        for user in &self.members {
            let Some(agent) = agents.get(user) else { continue };
            let can = is_available(agent, planned.capacity_of(*user), now);
            if self.was_available.insert(*user, can) != Some(true) && can {
                free.push(*user);
            }
        }
        free
    }

    fn due_timers(&mut self, now: Timestamp) -> Vec<ConversationId> {
        let mut due_timers = Vec::new();
        while let Some((moment, id)) = self.timers.first().copied().filter(|(moment, _)| *moment <= now) {
            self.timers.remove(&(moment, id));
            due_timers.push(id);
        }
        due_timers
    }

    fn can_take(
        &self,
        routed: &RoutedConversation,
        user: UserId,
        agents: Agents<'_>,
        planned: &Planned,
        now: Timestamp,
    ) -> bool {
        let Some(agent) = agents.get(&user) else { return false };
        let active = agent.active() + planned.capacity_of(user);
        self.belongs(user, routed.lifecycle.team_id)
            && ineligibility(agent, active, &routed.requirements, now).is_none()
    }

    /// Plans for one conversation: it is assigned, offered, or queued.
    fn find_agent(
        &self,
        id: ConversationId,
        routed: &RoutedConversation,
        agents: Agents<'_>,
        planned: &mut Planned,
        now: Timestamp,
        chance: u64,
    ) -> Found {
        let Some(strategy) = self.strategy_for(routed) else { return Found::default() };
        if let Some(moment) = self.bot_until(routed).filter(|moment| *moment > now) {
            return Found { action: None, retry_at: Some(moment) };
        }
        if strategy == RoutingStrategy::ManualQueue {
            return self.wait(id, routed, None, planned, now);
        }
        let (team, version) = (routed.lifecycle.team_id, routed.version);
        let search = (team, routed.requirements.clone());
        // The reasons are not needed for a conversation that is queued already.
        if routed.wait.queued && routed.wait.asked.is_empty() && planned.exhausted.contains(&search) {
            return self.wait(id, routed, None, planned, now);
        }
        let ask_again = self.queue_of(team).map_or(Queue::ASK_AGAIN_SECONDS, |queue| queue.ask_again_seconds);
        let ask_again = Duration::from_secs(ask_again.into());
        let candidates = self.candidates(routed, agents, planned, now, ask_again);
        let turn = planned.turns.get(&team).copied();
        let candidates = candidates.in_order(strategy, turn, chance ^ id.as_uuid().as_u64_pair().1);
        // A conversation that comes back goes to its last agent, if they can take it.
        let candidates = candidates.preferring(routed.wait.requested_agent.or(routed.wait.last_agent));
        let Some(first) = candidates.first() else {
            if routed.wait.asked.is_empty() {
                planned.exhausted.insert(search);
            }
            let retry_at =
                routed.wait.asked.iter().map(|(_, at)| *at + ask_again).filter(|at| *at > now).min();
            let found = self.wait(id, routed, Some(candidates.into_decision()), planned, now);
            let retry_at = retry_at.into_iter().chain(found.retry_at).min();
            return Found { retry_at, ..found };
        };
        if strategy == RoutingStrategy::RoundRobin {
            planned.turns.insert(team, first);
        }
        let lead = self.lead_of(routed);
        let takes_at_once = strategy != RoutingStrategy::RingAll
            && agents.get(&first).is_some_and(|agent| agent.preferences().auto_accept);
        let agents =
            if strategy == RoutingStrategy::RingAll { candidates.with_lowest_penalty() } else { vec![first] };
        if strategy != RoutingStrategy::RingAll {
            planned.assign(first, now);
        }
        let (conversation, strategy, decision) =
            (id, AssignStrategy::from(strategy), candidates.into_decision());
        let action = if takes_at_once {
            RoutingAction::Assign { conversation, version, agent: first, team, strategy, decision, lead }
        } else {
            let seconds = self.queue_of(team).map_or(Queue::OFFER_SECONDS, |queue| queue.offer_seconds);
            let until = now + Duration::from_secs(seconds.into());
            RoutingAction::Offer { conversation, version, agents, team, strategy, until, decision, lead }
        };
        Found { action: Some(action), retry_at: None }
    }

    fn candidates(
        &self,
        routed: &RoutedConversation,
        agents: Agents<'_>,
        planned: &Planned,
        now: Timestamp,
        ask_again: Duration,
    ) -> Candidates {
        let team = routed.lifecycle.team_id;
        let queue = self.queue_of(team);
        let pool = self.pool(team);
        let inputs = pool.into_iter().filter_map(|user_id| {
            let agent = agents.get(&user_id)?;
            let assigned_at =
                planned.assigned_at.get(&user_id).or_else(|| self.offered.get(&user_id)).copied();
            Some(CandidateInput {
                user_id,
                agent,
                planned: planned.capacity_of(user_id),
                last_assigned_at: assigned_at.max(agent.last_assigned_at()),
                penalty: queue.and_then(|queue| queue.penalties.get(&user_id)).copied().unwrap_or(0),
                declined: routed.wait.declined(user_id, now, ask_again),
            })
        });
        Candidates::at(inputs, &routed.requirements, now)
    }

    /// The lead to notify of a conversation of high priority. `None` when there is none, or they were
    /// notified.
    fn lead_of(&self, routed: &RoutedConversation) -> Option<UserId> {
        let matters = matches!(routed.priority, Priority::High | Priority::Urgent);
        let lead = routed.lifecycle.team_id.and_then(|team| self.teams.get(team)?.lead_id);
        lead.filter(|_| matters && !routed.wait.lead_notified)
    }

    /// No agent takes the conversation now: it is queued, or goes on waiting until its queue's time-out.
    fn wait(
        &self,
        conversation: ConversationId,
        routed: &RoutedConversation,
        decision: Option<Decision>,
        planned: &mut Planned,
        now: Timestamp,
    ) -> Found {
        let team = routed.lifecycle.team_id;
        let queue = self.queue_of(team);
        let timeout = queue.and_then(|queue| queue.timeout_seconds).filter(|_| !routed.wait.timed_out);
        let Some((queued_at, seconds)) = routed.wait.queued_at.zip(timeout) else {
            return Found { action: self.enqueue(conversation, routed, decision, planned), retry_at: None };
        };
        let until = queued_at + Duration::from_secs(seconds.into());
        if until > now {
            return Found { action: None, retry_at: Some(until) };
        }
        let to = queue.and_then(|queue| queue.overflow_team_id).filter(|to| self.teams.get(*to).is_some());
        let overflow = to.map(|to| self.overflow(routed, to));
        let action = RoutingAction::TimeOut { conversation, version: routed.version, team, overflow };
        Found { action: Some(action), retry_at: None }
    }

    /// The way of a conversation to another team's queue.
    fn overflow(&self, routed: &RoutedConversation, to: TeamId) -> Overflow {
        let route_by = routed.wait.strategy;
        let strategy = route_by.or(self.queue_of(Some(to)).map(|queue| queue.strategy));
        Overflow { to, strategy: strategy.unwrap_or(RoutingStrategy::LeastBusy).into(), route_by }
    }

    fn enqueue(
        &self,
        conversation: ConversationId,
        routed: &RoutedConversation,
        decision: Option<Decision>,
        planned: &mut Planned,
    ) -> Option<RoutingAction> {
        let (team, version) = (routed.lifecycle.team_id, routed.version);
        let queued_since = routed.wait.since.filter(|_| !routed.wait.queued)?;
        if let Some(to) = self.overflow_team(team, planned) {
            *planned.queued.entry(Some(to)).or_default() += 1;
            let overflow = self.overflow(routed, to);
            return Some(RoutingAction::Overflow { conversation, version, overflow });
        }
        *planned.queued.entry(team).or_default() += 1;
        let ahead = self.waiting_for(team).take_while(|other| *other != conversation).count();
        let position = u32::try_from(ahead + 1).unwrap_or(u32::MAX);
        Some(RoutingAction::Queue {
            conversation,
            version,
            team,
            position,
            queued_since,
            decision,
            lead: self.lead_of(routed),
            announcement: self.queue_of(team).and_then(|queue| queue.announcement.clone()),
            wait: self.paces.get(&team).and_then(|pace| pace.expected(position)),
        })
    }

    /// The first team along the chain of overflows whose queue is not full. `None` when this team's is not.
    fn overflow_team(&self, team: Option<TeamId>, planned: &Planned) -> Option<TeamId> {
        let (mut at, mut seen) = (team, BTreeSet::new());
        while seen.insert(at) {
            let queue = self.queue_of(at)?;
            let more = planned.queued.get(&at).copied().unwrap_or(0);
            if queue.max_waiting.is_none_or(|most| self.queued_for(at) + more < most) {
                return at.filter(|_| at != team);
            }
            at = Some(queue.overflow_team_id.filter(|to| self.teams.get(*to).is_some())?);
        }
        None
    }

    fn queued_for(&self, team: Option<TeamId>) -> u32 {
        let queued = self
            .waiting_for(team)
            .filter(|id| self.conversations.get(id).is_some_and(|routed| routed.wait.queued));
        u32::try_from(queued.count()).unwrap_or(u32::MAX)
    }
}
