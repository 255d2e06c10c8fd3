//! What all catalogues have in common: things are defined, changed and retired, one stream per kind and
//! account.

use super::answer::{Answer, Completed, Created};
use crate::problem::CommandProblem;
use commands::Commands;
use commands::execute::{Aggregates, CommandError, Context, LoadError, Outcome};
use domain::Decide;
use domain::catalogue::{Catalogue, CatalogueItem, Change, Define, Rejection, Retire};
use event_schemas::automation::{AutomationRule, Macro};
use event_schemas::bot::{BotRule, BotSettings, HandoffRule};
use event_schemas::catalogue::{BusinessCalendar, CannedResponse, CatalogueKind, Channel, SlaPolicy, Team};
use event_schemas::routing::Queue;
use event_schemas::{CatalogueEvent, Events, StreamId, Timestamp, Version};
use gate::Problem;
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

/// Where things of a kind are kept, and what they are called.
pub(super) trait Kind: CatalogueItem {
    const KIND: CatalogueKind;
    /// As a sentence names it: "team".
    const NAME: &'static str;
    fn all(commands: &Commands) -> &Aggregates<Catalogue<Self>>;
}

macro_rules! kinds {
    ($($thing:ident: $kind:ident, $name:literal, $all:ident;)+) => {$(
        impl Kind for $thing {
            const KIND: CatalogueKind = CatalogueKind::$kind;
            const NAME: &'static str = $name;
            fn all(commands: &Commands) -> &Aggregates<Catalogue<Self>> {
                &commands.$all
            }
        }
    )+};
}

kinds! {
    Channel: Channels, "channel", channels;
    Team: Teams, "team", teams;
    CannedResponse: CannedResponses, "canned response", canned_responses;
    SlaPolicy: SlaPolicies, "SLA policy", sla_policies;
    BusinessCalendar: Calendars, "calendar", calendars;
    Queue: Queues, "queue", queues;
    BotRule: BotRules, "bot rule", bot_rules;
    HandoffRule: HandoffRules, "handoff rule", handoff_rules;
    Macro: Macros, "macro", macros;
    AutomationRule: AutomationRules, "automation rule", automation_rules;
    BotSettings: BotSettings, "bot setting", bot_settings;
}

/// A change, made on the thing as it is when it is decided: of two who change different parts of it neither
/// undoes the other's.
struct Amend<T: CatalogueItem, F> {
    id: T::Id,
    change: F,
}

impl<T: CatalogueItem, F: Fn(&mut T)> Decide<Catalogue<T>> for Amend<T, F> {
    type Rejection = Rejection;

    fn decide(&self, catalogue: &Catalogue<T>, now: Timestamp) -> Result<Vec<CatalogueEvent>, Rejection> {
        let mut thing = catalogue.get(self.id).ok_or(Rejection::NotFound)?.clone();
        (self.change)(&mut thing);
        Define(thing).decide(catalogue, now)
    }
}

/// A fresh id, or, under an idempotency key, the one that the same request got before.
pub(super) fn fresh_id(commands: &Commands, context: &Context) -> Uuid {
    context.message_id(&commands.clock).0
}

/// Defines a thing that was not there.
pub(super) async fn define<T: Kind>(
    commands: &Commands,
    thing: T,
    context: &Context,
) -> Result<Created<T>, CommandProblem> {
    let id = thing.id();
    // `If-Match` would compare with a thing that is not there yet.
    let context = Context { if_match: None, ..context.clone() };
    let outcome = ask(commands, &Define(thing), &context).await?;
    Ok(Created(settled(commands, &outcome, id).await?))
}

/// Changes a thing that is there.
pub(super) async fn change<T: Kind>(
    commands: &Commands,
    id: T::Id,
    context: &Context,
    change: impl Fn(&mut T) + Sync,
) -> Result<Completed<T>, CommandProblem> {
    let context = pinned::<T>(commands, id, context).await?;
    let outcome = ask(commands, &Amend { id, change }, &context).await?;
    Ok(Completed(settled(commands, &outcome, id).await?))
}

/// Takes a thing away.
pub(super) async fn retire<T: Kind>(
    commands: &Commands,
    id: T::Id,
    context: &Context,
) -> Result<Completed<Retired<T::Id>>, CommandProblem> {
    let context = pinned::<T>(commands, id, context).await?;
    let outcome = ask(commands, &Retire::<T>(id), &context).await?;
    Ok(Completed(Answer::of(commands, &outcome, Retired { id }).await?))
}

pub(super) async fn ask<T: Kind>(
    commands: &Commands,
    command: &impl Decide<Catalogue<T>, Rejection = Rejection>,
    context: &Context,
) -> Result<Outcome<Catalogue<T>>, CommandProblem> {
    let stream = StreamId::catalogue(T::KIND, context.account);
    T::all(commands).execute(&stream, command, context).await.map_err(|error| refused::<T>(error).into())
}

pub(super) async fn settled<T: Kind>(
    commands: &Commands,
    outcome: &Outcome<Catalogue<T>>,
    id: T::Id,
) -> Result<Answer<T>, CommandProblem> {
    // An old request that is repeated under its key finds the thing as it is now, or gone.
    let thing = outcome.state.state.get(id).cloned().ok_or_else(|| Problem::not_found(T::NAME))?;
    Answer::of(commands, outcome, thing).await
}

fn refused<T: Kind>(error: CommandError<Rejection>) -> Problem {
    match error {
        CommandError::NotFound | CommandError::Rejected(Rejection::NotFound) => Problem::not_found(T::NAME),
        other => CommandProblem::from(other).into(),
    }
}

const PAGE: usize = 1_000;

/// `If-Match` names the version at which this one thing was last defined, and the stream holds all of its
/// kind: the caller's version is compared here, and the stream's put in its place.
async fn pinned<T: Kind>(
    commands: &Commands,
    id: T::Id,
    context: &Context,
) -> Result<Context, CommandProblem> {
    let Some(expected) = context.if_match else { return Ok(context.clone()) };
    let stream = StreamId::catalogue(T::KIND, context.account);
    let (mut own, mut last) = (None, None);
    let mut next = Version::FIRST;
    loop {
        let page = commands.store.read_stream(&stream, next, PAGE).await;
        let page = page.map_err(|error| LoadError::of(&stream, error))?;
        for recorded in &page {
            let event = CatalogueEvent::decode(&recorded.event_type, recorded.schema_version, &recorded.data);
            let is_about_it = event.is_ok_and(|event| match T::told(&event) {
                Some(Change::Defined(thing)) => thing.id() == id,
                Some(Change::Retired(retired)) => retired == id,
                None => false,
            });
            own = if is_about_it { Some(recorded.version) } else { own };
            last = Some(recorded.version);
            next = recorded.version.next();
        }
        if page.len() < PAGE {
            break;
        }
    }
    match own {
        None => Err(Problem::not_found(T::NAME).into()),
        Some(own) if own == expected => Ok(Context { if_match: last, ..context.clone() }),
        Some(own) => Err(CommandError::<Rejection>::VersionMismatch { expected, actual: Some(own) }.into()),
    }
}

/// What is left of a thing that was taken away.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Retired")]
pub(super) struct Retired<Id> {
    pub id: Id,
}
