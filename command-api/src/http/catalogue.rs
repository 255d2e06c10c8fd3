//! What all catalogues have in common: items are defined, changed and retired, one stream per kind and
//! account.

use super::answer::{Answer, Completed, Created};
use crate::problem::CommandProblem;
use commands::execute::{CommandError, Context, Outcome};
use commands::{Catalogued, Commands};
use domain::Decide;
use domain::catalogue::{Amend, Catalogue, Define, IfUnchanged, Rejection, Retire};
use gate::Problem;
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

/// A fresh id, or, under an idempotency key, the one that the same request got before.
pub(super) fn fresh_id(commands: &Commands, context: &Context) -> Uuid {
    context.message_id(&commands.clock).0
}

/// Defines a new item.
pub(super) async fn define<T: Catalogued>(
    commands: &Commands,
    item: T,
    context: &Context,
) -> Result<Created<T>, CommandProblem> {
    let id = item.id();
    // `If-Match` would compare with a item that is not there yet.
    let context = Context { if_match: None, ..context.clone() };
    let outcome = ask(commands, &Define(item), &context).await?;
    Ok(Created(settled(commands, &outcome, id).await?))
}

/// Changes an item.
pub(super) async fn change<T: Catalogued>(
    commands: &Commands,
    id: T::Id,
    context: &Context,
    change: impl Fn(&mut T) + Sync,
) -> Result<Completed<T>, CommandProblem> {
    let change = |item: &mut T| {
        change(item);
        Ok(())
    };
    let command = IfUnchanged { id, seen: context.if_match, command: Amend { id, default: None, change } };
    let outcome = ask(commands, &command, &Context { if_match: None, ..context.clone() }).await?;
    Ok(Completed(settled(commands, &outcome, id).await?))
}

/// Retires an item.
pub(super) async fn retire<T: Catalogued>(
    commands: &Commands,
    id: T::Id,
    context: &Context,
) -> Result<Completed<Retired<T::Id>>, CommandProblem> {
    let command = IfUnchanged { id, seen: context.if_match, command: Retire::<T>(id) };
    let outcome = ask(commands, &command, &Context { if_match: None, ..context.clone() }).await?;
    Ok(Completed(Answer::of(commands, &outcome, Retired { id }).await?))
}

pub(super) async fn ask<T: Catalogued>(
    commands: &Commands,
    command: &impl Decide<Catalogue<T>, Rejection = Rejection>,
    context: &Context,
) -> Result<Outcome<Catalogue<T>>, CommandProblem> {
    let catalogue = commands.catalogue::<T>(context.account);
    catalogue.execute(command, context).await.map_err(|error| refused::<T>(error).into())
}

pub(super) async fn settled<T: Catalogued>(
    commands: &Commands,
    outcome: &Outcome<Catalogue<T>>,
    id: T::Id,
) -> Result<Answer<T>, CommandProblem> {
    // An old request that is repeated under its key finds the item as it is now, or gone.
    let item = outcome.state.state.get(id).cloned().ok_or_else(|| Problem::not_found(noun::<T>()))?;
    Answer::of(commands, outcome, item).await
}

/// One item without its article.
fn noun<T: Catalogued>() -> &'static str {
    T::ONE.split_once(' ').map_or(T::ONE, |(_, noun)| noun)
}

fn refused<T: Catalogued>(error: CommandError<Rejection>) -> Problem {
    match error {
        CommandError::NotFound | CommandError::Rejected(Rejection::NotFound) => {
            Problem::not_found(noun::<T>())
        }
        other => CommandProblem::from(other).into(),
    }
}

/// The id of an item that was retired.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Retired")]
pub(super) struct Retired<Id> {
    pub id: Id,
}
