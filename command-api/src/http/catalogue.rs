//! The routes of every kind of catalogue item: `POST` defines one, `PATCH` changes it by a merge patch
//! (RFC 7396), `DELETE` retires it. The special rules of a kind are in its own file.

use super::AppState;
use super::answer::{Answer, Completed, Created};
use super::command_headers::CommandHeaders;
use super::merge_patch::{Members, PatchBody, SpecBody, merged};
use super::referrers::{check_references, check_unused};
use crate::problem::CommandProblem;
use aide::OperationInput;
use aide::axum::ApiRouter;
use aide::axum::routing::{patch_with, post_with};
use aide::transform::TransformOperation;
use axum::extract::{FromRequestParts, State};
use commands::execute::{CommandError, Context, Outcome};
use commands::{Catalogued, Commands};
use domain::Decide;
use domain::catalogue::{Amend, Catalogue, Define, IfUnchanged, Rejection, Retire};
use event_schemas::AccountId;
use event_schemas::catalogue::*;
use gate::{Caller, Json, Path, Problem, Supervisor};
use providers::outgoing_webhook::secret_of;
use schemars::JsonSchema;
use serde::Serialize;
use std::future::{Future, ready};
use std::ops::Deref;
use std::sync::Arc;

/// The special parts of a kind's routes.
pub(super) trait ItemRoutes: Catalogued {
    /// The role that may define, change and retire items.
    type Author: Author;
    /// The descriptions of defining and of changing an item.
    const CREATE_NOTE: &'static str = "";
    const UPDATE_NOTE: &'static str = "";
    /// The description of retiring an item.
    const DELETE_NOTE: &'static str = "An item that others refer to is not retired: 409 `in-use` names them.";
    /// Members of the spec that a patch cannot change.
    const FIXED: &'static [&'static str] = &[];
    /// Members that a patch replaces as a whole. Other objects are merged.
    const REPLACED_WHOLE: &'static [&'static str] = &[];
    /// Members for which `null` is a value, and does not mean the default.
    const NULL_IS_A_VALUE: &'static [&'static str] = &[];
    /// Texts that are stored without white space around them.
    const TRIMMED: &'static [&'static str] = &["name"];

    /// Reports errors more exactly than the deserialisation of the spec does.
    fn check_members(_members: &Members) -> Result<(), Problem> {
        Ok(())
    }
    /// Whether the caller may change and retire this item.
    fn check_author(&self, _caller: &Caller) -> Result<(), Problem> {
        Ok(())
    }
    /// Adds missing values. `fresh` is a new key.
    fn complete(&mut self, _fresh: &Secret) {}
    /// Puts back what readers without the right to see it get hidden, and send back so.
    fn keep_hidden(&mut self, _before: &Self) {}
    /// Checks that the items that the request refers to exist, and that the caller may use them.
    fn check(&self, _request: &Request<'_>) -> impl Future<Output = Result<(), CommandProblem>> + Send {
        ready(Ok(()))
    }
    /// The item in the answer to the request for which `fresh` was created.
    fn answer(&self, _fresh: &Secret) -> Self::Public {
        self.public()
    }
    fn routes() -> ApiRouter<Arc<Commands>> {
        item_routes::<Self>()
    }
}

/// A request about an item.
pub(super) struct Request<'r> {
    pub(super) commands: &'r Commands,
    pub(super) caller: &'r Caller,
    members: &'r Members,
}

impl Request<'_> {
    /// Whether the request has this member.
    pub(super) fn sets(&self, member: &str) -> bool {
        self.members.contains(member)
    }
}

/// A caller whose role has been checked.
pub(super) trait Author:
    FromRequestParts<Arc<Commands>, Rejection = Problem>
    + OperationInput
    + Deref<Target = Caller>
    + Send
    + 'static
{
}

impl<A> Author for A where
    A: FromRequestParts<Arc<Commands>, Rejection = Problem>
        + OperationInput
        + Deref<Target = Caller>
        + Send
        + 'static
{
}

