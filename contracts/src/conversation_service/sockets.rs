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
use realtime::argument::{answer, no_such_event, read};
use realtime::contract::{
    Action, Audience, Contract, ContractPush, JoinedConversation, JoinedTenant, LeftConversation,
};
use realtime::events::{DescribedNamespace, ServerEvent};
use realtime::{client_events, server_events};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The contract for clients of Socket.IO.
pub struct Sockets {
    pub service: Arc<ConversationService>,
    pub authenticator: Authenticator,
}

/// The description of the events.
pub const NAMESPACE: DescribedNamespace = DescribedNamespace {
    id: "conversationService",
    address: "/",
    description: "The events of a conversation service, for programs that were written for it. A client sends `auth: \
                  {token, tenant_id?}` when it connects: the token of a service, and the tenant when the token is of \
                  several. Behind a gateway that the configuration trusts, the header `X-Tenant-Id` of the handshake is \
                  enough.",
    events: EVENTS,
    requests: REQUESTS,
};

server_events! { EVENTS:
    /// A conversation was begun.
    NewConversation = "conversation:new" (Conversation) Unchained to "the clients that joined the tenant";
    /// A new message.
    NewMessage = "conversation:message" (Message) Unchained to "the clients that joined the conversation";
    /// A human agent was requested.
    HandoffRequested = "conversation:handoff" (Handoff) Unchained
        to "the clients that joined the tenant or the conversation";
    /// The conversation's status, after a change. After several changes it comes once.
    StatusChanged = "conversation:status" (StatusChange) Unchained
        to "the clients that joined the tenant or the conversation";
    /// The conversation was assigned to an agent.
    AgentAssigned = "agent:assigned" (Assignment) Unchained
        to "the clients that joined the tenant or the conversation";
}

client_events! { REQUESTS of Request:
    /// Get the events of the tenant, which is the connection's.
    JoinTenant = "tenant:join" (InTenant) -> JoinedTenant;
    /// Get the events of a conversation.
    JoinConversation = "conversation:join" (InConversation) -> JoinedConversation;
    /// Get the events of a conversation no longer.
    LeaveConversation = "conversation:leave" (InConversation) -> LeftConversation;
    /// Assign the conversation to an agent, also when another agent has it.
    TakeOver = "agent:takeover" (Takeover) -> Conversation;
}

#[derive(Deserialize, JsonSchema)]
pub struct InTenant {
    tenant_id: AccountId,
}

#[derive(Deserialize, JsonSchema)]
pub struct InConversation {
    conversation_id: ConversationId,
}

#[derive(Deserialize, JsonSchema)]
pub struct Takeover {
    conversation_id: ConversationId,
    agent_id: UserId,
}

#[derive(Serialize, JsonSchema)]
pub struct Handoff {
    conversation_id: ConversationId,
    reason: String,
    /// The agent who was requested by name.
    agent_id: Option<UserId>,
}

#[derive(Serialize, JsonSchema)]
pub struct StatusChange {
    conversation_id: ConversationId,
    status: ServiceStatus,
}

#[derive(Serialize, JsonSchema)]
pub struct Assignment {
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
            Ok(tenant.into_caller())
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
        let request = Request::named(name).ok_or_else(|| no_such_event(name, REQUESTS))?;
        match request {
            Request::JoinTenant => {
                let InTenant { tenant_id } = read(name, argument)?;
                if tenant_id != caller.account {
                    let detail = format!("This connection acts for the tenant {}.", caller.account);
                    return Err(Problem::forbidden(detail).field("tenant_id"));
                }
                Ok(Action::EnterTenant)
            }
            Request::JoinConversation => {
                let InConversation { conversation_id } = read(name, argument)?;
                Ok(Action::Enter(conversation_id))
            }
            Request::LeaveConversation => {
                let InConversation { conversation_id } = read(name, argument)?;
                Ok(Action::Leave(conversation_id))
            }
            Request::TakeOver => self.take_over(caller, read(name, argument)?).await,
        }
    }

    /// Assigns the conversation to the agent. The answer is the conversation.
    async fn take_over(&self, caller: &Caller, takeover: Takeover) -> Result<Action, Problem> {
        let context = Context::of(caller.account, caller.actor(), self.service.commands.clock.fresh_id());
        let Takeover { conversation_id, agent_id } = takeover;
        let tenant = Tenant::without_place(caller.clone());
        let assigned = self.service.assign_to(&tenant, &context, conversation_id, agent_id).await?;
        answer(&assigned).map(Action::Answer)
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
            Event::Contact(_)
            | Event::Agent(_)
            | Event::Catalogue(_)
            | Event::Inbound(_)
            | Event::Log(_)
            | Event::Account(_)
            | Event::Person(_)
            | Event::ApiKey(_)
            | Event::Bulk(_) => None,
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
            | ConversationEvent::Schedule(_)
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
            return self.push::<NewConversation>(Audience::Tenant, conversation);
        }
        let status = StatusChange { conversation_id: self.id, status: conversation.status };
        self.push::<StatusChanged>(Audience::Both, &status)
    }

    /// The push of the event itself.
    fn said(&self) -> Option<ContractPush> {
        match self.change {
            ConversationEvent::Message(_) => {
                let row = MessageRow::begun(0, self.change, self.event).filter(|row| !row.is_private)?;
                let message = Message::of(self.id, row);
                Some(self.push::<NewMessage>(Audience::Conversation, &message))
            }
            ConversationEvent::Bot(BotEvent::HandoffRequested(requested)) => {
                let handoff = Handoff {
                    conversation_id: self.id,
                    reason: requested.reason.clone(),
                    agent_id: requested.agent_id,
                };
                Some(self.push::<HandoffRequested>(Audience::Both, &handoff))
            }
            ConversationEvent::Assignment(AssignmentEvent::Assigned(assigned)) => {
                let assignment = Assignment { conversation_id: self.id, agent_id: assigned.assignee_id? };
                Some(self.push::<AgentAssigned>(Audience::Both, &assignment))
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
            | ConversationEvent::Schedule(_)
            | ConversationEvent::Details(_) => None,
        }
    }

    fn push<E: ServerEvent>(&self, to: Audience, object: &E::Object) -> ContractPush {
        ContractPush {
            position: self.event.position,
            tenant: self.event.metadata.account_id,
            conversation: self.id,
            to,
            name: E::NAME,
            // An object always serialises.
            object: serde_json::to_string(object).unwrap_or_default(),
        }
    }
}
