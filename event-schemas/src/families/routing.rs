//! What happens while an agent is looked for: the queue and the offers.

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
        Queued = 1,
        Offered = 1,
        OfferDeclined = 1,
        OfferLapsed = 1,
        LeadNotified = 1,
    }
}

/// Nobody can take it now: it waits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Queued {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_id: Option<TeamId>,
    /// Its place in the queue then, from 1.
    pub position: u32,
    /// Since when somebody has been wanted.
    pub waiting_since: Timestamp,
    pub reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
}

/// These agents are asked whether they take it. The first to accept has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Offered {
    pub offer_id: OfferId,
    pub agent_ids: Vec<UserId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_id: Option<TeamId>,
    pub strategy: AssignStrategy,
    /// Since when somebody has been wanted.
    pub waiting_since: Timestamp,
    pub until: Timestamp,
    pub decision: Decision,
}

/// An agent does not take it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OfferDeclined {
    pub offer_id: OfferId,
    pub agent_id: UserId,
}

/// Nobody accepted in time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OfferLapsed {
    pub offer_id: OfferId,
    pub agent_ids: Vec<UserId>,
}

/// The lead of the team is told of it, because it matters soon.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LeadNotified {
    pub lead_id: UserId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_id: Option<TeamId>,
    pub priority: Priority,
    /// Whether somebody has it already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee_id: Option<UserId>,
}
