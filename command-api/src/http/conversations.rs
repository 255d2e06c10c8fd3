//! Beginning, changing and ending conversations.

use super::AppState;
use super::answer::{Answer, Completed, Created};
use super::command_headers::CommandHeaders;
use super::conflicts::explained;
use super::contact_identifiers::{address, stored};
use super::messages::{Addressee, NewMessage};
use super::references::no_such_agent;
use super::sizes::check_bytes;
use crate::problem::{CommandProblem, channel_off};
use aide::axum::ApiRouter;
use aide::axum::routing::{patch_with, post_with};
use axum::extract::State;
use commands::Begin;
use commands::Commands;
use commands::assignment::{AssignError, AssignOptions};
use commands::execute::{CommandError, Context, Outcome};
use domain::Decide;
use domain::conversation::{Assignee, Close, Conversation, Opened, Rejection, Requester, Update};
use event_schemas::catalogue::Channel;
use event_schemas::conversation::SlaApplied;
use event_schemas::message::{ChannelType, Priority, Status};
use event_schemas::{
    AccountId, ChannelId, ContactId, ContactIdentifierId, ConversationId, SlaPolicyId, StreamId, TeamId,
    Timestamp, UserId,
};
use gate::problem::StatusCode;
use gate::{Agent, Caller, Change, Json, NotNull, Path, Problem};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::sync::Arc;

pub(super) fn routes() -> ApiRouter<Arc<Commands>> {
    ApiRouter::new()
        .api_route(
            "/v1/conversations",
            post_with(begin, |op| {
                op.id("beginConversation").tag("conversations").summary("Begin a conversation with a contact")
            }),
        )
        .api_route(
            "/v1/conversations/{id}",
            patch_with(update, |op| {
                op.id("updateConversation").tag("conversations").summary("Change a conversation")
            })
            .delete_with(close, |op| {
                op.id("closeConversation").tag("conversations").summary("Close a conversation for ever")
            }),
        )
}

/// The state of a conversation after a command.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ConversationState")]
pub(super) struct View {
    id: ConversationId,
    channel_id: ChannelId,
    channel_type: ChannelType,
    contact_id: ContactId,
    contact_identifier: String,
    display_name: Option<String>,
    status: Status,
    assignee_id: Option<UserId>,
    assignee_name: Option<String>,
    team_id: Option<TeamId>,
    snoozed_until: Option<Timestamp>,
    priority: Priority,
    subject: Option<String>,
    labels: BTreeSet<String>,
    sla_policy_id: Option<SlaPolicyId>,
    /// Whether a human agent was requested since the conversation was last with the bot.
    handoff_requested: bool,
    /// The agent who was requested by name.
    handoff_agent_id: Option<UserId>,
    handoff_reason: Option<String>,
}

impl From<&Opened> for View {
    fn from(opened: &Opened) -> Self {
        let lifecycle = &opened.lifecycle;
        let handoff = opened.bot.requested().filter(|_| opened.bot.is_with_agents());
        Self {
            id: opened.id,
            channel_id: opened.channel_id,
            channel_type: opened.channel_type,
            contact_id: opened.contact_id,
            contact_identifier: opened.contact_identifier.clone(),
            display_name: opened.display_name.clone(),
            status: lifecycle.status,
            assignee_id: lifecycle.assignee_id,
            assignee_name: lifecycle.assignee_name.clone(),
            team_id: lifecycle.team_id,
            snoozed_until: lifecycle.snoozed_until,
            priority: opened.priority,
            subject: opened.subject.clone(),
            labels: opened.labels.clone(),
            sla_policy_id: opened.sla_policy,
            handoff_requested: handoff.is_some(),
            handoff_agent_id: handoff.and_then(|handoff| handoff.agent_id),
            handoff_reason: handoff.map(|handoff| handoff.reason.clone()),
        }
    }
}

impl View {
    /// The answer with the state of the conversation after a command.
    pub(super) async fn after(
        commands: &Commands,
        outcome: &Outcome<Conversation>,
    ) -> Result<Answer<Self>, CommandProblem> {
        let view = outcome.state.state.opened().map(Self::from);
        let view = view.map_err(|rejection| problem_of_command(CommandError::Rejected(rejection)))?;
        Answer::of(commands, outcome, view).await
    }
}

