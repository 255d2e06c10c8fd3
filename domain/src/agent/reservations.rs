//! The reservations of an agent's capacity.

use super::{Agent, Person, Rejection};
use super::{Requirements, ineligibility};
use crate::aggregate::Decide;
use event_schemas::agent::{CapacityReleased, CapacityReserved};
use event_schemas::routing::Ineligible;
use event_schemas::{AccountId, AgentEvent, ConversationId, Timestamp, UserId, Version};
use serde::{Deserialize, Serialize};

/// The capacity that is reserved for a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// The conversation's version when the capacity was reserved. Once the conversation is beyond this
    /// version and not assigned to this agent, the reservation can never lead to an assignment.
    pub conversation_version: Version,
    pub since: Timestamp,
}

/// Which rules are checked before capacity is reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EligibilityCheck {
    /// Every rule: another user or the router assigns the conversation.
    Full,
    /// Only the capacity: the agent takes the conversation themselves.
    Capacity,
    /// No check: the conversation is already assigned to the agent, and the reservation only records it.
    None,
}

/// Reserves capacity for a conversation that is about to be assigned to the agent.
#[derive(Clone, Debug)]
pub struct ReserveCapacity {
    pub account_id: AccountId,
    pub user_id: UserId,
    pub conversation_id: ConversationId,
    pub conversation_version: Version,
    pub requirements: Requirements,
    pub check: EligibilityCheck,
    /// Whether a supervisor assigns the conversation although the agent is not eligible.
    pub forced: bool,
}

impl ReserveCapacity {
    /// The reason why the agent cannot take the conversation. `None` when the agent can.
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

impl Decide<Person> for ReserveCapacity {
    type Rejection = Rejection;

    fn decide(&self, state: &Person, now: Timestamp) -> Result<Vec<AgentEvent>, Rejection> {
        let state = state.in_account(self.account_id);
        if !state.is_registered() && self.check != EligibilityCheck::None {
            return Err(Rejection::NotRegistered);
        }
        let reserved = |overridden| CapacityReserved {
            user_id: self.user_id,
            account_id: self.account_id,
            conversation_id: self.conversation_id,
            conversation_version: self.conversation_version,
            overridden,
            counted: self.check == EligibilityCheck::None,
            renewed: state.reservation(self.conversation_id).is_some(),
        };
        // Capacity is reserved already: only the conversation's version is brought up to date.
        if let Some(reservation) = state.reservation(self.conversation_id) {
            let same = reservation.conversation_version == self.conversation_version;
            return Ok(if same { Vec::new() } else { vec![reserved(None).into()] });
        }
        let ineligibility = self.ineligibility(state, now);
        match ineligibility {
            Some(ineligibility) if !self.forced => Err(Rejection::CannotTake(ineligibility)),
            ineligibility => Ok(vec![reserved(ineligibility).into()]),
        }
    }
}

/// Releases the capacity that was reserved at this version of the conversation. A reservation that was
/// renewed at another version since stays.
#[derive(Clone, Copy, Debug)]
pub struct ReleaseCapacity {
    pub account_id: AccountId,
    pub user_id: UserId,
    pub conversation_id: ConversationId,
    pub conversation_version: Version,
}

impl Decide<Person> for ReleaseCapacity {
    type Rejection = Rejection;

    fn decide(&self, state: &Person, _: Timestamp) -> Result<Vec<AgentEvent>, Rejection> {
        let reservation = state.in_account(self.account_id).reservation(self.conversation_id);
        if reservation.is_none_or(|reserved| reserved.conversation_version != self.conversation_version) {
            return Ok(Vec::new());
        }
        let (user_id, account_id, conversation_id) = (self.user_id, self.account_id, self.conversation_id);
        Ok(vec![CapacityReleased { user_id, account_id, conversation_id }.into()])
    }
}
