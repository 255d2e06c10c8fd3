//! The search for an agent: the queue and the offers.

use super::assignment::AssignStrategy;
use crate::ConversationEvent;
use crate::events::events;
use crate::message::Priority;
use crate::routing::Decision;
use crate::{OfferId, TeamId, Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

events! {
    /// The search for an agent: the queue and the offers.
    pub enum RoutingEvent in ConversationEvent::Routing {
        Queued = 2,
        Offered = 2,
        OfferDeclined = 1,
        OfferExpired = 2,
        LeadNotified = 1,
        QueueTimedOut = 1,
    }
}

/// No agent can take the conversation now: it waits in the queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Queued {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_id: Option<TeamId>,
    /// The position in the queue at that time, from 1.
    pub position: u32,
    /// Since when the conversation has waited for an agent.
    pub queued_since: Timestamp,
    pub reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
}

/// The conversation is offered to these agents. The first to accept gets it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Offered {
    pub offer_id: OfferId,
    pub agent_ids: Vec<UserId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_id: Option<TeamId>,
    pub strategy: AssignStrategy,
    /// Since when the conversation has waited for an agent.
    pub queued_since: Timestamp,
    pub until: Timestamp,
    pub decision: Decision,
}

/// An agent declined the offer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OfferDeclined {
    pub offer_id: OfferId,
    pub agent_id: UserId,
}

/// No agent accepted in time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OfferExpired {
    pub offer_id: OfferId,
    pub agent_ids: Vec<UserId>,
}

/// The lead of the team is notified, because of the priority.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LeadNotified {
    pub lead_id: UserId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_id: Option<TeamId>,
    pub priority: Priority,
    /// The agent to whom the conversation is assigned already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee_id: Option<UserId>,
}

/// The conversation waited in its queue for as long as the queue allows. It happens once for each wait.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QueueTimedOut {
    /// The team of the queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_id: Option<TeamId>,
    /// Since when the conversation was in this queue.
    pub queued_at: Timestamp,
    /// The team that gets the conversation. `None` when it goes on waiting where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_team_id: Option<TeamId>,
}