/// The requester of an assignment, and whether they may take the conversation from another agent.
pub(super) fn by(caller: &Caller, context: &Context) -> Requester {
    Requester {
        user: (!caller.is_program()).then_some(caller.user),
        may_take_over: caller.role.is_supervisor() || context.if_match.is_some(),
    }
}

/// The answer to the first request with this key, which counts although what the request refers to may have
/// changed since.
pub(super) async fn answered_before(
    commands: &Commands,
    id: ConversationId,
    context: &Context,
) -> Result<Option<Completed<View>>, CommandProblem> {
    let stream = StreamId::conversation(id);
    let before = commands.conversations.answered_before(&stream, context).await;
    match before.map_err(problem_of_command)? {
        Some(outcome) => Ok(Some(Completed(View::after(commands, &outcome).await?))),
        None => Ok(None),
    }
}

/// Executes a command on a conversation, and answers with its state.
pub(super) async fn execute<C>(
    commands: &Commands,
    id: ConversationId,
    command: &C,
    context: &Context,
) -> Result<Completed<View>, CommandProblem>
where
    C: Decide<Conversation, Rejection = Rejection>,
{
    let stream = StreamId::conversation(id);
    match commands.conversations.execute(&stream, command, context).await {
        Ok(outcome) => Ok(Completed(View::after(commands, &outcome).await?)),
        Err(error) => Err(explained(commands, id, error).await.into()),
    }
}

/// Executes a command that may assign the conversation.
pub(super) async fn assign_by<C>(
    commands: &Commands,
    id: ConversationId,
    command: &C,
    context: &Context,
    options: AssignOptions,
) -> Result<Completed<View>, CommandProblem>
where
    C: Decide<Conversation, Rejection = Rejection>,
{
    match commands.assign(id, command, context, options).await {
        Ok(outcome) => Ok(Completed(View::after(commands, &outcome).await?)),
        Err(AssignError::Conversation(error)) => Err(explained(commands, id, error).await.into()),
        Err(AssignError::Agent(error)) => Err(problem_of_agent(error).into()),
    }
}

/// The problem of an assignment that the agent cannot get.
pub fn problem_of_agent(error: CommandError<domain::agent::Rejection>) -> Problem {
    match error {
        CommandError::Rejected(domain::agent::Rejection::NotRegistered) => no_such_agent("assignee_id"),
        other => CommandProblem::from(other).into(),
    }
}

/// The problem of a command to a conversation.
pub fn problem_of_command(error: CommandError<Rejection>) -> Problem {
    match error {
        CommandError::NotFound => Problem::not_found("conversation"),
        other => CommandProblem::from(other).into(),
    }
}

/// The account's conversation of this id. It can lag behind another process.
pub(super) async fn opened(
    commands: &Commands,
    caller: &Caller,
    id: ConversationId,
) -> Result<Arc<Opened>, CommandProblem> {
    let fold = commands.conversations.cached(&StreamId::conversation(id)).await?;
    match &fold.state {
        Conversation::Opened(opened) if opened.account_id == caller.account => Ok(opened.clone()),
        Conversation::Opened(_) | Conversation::NotOpened => Err(Problem::not_found("conversation").into()),
    }
}

/// A new conversation. The contact is given by an identifier, or by the id of a known identifier.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewConversation")]
struct NewConversation {
    channel_id: ChannelId,
    /// The phone number or address of the contact on the channel.
    #[serde(default)]
    contact_identifier: Option<String>,
    #[serde(default)]
    contact_identifier_id: Option<ContactIdentifierId>,
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default)]
    subject: Option<String>,
    #[serde(default)]
    priority: Priority,
    #[serde(default)]
    labels: BTreeSet<String>,
    #[serde(default)]
    metadata: Map<String, Value>,
    #[serde(default)]
    message: Option<NewMessage>,
}

impl NewConversation {
    fn subject(&self) -> Option<String> {
        self.subject.as_deref().map(str::trim).filter(|subject| !subject.is_empty()).map(str::to_owned)
    }

