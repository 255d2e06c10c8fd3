//! The Socket.IO events of the contract: what its clients send, and what happens in its words.

use super::ConversationService;
use super::conversation::{Conversation, ServiceStatus};
use super::message::Message;
use super::tenant::Tenant;
use axum::http::HeaderMap;
use commands::execute::Context;
use event_schemas::{
    AccountId, AssignmentEvent, BotEvent, ConversationEvent, ConversationId, Event, LifecycleEvent, Position,
    UserId,
};
use follower::runner::DecodedEvent;
use follower::{Db, DbError};
use futures::future::BoxFuture;
use gate::{Authenticator, Caller, Problem};
use projections::queries::conversations;
use projections::read_models::messages::MessageRow;
use realtime::argument::{no_such_event, read};
use realtime::contract::{Action, Audience, Contract, ContractPush};
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The contract for clients of Socket.IO.
pub struct Sockets {
    pub service: Arc<ConversationService>,
    pub authenticator: Authenticator,
}

const NAMES: &str = "`tenant:join`, `conversation:join`, `conversation:leave`, `agent:takeover`";

#[derive(Deserialize)]
struct InTenant {
    tenant_id: AccountId,
}

#[derive(Deserialize)]
struct InConversation {
    conversation_id: ConversationId,
}

#[derive(Deserialize)]
struct Takeover {
    conversation_id: ConversationId,
    agent_id: UserId,
}

impl Contract for Sockets {
    fn identify<'c>(
        &'c self,
        handshake: &'c HeaderMap,
        token: Option<&'c str>,
        tenant: Option<AccountId>,
    ) -> BoxFuture<'c, Result<Caller, Problem>> {
        Box::pin(async move {
            let tenant = self.service.identify(&self.authenticator, handshake, token, tenant).await?;
            Ok(tenant.0)
        })
    }

    fn event<'c>(
        &'c self,
        caller: &'c Caller,
        name: &'c str,
        argument: Option<&'c RawValue>,
    ) -> BoxFuture<'c, Result<Action, Problem>> {
        Box::pin(self.handle(caller, name, argument))
    }

    fn pushes<'c>(
        &'c self,
        events: &'c [Arc<DecodedEvent>],
        tables: &'c Db,
    ) -> BoxFuture<'c, Result<Vec<ContractPush>, DbError>> {
        Box::pin(self.translate(events, tables))
    }
}

impl Sockets {
    async fn handle(
        &self,
        caller: &Caller,
        name: &str,
        argument: Option<&RawValue>,
    ) -> Result<Action, Problem> {
        match name {
            "tenant:join" => {
                let InTenant { tenant_id } = read(name, argument)?;
                if tenant_id != caller.account {
                    let detail = format!("This connection acts for the tenant {}.", caller.account);
                    return Err(Problem::forbidden(detail).field("tenant_id"));
                }
                Ok(Action::EnterTenant)
            }
            "conversation:join" => {
                let InConversation { conversation_id } = read(name, argument)?;
                Ok(Action::Enter(conversation_id))
            }
            "conversation:leave" => {
                let InConversation { conversation_id } = read(name, argument)?;
                Ok(Action::Leave(conversation_id))
            }
            "agent:takeover" => self.take_over(caller, read(name, argument)?).await,
            _ => Err(no_such_event(name, NAMES)),
        }
    }

    /// Assigns the conversation to the agent. The answer is the conversation.
    async fn take_over(&self, caller: &Caller, takeover: Takeover) -> Result<Action, Problem> {
        let context = Context {
            account: caller.account,
            actor: caller.actor(),
            correlation_id: self.service.commands.clock.fresh_id(),
            causation_id: None,
            traceparent: None,
            occurred_at: None,
            key: None,
            request: None,
            if_match: None,
        };
        let Takeover { conversation_id, agent_id } = takeover;
        let tenant = Tenant(caller.clone());
        let assigned = self.service.assign_to(&tenant, &context, conversation_id, agent_id).await?;
        Ok(Action::Answer(json!(assigned)))
    }

    async fn translate(
        &self,
        events: &[Arc<DecodedEvent>],
        tables: &Db,
    ) -> Result<Vec<ContractPush>, DbError> {
        let changes: Vec<Change<'_>> = events
            .iter()
            .filter(|event| self.service.accounts.include(event.metadata.account_id))
            .filter_map(|event| Change::of(event))
            .collect();
        let opened: HashSet<ConversationId> =
            changes.iter().filter(|change| change.opens()).map(|change| change.id).collect();
        let last: HashMap<ConversationId, Position> = changes
            .iter()
            .filter(|change| change.may_change_status())
            .map(|change| (change.id, change.event.position))
            .collect();
        let mut pushes = Vec::new();
        for change in &changes {
            // The tables hold all these events: a new conversation has its newest status, and so has the last change.
            let shows_conversation = change.opens()
                || !opened.contains(&change.id) && last.get(&change.id) == Some(&change.event.position);
            let conversation = match shows_conversation {
                true => change.conversation(tables).await?,
                false => None,
            };
            pushes.extend(change.said());
            pushes.extend(conversation.map(|conversation| change.shown(&conversation)));
        }
        Ok(pushes)
    }
}

