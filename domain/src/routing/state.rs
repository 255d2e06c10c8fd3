//! All agents, and the routing state of each account, computed from the log.

mod kept;

pub use kept::{FOLD, Part};

use super::account::{AccountRouting, RoutingAction};
use crate::agent::{Agent, Person};
use crate::aggregate::Evolve;
use event_schemas::{
    AccountId, AgentEvent, CatalogueEvent, ConversationEvent, ConversationId, Timestamp, UserId, Version,
};
use std::collections::{BTreeMap, BTreeSet};

/// All agents, and all conversations that are not closed.
#[derive(Clone, Debug, Default)]
pub struct RoutingState {
    people: BTreeMap<UserId, Person>,
    accounts: BTreeMap<AccountId, AccountRouting>,
    /// The accounts with events since the last planning.
    touched: BTreeSet<AccountId>,
    /// The parts that have changed since they were kept.
    unkept: BTreeSet<Part>,
}

impl RoutingState {
    pub fn person(&self, user: UserId) -> Option<&Person> {
        self.people.get(&user)
    }
    /// The agent of an account. `None` for a person of whom nothing is known.
    pub fn agent(&self, account: AccountId, user: UserId) -> Option<&Agent> {
        self.people.get(&user).map(|person| person.in_account(account))
    }
    pub fn account(&self, account: AccountId) -> Option<&AccountRouting> {
        self.accounts.get(&account)
    }

    pub fn apply_agent(&mut self, user: UserId, event: &AgentEvent, at: Timestamp) {
        let mut person = self.people.remove(&user).unwrap_or_default();
        person.evolve(event, at);
        self.person_changed(user, &person);
        self.people.insert(user, person);
        self.unkept.insert(Part::Agent(user));
        // Capacity can be reserved with an agent who is not registered in this account, for a conversation
        // that is already assigned to them.
        if let AgentEvent::CapacityReserved(reserved) = event {
            self.touch(reserved.account_id).capacity_reserved(user, reserved.conversation_id);
        }
    }

    fn person_changed(&mut self, user: UserId, person: &Person) {
        for (account, agent) in person.accounts() {
            if agent.is_registered() {
                self.touch(account).agent_changed(user);
            }
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
                    routing
                        .plan(Agents { people: &self.people, account: *account }, now, chance)
                        .into_iter()
                        .map(|action| (*account, action)),
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
        let agents = self.people.iter().flat_map(|(user, person)| {
            person.accounts().map(move |(account, agent)| (*user, account, agent))
        });
        let expired = agents.filter_map(|(user, account, agent)| {
            let at = agent.presence().expires_at().filter(|at| *at <= now)?;
            Some((user, account, at))
        });
        expired.collect()
    }
}

/// All agents, as one account sees them.
#[derive(Clone, Copy, Debug)]
pub struct Agents<'s> {
    people: &'s BTreeMap<UserId, Person>,
    account: AccountId,
}

impl<'s> Agents<'s> {
    /// `None` for a person of whom nothing is known.
    pub fn get(&self, user: &UserId) -> Option<&'s Agent> {
        self.people.get(user).map(|person| person.in_account(self.account))
    }
}
