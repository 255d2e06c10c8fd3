//! The routing state as parts that can be kept in tables: everything that is folded from the log. The traces of a
//! planning, such as timers, are not kept: the first planning checks every conversation and every agent again.

use super::RoutingState;
use crate::agent::Person;
use event_schemas::{AccountId, ConversationId, UserId};

/// The version of the fold. Raise it when events are folded into another state or when a part has another form; a test
/// with stored parts fails otherwise.
pub const FOLD: u32 = 5;

/// The name of a part of the routing state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    Agent(UserId),
    /// The teams, queues and bot rules of an account.
    Catalogues(AccountId),
    /// The turns of the agents of an account, and the pace of its queues.
    Turns(AccountId),
    /// A conversation that is not closed.
    Conversation(AccountId, ConversationId),
}

impl RoutingState {
    /// The parts that have changed since [`Self::changes_are_kept`], each as JSON. `None` when the part is gone.
    ///
    /// # Errors
    ///
    /// A part cannot be written as JSON.
    pub fn changed_parts(&self) -> serde_json::Result<Vec<(Part, Option<String>)>> {
        self.unkept.iter().map(|part| Ok((*part, self.part(*part)?))).collect()
    }

    /// All parts, each as JSON.
    ///
    /// # Errors
    ///
    /// A part cannot be written as JSON.
    pub fn all_parts(&self) -> serde_json::Result<Vec<(Part, String)>> {
        let agents = self.people.keys().map(|user| Part::Agent(*user));
        let accounts = self.accounts.iter().flat_map(|(id, routing)| {
            let mut conversations: Vec<_> = routing.conversation_ids().collect();
            conversations.sort_unstable();
            let conversations =
                conversations.into_iter().map(|conversation| Part::Conversation(*id, conversation));
            [Part::Catalogues(*id), Part::Turns(*id)].into_iter().chain(conversations)
        });
        let parts = agents.chain(accounts).filter_map(|part| match self.part(part) {
            Ok(json) => Some(Ok((part, json?))),
            Err(error) => Some(Err(error)),
        });
        parts.collect()
    }

    /// All changed parts are kept now.
    pub fn changes_are_kept(&mut self) {
        self.unkept.clear();
    }

    /// Restores a part from its JSON. The conversation or the agent counts as changed.
    ///
    /// # Errors
    ///
    /// The JSON has another form.
    pub fn restore(&mut self, part: Part, json: &str) -> serde_json::Result<()> {
        match part {
            Part::Agent(user) => {
                let person = serde_json::from_str::<Person>(json)?.with_derived();
                self.person_changed(user, &person);
                for (account, agent) in person.accounts() {
                    for (conversation, _) in agent.reservations() {
                        self.touch(account).capacity_reserved(user, conversation);
                    }
                }
                self.people.insert(user, person);
            }
            Part::Catalogues(account) => self.touch(account).restore_catalogues(json)?,
            Part::Turns(account) => self.touch(account).restore_turns(json)?,
            Part::Conversation(account, id) => self.touch(account).restore_conversation(id, json)?,
        }
        Ok(())
    }

    fn part(&self, part: Part) -> serde_json::Result<Option<String>> {
        let account = |id| self.accounts.get(&id);
        match part {
            Part::Agent(user) => self.people.get(&user).map(serde_json::to_string).transpose(),
            Part::Catalogues(id) => account(id).map(|routing| routing.catalogues_json()).transpose(),
            Part::Turns(id) => account(id).map(|routing| routing.turns_json()).transpose(),
            Part::Conversation(id, conversation) => {
                account(id).and_then(|routing| routing.conversation_json(conversation)).transpose()
            }
        }
    }
}
