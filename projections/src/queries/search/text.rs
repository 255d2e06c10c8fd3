//! The text that a person types into the search: words, phrases and filters.

use crate::words::words;
use event_schemas::Timestamp;
use event_schemas::message::{Priority, Status};
use std::fmt;
use std::str::FromStr;

/// The kinds of result of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchKind {
    People,
    Conversations,
    Messages,
}

impl SearchKind {
    pub const ALL: [Self; 3] = [Self::People, Self::Conversations, Self::Messages];
}

impl fmt::Display for SearchKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::People => "people",
            Self::Conversations => "conversations",
            Self::Messages => "messages",
        })
    }
}

impl FromStr for SearchKind {
    type Err = InvalidSearch;
    fn from_str(text: &str) -> Result<Self, InvalidSearch> {
        let kind = Self::ALL.into_iter().find(|kind| kind.to_string() == text);
        kind.ok_or_else(|| InvalidSearch(format!("`{text}` is none of people, conversations and messages")))
    }
}

/// A search that cannot be carried out. The text says what is wrong in it and what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidSearch(pub String);

/// Words that stand together, in this order. The last one may be only the beginning of a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Term {
    pub words: Vec<String>,
    pub is_prefix: bool,
}

/// A person or a team that a filter names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// The caller.
    Me,
    None,
    /// A name, its beginning, or an id.
    Name(String),
}

/// The filters of a search.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filters {
    pub from: Vec<Named>,
    pub statuses: Vec<Status>,
    pub unread: bool,
    pub notes: bool,
    pub attachments: bool,
    pub labels: Vec<String>,
    pub channels: Vec<String>,
    pub assignees: Vec<Named>,
    pub teams: Vec<Named>,
    pub priorities: Vec<Priority>,
    pub before: Option<Timestamp>,
    pub after: Option<Timestamp>,
}

impl Filters {
    /// The first filter that people do not have.
    fn of_conversations(&self) -> Option<&'static str> {
        let set = [
            (!self.from.is_empty(), "from:"),
            (!self.statuses.is_empty() || self.unread, "is:"),
            (!self.labels.is_empty(), "label:"),
            (!self.channels.is_empty(), "channel:"),
            (!self.assignees.is_empty(), "assignee:"),
            (!self.teams.is_empty(), "team:"),
            (!self.priorities.is_empty(), "priority:"),
            (self.before.is_some(), "before:"),
            (self.after.is_some(), "after:"),
        ];
        set.into_iter().find(|(is_set, _)| *is_set).map(|(_, name)| name)
    }

    /// The first filter that only messages have.
    fn of_messages(&self) -> Option<&'static str> {
        [(self.notes, "is:note"), (self.attachments, "has:attachment")]
            .into_iter()
            .find(|(is_set, _)| *is_set)
            .map(|(_, name)| name)
    }
}

/// A text that was typed, and what it asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchText {
    text: String,
    pub(super) terms: Vec<Term>,
    pub(super) excluded: Vec<Term>,
    pub(super) filters: Filters,
}

/// The longest text, in bytes.
const LONGEST: usize = 400;
/// The most words and phrases of a text.
const MOST_TERMS: usize = 16;

const FILTERS: &str = "from:, is:, has:, label:, channel:, assignee:, team:, priority:, before: and after:";

impl SearchText {
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether this kind of thing has all that the text asks for: people have no filters, and only messages have notes
    /// and attachments.
    ///
    /// # Errors
    ///
    /// Names the filter that the kind does not have.
    pub fn check_kind(&self, kind: SearchKind) -> Result<(), InvalidSearch> {
        let missing = match kind {
            SearchKind::Messages => None,
            SearchKind::Conversations => self.filters.of_messages(),
            SearchKind::People => self.filters.of_messages().or_else(|| self.filters.of_conversations()),
        };
        match missing {
            None => Ok(()),
            Some(filter) => {
                Err(InvalidSearch(format!("`{filter}` does not filter {kind}: leave out one of them.")))
            }
        }
    }
}

impl fmt::Display for SearchText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for SearchText {
    type Err = InvalidSearch;
    fn from_str(text: &str) -> Result<Self, InvalidSearch> {
        if text.len() > LONGEST {
            return Err(InvalidSearch(format!("A search has at most {LONGEST} bytes.")));
        }
        let mut search = Self {
            text: text.to_owned(),
            terms: Vec::new(),
            excluded: Vec::new(),
            filters: Filters::default(),
        };
        for part in parts(text) {
            search.add(&part)?;
        }
        // What is being typed may be the beginning of a word.
        let is_complete = text.ends_with(|last: char| last.is_whitespace() || last == '"');
        if let Some(last) = search.terms.last_mut().filter(|_| !is_complete && !ends_in_filter(text)) {
            last.is_prefix |= is_long_enough(last);
        }
        if search.terms.len() + search.excluded.len() > MOST_TERMS {
            return Err(InvalidSearch(format!("A search has at most {MOST_TERMS} words and phrases.")));
        }
        if search.terms.is_empty() && search.filters == Filters::default() {
            return Err(InvalidSearch(match search.excluded.is_empty() {
                true => "Write a word or a filter to search for.".to_owned(),
                false => "Words are left out of a search for other words: write one of these too.".to_owned(),
            }));
        }
        if search.terms.is_empty() && !search.excluded.is_empty() {
            return Err(InvalidSearch(
                "Words are left out of a search for other words: write one of these too.".to_owned(),
            ));
        }
        Ok(search)
    }
}

