//! What an account defines, by one rule for all kinds: a thing is defined, defined anew, and retired; its
//! name is unique among those of its kind.

mod automation;
mod bots;
mod kinds;
mod queues;
#[cfg(test)]
mod tests;

use crate::aggregate::{Decide, Evolve};
use event_schemas::automation::{AutomationRule, Macro};
use event_schemas::bot::{BotRule, BotSettings, HandoffRule};
use event_schemas::catalogue::{BusinessCalendar, CannedResponse, Channel, SlaPolicy, Team};
use event_schemas::routing::Queue;
use event_schemas::{CatalogueEvent, Timestamp};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::hash::Hash;

pub type Channels = Catalogue<Channel>;
pub type Teams = Catalogue<Team>;
pub type CannedResponses = Catalogue<CannedResponse>;
pub type SlaPolicies = Catalogue<SlaPolicy>;
pub type Calendars = Catalogue<BusinessCalendar>;
pub type BotRules = Catalogue<BotRule>;
pub type HandoffRules = Catalogue<HandoffRule>;
pub type AllBotSettings = Catalogue<BotSettings>;
pub type Queues = Catalogue<Queue>;
pub type Macros = Catalogue<Macro>;
pub type AutomationRules = Catalogue<AutomationRule>;

/// A kind of thing that an account defines.
pub trait CatalogueItem: Clone + Debug + PartialEq + Send + Sync + 'static {
    type Id: Copy + Debug + Eq + Ord + Hash + Send + Sync + 'static;

    fn id(&self) -> Self::Id;
    /// What must be unique among those of its kind: the field's name, and its value.
    fn name(&self) -> (&'static str, &str);
    /// Whether people who see the one see the other too, so that they must be called differently.
    fn is_seen_with(&self, _other: &Self) -> bool {
        true
    }
    /// Whether it makes sense by itself.
    fn check(&self) -> Result<(), Rejection>;
    /// Whether it may take the place of what it was before.
    fn check_change(&self, _before: &Self) -> Result<(), Rejection> {
        Ok(())
    }
    /// Whether it makes sense beside the others of its kind.
    fn check_among<'t>(&self, _others: impl Iterator<Item = &'t Self> + Clone) -> Result<(), Rejection>
    where
        Self: 't,
    {
        Ok(())
    }
    fn defined(self) -> CatalogueEvent;
    fn retired(id: Self::Id) -> CatalogueEvent;
    /// What an event says of things of this kind.
    fn told(event: &CatalogueEvent) -> Option<Change<'_, Self>>;
}

/// What an event says.
pub enum Change<'e, T: CatalogueItem> {
    Defined(&'e T),
    Retired(T::Id),
}

/// Why something cannot be defined or retired.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("there is no such thing")]
    NotFound,
    #[error("there is another with this {field}: '{value}'")]
    NameTaken { field: &'static str, value: String },
    /// `field` is the path of what is wrong.
    #[error("{field}: {reason}")]
    Invalid { field: String, reason: String },
}

impl Rejection {
    pub(crate) fn invalid(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), reason: reason.into() }
    }
}

/// All things of one kind that an account has defined and not retired.
#[derive(Clone, Debug)]
pub struct Catalogue<T: CatalogueItem> {
    things: BTreeMap<T::Id, T>,
}

impl<T: CatalogueItem> Default for Catalogue<T> {
    fn default() -> Self {
        Self { things: BTreeMap::new() }
    }
}

impl<T: CatalogueItem> Catalogue<T> {
    pub fn get(&self, id: T::Id) -> Option<&T> {
        self.things.get(&id)
    }
    pub fn iter(&self) -> impl Iterator<Item = &T> + Clone {
        self.things.values()
    }
}

impl<T: CatalogueItem> Evolve for Catalogue<T> {
    type Event = CatalogueEvent;

    fn evolve(&mut self, event: &CatalogueEvent, _: Timestamp) {
        match T::told(event) {
            Some(Change::Defined(thing)) => {
                self.things.insert(thing.id(), thing.clone());
            }
            Some(Change::Retired(id)) => {
                self.things.remove(&id);
            }
            None => {}
        }
    }
}

/// This is how it is from now on, whether or not it was there before.
#[derive(Clone, Debug)]
pub struct Define<T>(pub T);

impl<T: CatalogueItem> Decide<Catalogue<T>> for Define<T> {
    type Rejection = Rejection;

    fn decide(&self, state: &Catalogue<T>, _: Timestamp) -> Result<Vec<CatalogueEvent>, Rejection> {
        let Self(thing) = self;
        let before = state.get(thing.id());
        if before == Some(thing) {
            return Ok(Vec::new());
        }
        thing.check()?;
        if let Some(before) = before {
            thing.check_change(before)?;
        }
        let others = state.iter().filter(|other| other.id() != thing.id());
        thing.check_among(others.clone())?;
        let (field, name) = thing.name();
        let mut seen_together = others.filter(|other| thing.is_seen_with(other));
        let taken = seen_together.any(|other| same_name(other.name().1, name));
        if taken {
            return Err(Rejection::NameTaken { field, value: name.to_owned() });
        }
        Ok(vec![thing.clone().defined()])
    }
}

/// People do not tell "Billing" from "billing ".
fn same_name(a: &str, b: &str) -> bool {
    a.trim().to_lowercase() == b.trim().to_lowercase()
}

/// It is no more. Conversations that refer to it keep what they took from it.
#[derive(Clone, Debug)]
pub struct Retire<T: CatalogueItem>(pub T::Id);

impl<T: CatalogueItem> Decide<Catalogue<T>> for Retire<T> {
    type Rejection = Rejection;

    fn decide(&self, state: &Catalogue<T>, _: Timestamp) -> Result<Vec<CatalogueEvent>, Rejection> {
        state.get(self.0).ok_or(Rejection::NotFound)?;
        Ok(vec![T::retired(self.0)])
    }
}
