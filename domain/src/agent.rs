//! The people who answer, and what they can take when (requirement 000, section 2).
//!
//! Preferences are the person's, not an account's; which accounts know the person is theirs to extend: an
//! administrator registers who is known to nobody, anybody else joins by signing in.

use crate::aggregate::{Decide, Evolve};
use crate::calendar::Hours;
use event_schemas::agent::{AgentRegistered, Preferences, PreferencesChanged};
use event_schemas::{AccountId, AgentEvent, Timestamp, UserId};
use std::collections::BTreeMap;

const MOST_CONVERSATIONS: u32 = 1_000;
const MOST_WORDS: usize = 100;
const LONGEST_WORD: usize = 64;
const LONGEST_NAME: usize = 200;

/// A person who answers.
#[derive(Clone, Debug, Default)]
pub struct Agent {
    /// Under which name and address each account knows them.
    accounts: BTreeMap<AccountId, (String, Option<String>)>,
    preferences: Preferences,
}

impl Agent {
    pub fn is_known_to(&self, account: AccountId) -> bool {
        self.accounts.contains_key(&account)
    }
    pub fn name_in(&self, account: AccountId) -> Option<&str> {
        self.accounts.get(&account).map(|(name, _)| name.as_str())
    }
    pub fn email_in(&self, account: AccountId) -> Option<&str> {
        self.accounts.get(&account).and_then(|(_, email)| email.as_deref())
    }
    pub fn preferences(&self) -> &Preferences {
        &self.preferences
    }
}

impl Evolve for Agent {
    type Event = AgentEvent;

    fn evolve(&mut self, event: &AgentEvent, _: Timestamp) {
        match event {
            AgentEvent::AgentRegistered(known) => {
                self.accounts.insert(known.account_id, (known.name.clone(), known.email.clone()));
            }
            AgentEvent::PreferencesChanged(changed) => self.preferences = changed.preferences.clone(),
        }
    }
}

/// Why an agent cannot be as asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("this account knows no such agent")]
    NotRegistered,
    #[error("another account registered this person; they join by signing in to this one")]
    RegisteredElsewhere,
    /// `field` is the path of what is wrong.
    #[error("{field}: {reason}")]
    Senseless { field: String, reason: String },
}

fn senseless(field: impl Into<String>, reason: impl Into<String>) -> Rejection {
    Rejection::Senseless { field: field.into(), reason: reason.into() }
}

/// An account knows this person from now on, by this name.
#[derive(Clone, Debug)]
pub struct Register {
    pub account_id: AccountId,
    pub user_id: UserId,
    pub name: String,
    pub email: Option<String>,
    /// Whether the person asks for themselves.
    pub is_self: bool,
}

impl Decide<Agent> for Register {
    type Rejection = Rejection;

    fn decide(&self, state: &Agent, _: Timestamp) -> Result<Vec<AgentEvent>, Rejection> {
        let length = self.name.trim().chars().count();
        if length == 0 || length > LONGEST_NAME {
            return Err(senseless("name", format!("has between 1 and {LONGEST_NAME} characters")));
        }
        let elsewhere = !state.accounts.is_empty() && !state.is_known_to(self.account_id);
        if elsewhere && !self.is_self {
            return Err(Rejection::RegisteredElsewhere);
        }
        let same = state.name_in(self.account_id) == Some(&self.name)
            && state.email_in(self.account_id) == self.email.as_deref();
        if same {
            return Ok(Vec::new());
        }
        Ok(vec![
            AgentRegistered {
                account_id: self.account_id,
                user_id: self.user_id,
                name: self.name.clone(),
                email: self.email.clone(),
            }
            .into(),
        ])
    }
}

/// What `PATCH /v1/agent-preferences/…` can change; what is not named stays as it is.
#[derive(Clone, Debug)]
pub struct ChangePreferences<F> {
    pub account_id: AccountId,
    pub user_id: UserId,
    pub change: F,
}

impl<F: Fn(&mut Preferences)> Decide<Agent> for ChangePreferences<F> {
    type Rejection = Rejection;