/// A beginning of one letter would find nearly everything.
fn is_long_enough(term: &Term) -> bool {
    term.words.len() > 1 || term.words.iter().any(|word| word.chars().count() > 1)
}

fn ends_in_filter(text: &str) -> bool {
    parts(text).last().is_some_and(|part| part.filter.is_some())
}

/// A part of the text between spaces. A part in quotation marks may have spaces.
#[derive(Debug)]
struct Part {
    is_excluded: bool,
    filter: Option<String>,
    value: String,
}

fn parts(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let is_excluded = rest.len() > 1 && rest.starts_with('-');
        rest = rest.strip_prefix('-').filter(|_| is_excluded).unwrap_or(rest);
        let name_end = rest.find(|letter: char| !letter.is_ascii_alphabetic() && letter != '_');
        let filter = name_end.filter(|end| *end > 0 && rest[*end..].starts_with(':')).map(|end| &rest[..end]);
        let after_name = filter.map_or(rest, |name| &rest[name.len() + 1..]);
        // An address is no filter.
        let filter = filter.filter(|_| !after_name.starts_with("//"));
        let after_name = filter.map_or(rest, |_| after_name);
        let (value, end) = match after_name.strip_prefix('"') {
            Some(quoted) => match quoted.find('"') {
                Some(end) => (&quoted[..end], &quoted[end + 1..]),
                None => (quoted, ""),
            },
            None => {
                let end = after_name.find(char::is_whitespace).unwrap_or(after_name.len());
                (&after_name[..end], &after_name[end..])
            }
        };
        let filter = filter.map(str::to_ascii_lowercase);
        parts.push(Part { is_excluded, filter, value: value.trim().to_owned() });
        rest = end.trim_start();
    }
    parts
}

impl SearchText {
    fn add(&mut self, part: &Part) -> Result<(), InvalidSearch> {
        match &part.filter {
            Some(filter) => self.add_filter(filter, part),
            None => {
                let terms = if part.is_excluded { &mut self.excluded } else { &mut self.terms };
                terms.extend(term_of(&part.value));
                Ok(())
            }
        }
    }

    fn add_filter(&mut self, filter: &str, part: &Part) -> Result<(), InvalidSearch> {
        let value = &part.value;
        if part.is_excluded {
            return Err(InvalidSearch(format!("`-{filter}:` is not possible: only words can be left out.")));
        }
        let filters = &mut self.filters;
        if value.is_empty() {
            return Err(InvalidSearch(format!("`{filter}:` needs a value, without a space before it.")));
        }
        match filter {
            "from" => filters.from.push(named(value)),
            "assignee" => filters.assignees.push(named(value)),
            "team" => filters.teams.push(named(value)),
            "label" => filters.labels.push(value.clone()),
            "channel" => filters.channels.push(value.clone()),
            "priority" => filters.priorities.push(word(filter, value, Priority::ALL)?),
            "before" => filters.before = Some(moment(filter, value)?),
            "after" => filters.after = Some(moment(filter, value)?),
            "has" => match value.as_str() {
                "attachment" => filters.attachments = true,
                _ => {
                    return Err(InvalidSearch(format!(
                        "`has:{value}` is no filter: write `has:attachment`."
                    )));
                }
            },
            "is" => match value.as_str() {
                "unread" => filters.unread = true,
                "note" => filters.notes = true,
                "unassigned" => filters.assignees.push(Named::None),
                _ => match Status::ALL.iter().find(|status| status.as_str() == value) {
                    Some(status) => filters.statuses.push(*status),
                    None => {
                        let statuses: Vec<_> = Status::ALL.iter().map(|status| status.as_str()).collect();
                        return Err(InvalidSearch(format!(
                            "`is:{value}` is no filter: write `is:` and one of unread, note, unassigned, {}.",
                            statuses.join(", ")
                        )));
                    }
                },
            },
            _ => {
                return Err(InvalidSearch(format!(
                    "`{filter}:` is no filter. Filters are {FILTERS}. Put words with a colon in quotation marks."
                )));
            }
        }
        Ok(())
    }
}

