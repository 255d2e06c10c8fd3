//! The reservations of an agent's capacity.

use super::{Agent, Rejection};
use super::{Requirements, ineligibility};
use crate::aggregate::Decide;
use event_schemas::agent::{CapacityReleased, CapacityReserved};
use event_schemas::routing::Ineligible;
use event_schemas::{AccountId, AgentEvent, ConversationId, Timestamp, UserId, Version};

/// The capacity that is reserved for a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reservation {
    pub account_id: AccountId,
    /// The conversation's version when the place was taken. Once the conversation has gone beyond it without
    /// being this agent's, it never will be on account of this place.
    pub conversation_version: Version,
    pub since: Timestamp,
}

/// How closely it is looked whether the agent can take it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EligibilityCheck {
    /// Another user or the router assigns the conversation: every rule counts.
    Full,
    /// They take it themselves, so they are there and want it: only how many they have counts.
    Capacity,
    /// It is theirs already and is only counted.
    None,
}

/// A place is kept for a conversation that is about to be this agent's.
#[derive(Clone, Debug)]
pub struct ReserveCapacity {
    pub account_id: AccountId,
    pub user_id: UserId,
    pub conversation_id: ConversationId,
    pub conversation_version: Version,
    pub requirements: Requirements,
    pub check: EligibilityCheck,
    /// A supervisor has it so, whatever there is to be said against it.
    pub insists: bool,
}

impl ReserveCapacity {
    /// The reason why the agent cannot take it. `None` when the agent can.
    pub fn ineligibility(&self, agent: &Agent, now: Timestamp) -> Option<Ineligible> {
        let full = || {
            (agent.active() >= agent.preferences().max_concurrent_conversations)
                .then_some(Ineligible::AtCapacity)
        };
        match self.check {
            EligibilityCheck::Full => ineligibility(agent, agent.active(), &self.requirements, now),
            EligibilityCheck::Capacity => full(),
            EligibilityCheck::None => None,
        }
    }
}

impl Decide<Agent> for ReserveCapacity {
    type Rejection = Rejection;

    fn decide(&self, state: &Agent, now: Timestamp) -> Result<Vec<AgentEvent>, Rejection> {
        if !state.is_known_to(self.account_id) && self.check != EligibilityCheck::None {
            let elsewhere = state.is_known_to_anybody();
            return Err(if elsewhere { Rejection::SomebodyElses } else { Rejection::NotRegistered });
        }
        let taken = |overridden| CapacityReserved {
            user_id: self.user_id,
            account_id: self.account_id,
            conversation_id: self.conversation_id,
            conversation_version: self.conversation_version,
            overridden,
            counted: self.check == EligibilityCheck::None,
            renewed: state.reservation(self.conversation_id).is_some(),
        };
        // The place is there already: it only follows the conversation.
        if let Some(place) = state.reservation(self.conversation_id) {
            let same = place.conversation_version == self.conversation_version;
            return Ok(if same { Vec::new() } else { vec![taken(None).into()] });
        }
        let ineligibility = self.ineligibility(state, now);
        match ineligibility {
            Some(ineligibility) if !self.insists => Err(Rejection::CannotTake(ineligibility)),
            ineligibility => Ok(vec![taken(ineligibility).into()]),
        }
    }
}

/// The place is not needed, unless it was taken anew since.
#[derive(Clone, Copy, Debug)]
pub struct ReleaseCapacity {
    pub account_id: AccountId,
    pub user_id: UserId,
    pub conversation_id: ConversationId,
    pub conversation_version: Version,
}

impl Decide<Agent> for ReleaseCapacity {
    type Rejection = Rejection;

    fn decide(&self, state: &Agent, _: Timestamp) -> Result<Vec<AgentEvent>, Rejection> {
        let place = state.reservation(self.conversation_id);
        if place.is_none_or(|place| place.conversation_version != self.conversation_version) {
            return Ok(Vec::new());
        }
        let (user_id, account_id, conversation_id) = (self.user_id, self.account_id, self.conversation_id);
        Ok(vec![CapacityReleased { user_id, account_id, conversation_id }.into()])
    }
}
