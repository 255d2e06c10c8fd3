//! The routes of conversations.

use super::conversation::{Conversation, ConversationDetail, ServiceStatus};
use super::message::MOST_MESSAGES;
use super::tables::list_unavailable;
use super::tenant::Tenant;
use super::{AppState, ConversationService};
use aide::axum::ApiRouter;
use aide::axum::routing::{get_with, post_with, put_with};
use axum::extract::State;
use command_api::http::{CommandHeaders, check_bytes, problem_of_agent, problem_of_command};
use command_api::problem::{CommandProblem, channel_off};
use commands::assignment::{AssignError, AssignOptions};
use commands::execute::{CommandError, Context, Outcome};
use commands::{Begin, FoundOrBegun};
use domain::Decide;
use domain::conversation::{
    Assign, Assignee, Expire, Rejection, RequestHandoff, Requester, Resolve, ReturnToProgram,
};
use event_schemas::conversation::AssignStrategy;
use event_schemas::message::{Priority, SenderType, Status};
use event_schemas::{ChannelId, ConversationId, StreamId, UserId};
use gate::{Created, Json, Path, Problem, Query};
use projections::queries::Limit;
use projections::queries::conversations::{AssigneeFilter, Conversations, list};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Map;
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

pub(super) fn routes() -> ApiRouter<Arc<ConversationService>> {
    const TAG: &str = "conversation service";
    ApiRouter::new()
        .api_route(
            "/api/v1/conversations",
            post_with(create, |op| {
                op.id("createServiceConversation").tag(TAG).summary("Begin a conversation with a customer")
            }),
        )
        .api_route(
            "/api/v1/conversations/active",
            get_with(active, |op| {
                op.id("listActiveServiceConversations")
                    .tag(TAG)
                    .summary("The conversations that the program answers, the newest message first")
            }),
        )
        .api_route(
            "/api/v1/conversations/find-or-create",
            post_with(find_or_create, |op| {
                op.id("findOrCreateServiceConversation")
                    .tag(TAG)
                    .summary("The customer's conversation that has not ended, or a new one")
            }),
        )
        .api_route(
            "/api/v1/conversations/{id}",
            get_with(one, |op| op.id("getServiceConversation").tag(TAG).summary("A conversation")),
        )
        .api_route(
            "/api/v1/conversations/{id}/handoff",
            post_with(handoff, |op| op.id("requestServiceHandoff").tag(TAG).summary("Request a human agent")),
        )
        .api_route(
            "/api/v1/conversations/{id}/assign",
            put_with(assign, |op| {
                op.id("assignServiceConversation").tag(TAG).summary("Assign a conversation to an agent")
            }),
        )
        .api_route(
            "/api/v1/conversations/{id}/status",
            put_with(set_status, |op| {
                op.id("setServiceConversationStatus").tag(TAG).summary("Set the status of a conversation")
            }),
        )
}

/// The requester of the program's changes. The contract has no owners: the last request counts.
const PROGRAM: Requester = Requester { user: None, may_take_over: true };

/// A customer on an outlet. Further members are ignored.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "NewServiceConversation")]
struct NewConversation {
    /// The channel on which the customer writes.
    outlet_id: ChannelId,
    customer_phone: String,
    #[serde(default)]
    customer_name: Option<String>,
}

impl NewConversation {
    /// The command that begins the conversation.
    async fn begin(&self, service: &ConversationService, tenant: &Tenant) -> Result<Begin, CommandProblem> {
        let commands = &service.commands;
        let channel = commands.channel(tenant.account, self.outlet_id).await?;
        let channel = channel
            .ok_or_else(|| Problem::unprocessable("outlet_id", "This account has no such channel."))?;
        if !channel.is_enabled {
            return Err(CommandProblem::from(channel_off()).field("outlet_id"));
        }
        check_bytes("customer_name", &self.customer_name)?;
        let identifier = commands.providers.normalize_identifier(channel.channel_type, &self.customer_phone);
        let contact_identifier =
            identifier.map_err(|bad| Problem::unprocessable("customer_phone", bad.to_string()))?;
        let name = self.customer_name.as_deref().map(str::trim).filter(|name| !name.is_empty());
        Ok(Begin {
            channel,
            contact_identifier,
            display_name: name.map(str::to_owned),
            subject: None,
            priority: Priority::Normal,
            labels: BTreeSet::new(),
            metadata: Map::new(),
            message: None,
            answered_by_program: true,
        })
    }
}