    async fn identifier(
        &self,
        commands: &Commands,
        caller: &Caller,
        channel: &Channel,
    ) -> Result<String, CommandProblem> {
        let kind = channel.channel_type;
        match (&self.contact_identifier, self.contact_identifier_id) {
            (Some(identifier), None) => {
                stored(commands, caller.account, kind, identifier, "contact_identifier").await
            }
            (None, Some(id)) => {
                let known = address(commands, caller.account, id).await;
                let known = known.map_err(|problem| problem_of("contact_identifier_id", problem.into()))?;
                if known.channel_type == kind {
                    return Ok(known.identifier);
                }
                let detail =
                    format!("The identifier is of {}, and the channel of {kind}.", known.channel_type);
                Err(Problem::unprocessable("contact_identifier_id", detail).into())
            }
            (None, None) | (Some(_), Some(_)) => Err(Problem::unprocessable(
                "contact_identifier",
                "Send either `contact_identifier` or `contact_identifier_id`.",
            )
            .into()),
        }
    }
}

/// An unknown id in the body is a problem of its field, and is not answered by 404.
fn problem_of(field: &str, problem: Problem) -> Problem {
    if problem.status() == StatusCode::NOT_FOUND {
        Problem::unprocessable(field, problem.detail())
    } else {
        problem
    }
}

async fn begin(
    State(commands): AppState,
    Agent(caller): Agent,
    headers: CommandHeaders,
    Json(body): Json<NewConversation>,
) -> Result<Created<View>, CommandProblem> {
    let context = headers.of(&caller);
    if let Some(outcome) = commands.begun_before(&context).await.map_err(problem_of_command)? {
        return Ok(created(View::after(&commands, &outcome).await?));
    }
    let channel = commands.channel(caller.account, body.channel_id).await?;
    let channel =
        channel.ok_or_else(|| Problem::unprocessable("channel_id", "This account has no such channel."))?;
    if !channel.is_enabled {
        return Err(channel_off().into());
    }
    if !commands.providers.capabilities(channel.channel_type).may_begin() {
        let detail = format!("On {} only the customer can begin a conversation.", channel.channel_type);
        return Err(Problem::unprocessable("channel_id", detail).into());
    }
    let contact_identifier = body.identifier(&commands, &caller, &channel).await?;
    check_bytes("metadata", &body.metadata)?;
    check_bytes("display_name", &body.display_name)?;
    let message = match &body.message {
        Some(message) => {
            let to = Addressee {
                channel_type: channel.channel_type,
                is_enabled: channel.is_enabled,
                identifier: &contact_identifier,
                name: body.display_name.as_deref(),
                facts: None,
            };
            message.check_is_first()?;
            Some(message.message(&commands, &caller, &context, to).await?)
        }
        None => None,
    };
    let begin = Begin {
        contact_identifier,
        display_name: body.display_name.clone(),
        subject: body.subject(),
        priority: body.priority,
        labels: trimmed(&body.labels),
        metadata: body.metadata.clone(),
        message,
        channel,
        answered_by_program: false,
    };
    match commands.begin(&begin, &context).await {
        Ok((_, outcome)) => Ok(created(View::after(&commands, &outcome).await?)),
        Err(error) => Err(begin_problem(&commands, caller.account, &begin, error).await.into()),
    }
}

fn created(answer: Answer<View>) -> Created<View> {
    let location = format!("/v1/conversations/{}", answer.item().id);
    Created(answer, location)
}

/// The problem of a conversation that could not begin. When the contact already has an open conversation on
/// the channel the problem contains its id.
async fn begin_problem(
    commands: &Commands,
    account: AccountId,
    begin: &Begin,
    error: CommandError<Rejection>,
) -> Problem {
    let is_open = matches!(error, CommandError::Rejected(Rejection::AlreadyOpen { .. }));
    let problem = problem_of_command(error);
    if !is_open {
        return problem;
    }
    match commands.current_conversation(account, &begin.channel, &begin.contact_identifier).await {
        Ok(open) => problem.field("contact_identifier").with("conversation_id", open.to_string()),
        Err(error) => CommandProblem::from(error).into(),
    }
}

fn trimmed(labels: &BTreeSet<String>) -> BTreeSet<String> {
    labels.iter().map(|label| label.trim().to_owned()).collect()
}

