//! The preferences of an agent, and their validation.

use super::{Person, Rejection, invalid};
use crate::aggregate::Decide;
use crate::calendar::{Hours, days_off};
use event_schemas::agent::{Preferences, PreferencesChanged};
use event_schemas::{AccountId, AgentEvent, Timestamp, UserId, Version};

const MOST_CONVERSATIONS: u32 = 1_000;
const MOST_WORDS: usize = 100;
const MOST_LEAVE: usize = 100;
const LONGEST_WORD: usize = 64;

/// The changes that `PATCH /v1/agent-preferences/…` can make. Absent fields stay as they are.
#[derive(Clone, Debug)]
pub struct ChangePreferences<F> {
    pub account_id: AccountId,
    pub user_id: UserId,
    /// The version that the preferences must have. `None` when the caller accepts any.
    pub if_match: Option<Version>,
    pub change: F,
}

impl<F: Fn(&mut Preferences)> Decide<Person> for ChangePreferences<F> {
    type Rejection = Rejection;

    fn decide(&self, state: &Person, _: Timestamp) -> Result<Vec<AgentEvent>, Rejection> {
        let state = state.in_account(self.account_id);
        if !state.is_registered() {
            return Err(Rejection::NotRegistered);
        }
        if let Some(expected) = self.if_match
            && state.preferences_version().unwrap_or(Version::FIRST) != expected
        {
            return Err(Rejection::ChangedMeanwhile { expected, actual: state.preferences_version() });
        }
        let mut preferences = state.preferences.clone();
        (self.change)(&mut preferences);
        check(&preferences)?;
        if preferences == state.preferences {
            return Ok(Vec::new());
        }
        Ok(vec![
            PreferencesChanged { user_id: self.user_id, account_id: Some(self.account_id), preferences }
                .into(),
        ])
    }
}

fn check(preferences: &Preferences) -> Result<(), Rejection> {
    if !(1..=MOST_CONVERSATIONS).contains(&preferences.max_concurrent_conversations) {
        return Err(invalid(
            "max_concurrent_conversations",
            format!("is between 1 and {MOST_CONVERSATIONS}"),
        ));
    }
    let zone = preferences.available_hours.as_ref().map_or("UTC", |hours| hours.timezone.as_str());
    if preferences.leave.len() > MOST_LEAVE {
        return Err(invalid("leave", format!("has at most {MOST_LEAVE} entries")));
    }
    check_words("available_topics", &preferences.available_topics, |_| true)?;
    check_words("languages", &preferences.languages, is_language_tag)?;
    if let Some(hours) = &preferences.available_hours
        && let Err(error) = Hours::weekly(&hours.timezone, &hours.schedule, &[])
    {
        return Err(invalid(format!("available_hours.{}", error.field()), error.to_string()));
    }
    for (index, leave) in preferences.leave.iter().enumerate() {
        if let Err(error) = days_off(zone, &leave.from, &leave.until) {
            return Err(invalid(format!("leave[{index}].{}", error.field()), error.to_string()));
        }
    }
    Ok(())
}

fn check_words(
    field: &'static str,
    words: &[String],
    is_valid: impl Fn(&str) -> bool,
) -> Result<(), Rejection> {
    if words.len() > MOST_WORDS {
        return Err(invalid(field, format!("has at most {MOST_WORDS} entries")));
    }
    for (index, word) in words.iter().enumerate() {
        if word.trim().is_empty() || word.chars().count() > LONGEST_WORD || !is_valid(word) {
            return Err(invalid(format!("{field}[{index}]"), format!("'{word}' is invalid")));
        }
    }
    Ok(())
}

/// The shape of a BCP 47 tag: `en`, `am`, `pt-BR`, `zh-Hant`.
pub(crate) fn is_language_tag(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let primary = parts.next().unwrap_or_default();
    (2..=3).contains(&primary.len())
        && primary.chars().all(|c| c.is_ascii_alphabetic())
        && parts.all(|part| (1..=8).contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphanumeric()))
}
