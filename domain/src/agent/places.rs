//! The places on an agent's desk.

use super::{Agent, Rejection};
use crate::aggregate::Decide;
use crate::routing::{Wanted, objection};
use event_schemas::agent::{PlaceFreed, PlaceTaken};
use event_schemas::routing::Ineligible;
use event_schemas::{AccountId, AgentEvent, ConversationId, Timestamp, UserId, Version};

/// What is kept for a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub account_id: AccountId,
    /// The conversation's version when the place was taken. Once the conversation has gone beyond it without
    /// being this agent's, it never will be on account of this place.
    pub conversation_version: Version,
    pub since: Timestamp,
}

/// How closely it is looked whether the agent can take it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scrutiny {
    /// Somebody else gives it to them: everything counts.
    Everything,
    /// They take it themselves, so they are there and want it: only how many they have counts.
    Places,
    /// It is theirs already and is only counted.
    Nothing,
}

/// A place is kept for a conversation that is about to be this agent's.
#[derive(Clone, Debug)]
pub struct TakePlace {
    pub account_id: AccountId,
    pub user_id: UserId,
    pub conversation_id: ConversationId,
    pub conversation_version: Version,
    pub wanted: Wanted,
    pub scrutiny: Scrutiny,
    /// A supervisor has it so, whatever there is to be said against it.
    pub insists: bool,
}

impl TakePlace {
    /// What there is to be said against it.
    pub fn objection(&self, agent: &Agent, now: Timestamp) -> Option<Ineligible> {
        let full = || {
            (agent.active() >= agent.preferences().max_concurrent_conversations)
                .then_some(Ineligible::AtCapacity)
        };
        match self.scrutiny {
            Scrutiny::Everything => objection(agent, agent.active(), &self.wanted, now),
            Scrutiny::Places => full(),
            Scrutiny::Nothing => None,
        }
    }
}

impl Decide<Agent> for TakePlace {
    type Rejection = Rejection;

    fn decide(&self, state: &Agent, now: Timestamp) -> Result<Vec<AgentEvent>, Rejection> {
        if !state.is_known_to(self.account_id) && self.scrutiny != Scrutiny::Nothing {
            let elsewhere = state.is_known_to_anybody();
            return Err(if elsewhere { Rejection::SomebodyElses } else { Rejection::NotRegistered });
        }
        let taken = |in_spite_of| PlaceTaken {
            user_id: self.user_id,
            account_id: self.account_id,
            conversation_id: self.conversation_id,
            conversation_version: self.conversation_version,
            in_spite_of,
            counted: self.scrutiny == Scrutiny::Nothing,
            renewed: state.place(self.conversation_id).is_some(),
        };
        // The place is there already: it only follows the conversation.
        if let Some(place) = state.place(self.conversation_id) {
            let same = place.conversation_version == self.conversation_version;
            return Ok(if same { Vec::new() } else { vec![taken(None).into()] });
        }
        let objection = self.objection(state, now);
        match objection {
            Some(objection) if !self.insists => Err(Rejection::CannotTake(objection)),
            objection => Ok(vec![taken(objection).into()]),
        }
    }
}

/// The place is not needed, unless it was taken anew since.
#[derive(Clone, Copy, Debug)]
pub struct FreePlace {
    pub account_id: AccountId,
    pub user_id: UserId,
    pub conversation_id: ConversationId,
    pub conversation_version: Version,
}

impl Decide<Agent> for FreePlace {
    type Rejection = Rejection;

    fn decide(&self, state: &Agent, _: Timestamp) -> Result<Vec<AgentEvent>, Rejection> {
        let place = state.place(self.conversation_id);
        if place.is_none_or(|place| place.conversation_version != self.conversation_version) {
            return Ok(Vec::new());
        }
        let (user_id, account_id, conversation_id) = (self.user_id, self.account_id, self.conversation_id);
        Ok(vec![PlaceFreed { user_id, account_id, conversation_id }.into()])
    }
}