    fn decide(&self, state: &Agent, _: Timestamp) -> Result<Vec<AgentEvent>, Rejection> {
        if !state.is_known_to(self.account_id) {
            return Err(Rejection::NotRegistered);
        }
        let mut preferences = state.preferences.clone();
        (self.change)(&mut preferences);
        check(&preferences)?;
        if preferences == state.preferences {
            return Ok(Vec::new());
        }
        Ok(vec![PreferencesChanged { user_id: self.user_id, preferences }.into()])
    }
}

fn check(preferences: &Preferences) -> Result<(), Rejection> {
    if !(1..=MOST_CONVERSATIONS).contains(&preferences.max_concurrent_conversations) {
        return Err(senseless(
            "max_concurrent_conversations",
            format!("is between 1 and {MOST_CONVERSATIONS}"),
        ));
    }
    words("available_topics", &preferences.available_topics, |_| true)?;
    words("languages", &preferences.languages, is_language_tag)?;
    if let Some(hours) = &preferences.available_hours
        && let Err(error) = Hours::weekly(&hours.timezone, &hours.schedule, &[])
    {
        return Err(senseless(format!("available_hours.{}", error.field()), error.to_string()));
    }
    Ok(())
}

fn words(field: &'static str, words: &[String], fits: impl Fn(&str) -> bool) -> Result<(), Rejection> {
    if words.len() > MOST_WORDS {
        return Err(senseless(field, format!("has at most {MOST_WORDS} entries")));
    }
    for (index, word) in words.iter().enumerate() {
        if word.trim().is_empty() || word.chars().count() > LONGEST_WORD || !fits(word) {
            return Err(senseless(format!("{field}[{index}]"), format!("'{word}' makes no sense here")));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::given::given;

    const HERE: AccountId = AccountId::from_u128(1);
    const THERE: AccountId = AccountId::from_u128(2);
    const ANA: UserId = UserId::from_u128(3);

    fn registered(account_id: AccountId) -> AgentEvent {
        AgentRegistered { account_id, user_id: ANA, name: "Ana".to_owned(), email: None }.into()
    }

    fn register(account_id: AccountId, is_self: bool) -> Register {
        Register { account_id, user_id: ANA, name: "Ana".to_owned(), email: None, is_self }
    }

    fn change<F: Fn(&mut Preferences)>(change: F) -> ChangePreferences<F> {
        ChangePreferences { account_id: HERE, user_id: ANA, change }
    }

    #[test]
    fn an_account_cannot_draw_another_accounts_agent_to_itself() {
        given::<Agent>([registered(THERE)])
            .when(register(HERE, false))
            .then_rejected(Rejection::RegisteredElsewhere);
        given::<Agent>([registered(THERE)]).when(register(HERE, true)).then([registered(HERE)]);
    }

    #[test]
    fn preferences_are_not_for_accounts_that_do_not_know_the_agent() {
        given::<Agent>([registered(THERE)])
            .when(change(|preferences| preferences.is_available = false))
            .then_rejected(Rejection::NotRegistered);
    }

    #[test]
    fn what_is_not_named_stays_as_it_is() {
        let preferences = Preferences { is_available: false, ..Preferences::default() };
        given::<Agent>([registered(HERE)])
            .when(change(|preferences| preferences.is_available = false))
            .then([PreferencesChanged { user_id: ANA, preferences }.into()]);
        given::<Agent>([registered(HERE)]).when(change(|_| {})).then_nothing();
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for (field, senseless) in [
            (
                "max_concurrent_conversations",
                change(|p| p.max_concurrent_conversations = 0).decide(&known(), NOW),
            ),
            ("languages[0]", change(|p| p.languages = vec!["english!".to_owned()]).decide(&known(), NOW)),
            (
                "available_hours.timezone",
                change(|p| {
                    p.available_hours = Some(event_schemas::agent::AvailableHours {
                        schedule: vec![event_schemas::catalogue::WeeklyHours {
                            days: vec![event_schemas::catalogue::Weekday::Mon],
                            start: "09:00".to_owned(),
                            end: "17:00".to_owned(),
                        }],
                        timezone: "Mars/Olympus".to_owned(),
                    });
                })
                .decide(&known(), NOW),
            ),
        ] {
            let Err(Rejection::Senseless { field: named, .. }) = senseless else {
                panic!("{field} was accepted")
            };
            assert_eq!(named, field);
        }
    }

    const NOW: Timestamp = Timestamp::from_secs(9);

    fn known() -> Agent {
        given::<Agent>([registered(HERE)]).state
    }
}
