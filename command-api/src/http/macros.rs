//! Macros: every agent may define personal ones and run those that they see.

use super::AppState;
use super::actions::{
    check_actions, check_references, check_secret, fresh_or_none, keep_addresses, needs_secret,
};
use super::answer::Completed;
use super::catalogue::{ItemRoutes, Request, item_routes, not_found};
use super::command_headers::CommandHeaders;
use super::conflicts::explained;
use super::conversations::{View, answered_before, by, opened, problem_of_agent};
use super::merge_patch::Members;
use crate::problem::CommandProblem;
use aide::axum::ApiRouter;
use aide::axum::routing::post_with;
use axum::extract::State;
use commands::Commands;
use commands::assignment::{AssignError, AssignOptions};
use domain::conversation::{RunMacro, Sender};
use event_schemas::automation::{Action, Macro, MacroVisibility};
use event_schemas::catalogue::{Secret, Shape};
use event_schemas::message::SenderType;
use event_schemas::{ConversationId, MacroId};
use gate::{Agent, Caller, Path, Problem};
use std::sync::Arc;

impl ItemRoutes for Macro {
    type Author = Agent;
    const CREATE_NOTE: &'static str = "Every agent can define personal macros. Only supervisors define macros for everyone, \
                                       and macros with webhooks. When a `webhook_secret` was created for the macro it \
                                       is in this answer, and is never shown again.";
    const UPDATE_NOTE: &'static str = "`actions` are replaced as a whole.";

    fn check_members(members: &Members) -> Result<(), Problem> {
        members.check_word::<MacroVisibility>("visibility")?;
        check_actions(members)
    }

    /// Another agent's personal macro is not found.
    fn check_author(&self, caller: &Caller) -> Result<(), Problem> {
        if !is_visible(self, caller) {
            return Err(not_found::<Self>());
        }
        check_visibility(self, caller)
    }

    fn keep_hidden(&mut self, before: &Self) {
        keep_addresses(&mut self.actions, &before.actions);
    }

    fn complete(&mut self, fresh: &Secret) {
        if self.webhook_secret.is_none() && needs_secret(&self.actions) {
            self.webhook_secret = Some(fresh.clone());
        }
    }

    async fn check(&self, request: &Request<'_>) -> Result<(), CommandProblem> {
        if request.sets("webhook_secret") {
            check_secret(self.webhook_secret.as_ref())?;
        }
        if request.sets("visibility") {
            check_visibility(self, request.caller)?;
        }
        if !request.sets("actions") {
            return Ok(());
        }
        check_webhooks(&self.actions, request.caller)?;
        check_references(request.commands, request.caller.account, &self.actions).await
    }

    fn answer(&self, fresh: &Secret) -> Self {
        Self { webhook_secret: fresh_or_none(self.webhook_secret.as_ref(), fresh), ..self.public() }
    }

    fn routes() -> ApiRouter<Arc<Commands>> {
        item_routes::<Self>().api_route(
            "/v1/conversations/{id}/macros/{macro_id}",
            post_with(run, |op| {
                op.id("runMacro").tag("automation").summary("Run a macro in a conversation").description(
                    "All actions are executed in their order and in your name, or none is. When an action cannot be \
                     executed the problem names it (`field`, `action`).",
                )
            }),
        )
    }
}

fn is_visible(item: &Macro, caller: &Caller) -> bool {
    item.visibility == MacroVisibility::Everyone || item.created_by == caller.user
}

/// Only supervisors define macros for everyone.
fn check_visibility(item: &Macro, caller: &Caller) -> Result<(), Problem> {
    if item.visibility == MacroVisibility::Everyone && !caller.role.is_supervisor() {
        return Err(Problem::forbidden("Only a supervisor defines macros for everyone.").field("visibility"));
    }
    Ok(())
}

/// Only supervisors define webhooks.
fn check_webhooks(actions: &[Action], caller: &Caller) -> Result<(), Problem> {
    let webhook = actions.iter().position(|action| matches!(action, Action::Webhook { .. }));
    match webhook.filter(|_| !caller.role.is_supervisor()) {
        Some(index) => {
            Err(Problem::forbidden("Only a supervisor defines webhooks.").field(format!("actions[{index}]")))
        }
        None => Ok(()),
    }
}

/// The macro of this id, if it is visible to the caller.
async fn visible(commands: &Commands, caller: &Caller, id: MacroId) -> Result<Macro, CommandProblem> {
    let macros = commands.catalogue::<Macro>(caller.account).current().await?;
    let found = macros.state.get(id).filter(|item| is_visible(item, caller));
    found.cloned().ok_or_else(|| not_found::<Macro>().into())
}

async fn run(
    State(commands): AppState,
    Agent(caller): Agent,
    headers: CommandHeaders,
    Path((id, macro_id)): Path<(ConversationId, MacroId)>,
) -> Result<Completed<View>, CommandProblem> {
    let context = headers.of(&caller);
    if let Some(answer) = answered_before(&commands, id, &context).await? {
        return Ok(answer);
    }
    let conversation = opened(&commands, &caller, id).await?;
    let Macro { name, actions, .. } = visible(&commands, &caller, macro_id).await?;
    let sender = Sender {
        sender_type: if caller.is_program() { SenderType::System } else { SenderType::Agent },
        id: Some(caller.user),
        name: caller.name.clone(),
    };
    let by = by(&caller, &context);
    let list = commands.action_list(&actions, &context, &conversation, by, (sender, caller.user)).await?;
    let command = RunMacro { id: macro_id, name, list };
    match commands.assign(id, &command, &context, AssignOptions::by(by)).await {
        Ok(outcome) => View::after(&commands, &outcome).await.map(Completed),
        Err(AssignError::Conversation(error)) => Err(explained(&commands, id, error).await.into()),
        Err(AssignError::Agent(error)) => Err(not_assigned(&actions, problem_of_agent(error)).into()),
    }
}

/// The agent cannot take the conversation: at most one action of the list assigns it to an agent.
fn not_assigned(actions: &[Action], problem: Problem) -> Problem {
    match actions.iter().position(|action| matches!(action, Action::AssignAgent { .. })) {
        Some(index) => problem.field(format!("actions[{index}]")).with("action", "assign_agent"),
        None => problem,
    }
}
