//! Lists of actions that an agent runs at once.

use super::AppState;
use super::actions::{NewActions, Signing, known};
use super::answer::{Completed, Created};
use super::catalogue::{Retired, change, define, fresh_id, retire};
use super::command_headers::CommandHeaders;
use super::conversations::{View, by, opened, refused};
use crate::problem::CommandProblem;
use aide::axum::ApiRouter;
use aide::axum::routing::{patch_with, post_with};
use axum::extract::State;
use commands::Commands;
use commands::assignment::{AssignError, AssignOptions};
use domain::conversation::{RunMacro, Sender};
use event_schemas::automation::{Action, Macro, MacroVisibility};
use event_schemas::catalogue::Secret;
use event_schemas::message::SenderType;
use event_schemas::{ConversationId, MacroId};
use gate::{Agent, Caller, Change, Json, Path, Problem, Role};
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;

pub(super) fn routes() -> ApiRouter<Arc<Commands>> {
    ApiRouter::new()
        .api_route(
            "/v1/macros",
            post_with(create, |op| {
                op.id("createMacro").tag("automation").summary("Define a macro").description(
                    "Every agent may have personal ones; everyone's macros, and webhooks, are a supervisor's \
                     right. `webhook_secret` is in the answer where it was made for the macro, and is never shown \
                     again.",
                )
            }),
        )
        .api_route(
            "/v1/macros/{id}",
            patch_with(update, |op| {
                op.id("updateMacro")
                    .tag("automation")
                    .summary("Change a macro")
                    .description("`actions` are replaced whole.")
            })
            .delete_with(remove, |op| op.id("deleteMacro").tag("automation").summary("Retire a macro")),
        )
        .api_route(
            "/v1/conversations/{id}/macros/{macro_id}",
            post_with(run, |op| {
                op.id("runMacro").tag("automation").summary("Run a macro in a conversation").description(
                    "All of its actions are done, one after the other and under your name, or none: a refusal \
                     names the action (`field`, `action`) that cannot be done.",
                )
            }),
        )
}

/// A macro to be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewMacro {
    /// Unique among everyone's, or among your own.
    name: String,
    #[serde(default)]
    description: Option<String>,
    /// Who sees it and may run it.
    #[schemars(with = "MacroVisibility")]
    visibility: String,
    /// Completed one after the other; all of them, or none.
    actions: NewActions,
    /// What its webhooks are signed with: `whsec_` and Base64. Created where there is none.
    #[serde(default)]
    webhook_secret: Option<Secret>,
}

fn visibility(word: &str) -> Result<MacroVisibility, CommandProblem> {
    word.parse().map_err(|unknown| Problem::unprocessable("visibility", format!("{unknown}.")).into())
}

/// Everyone's macros and webhooks are for supervisors to define.
fn may_define(
    caller: &Caller,
    visibility: Option<MacroVisibility>,
    actions: &[Action],
) -> Result<(), CommandProblem> {
    if caller.role.is_supervisor() {
        return Ok(());
    }
    if visibility == Some(MacroVisibility::Everyone) {
        return Err(Problem::forbidden("Only a supervisor defines macros for everyone.")
            .field("visibility")
            .into());
    }
    match actions.iter().position(|action| matches!(action, Action::Webhook { .. })) {
        Some(index) => Err(Problem::forbidden("Only a supervisor has other programs told.")
            .field(format!("actions[{index}]"))
            .into()),
        None => Ok(()),
    }
}

/// The macro, if the caller may know of it.
async fn visible(commands: &Commands, caller: &Caller, id: MacroId) -> Result<Macro, CommandProblem> {
    let macros = commands.catalogue::<Macro>(caller.account).current().await?;
    macros
        .state
        .get(id)
        .filter(|list| list.visibility == MacroVisibility::Everyone || list.created_by == caller.user)
        .cloned()
        .ok_or_else(|| Problem::not_found("macro").into())
}

async fn create(
    State(commands): AppState,
    Agent(caller): Agent,
    asking: CommandHeaders,
    Json(new): Json<NewMacro>,
) -> Result<Created<Macro>, CommandProblem> {
    let context = asking.of(&caller);
    let signing = Signing::of(&commands, new.webhook_secret.as_ref())?;
    let actions = new.actions.read()?;
    let list = Macro {
        id: MacroId(fresh_id(&commands, &context)),
        name: new.name.trim().to_owned(),
        description: new.description,
        visibility: visibility(&new.visibility)?,
        created_by: caller.user,
        webhook_secret: signing.settle(None, &actions),
        actions,
    };
    may_define(&caller, Some(list.visibility), &list.actions)?;
    known(&commands, caller.account, &list.actions).await?;
    let made = define(&commands, list, &context).await?;
    Ok(made.map(|list| shown(list, &signing)))
}

