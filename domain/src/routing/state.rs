//! All agents, and the routing state of each account: the fold of the log that routing decides on.

use super::account::{AccountRouting, RoutingAction};
use crate::agent::Agent;
use crate::aggregate::Evolve;
use event_schemas::{
    AccountId, AgentEvent, CatalogueEvent, ConversationEvent, ConversationId, Timestamp, UserId, Version,
};
use std::collections::{BTreeMap, BTreeSet};

/// All agents, and all conversations that may need one.
#[derive(Clone, Debug, Default)]
pub struct RoutingState {
    agents: BTreeMap<UserId, Agent>,
    desks: BTreeMap<AccountId, AccountRouting>,
    /// The accounts of which something changed since they were last asked.
    touched: BTreeSet<AccountId>,
}

impl RoutingState {
    pub fn agent(&self, user: UserId) -> Option<&Agent> {
        self.agents.get(&user)
    }
    pub fn agents(&self) -> &BTreeMap<UserId, Agent> {
        &self.agents
    }
    pub fn desk(&self, account: AccountId) -> Option<&AccountRouting> {
        self.desks.get(&account)
    }

    pub fn apply_agent(&mut self, user: UserId, event: &AgentEvent, at: Timestamp) {
        let agent = self.agents.entry(user).or_default();
        agent.evolve(event, at);
        for account in agent.accounts() {
            self.desks.entry(account).or_insert_with(|| AccountRouting::of(account)).agent_changed(user);
            self.touched.insert(account);
        }
        // Who is not registered may yet hold what was counted.
        if let AgentEvent::CapacityReserved(taken) = event {
            self.desks
                .entry(taken.account_id)
                .or_insert_with(|| AccountRouting::of(taken.account_id))
                .capacity_reserved(user, taken.conversation_id);
            self.touched.insert(taken.account_id);
        }
    }

    pub fn apply_catalogue(&mut self, account: AccountId, event: &CatalogueEvent, at: Timestamp) {
        self.desks.entry(account).or_insert_with(|| AccountRouting::of(account)).apply_catalogue(event, at);
        self.touched.insert(account);
    }

    pub fn apply_conversation(
        &mut self,
        account: AccountId,
        id: ConversationId,
        version: Version,
        event: &ConversationEvent,
        at: Timestamp,
    ) {
        self.desks
            .entry(account)
            .or_insert_with(|| AccountRouting::of(account))
            .apply(id, version, event, at);
        self.touched.insert(account);
    }

    /// The actions that are due, account by account. `chance` is drawn anew for each round.
    pub fn plan(&mut self, now: Timestamp, chance: u64) -> Vec<(AccountId, RoutingAction)> {
        let mut moves = Vec::new();
        let touched = std::mem::take(&mut self.touched);
        for (account, desk) in &mut self.desks {
            if touched.contains(account) || desk.is_due(now) {
                moves.extend(desk.plan(&self.agents, now, chance).into_iter().map(|step| (*account, step)));
            }
        }
        moves
    }

    /// A move could not be carried out: what it was about is to be looked at again.
    pub fn again(&mut self, account: AccountId, step: &RoutingAction) {
        if let Some(desk) = self.desks.get_mut(&account) {
            desk.again(step);
            self.touched.insert(account);
        }
    }

    /// The next moment at which an action may be due without an event: presence and offers that expire, and the moments
    /// of each account.
    pub fn next_moment(&self) -> Option<Timestamp> {
        self.desks.values().filter_map(AccountRouting::next_moment).min()
    }

    /// The agents whose presence has expired.
    pub fn silent(&self, now: Timestamp) -> Vec<(UserId, AccountId, Timestamp)> {
        let silent = self.agents.iter().filter_map(|(user, agent)| {
            let at = agent.presence().lapses_at().filter(|at| *at <= now)?;
            Some((*user, agent.accounts().next()?, at))
        });
        silent.collect()
    }
}
