//! The validity of a view: a rejection names the part of the filter that is wrong.

use super::{CatalogueItem, Rejection, check_name};
use event_schemas::UserId;
use event_schemas::catalogue::{SavedView, ViewVisibility};
use event_schemas::view_filter::{CustomField, ViewFilter};

/// The views for everyone that an account can have, and the personal ones that each user can.
const MOST_VIEWS: usize = 100;
/// The conditions, groups and values of a filter.
const MOST_PARTS: usize = 200;
/// How deep groups can be nested.
const DEEPEST: usize = 8;
const LONGEST_TEXT: usize = 200;

impl CatalogueItem for SavedView {
    fn name(&self) -> (&'static str, &str) {
        ("name", &self.name)
    }
    fn is_seen_with(&self, other: &Self) -> bool {
        self.only_for() == other.only_for()
    }
    fn only_for(&self) -> Option<UserId> {
        match self.visibility {
            ViewVisibility::Everyone => None,
            ViewVisibility::Personal => Some(self.created_by),
        }
    }
    fn validate(&self) -> Result<(), Rejection> {
        check_name("name", &self.name)?;
        let mut parts = 0;
        check(&self.filter, "filter", 1, &mut parts)
    }
    fn validate_among<'t>(&self, others: impl Iterator<Item = &'t Self> + Clone) -> Result<(), Rejection>
    where
        Self: 't,
    {
        if others.filter(|other| self.is_seen_with(other)).count() < MOST_VIEWS {
            return Ok(());
        }
        let reason = match self.visibility {
            ViewVisibility::Everyone => format!("an account has at most {MOST_VIEWS} views for everyone"),
            ViewVisibility::Personal => format!("an agent has at most {MOST_VIEWS} personal views"),
        };
        Err(Rejection::invalid("visibility", reason))
    }
}

/// Checks a filter and those inside it. `parts` counts them and their values.
fn check(filter: &ViewFilter, field: &str, depth: usize, parts: &mut usize) -> Result<(), Rejection> {
    count(1, parts)?;
    if depth > DEEPEST {
        return Err(Rejection::invalid(field, format!("groups are nested at most {DEEPEST} deep")));
    }
    let mut each = |name: &str, filters: &[ViewFilter]| {
        let numbered = filters.iter().enumerate();
        numbered
            .map(|(index, filter)| (filter, format!("{field}.{name}[{index}]")))
            .try_for_each(|(filter, field)| check(filter, &field, depth + 1, parts))
    };
    let at = |name: &str| format!("{field}.{name}");
    match filter {
        ViewFilter::All(filters) => each("all", filters),
        ViewFilter::Any(filters) => each("any", filters),
        ViewFilter::Not(inner) => check(inner, &at("not"), depth + 1, parts),
        ViewFilter::Status(values) => check_values(&at("status"), values, parts),
        ViewFilter::Assignee(values) => check_values(&at("assignee"), values, parts),
        ViewFilter::Team(values) => check_values(&at("team"), values, parts),
        ViewFilter::Channel(values) => check_values(&at("channel"), values, parts),
        ViewFilter::ChannelType(values) => check_values(&at("channel_type"), values, parts),
        ViewFilter::Priority(values) => check_values(&at("priority"), values, parts),
        ViewFilter::SlaState(values) => check_values(&at("sla_state"), values, parts),
        ViewFilter::Label(labels) => check_texts(&at("label"), labels, parts),
        ViewFilter::Language(languages) => check_texts(&at("language"), languages, parts),
        ViewFilter::Custom(custom) => check_custom(&at("custom"), custom),
        ViewFilter::Unread(_)
        | ViewFilter::UnansweredFor(_)
        | ViewFilter::SlaDueWithin(_)
        | ViewFilter::ActiveWithin(_)
        | ViewFilter::CreatedWithin(_) => Ok(()),
    }
}

fn count(more: usize, parts: &mut usize) -> Result<(), Rejection> {
    *parts += more;
    if *parts <= MOST_PARTS {
        return Ok(());
    }
    let reason = format!("has at most {MOST_PARTS} conditions, groups and values together");
    Err(Rejection::invalid("filter", reason))
}

/// A condition without values is met by no conversation, which its author hardly means.
fn check_values<T>(field: &str, values: &[T], parts: &mut usize) -> Result<(), Rejection> {
    if values.is_empty() {
        return Err(Rejection::invalid(field, "needs a value"));
    }
    count(values.len(), parts)
}

fn check_texts(field: &str, texts: &[String], parts: &mut usize) -> Result<(), Rejection> {
    check_values(field, texts, parts)?;
    let mut numbered = texts.iter().enumerate();
    numbered.try_for_each(|(index, text)| check_text(&format!("{field}[{index}]"), text))
}

fn check_text(field: &str, text: &str) -> Result<(), Rejection> {
    let length = text.chars().count();
    if text.trim().is_empty() || length > LONGEST_TEXT || text.chars().any(char::is_control) {
        let reason = format!("has between 1 and {LONGEST_TEXT} characters, in one line");
        return Err(Rejection::invalid(field, reason));
    }
    Ok(())
}

fn check_custom(field: &str, custom: &CustomField) -> Result<(), Rejection> {
    let name = format!("{field}.name");
    check_text(&name, &custom.name)?;
    // In a path of JSON it would change the meaning of the character after it.
    if custom.name.contains('\\') {
        return Err(Rejection::invalid(name, "has no backslash"));
    }
    check_text(&format!("{field}.value"), &custom.value)
}