async fn create(
    State(service): AppState,
    tenant: Tenant,
    headers: CommandHeaders,
    Json(body): Json<NewConversation>,
) -> Result<Created<Conversation>, CommandProblem> {
    let context = headers.of(&tenant);
    if let Some(before) = service.begun_before(&tenant, &context).await? {
        return Ok(Created(before));
    }
    let begin = body.begin(&service, &tenant).await?;
    let FoundOrBegun { id, is_new } =
        service.commands.find_or_begin(&begin, &context).await.map_err(problem_of_command)?;
    let tables = service.current_tables(&tenant).await?;
    let conversation = service.conversation(&tables, tenant.account, id).await?;
    if is_new {
        return Ok(Created(conversation));
    }
    let open = CommandError::Rejected(Rejection::AlreadyOpen { status: Status::Open });
    Err(problem_of_command(open).field("customer_phone").with("conversation_id", id.to_string()).into())
}

async fn find_or_create(
    State(service): AppState,
    tenant: Tenant,
    headers: CommandHeaders,
    Json(body): Json<NewConversation>,
) -> Result<Json<Conversation>, CommandProblem> {
    let context = headers.of(&tenant);
    if let Some(before) = service.begun_before(&tenant, &context).await? {
        return Ok(Json(before));
    }
    let begin = body.begin(&service, &tenant).await?;
    let found = service.commands.find_or_begin(&begin, &context).await;
    let id = found.map_err(problem_of_command)?.id;
    let tables = service.current_tables(&tenant).await?;
    Ok(Json(service.conversation(&tables, tenant.account, id).await?))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "ServiceConversationParams")]
struct OneParams {
    /// Whether the answer has the messages.
    #[serde(default)]
    include_messages: bool,
}

async fn one(
    State(service): AppState,
    tenant: Tenant,
    Path(id): Path<ConversationId>,
    Query(params): Query<OneParams>,
) -> Result<Json<ConversationDetail>, Problem> {
    let tables = service.current_tables(&tenant).await?;
    let conversation = service.conversation(&tables, tenant.account, id).await?;
    let messages = match params.include_messages {
        true => Some(service.last_messages(&tables, tenant.account, id, MOST_MESSAGES).await?),
        false => None,
    };
    Ok(Json(ConversationDetail { conversation, messages }))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "ActiveServiceConversationsParams")]
struct ActiveParams {
    /// Only the conversations on this channel.
    #[serde(default)]
    outlet_id: Option<ChannelId>,
}

/// The most conversations of an answer, and the most that are looked at for it.
const MOST_ACTIVE: usize = 1_000;
const MOST_LOOKED_AT: usize = 5_000;

async fn active(
    State(service): AppState,
    tenant: Tenant,
    Query(params): Query<ActiveParams>,
) -> Result<Json<Vec<Conversation>>, Problem> {
    let tables = service.current_tables(&tenant).await?;
    let mut query = Conversations {
        statuses: vec![Status::Open, Status::Bot, Status::Pending],
        assignee: Some(AssigneeFilter::Unassigned),
        channel: params.outlet_id,
        limit: Limit::new(Limit::MOST).unwrap_or_default(),
        ..Conversations::of(tenant.account)
    };
    let (mut active, mut known, mut looked_at) = (Vec::new(), HashSet::new(), 0);
    loop {
        let page = list(tables.readers(), &query).await.map_err(list_unavailable)?;
        looked_at += page.rows.len();
        for listed in &page.rows {
            let conversation = Conversation::of(&listed.conversation);
            // A conversation that changes while the pages are read comes twice.
            if conversation.status == ServiceStatus::Active && known.insert(conversation.id) {
                active.push(conversation);
            }
        }
        query.after = page.next;
        if query.after.is_none() || active.len() >= MOST_ACTIVE || looked_at >= MOST_LOOKED_AT {
            active.truncate(MOST_ACTIVE);
            return Ok(Json(active));
        }
    }
}

/// A request for a human agent.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[schemars(rename = "NewServiceHandoff")]
struct NewHandoff {
    #[serde(default)]
    reason: Option<String>,
    /// The agent who is requested by name.
    #[serde(default)]
    agent_id: Option<UserId>,
}

/// The reason of a request that gives none.
const NO_REASON: &str = "Customer requested human agent";

async fn handoff(
    State(service): AppState,
    tenant: Tenant,
    headers: CommandHeaders,
    Path(id): Path<ConversationId>,
    Json(body): Json<NewHandoff>,
) -> Result<Json<Conversation>, CommandProblem> {
    let context = headers.of(&tenant);
    let outcome = service.request_handoff(&tenant, &context, id, &body).await?;
    Ok(Json(service.answer(&tenant, &outcome).await?))
}

/// The agent to whom the conversation is assigned.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "NewServiceAssignment")]
struct NewAssignment {
    agent_id: UserId,
}

async fn assign(
    State(service): AppState,
    tenant: Tenant,
    headers: CommandHeaders,
    Path(id): Path<ConversationId>,
    Json(body): Json<NewAssignment>,
) -> Result<Json<Conversation>, CommandProblem> {
    let context = headers.of(&tenant);
    Ok(Json(service.assign_to(&tenant, &context, id, body.agent_id).await?))
}

