//! The agents and their preferences.

use super::AppState;
use super::answer::{Answer, Completed, Created};
use super::command_headers::CommandHeaders;
use crate::problem::CommandProblem;
use aide::axum::ApiRouter;
use aide::axum::routing::{delete_with, patch_with, post_with};
use axum::extract::State;
use commands::Commands;
use commands::execute::{Context, Outcome};
use domain::Decide;
use domain::agent::{ChangePreferences, IfVersion, Person, Register, Rejection, Remove};
use event_schemas::agent::{AvailableHours, Leave, Preferences};
use event_schemas::message::ChannelType;
use event_schemas::{AccountId, StreamId, UserId, Version};
use gate::{Administrator, Agent, Caller, Change, Json, NotNull, Path, Problem, Supervisor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub(super) fn routes() -> ApiRouter<Arc<Commands>> {
    ApiRouter::new()
        .api_route(
            "/v1/agents",
            post_with(register, |op| {
                op.id("registerAgent")
                    .tag("agents")
                    .summary("Register a person as an agent of the account, or rename an agent")
            }),
        )
        .api_route(
            "/v1/agents/{user_id}",
            delete_with(remove, |op| {
                op.id("removeAgent").tag("agents").summary("Remove an agent from the account").description(
                    "No conversation is assigned to the agent any more, and their connections end: nothing is pushed \
                     to them. They keep the conversations that they have until others take these over. Their tokens \
                     are accepted until they end, so stop issuing them first. `POST /v1/agents` registers them again.",
                )
            }),
        )
        .api_route(
            "/v1/agent-preferences/me",
            patch_with(change_own, |op| {
                op.id("updateOwnPreferences").tag("agents").summary("Change your preferences")
            }),
        )
        .api_route(
            "/v1/agent-preferences/{user_id}",
            patch_with(change_anothers, |op| {
                op.id("updatePreferences").tag("agents").summary("Change an agent's preferences")
            }),
        )
}

/// A person who becomes an agent of the account.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewAgent {
    user_id: UserId,
    name: String,
    /// Without it a known address stays, and an empty text removes it.
    #[serde(default)]
    email: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AgentState")]
struct View {
    id: UserId,
    user_id: UserId,
    name: String,
    email: Option<String>,
}

async fn register(
    State(commands): AppState,
    Supervisor(caller): Supervisor,
    headers: CommandHeaders,
    Json(body): Json<NewAgent>,
) -> Result<Created<View>, CommandProblem> {
    let register = Register {
        account_id: caller.account,
        user_id: body.user_id,
        name: body.name.trim().to_owned(),
        email: body.email.map(|email| email.trim().to_owned()),
    };
    let outcome = execute(&commands, body.user_id, register, headers.of(&caller)).await?;
    let agent = outcome.state.state.in_account(caller.account);
    let view = View {
        id: body.user_id,
        user_id: body.user_id,
        name: agent.name().unwrap_or_default().to_owned(),
        email: agent.email().map(str::to_owned),
    };
    let location = format!("/v1/agents/{}", view.id);
    let version = version_in(caller.account, &outcome);
    Ok(Created(Answer::of(&commands, &outcome, view).await?.at(version), location))
}

/// Executes a command whose `If-Match` is the version of the agent in the account: the stream has events of other
/// accounts too.
async fn execute<C: Decide<Person, Rejection = Rejection>>(
    commands: &Commands,
    user_id: UserId,
    command: C,
    context: Context,
) -> Result<Outcome<Person>, CommandProblem> {
    let command = IfVersion { account_id: context.account, if_match: context.if_match, command };
    let context = Context { if_match: None, ..context };
    Ok(commands.agents.execute(&StreamId::agent(user_id), &command, &context).await?)
}

/// The version of the agent in the account.
pub(super) fn version_in(account: AccountId, outcome: &Outcome<Person>) -> Version {
    outcome.state.state.in_account(account).version().unwrap_or(Version::FIRST)
}

/// An agent who was removed.
#[derive(Debug, Serialize, JsonSchema)]
struct RemovedAgent {
    id: UserId,
    user_id: UserId,
}

async fn remove(
    State(commands): AppState,
    Supervisor(caller): Supervisor,
    headers: CommandHeaders,
    Path(user_id): Path<UserId>,
) -> Result<Completed<RemovedAgent>, CommandProblem> {
    let remove = Remove { account_id: caller.account, user_id };
    let outcome = execute(&commands, user_id, remove, headers.of(&caller)).await?;
    let version = version_in(caller.account, &outcome);
    let view = RemovedAgent { id: user_id, user_id };
    Ok(Completed(Answer::of(&commands, &outcome, view).await?.at(version)))
}

/// The changes. Absent fields stay as they are, and `null` removes a restriction.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PreferencesChange {
    /// Empty or `null` for every channel.
    #[serde(default)]
    available_channels: Change<Vec<ChannelType>>,
    /// Empty or `null` for every topic.
    #[serde(default)]
    available_topics: Change<Vec<String>>,
    /// `null` for all hours.
    #[serde(default)]
    available_hours: Change<AvailableHours>,
    /// All days off. The list replaces the present one.
    #[serde(default)]
    leave: Change<Vec<Leave>>,
    /// BCP 47 tags: `en`, `am`. Empty or `null` for every language.
    #[serde(default)]
    languages: Change<Vec<String>>,
    #[serde(default)]
    max_concurrent_conversations: NotNull<u32>,
    #[serde(default)]
    is_available: NotNull<bool>,
    #[serde(default)]
    auto_accept: NotNull<bool>,
    #[serde(default)]
    notification_preferences: NotNull<NotificationChange>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NotificationChange {
    #[serde(default)]
    sound: NotNull<bool>,
    #[serde(default)]
    desktop: NotNull<bool>,
    #[serde(default)]
    email_on_assignment: NotNull<bool>,
}

impl PreferencesChange {
    /// The change as a function of the present preferences.
    fn read(self) -> Result<impl Fn(&mut Preferences), Problem> {
        let channels = self.available_channels.into_option().map(Option::unwrap_or_default);
        let topics = self.available_topics.into_option().map(Option::unwrap_or_default);
        let hours = self.available_hours.into_option();
        let leave = self.leave.into_option().map(Option::unwrap_or_default);
        let languages = self.languages.into_option().map(Option::unwrap_or_default);
        let most = self.max_concurrent_conversations.value("max_concurrent_conversations")?;
        let is_available = self.is_available.value("is_available")?;
        let auto_accept = self.auto_accept.value("auto_accept")?;
        let notify = self.notification_preferences.value("notification_preferences")?.unwrap_or_default();
        let sound = notify.sound.value("notification_preferences.sound")?;
        let desktop = notify.desktop.value("notification_preferences.desktop")?;
        let email = notify.email_on_assignment.value("notification_preferences.email_on_assignment")?;
        Ok(move |preferences: &mut Preferences| {
            set(&mut preferences.available_channels, &channels);
            set(&mut preferences.available_topics, &topics);
            set(&mut preferences.available_hours, &hours);
            set(&mut preferences.leave, &leave);
            set(&mut preferences.languages, &languages);
            set(&mut preferences.max_concurrent_conversations, &most);
            set(&mut preferences.is_available, &is_available);
            set(&mut preferences.auto_accept, &auto_accept);
            let notify = &mut preferences.notification_preferences;
            set(&mut notify.sound, &sound);
            set(&mut notify.desktop, &desktop);
            set(&mut notify.email_on_assignment, &email);
        })
    }
}

fn set<T: Clone>(field: &mut T, change: &Option<T>) {
    if let Some(value) = change {
        field.clone_from(value);
    }
}

/// The preferences of an agent.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PreferencesState")]
struct PreferencesView {
    id: UserId,
    user_id: UserId,
    #[serde(flatten)]
    preferences: Preferences,
}

/// A user who has a token of the account and is not registered yet is registered first.
async fn change_own(
    State(commands): AppState,
    Agent(caller): Agent,
    headers: CommandHeaders,
    Json(change): Json<PreferencesChange>,
) -> Result<Completed<PreferencesView>, CommandProblem> {
    let context = headers.of(&caller);
    let stream = StreamId::agent(caller.user);
    let known = commands.agents.current(&stream).await?.state.in_account(caller.account).is_registered();
    if !known {
        commands.join(caller.user, caller.name.clone(), &context.for_part("join")).await?;
    }
    change_preferences(&commands, &caller, caller.user, &context, change).await
}

async fn change_anothers(
    State(commands): AppState,
    Administrator(caller): Administrator,
    headers: CommandHeaders,
    Path(user_id): Path<UserId>,
    Json(change): Json<PreferencesChange>,
) -> Result<Completed<PreferencesView>, CommandProblem> {
    change_preferences(&commands, &caller, user_id, &headers.of(&caller), change).await
}

async fn change_preferences(
    commands: &Commands,
    caller: &Caller,
    user_id: UserId,
    context: &Context,
    change: PreferencesChange,
) -> Result<Completed<PreferencesView>, CommandProblem> {
    let if_match = context.if_match;
    // `If-Match` is the version of the preferences, and the stream has other events too.
    let context = &Context { if_match: None, ..context.clone() };
    let command = ChangePreferences { account_id: caller.account, user_id, if_match, change: change.read()? };
    let outcome = commands.agents.execute(&StreamId::agent(user_id), &command, context).await?;
    let agent = outcome.state.state.in_account(caller.account);
    let view = PreferencesView { id: user_id, user_id, preferences: agent.preferences().clone() };
    let version = agent.preferences_version().unwrap_or(Version::FIRST);
    Ok(Completed(Answer::of(commands, &outcome, view).await?.at(version)))
}