/// The kinds that supervisors define and that refer to nothing need no file of their own.
macro_rules! simple_kind {
    (AccountSettings) => {};
    (Channel) => {};
    (CannedResponse) => {};
    (SlaPolicy) => {};
    (BotRule) => {};
    (HandoffRule) => {};
    (BotSettings) => {};
    (Queue) => {};
    (Macro) => {};
    (AutomationRule) => {};
    (SavedView) => {};
    ($Item:ident) => {
        impl ItemRoutes for $Item {
            type Author = Supervisor;
        }
    };
}

macro_rules! all_kinds {
    ($($Item:ident)+) => {
        $(simple_kind!($Item);)+

        /// The routes of every kind that is declared.
        pub(super) fn routes() -> ApiRouter<Arc<Commands>> {
            ApiRouter::new()$(.merge(<$Item as ItemRoutes>::routes()))+
        }
    };
}
event_schemas::catalogue_items!(all_kinds);

pub(super) fn not_found<T: Item>() -> Problem {
    Problem::not_found(T::noun())
}

pub(super) fn item_routes<T: ItemRoutes>() -> ApiRouter<Arc<Commands>> {
    ApiRouter::new()
        .api_route(
            &T::path(),
            post_with(create::<T>, |op| with_description::<T>(op, "create", "Define", T::CREATE_NOTE)),
        )
        .api_route(
            &format!("{}/{{id}}", T::path()),
            patch_with(update::<T>, |op| with_description::<T>(op, "update", "Change", T::UPDATE_NOTE))
                .delete_with(remove::<T>, |op| with_description::<T>(op, "delete", "Retire", T::DELETE_NOTE)),
        )
}

fn with_description<'o, T: Item>(
    op: TransformOperation<'o>,
    operation: &str,
    verb: &str,
    note: &str,
) -> TransformOperation<'o> {
    let op =
        op.id(&format!("{operation}{}", T::singular())).tag(T::TAG).summary(&format!("{verb} {}", T::ONE));
    if note.is_empty() { op } else { op.description(note) }
}

async fn create<T: ItemRoutes>(
    State(commands): AppState,
    caller: T::Author,
    headers: CommandHeaders,
    Json(body): Json<SpecBody<T>>,
) -> Result<Created<T::Public>, CommandProblem> {
    let context = headers.of(&caller);
    let fresh = fresh_secret(&commands);
    // A request that is repeated with its idempotency key gets the same id.
    let id = T::Id::from(context.message_id(&commands.clock).0);
    let location = format!("{}/{id}", T::path());
    if let Some(outcome) = answered_before::<T>(&commands, &context).await? {
        return Ok(Created(answer(&commands, context.account, &outcome, id, &fresh).await?, location));
    }
    let mut item = T::of(id, caller.user, merged::<T>(Members::default(), &body.members)?);
    item.complete(&fresh);
    let request = Request { commands: &commands, caller: &caller, members: &body.members };
    check_references(&item, &request).await?;
    item.check(&request).await?;
    // `If-Match` would compare with an item that does not exist yet.
    let context = Context { if_match: None, ..context };
    let outcome = execute(&commands, &Define(item), &context).await?;
    Ok(Created(answer(&commands, context.account, &outcome, id, &fresh).await?, location))
}

async fn update<T: ItemRoutes>(
    State(commands): AppState,
    caller: T::Author,
    headers: CommandHeaders,
    Path(id): Path<T::Id>,
    Json(patch): Json<PatchBody<T>>,
) -> Result<Completed<T::Public>, CommandProblem> {
    let context = headers.of(&caller);
    patch_item(&commands, &caller, &context, (id, None), &patch).await
}

