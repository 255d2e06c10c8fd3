//! The conditions of a rule, compiled: bot rules and automation rules share them.

use super::phrases::{PhraseMatches, PhraseSetBuilder};
use crate::calendar::{minutes, zone};
use event_schemas::Timestamp;
use event_schemas::bot::{BotConditions, MatchMode};
use event_schemas::message::ChannelType;
use jiff::tz::TimeZone;
use std::collections::BTreeSet;

/// Compiled conditions.
#[derive(Debug)]
pub(crate) struct Conditions {
    /// Each keyword as it was written, and its index among the phrases.
    keywords: Vec<(String, usize)>,
    all_keywords: bool,
    channels: Option<Vec<ChannelType>>,
    hours: Option<Daily>,
    language: Option<String>,
    labels: Vec<String>,
}

/// The values that conditions are compared with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MatchContext<'c> {
    pub found: &'c PhraseMatches,
    pub at: Timestamp,
    pub channel_type: ChannelType,
    pub labels: &'c BTreeSet<String>,
    pub language: Option<&'c str>,
}

/// A part of every day in local time, in minutes after midnight.
#[derive(Debug)]
struct Daily {
    start: u16,
    end: u16,
    zone: TimeZone,
    zone_name: String,
}

impl Daily {
    fn holds(&self, at: Timestamp) -> bool {
        let local = self.zone.to_datetime(at.to_jiff());
        let minute = local.hour() as u16 * 60 + local.minute() as u16;
        if self.start < self.end {
            (self.start..self.end).contains(&minute)
        } else {
            // The range spans midnight, or is the whole day when both times are the same.
            minute >= self.start || minute < self.end
        }
    }
}

impl Conditions {
    /// `None` when the time zone or a time is invalid; validation rejects such rules.
    pub(crate) fn compile(conditions: &BotConditions, phrases: &mut PhraseSetBuilder) -> Option<Self> {
        let hours = match &conditions.time_range {
            None => None,
            Some(range) => Some(Daily {
                start: minutes(&range.start)?,
                end: minutes(&range.end)?,
                zone: zone(&range.tz)?,
                zone_name: range.tz.clone(),
            }),
        };
        let keywords = conditions.keywords.iter().flatten();
        Some(Self {
            keywords: keywords.map(|word| (word.clone(), phrases.add(word))).collect(),
            all_keywords: conditions.match_mode == MatchMode::All,
            channels: conditions.channels.clone(),
            hours,
            language: conditions.language.as_deref().map(primary),
            labels: conditions.labels.clone().unwrap_or_default(),
        })
    }

    pub(crate) fn has_keywords(&self) -> bool {
        !self.keywords.is_empty()
    }

    pub(crate) fn has_language(&self) -> bool {
        self.language.is_some()
    }

    /// Whether all conditions hold. The cheapest comparisons come first.
    pub(crate) fn hold(&self, of: &MatchContext<'_>) -> bool {
        let is_found = |keyword: &(String, usize)| of.found.has(keyword.1);
        self.channels.as_ref().is_none_or(|channels| channels.contains(&of.channel_type))
            && match (self.keywords.is_empty(), self.all_keywords) {
                (true, _) => true,
                (false, true) => self.keywords.iter().all(is_found),
                (false, false) => self.keywords.iter().any(is_found),
            }
            && self.labels.iter().all(|label| of.labels.contains(label))
            && self
                .language
                .as_ref()
                .is_none_or(|wanted| of.language.is_some_and(|language| primary(language) == *wanted))
            && self.hours.as_ref().is_none_or(|hours| hours.holds(of.at))
    }

    /// The keywords that the message contains, as the account wrote them. `None` when it contains none.
    pub(crate) fn words(&self, found: &PhraseMatches) -> Option<String> {
        let matched = self.keywords.iter().filter(|(_, phrase)| found.has(*phrase));
        let words: Vec<_> = matched.map(|(word, _)| format!("'{word}'")).collect();
        match words.len() {
            0 => None,
            1 => Some(format!("keyword {}", words[0])),
            _ => Some(format!("keywords {}", words.join(", "))),
        }
    }

    /// The other reasons why the conditions hold.
    pub(crate) fn reasons(&self, channel_type: ChannelType) -> Vec<String> {
        let mut reasons = Vec::new();
        if let Some(Daily { start, end, zone_name, .. }) = &self.hours {
            let clock = |minute: &u16| format!("{:02}:{:02}", minute / 60, minute % 60);
            reasons.push(format!("between {} and {} in {zone_name}", clock(start), clock(end)));
        }
        if self.channels.is_some() {
            reasons.push(format!("on {channel_type}"));
        }
        if let Some(language) = &self.language {
            reasons.push(format!("language {language}"));
        }
        if !self.labels.is_empty() {
            reasons.push(format!("labelled {}", self.labels.join(", ")));
        }
        reasons
    }
}

/// The primary language of a tag: `en` of `en-GB`.
fn primary(tag: &str) -> String {
    tag.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase()
}
