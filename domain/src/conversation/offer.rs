//! Offers of a conversation to agents.

use super::Offer;
use super::{Assignee, Conversation, Opened, Rejection};
use crate::aggregate::Decide;
use event_schemas::conversation::{
    AssignStrategy, Assigned, LeadNotified, OfferDeclined, OfferExpired, Offered,
};
use event_schemas::routing::Decision;
use event_schemas::{ConversationEvent, OfferId, TeamId, Timestamp, UserId};

/// Offers the conversation to these agents, while it waits for an agent and no offer is open.
#[derive(Clone, Debug)]
pub struct MakeOffer {
    pub offer_id: OfferId,
    pub agents: Vec<UserId>,
    pub team_id: Option<TeamId>,
    pub strategy: AssignStrategy,
    pub until: Timestamp,
    pub decision: Decision,
    /// The lead to notify of the priority.
    pub lead: Option<UserId>,
}

impl Decide<Conversation> for MakeOffer {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, _: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        let conversation = state.live()?;
        let Some(queued_since) = conversation.wait.since.filter(|_| conversation.wait.offer.is_none()) else {
            return Ok(Vec::new());
        };
        let offered = Offered {
            offer_id: self.offer_id,
            agent_ids: self.agents.clone(),
            team_id: self.team_id,
            strategy: self.strategy,
            queued_since,
            until: self.until,
            decision: self.decision.clone(),
        };
        let notified = self.lead.map(|lead_id| LeadNotified {
            lead_id,
            team_id: self.team_id,
            priority: conversation.priority,
            assignee_id: None,
        });
        Ok(std::iter::once(offered.into()).chain(notified.map(Into::into)).collect())
    }
}

fn open_offer(conversation: &Opened, id: OfferId) -> Result<&Offer, Rejection> {
    let offer = conversation.wait.offer.as_deref().filter(|offer| offer.id == id);
    offer.ok_or_else(|| match (conversation.lifecycle.holder(), &conversation.lifecycle.assignee_name) {
        (Some(by), name) => Rejection::Taken { by, name: name.clone() },
        (None, _) => Rejection::OfferOver,
    })
}

/// An agent accepts an offer. Of several agents the first to accept gets the conversation.
#[derive(Clone, Debug)]
pub struct AcceptOffer {
    pub offer_id: OfferId,
    pub agent: Assignee,
}

impl Decide<Conversation> for AcceptOffer {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, now: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        let conversation = state.live()?;
        if conversation.lifecycle.holder() == Some(self.agent.id) {
            return Ok(Vec::new());
        }
        let offer = open_offer(conversation, self.offer_id)?;
        if !offer.agents.contains(&self.agent.id) {
            return Err(Rejection::NotOffered);
        }
        if offer.until <= now {
            return Err(Rejection::OfferOver);
        }
        Ok(vec![
            Assigned {
                assignee_id: Some(self.agent.id),
                assignee_name: self.agent.name.clone(),
                team_id: conversation.lifecycle.team_id,
                strategy: Some(offer.strategy),
                route_by: None,
                assigned_by: None,
                reason: None,
                decision: Some(offer.decision.clone()),
                offer_id: Some(self.offer_id),
                overridden: None,
            }
            .into(),
        ])
    }
}

/// An agent declines an offer.
#[derive(Clone, Debug)]
pub struct DeclineOffer {
    pub offer_id: OfferId,
    pub agent_id: UserId,
}

impl Decide<Conversation> for DeclineOffer {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, _: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        let offer = open_offer(state.live()?, self.offer_id)?;
        if !offer.agents.contains(&self.agent_id) {
            return Err(Rejection::NotOffered);
        }
        Ok(vec![OfferDeclined { offer_id: self.offer_id, agent_id: self.agent_id }.into()])
    }
}

/// The offer has expired, or none of its agents is available any more.
#[derive(Clone, Debug)]
pub struct ExpireOffer {
    pub offer_id: OfferId,
}

impl Decide<Conversation> for ExpireOffer {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, _: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        let offer = state.live()?.wait.offer.as_deref().filter(|offer| offer.id == self.offer_id);
        let expired = |offer: &Offer| OfferExpired { offer_id: offer.id, agent_ids: offer.agents.clone() };
        Ok(offer.map(expired).map(Into::into).into_iter().collect())
    }
}
