//! The catalogues of an account. The rules are the same for all kinds: an item is defined, defined anew, and
//! retired; its name is unique among the items of its kind.

mod account_settings;
mod action_checks;
mod automation_rule;
mod bot_checks;
mod bot_rule;
mod bot_settings;
mod calendar;
mod canned_response;
mod channel;
mod handoff_rule;
mod macro_;
mod queue;
mod saved_view;
mod sla_policy;
mod team;
#[cfg(test)]
mod tests;

use crate::aggregate::{Decide, Evolve};
use event_schemas::automation::{AutomationRule, Macro};
use event_schemas::bot::{BotRule, BotSettings, HandoffRule};
use event_schemas::catalogue::{
    BusinessCalendar, CannedResponse, Change, Channel, Item, SavedView, SlaPolicy, Team,
};
use event_schemas::routing::Queue;
use event_schemas::{CatalogueEvent, Timestamp, UserId, Version};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub(crate) use action_checks::check_actions;

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
pub type Views = Catalogue<SavedView>;

/// The rules of a kind of item.
pub trait CatalogueItem: Item {
    /// The field that must be unique among the items of its kind: its name and its value.
    fn name(&self) -> (&'static str, &str);
    /// Whether users who see this item see the other as well, so that their names must differ.
    fn is_seen_with(&self, _other: &Self) -> bool {
        true
    }
    /// The only user who sees this item. `None` when every agent does.
    fn only_for(&self) -> Option<UserId> {
        None
    }
    /// Checks the item by itself.
    fn validate(&self) -> Result<(), Rejection>;
    /// Checks whether the item may replace the item before.
    fn validate_change(&self, _before: &Self) -> Result<(), Rejection> {
        Ok(())
    }
    /// Checks the item beside the others of its kind.
    fn validate_among<'t>(&self, _others: impl Iterator<Item = &'t Self> + Clone) -> Result<(), Rejection>
    where
        Self: 't,
    {
        Ok(())
    }
}

const LONGEST_NAME: usize = 200;
/// How many items of a kind an account can have, where the number is limited.
const MOST_ITEMS: usize = 1_000;

/// How many items of any kind an account can have.
const MOST_OF_ANY_KIND: usize = 10_000;
/// The bytes of an item as JSON.
const LARGEST_ITEM: usize = 256 * 1024;
/// The bytes of all keywords of an account's rules of one kind. They are compiled together and kept in memory.
const MOST_KEYWORD_BYTES: usize = 1024 * 1024;

fn check_size<T: CatalogueItem>(item: &T) -> Result<(), Rejection> {
    match serde_json::to_vec(item) {
        Ok(json) if json.len() <= LARGEST_ITEM => Ok(()),
        Ok(_) | Err(_) => Err(Rejection::invalid(
            item.name().0,
            format!("an item has at most {LARGEST_ITEM} bytes as JSON"),
        )),
    }
}

/// The bytes of a rule's keywords.
fn keyword_bytes(keywords: Option<&Vec<String>>) -> usize {
    keywords.into_iter().flatten().map(String::len).sum()
}

fn check_keyword_bytes(bytes: usize) -> Result<(), Rejection> {
    if bytes <= MOST_KEYWORD_BYTES {
        return Ok(());
    }
    let reason =
        format!("the keywords of all rules of this kind have at most {MOST_KEYWORD_BYTES} bytes together");
    Err(Rejection::invalid("conditions.keywords", reason))
}

fn check_name(field: &'static str, text: &str) -> Result<(), Rejection> {
    match text.trim().chars().count() {
        0 => Err(Rejection::invalid(field, "must not be empty")),
        length if length > LONGEST_NAME => {
            Err(Rejection::invalid(field, format!("has at most {LONGEST_NAME} characters")))
        }
        _ => Ok(()),
    }
}

fn check_count(others: usize) -> Result<(), Rejection> {
    if others < MOST_ITEMS {
        return Ok(());
    }
    Err(Rejection::invalid("name", format!("an account has at most {MOST_ITEMS} items of this kind")))
}

/// Why an item cannot be defined or retired.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("there is no such item")]
    NotFound,
    #[error("another item has this {field}: '{value}'")]
    NameTaken { field: &'static str, value: String },
    /// `field` is the path of the invalid field.
    #[error("{field}: {reason}")]
    Invalid { field: String, reason: String },
    /// The item was defined anew after the caller read it.
    #[error("the version is {actual}, not {expected}")]
    ChangedMeanwhile { expected: Version, actual: Version },
}

impl Rejection {
    pub(crate) fn invalid(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), reason: reason.into() }
    }
}

/// All items of one kind that an account has defined and not retired.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Catalogue<T: CatalogueItem> {
    items: BTreeMap<T::Id, Defined<T>>,
    /// The version of the stream's next event: the stream holds this kind alone.
    next: Version,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Defined<T> {
    item: T,
    /// The version of the event that defined it last.
    version: Version,
}

impl<T: CatalogueItem> Default for Catalogue<T> {
    fn default() -> Self {
        Self { items: BTreeMap::new(), next: Version::FIRST }
    }
}