fn shown(list: Macro, signing: &Signing) -> Macro {
    Macro { webhook_secret: signing.show(list.webhook_secret), ..list }
}

/// What changes; what is left out stays as it is, and `null` takes away.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct MacroChange {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    description: Change<String>,
    #[serde(default)]
    #[schemars(with = "Option<MacroVisibility>")]
    visibility: Option<String>,
    /// All of them, as they are to be.
    #[serde(default)]
    actions: Option<NewActions>,
    #[serde(default)]
    webhook_secret: Option<Secret>,
}

impl MacroChange {
    fn apply(
        &self,
        visibility: Option<MacroVisibility>,
        actions: Option<&Vec<Action>>,
        signing: &Signing,
        list: &mut Macro,
    ) {
        if let Some(name) = &self.name {
            list.name = name.trim().to_owned();
        }
        self.description.clone().apply(&mut list.description);
        list.visibility = visibility.unwrap_or(list.visibility);
        if let Some(actions) = actions {
            list.actions.clone_from(actions);
        }
        list.webhook_secret = signing.settle(list.webhook_secret.take(), &list.actions);
    }
}

async fn update(
    State(commands): AppState,
    Agent(caller): Agent,
    asking: CommandHeaders,
    Path(id): Path<MacroId>,
    Json(changes): Json<MacroChange>,
) -> Result<Completed<Macro>, CommandProblem> {
    let before = visible(&commands, &caller, id).await?;
    may_define(&caller, Some(before.visibility), &[])?;
    let signing = Signing::of(&commands, changes.webhook_secret.as_ref())?;
    let visibility = changes.visibility.as_deref().map(visibility).transpose()?;
    let actions = changes.actions.as_ref().map(NewActions::read).transpose()?;
    may_define(&caller, visibility, actions.as_deref().unwrap_or_default())?;
    if let Some(actions) = &actions {
        known(&commands, caller.account, actions).await?;
    }
    let apply = |list: &mut Macro| changes.apply(visibility, actions.as_ref(), &signing, list);
    let done = change(&commands, id, &asking.of(&caller), apply).await?;
    Ok(done.map(|list| shown(list, &signing)))
}

async fn remove(
    State(commands): AppState,
    Agent(caller): Agent,
    asking: CommandHeaders,
    Path(id): Path<MacroId>,
) -> Result<Completed<Retired<MacroId>>, CommandProblem> {
    let before = visible(&commands, &caller, id).await?;
    may_define(&caller, Some(before.visibility), &[])?;
    retire::<Macro>(&commands, id, &asking.of(&caller)).await
}

async fn run(
    State(commands): AppState,
    Agent(caller): Agent,
    asking: CommandHeaders,
    Path((id, macro_id)): Path<(ConversationId, MacroId)>,
) -> Result<Completed<View>, CommandProblem> {
    let context = asking.of(&caller);
    let conversation = opened(&commands, &caller, id).await?;
    let Macro { name, actions, .. } = visible(&commands, &caller, macro_id).await?;
    let sender = Sender {
        sender_type: match caller.role {
            Role::Agent | Role::Supervisor | Role::Administrator => SenderType::Agent,
            Role::Service => SenderType::System,
        },
        id: Some(caller.user),
        name: caller.name.clone(),
    };
    let by = by(&caller, &context);
    let list =
        commands.list(&actions, &context, conversation.channel_type, by, (sender, caller.user)).await?;
    let command = RunMacro { id: macro_id, name, list };
    match commands.assign(id, &command, &context, AssignOptions::by(caller.user)).await {
        Ok(outcome) => View::after(&commands, &outcome).await.map(Completed),
        Err(AssignError::Conversation(error)) => Err(refused(error).into()),
        Err(AssignError::Agent(error)) => {
            Err(not_assigned(&actions, CommandProblem::from(error).into()).into())
        }
    }
}

/// The agent cannot take it: of the list one action gives it to one.
fn not_assigned(actions: &[Action], problem: Problem) -> Problem {
    match actions.iter().position(|action| matches!(action, Action::AssignAgent { .. })) {
        Some(index) => problem.field(format!("actions[{index}]")).with("action", "assign_agent"),
        None => problem,
    }
}