/// A request for a human agent.
#[derive(Serialize)]
struct Handoff<'e> {
    conversation_id: ConversationId,
    reason: &'e str,
    /// The agent who was requested by name.
    agent_id: Option<UserId>,
}

#[derive(Serialize)]
struct StatusChange {
    conversation_id: ConversationId,
    status: ServiceStatus,
}

#[derive(Serialize)]
struct AgentAssigned {
    conversation_id: ConversationId,
    agent_id: UserId,
}

/// An event of a conversation.
struct Change<'e> {
    id: ConversationId,
    event: &'e DecodedEvent,
    change: &'e ConversationEvent,
}

impl<'e> Change<'e> {
    fn of(event: &'e DecodedEvent) -> Option<Self> {
        match &event.event {
            Event::Conversation(change) => Some(Self { id: event.stream.as_conversation()?, event, change }),
            Event::Contact(_) | Event::Agent(_) | Event::Catalogue(_) | Event::Inbound(_) | Event::Log(_) => {
                None
            }
        }
    }

    fn opens(&self) -> bool {
        matches!(self.change, ConversationEvent::Lifecycle(LifecycleEvent::ConversationOpened(_)))
    }

    /// Whether the conversation may have another status in the words of the contract.
    fn may_change_status(&self) -> bool {
        match self.change {
            ConversationEvent::Lifecycle(
                LifecycleEvent::Resolved(_)
                | LifecycleEvent::Reopened(_)
                | LifecycleEvent::Closed(_)
                | LifecycleEvent::Expired(_),
            )
            | ConversationEvent::Assignment(
                AssignmentEvent::Assigned(_)
                | AssignmentEvent::Unassigned(_)
                | AssignmentEvent::AssignmentDropped(_),
            )
            | ConversationEvent::Bot(BotEvent::BotEngaged(_) | BotEvent::HandoffRequested(_)) => true,
            ConversationEvent::Lifecycle(
                LifecycleEvent::ConversationOpened(_) | LifecycleEvent::MarkedPending(_),
            )
            | ConversationEvent::Bot(
                BotEvent::BotContextCollected(_)
                | BotEvent::BotContextRemoved(_)
                | BotEvent::InfoRequested(_),
            )
            | ConversationEvent::Message(_)
            | ConversationEvent::Delivery(_)
            | ConversationEvent::Routing(_)
            | ConversationEvent::Sla(_)
            | ConversationEvent::Automation(_)
            | ConversationEvent::Details(_) => false,
        }
    }

    async fn conversation(&self, tables: &Db) -> Result<Option<Conversation>, DbError> {
        let found =
            conversations::find(tables.readers(), self.event.metadata.account_id, self.id, None).await?;
        Ok(found.map(|found| Conversation::of(&found.conversation)))
    }

    /// The new conversation, or its status.
    fn shown(&self, conversation: &Conversation) -> ContractPush {
        if self.opens() {
            return self.push(Audience::Tenant, "conversation:new", conversation);
        }
        let status = StatusChange { conversation_id: self.id, status: conversation.status };
        self.push(Audience::Both, "conversation:status", &status)
    }

    /// What the event itself says.
    fn said(&self) -> Option<ContractPush> {
        match self.change {
            ConversationEvent::Message(_) => {
                let row = MessageRow::begun(0, self.change, self.event).filter(|row| !row.is_private)?;
                let message = Message::of(self.id, row);
                Some(self.push(Audience::Conversation, "conversation:message", &message))
            }
            ConversationEvent::Bot(BotEvent::HandoffRequested(requested)) => {
                let handoff = Handoff {
                    conversation_id: self.id,
                    reason: &requested.reason,
                    agent_id: requested.agent_id,
                };
                Some(self.push(Audience::Both, "conversation:handoff", &handoff))
            }
            ConversationEvent::Assignment(AssignmentEvent::Assigned(assigned)) => {
                let assigned = AgentAssigned { conversation_id: self.id, agent_id: assigned.assignee_id? };
                Some(self.push(Audience::Both, "agent:assigned", &assigned))
            }
            ConversationEvent::Bot(
                BotEvent::BotEngaged(_)
                | BotEvent::BotContextCollected(_)
                | BotEvent::BotContextRemoved(_)
                | BotEvent::InfoRequested(_),
            )
            | ConversationEvent::Assignment(
                AssignmentEvent::Unassigned(_) | AssignmentEvent::AssignmentDropped(_),
            )
            | ConversationEvent::Lifecycle(_)
            | ConversationEvent::Delivery(_)
            | ConversationEvent::Routing(_)
            | ConversationEvent::Sla(_)
            | ConversationEvent::Automation(_)
            | ConversationEvent::Details(_) => None,
        }
    }

    fn push(&self, to: Audience, name: &'static str, object: &impl Serialize) -> ContractPush {
        ContractPush {
            position: self.event.position,
            tenant: self.event.metadata.account_id,
            conversation: self.id,
            to,
            name,
            object: json!(object).to_string(),
        }
    }
}