/// The changes. Absent fields stay as they are, and `null` removes a value.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct UpdateConversation {
    #[serde(default)]
    status: NotNull<Status>,
    /// When the conversation returns from `pending`. It can be sent without `status`. `null` removes the time, and
    /// the conversation stays pending.
    #[serde(default)]
    snoozed_until: Change<Timestamp>,
    #[serde(default)]
    assignee_id: Change<UserId>,
    #[serde(default)]
    team_id: Change<TeamId>,
    #[serde(default)]
    priority: NotNull<Priority>,
    /// All labels. The list replaces the present one, and `null` removes all.
    #[serde(default)]
    labels: Change<BTreeSet<String>>,
    #[serde(default)]
    subject: Change<String>,
    /// Added to the facts that the bot has collected. A fact that is `null` is removed; `null` instead of the object
    /// removes all facts.
    #[serde(default)]
    bot_context: Change<Map<String, Value>>,
    /// `null` ends the SLA policy: nothing is promised any more.
    #[serde(default)]
    sla_policy_id: Change<SlaPolicyId>,
    /// The reason, for the history.
    #[serde(default)]
    reason: Option<String>,
}

async fn update(
    State(commands): AppState,
    Agent(caller): Agent,
    headers: CommandHeaders,
    Path(id): Path<ConversationId>,
    Json(change): Json<UpdateConversation>,
) -> Result<Completed<View>, CommandProblem> {
    let context = headers.of(&caller);
    if let Some(answer) = answered_before(&commands, id, &context).await? {
        return Ok(answer);
    }
    let command = Update {
        by: by(&caller, &context),
        assignee: match change.assignee_id.into_option() {
            Some(Some(to)) => Some(Some(assignee_named(&commands, &caller, to).await?)),
            Some(None) => Some(None),
            None => None,
        },
        team_id: match change.team_id.into_option() {
            Some(Some(team)) => Some(Some(known_team(&commands, &caller, team).await?)),
            no_team_or_no_change => no_team_or_no_change,
        },
        status: change.status.value("status")?,
        snoozed_until: change.snoozed_until.into_option(),
        priority: change.priority.value("priority")?,
        labels: change.labels.into_option().map(|labels| trimmed(&labels.unwrap_or_default())),
        subject: change
            .subject
            .into_option()
            .map(|subject| subject.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())),
        bot_context: change.bot_context.into_option(),
        sla: match change.sla_policy_id {
            Change::Set(policy) => Some(Some(sla_of_policy(&commands, &caller, policy).await?)),
            Change::Clear => Some(None),
            Change::Keep => None,
        },
        reason: change.reason,
    };
    assign_by(&commands, id, &command, &context, AssignOptions::by(command.by)).await
}

async fn sla_of_policy(
    commands: &Commands,
    caller: &Caller,
    policy: SlaPolicyId,
) -> Result<SlaApplied, CommandProblem> {
    let found = commands.sla_of_policy(caller.account, policy).await?;
    found
        .ok_or_else(|| Problem::unprocessable("sla_policy_id", "This account has no such SLA policy.").into())
}

/// An agent with the registered name, or with the name in the token when it is the caller.
pub(super) async fn assignee_named(
    commands: &Commands,
    caller: &Caller,
    id: UserId,
) -> Result<Assignee, CommandProblem> {
    let mut assignee = commands.assignee(caller.account, id).await?;
    if assignee.name.is_none() && id == caller.user {
        assignee.name.clone_from(&caller.name);
    }
    Ok(assignee)
}

pub(super) async fn known_team(
    commands: &Commands,
    caller: &Caller,
    team: TeamId,
) -> Result<TeamId, CommandProblem> {
    if commands.knows_team(caller.account, team).await? {
        Ok(team)
    } else {
        Err(Problem::unprocessable("team_id", "This account has no such team.").into())
    }
}

async fn close(
    State(commands): AppState,
    Agent(caller): Agent,
    headers: CommandHeaders,
    Path(id): Path<ConversationId>,
) -> Result<Completed<View>, CommandProblem> {
    execute(&commands, id, &Close { reason: None }, &headers.of(&caller)).await
}