/// Changes an item, or the `default` when none is defined.
pub(super) async fn patch_item<T: ItemRoutes>(
    commands: &Commands,
    caller: &Caller,
    context: &Context,
    (id, default): (T::Id, Option<T>),
    patch: &PatchBody<T>,
) -> Result<Completed<T::Public>, CommandProblem> {
    patch.check()?;
    let fresh = fresh_secret(commands);
    if let Some(outcome) = answered_before::<T>(commands, context).await? {
        return Ok(Completed(answer(commands, context.account, &outcome, id, &fresh).await?));
    }
    let catalogue = commands.catalogue::<T>(context.account).current().await?;
    let before = catalogue.state.get(id).or(default.as_ref()).ok_or_else(not_found::<T>)?;
    before.check_author(caller)?;
    let change = |item: &mut T| -> Result<(), Problem> {
        let was = item.clone();
        item.set(merged::<T>(Members::of(&item.spec()), &patch.members)?);
        item.keep_hidden(&was);
        item.complete(&fresh);
        Ok(())
    };
    let mut after = before.clone();
    change(&mut after)?;
    let request = Request { commands, caller, members: &patch.members };
    check_references(&after, &request).await?;
    after.check(&request).await?;
    // The item may have changed meanwhile, but the patch can still be merged.
    let change = |item: &mut T| {
        change(item).map_err(|problem| Rejection::Invalid {
            field: problem.field_name().unwrap_or_default().to_owned(),
            reason: problem.detail().to_owned(),
        })
    };
    let command = IfUnchanged { id, seen: context.if_match, command: Amend { id, default, change } };
    let outcome = execute(commands, &command, context).await?;
    Ok(Completed(answer(commands, context.account, &outcome, id, &fresh).await?))
}

async fn remove<T: ItemRoutes>(
    State(commands): AppState,
    caller: T::Author,
    headers: CommandHeaders,
    Path(id): Path<T::Id>,
) -> Result<Completed<Retired<T::Id>>, CommandProblem> {
    retire::<T>(&commands, &caller, &headers.of(&caller), id).await
}

pub(super) async fn retire<T: ItemRoutes>(
    commands: &Commands,
    caller: &Caller,
    context: &Context,
    id: T::Id,
) -> Result<Completed<Retired<T::Id>>, CommandProblem> {
    if let Some(outcome) = answered_before::<T>(commands, context).await? {
        return Ok(Completed(Answer::of(commands, &outcome, Retired { id }).await?));
    }
    let catalogue = commands.catalogue::<T>(context.account).current().await?;
    if let Some(item) = catalogue.state.get(id) {
        item.check_author(caller)?;
        check_unused(commands, caller, T::KIND, id.into()).await?;
    }
    let command = IfUnchanged { id, seen: context.if_match, command: Retire::<T>(id) };
    let outcome = execute(commands, &command, context).await?;
    Ok(Completed(Answer::of(commands, &outcome, Retired { id }).await?))
}

fn fresh_secret(commands: &Commands) -> Secret {
    secret_of(commands.clock.fresh_key())
}

/// The outcome of the first request with this key, which counts although the item or what it refers to may
/// have changed since.
async fn answered_before<T: ItemRoutes>(
    commands: &Commands,
    context: &Context,
) -> Result<Option<Outcome<Catalogue<T>>>, CommandProblem> {
    Ok(commands.catalogue::<T>(context.account).answered_before::<Rejection>(context).await?)
}

/// Executes a command without `If-Match` for the stream: the header names the version of one item, which the
/// command compares itself.
async fn execute<T: ItemRoutes>(
    commands: &Commands,
    command: &impl Decide<Catalogue<T>, Rejection = Rejection>,
    context: &Context,
) -> Result<Outcome<Catalogue<T>>, CommandProblem> {
    let context = Context { if_match: None, ..context.clone() };
    let outcome = commands.catalogue::<T>(context.account).execute(command, &context).await;
    outcome.map_err(|error| match error {
        CommandError::NotFound | CommandError::Rejected(Rejection::NotFound) => not_found::<T>().into(),
        other => CommandProblem::from(other),
    })
}

/// The item after the command.
async fn answer<T: ItemRoutes>(
    commands: &Commands,
    account: AccountId,
    outcome: &Outcome<Catalogue<T>>,
    id: T::Id,
    fresh: &Secret,
) -> Result<Answer<T::Public>, CommandProblem> {
    let catalogue = &outcome.state.state;
    let item = catalogue.get(id).ok_or_else(not_found::<T>)?;
    // A secret that cannot be opened is not the new one.
    let shown = match commands.opened(account, item) {
        Ok(opened) => opened.answer(fresh),
        Err(_) => item.answer(fresh),
    };
    let answer = Answer::of(commands, outcome, shown).await?;
    Ok(answer.at(catalogue.version_of(id).unwrap_or(outcome.version)))
}

/// The id of an item that was retired.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Retired")]
pub(super) struct Retired<Id> {
    pub(super) id: Id,
}