impl<T: CatalogueItem> Catalogue<T> {
    pub fn get(&self, id: T::Id) -> Option<&T> {
        self.items.get(&id).map(|defined| &defined.item)
    }
    /// The version of the stream at which the item was last defined.
    pub fn version_of(&self, id: T::Id) -> Option<Version> {
        self.items.get(&id).map(|defined| defined.version)
    }
    pub fn iter(&self) -> impl Iterator<Item = &T> + Clone {
        self.items.values().map(|defined| &defined.item)
    }
}

impl<T: CatalogueItem> Evolve for Catalogue<T> {
    type Event = CatalogueEvent;

    fn evolve(&mut self, event: &CatalogueEvent, _: Timestamp) {
        let Some(change) = T::change_in(event) else { return };
        let version = self.next;
        self.next = version.next();
        match change {
            Change::Defined(item) => {
                self.items.insert(item.id(), Defined { item: item.clone(), version });
            }
            Change::Retired(id) => {
                self.items.remove(&id);
            }
        }
    }
}

/// Defines an item, or defines it anew when one with its id exists.
#[derive(Clone, Debug)]
pub struct Define<T>(pub T);

impl<T: CatalogueItem> Decide<Catalogue<T>> for Define<T> {
    type Rejection = Rejection;

    fn decide(&self, state: &Catalogue<T>, _: Timestamp) -> Result<Vec<CatalogueEvent>, Rejection> {
        let Self(item) = self;
        let before = state.get(item.id());
        if before == Some(item) {
            return Ok(Vec::new());
        }
        check_size(item)?;
        item.validate()?;
        match before {
            Some(before) => item.validate_change(before)?,
            None if state.items.len() >= MOST_OF_ANY_KIND => {
                let reason = format!("an account has at most {MOST_OF_ANY_KIND} items of this kind");
                return Err(Rejection::invalid(item.name().0, reason));
            }
            None => {}
        }
        let others = state.iter().filter(|other| other.id() != item.id());
        item.validate_among(others.clone())?;
        let (field, name) = item.name();
        let mut seen_together = others.filter(|other| item.is_seen_with(other));
        let taken = seen_together.any(|other| same_name(other.name().1, name));
        if taken {
            return Err(Rejection::NameTaken { field, value: name.to_owned() });
        }
        Ok(vec![item.clone().defined()])
    }
}

/// For users "Billing" and "billing " are the same name.
fn same_name(a: &str, b: &str) -> bool {
    a.trim().to_lowercase() == b.trim().to_lowercase()
}

/// Changes the item's state at the time of the decision, so that of two callers who change different parts
/// neither undoes the other's change.
#[derive(Clone, Debug)]
pub struct Amend<T: CatalogueItem, F> {
    pub id: T::Id,
    /// The item to change when none is defined. `None` when the command is then refused.
    pub default: Option<T>,
    pub change: F,
}

impl<T, F> Decide<Catalogue<T>> for Amend<T, F>
where
    T: CatalogueItem,
    F: Fn(&mut T) -> Result<(), Rejection>,
{
    type Rejection = Rejection;

    fn decide(&self, state: &Catalogue<T>, now: Timestamp) -> Result<Vec<CatalogueEvent>, Rejection> {
        let mut item = state.get(self.id).or(self.default.as_ref()).ok_or(Rejection::NotFound)?.clone();
        (self.change)(&mut item)?;
        Define(item).decide(state, now)
    }
}

/// Retires an item. Conversations that refer to it keep what they took from it.
#[derive(Clone, Debug)]
pub struct Retire<T: CatalogueItem>(pub T::Id);

impl<T: CatalogueItem> Decide<Catalogue<T>> for Retire<T> {
    type Rejection = Rejection;

    fn decide(&self, state: &Catalogue<T>, _: Timestamp) -> Result<Vec<CatalogueEvent>, Rejection> {
        state.get(self.0).ok_or(Rejection::NotFound)?;
        Ok(vec![T::retired(self.0)])
    }
}

/// A command about an item as its caller has read it.
#[derive(Clone, Debug)]
pub struct IfUnchanged<T: CatalogueItem, C> {
    pub id: T::Id,
    /// The version of the item that the caller read. `None` when the caller accepts any.
    pub seen: Option<Version>,
    pub command: C,
}

impl<T, C> Decide<Catalogue<T>> for IfUnchanged<T, C>
where
    T: CatalogueItem,
    C: Decide<Catalogue<T>, Rejection = Rejection>,
{
    type Rejection = Rejection;

    fn decide(&self, state: &Catalogue<T>, now: Timestamp) -> Result<Vec<CatalogueEvent>, Rejection> {
        match (self.seen, state.version_of(self.id)) {
            (Some(_), None) => Err(Rejection::NotFound),
            (Some(expected), Some(actual)) if expected != actual => {
                Err(Rejection::ChangedMeanwhile { expected, actual })
            }
            (_, _) => self.command.decide(state, now),
        }
    }
}