/// The new status.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "NewServiceConversationStatus")]
struct NewStatus {
    status: ServiceStatus,
}

async fn set_status(
    State(service): AppState,
    tenant: Tenant,
    headers: CommandHeaders,
    Path(id): Path<ConversationId>,
    Json(body): Json<NewStatus>,
) -> Result<Json<Conversation>, CommandProblem> {
    let context = headers.of(&tenant);
    let stream = StreamId::conversation(id);
    let conversations = &service.commands.conversations;
    let changed = match body.status {
        ServiceStatus::Active => {
            conversations.execute(&stream, &ReturnToProgram { by: PROGRAM }, &context).await
        }
        ServiceStatus::Resolved => conversations.execute(&stream, &Resolve { reason: None }, &context).await,
        ServiceStatus::Expired => conversations.execute(&stream, &Expire, &context).await,
        ServiceStatus::HandedOff => {
            let outcome = service.request_handoff(&tenant, &context, id, &NewHandoff::default()).await?;
            return Ok(Json(service.answer(&tenant, &outcome).await?));
        }
    };
    match changed {
        Ok(outcome) => Ok(Json(service.answer(&tenant, &outcome).await?)),
        Err(CommandError::Rejected(Rejection::Closed)) => {
            // The status that a closed conversation has can be set again.
            let tables = service.current_tables(&tenant).await?;
            let closed = service.conversation(&tables, tenant.account, id).await?;
            match closed.status == body.status {
                true => Ok(Json(closed)),
                false => Err(problem_of_command(CommandError::Rejected(Rejection::Closed)).into()),
            }
        }
        Err(error) => Err(problem_of_command(error).into()),
    }
}

impl ConversationService {
    /// The conversation that an earlier request with the same key began.
    async fn begun_before(
        &self,
        tenant: &Tenant,
        context: &Context,
    ) -> Result<Option<Conversation>, CommandProblem> {
        match self.commands.begun_before(context).await.map_err(problem_of_command)? {
            Some(before) => Ok(Some(self.answer(tenant, &before).await?)),
            None => Ok(None),
        }
    }

    /// The conversation as it is after a command, or later.
    async fn answer(
        &self,
        tenant: &Tenant,
        outcome: &Outcome<domain::conversation::Conversation>,
    ) -> Result<Conversation, CommandProblem> {
        let opened = outcome.state.state.opened();
        let id = opened.map_err(|rejection| problem_of_command(CommandError::Rejected(rejection)))?.id;
        let tables = self.tables_after(tenant, outcome.position).await?;
        Ok(self.conversation(&tables, tenant.account, id).await?)
    }

    /// An agent with the name in the account.
    async fn agent(&self, tenant: &Tenant, id: UserId) -> Result<Assignee, CommandProblem> {
        Ok(self.commands.assignee(tenant.account, id).await?)
    }

    /// Assigns a conversation to an agent, also when another agent has it.
    pub(super) async fn assign_to(
        &self,
        tenant: &Tenant,
        context: &Context,
        id: ConversationId,
        agent: UserId,
    ) -> Result<Conversation, CommandProblem> {
        let command = Assign {
            assignee: Some(self.agent(tenant, agent).await?),
            team_id: None,
            strategy: Some(AssignStrategy::Manual),
            route_by: None,
            by: PROGRAM,
            reason: None,
        };
        let outcome = self.assign(id, &command, context).await?;
        self.answer(tenant, &outcome).await
    }

    /// Executes a command that may assign the conversation.
    async fn assign<C>(
        &self,
        id: ConversationId,
        command: &C,
        context: &Context,
    ) -> Result<Outcome<domain::conversation::Conversation>, CommandProblem>
    where
        C: Decide<domain::conversation::Conversation, Rejection = Rejection>,
    {
        let assigned = self.commands.assign(id, command, context, AssignOptions::by(PROGRAM)).await;
        assigned.map_err(|error| match error {
            AssignError::Conversation(error) => problem_of_command(error).into(),
            AssignError::Agent(error) => CommandProblem::from(problem_of_agent(error)).field("agent_id"),
        })
    }

    async fn request_handoff(
        &self,
        tenant: &Tenant,
        context: &Context,
        id: ConversationId,
        body: &NewHandoff,
    ) -> Result<Outcome<domain::conversation::Conversation>, CommandProblem> {
        let commands = &self.commands;
        let kind = self.channel_type_of(tenant, id).await?;
        let reason = body.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty());
        let command = RequestHandoff {
            reason: reason.unwrap_or(NO_REASON).to_owned(),
            agent: match body.agent_id {
                Some(agent) => Some(self.agent(tenant, agent).await?),
                None => None,
            },
            by: PROGRAM,
            playbook: commands.playbook(tenant.account).await?,
            message_id: context.message_id(&commands.clock),
            reply_window: commands.providers.reply_window(kind, SenderType::Bot),
        };
        self.assign(id, &command, context).await
    }
}
