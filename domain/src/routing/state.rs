//! All agents, and the routing state of each account, computed from the log.

mod kept;

pub use kept::{FOLD, Part};

use super::account::{AccountRouting, RoutingAction};
use crate::agent::Agent;
use crate::aggregate::Evolve;
use event_schemas::{
    AccountId, AgentEvent, CatalogueEvent, ConversationEvent, ConversationId, Timestamp, UserId, Version,
};
use std::collections::{BTreeMap, BTreeSet};

/// All agents, and all conversations that are not closed.
#[derive(Clone, Debug, Default)]
pub struct RoutingState {
    agents: BTreeMap<UserId, Agent>,
    accounts: BTreeMap<AccountId, AccountRouting>,
    /// The accounts with events since the last planning.
    touched: BTreeSet<AccountId>,
    /// The parts that have changed since they were kept.
    unkept: BTreeSet<Part>,
}

impl RoutingState {
    pub fn agent(&self, user: UserId) -> Option<&Agent> {
        self.agents.get(&user)
    }
    pub fn agents(&self) -> &BTreeMap<UserId, Agent> {
        &self.agents
    }
    pub fn account(&self, account: AccountId) -> Option<&AccountRouting> {
        self.accounts.get(&account)
    }

    pub fn apply_agent(&mut self, user: UserId, event: &AgentEvent, at: Timestamp) {
        let mut agent = self.agents.remove(&user).unwrap_or_default();
        agent.evolve(event, at);
        self.agent_changed(user, &agent);
        self.agents.insert(user, agent);
        self.unkept.insert(Part::Agent(user));
        // Capacity can be reserved with an agent who is not registered in this account, for a conversation
        // that is already assigned to them.
        if let AgentEvent::CapacityReserved(reserved) = event {
            self.touch(reserved.account_id).capacity_reserved(user, reserved.conversation_id);
        }
    }

    fn agent_changed(&mut self, user: UserId, agent: &Agent) {
        for account in agent.accounts() {
            self.touch(account).agent_changed(user);
        }
    }

    /// The routing state of an account that is planned again.
    fn touch(&mut self, account: AccountId) -> &mut AccountRouting {
        self.touched.insert(account);
        self.accounts.entry(account).or_insert_with(|| AccountRouting::of(account))
    }

    pub fn apply_catalogue(&mut self, account: AccountId, event: &CatalogueEvent, at: Timestamp) {
        self.touch(account).apply_catalogue(event, at);
        self.unkept.insert(Part::Catalogues(account));
    }

    pub fn apply_conversation(
        &mut self,
        account: AccountId,
        id: ConversationId,
        version: Version,
        event: &ConversationEvent,
        at: Timestamp,
    ) {
        self.touch(account).apply(id, version, event, at);
        self.unkept.extend([Part::Turns(account), Part::Conversation(account, id)]);
    }

    /// Forgets the conversations of an account, because they are folded again from the beginning.
    pub fn forget_conversations(&mut self, account: AccountId) {
        let forgotten = self.touch(account).forget_conversations();
        self.unkept.insert(Part::Turns(account));
        self.unkept.extend(forgotten.into_iter().map(|id| Part::Conversation(account, id)));
    }

    /// The actions that are due, account by account. `chance` is drawn anew for each round.
    pub fn plan(&mut self, now: Timestamp, chance: u64) -> Vec<(AccountId, RoutingAction)> {
        let mut actions = Vec::new();
        let touched = std::mem::take(&mut self.touched);
        for (account, routing) in &mut self.accounts {
            if touched.contains(account) || routing.is_due(now) {
                actions.extend(
                    routing.plan(&self.agents, now, chance).into_iter().map(|action| (*account, action)),
                );
            }
        }
        actions
    }

    /// Plans again for the conversation and the agent of an action that could not be executed.
    pub fn retry(&mut self, account: AccountId, action: &RoutingAction) {
        if let Some(routing) = self.accounts.get_mut(&account) {
            routing.retry(action);
            self.touched.insert(account);
        }
    }

    /// The next moment at which an action may be due without an event: presence and offers that expire, and
    /// the moments of each account.
    pub fn next_moment(&self) -> Option<Timestamp> {
        self.accounts.values().filter_map(AccountRouting::next_moment).min()
    }

    /// The agents whose presence has expired.
    pub fn expired_presences(&self, now: Timestamp) -> Vec<(UserId, AccountId, Timestamp)> {
        let expired_presences = self.agents.iter().filter_map(|(user, agent)| {
            let at = agent.presence().expires_at().filter(|at| *at <= now)?;
            Some((*user, agent.accounts().next()?, at))
        });
        expired_presences.collect()
    }
}