fn named(value: &str) -> Named {
    match value {
        "me" => Named::Me,
        "none" => Named::None,
        name => Named::Name(name.to_owned()),
    }
}

fn word<T: Copy + fmt::Display>(filter: &str, value: &str, all: &[T]) -> Result<T, InvalidSearch> {
    all.iter().find(|word| word.to_string() == value).copied().ok_or_else(|| {
        let all: Vec<_> = all.iter().map(T::to_string).collect();
        InvalidSearch(format!("`{filter}:{value}` is no filter: `{filter}:` has one of {}.", all.join(", ")))
    })
}

/// A day, which begins at midnight UTC, or a moment of RFC 3339.
fn moment(filter: &str, value: &str) -> Result<Timestamp, InvalidSearch> {
    let midnight = format!("{value}T00:00:00Z");
    midnight.parse().or_else(|_| value.parse()).map_err(|_| {
        InvalidSearch(format!(
            "`{filter}:{value}` is no date: write a day as 2026-11-01, which begins at midnight UTC, or a moment as \
             2026-11-01T09:30:00+03:00."
        ))
    })
}

/// The words of a text, which stand together. `None` when it has none.
pub(super) fn term_of(text: &str) -> Option<Term> {
    let found = words(text);
    let is_prefix = matches!(&found[..], [one] if one.pair.is_some_and(|end| end == one.range.end));
    let words: Vec<String> = found.into_iter().filter(|word| !word.is_last).map(|word| word.text).collect();
    (!words.is_empty()).then_some(Term { words, is_prefix })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(text: &str) -> SearchText {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn refused(text: &str) -> String {
        text.parse::<SearchText>().err().map(|error| error.0).unwrap_or_default()
    }

    fn term(words: &[&str], is_prefix: bool) -> Term {
        Term { words: words.iter().map(|word| (*word).to_owned()).collect(), is_prefix }
    }

    #[test]
    fn words_phrases_and_filters_are_distinguished() {
        let found =
            search("from:ana refund \"not arrived\" -spam is:open is:unread label:vip before:2026-11-01 ord");
        assert_eq!(
            found.terms,
            [term(&["refund"], false), term(&["not", "arrived"], false), term(&["ord"], true)]
        );
        assert_eq!(found.excluded, [term(&["spam"], false)]);
        assert_eq!(found.filters.from, [Named::Name("ana".to_owned())]);
        assert_eq!((found.filters.statuses, found.filters.unread), (vec![Status::Open], true));
        assert_eq!(found.filters.before, "2026-11-01T00:00:00Z".parse().ok());
        assert_eq!(search("from:\"Ana Maria\"").filters.from, [Named::Name("Ana Maria".to_owned())]);
    }

    #[test]
    fn only_the_word_that_is_being_typed_is_the_beginning_of_one() {
        assert_eq!(search("refun").terms, [term(&["refun"], true)]);
        assert_eq!(search("refund ").terms, [term(&["refund"], false)]);
        assert_eq!(search("refun is:open").terms, [term(&["refun"], false)]);
        assert_eq!(search("a").terms, [term(&["a"], false)]);
        assert_eq!(search("東京都").terms, [term(&["東京", "京都"], true)]);
        assert_eq!(search("水 ").terms, [term(&["水"], true)], "one letter begins pairs");
    }

    #[test]
    fn an_address_is_no_filter() {
        assert_eq!(search("https://example.com ").terms, [term(&["https", "example", "com"], false)]);
        assert_eq!(search("10:30 ").terms, [term(&["10", "30"], false)]);
    }

    #[test]
    fn what_is_wrong_and_what_is_allowed_is_said() {
        assert!(refused("colour:red").contains("Filters are from:"));
        assert!(refused("is:opne").contains("open"));
        assert!(refused("priority:huge").contains("urgent"));
        assert!(refused("before:yesterday").contains("2026-11-01"));
        assert!(refused("has:wings").contains("has:attachment"));
        assert!(refused("label:").contains("needs a value"));
        assert!(refused("-label:vip").contains("only words"));
        assert!(refused("  ").contains("Write a word"));
        assert!(refused("-spam").contains("left out"));
        assert!(refused(&"word ".repeat(20)).contains("at most 16"));
        assert!(refused(&"x".repeat(500)).contains("400"));
    }

    #[test]
    fn a_filter_that_a_kind_does_not_have_is_named() {
        assert!(search("ana").check_kind(SearchKind::People).is_ok());
        let refused = search("ana label:vip").check_kind(SearchKind::People).err().map(|error| error.0);
        assert!(refused.is_some_and(|text| text.contains("label:")));
        assert!(search("ana has:attachment").check_kind(SearchKind::Conversations).is_err());
        assert!(search("ana has:attachment is:note").check_kind(SearchKind::Messages).is_ok());
    }
}
