//! A rule, ready to be put to a message.

use super::phrases::{Found, Gathered};
use super::playbook::{Facts, Heard};
use crate::calendar::{minutes, zone};
use event_schemas::bot::{BotRule, BotStrategy, BotTrigger, InfoField, MatchMode};
use event_schemas::conversation::AssignStrategy;
use event_schemas::message::{ChannelType, Priority};
use event_schemas::{BotRuleId, TeamId, Timestamp};
use jiff::tz::TimeZone;

/// A rule of the account's, compiled.
#[derive(Debug)]
pub struct Rule {
    pub id: BotRuleId,
    pub name: String,
    pub run_once: bool,
    pub actions: Actions,
    trigger: BotTrigger,
    /// Each keyword as it was written, and its place among the phrases.
    keywords: Vec<(String, usize)>,
    all_keywords: bool,
    channels: Option<Vec<ChannelType>>,
    hours: Option<Daily>,
    language: Option<String>,
    labels: Vec<String>,
    intent: Option<String>,
    confidence_min: Option<f64>,
}

/// What a rule does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Actions {
    pub reply: Option<String>,
    pub team_id: Option<TeamId>,
    pub strategy: Option<AssignStrategy>,
    pub labels: Vec<String>,
    pub priority: Option<Priority>,
    pub ask: Vec<InfoField>,
}

impl Actions {
    /// Whether it gives the conversation to people.
    pub fn hands_over(&self) -> bool {
        self.team_id.is_some() || self.strategy.is_some()
    }

    /// Whether it only writes on the cover: then the rules after it are asked too.
    pub fn is_silent(&self) -> bool {
        self.reply.is_none() && self.ask.is_empty() && !self.hands_over()
    }
}

/// A stretch of every day by the clock on the wall, in minutes.
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
            // Over midnight; where both are the same it is the whole day.
            minute >= self.start || minute < self.end
        }
    }
}

impl Rule {
    /// None: its zone or its times are none, which [`super::check_rule`] does not let pass.
    pub(super) fn compile(rule: &BotRule, reply: Option<String>, phrases: &mut Gathered) -> Option<Self> {
        let conditions = &rule.conditions;
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
            id: rule.id,
            name: rule.name.clone(),
            run_once: rule.run_once,
            actions: Actions {
                reply,
                team_id: rule.actions.assign_team_id,
                strategy: rule.actions.assign_strategy.map(strategy),
                labels: rule.actions.set_labels.clone().unwrap_or_default(),
                priority: rule.actions.set_priority,
                ask: rule.actions.collect_info.clone().unwrap_or_default(),
            },
            trigger: rule.trigger_type,
            keywords: keywords.map(|word| (word.clone(), phrases.add(word))).collect(),
            all_keywords: conditions.match_mode == MatchMode::All,
            channels: conditions.channels.clone(),
            hours,
            language: conditions.language.as_deref().map(primary),
            labels: conditions.labels.clone().unwrap_or_default(),
            intent: conditions.intent.clone(),
            confidence_min: conditions.confidence_min,
        })
    }

    pub(super) fn asks_for_language(&self) -> bool {
        self.language.is_some()
    }

    pub(super) fn is_fallback(&self) -> bool {
        self.trigger == BotTrigger::Fallback
    }

    pub(super) fn is_about_words(&self) -> bool {
        self.trigger == BotTrigger::Keyword
    }

    /// Whether it fits; the cheapest questions come first.
    pub(super) fn fits(&self, heard: &Heard<'_>, found: &Found, facts: &Facts<'_>) -> bool {
        let has = |place: &(String, usize)| found.has(place.1);
        (self.trigger != BotTrigger::NewConversation || facts.is_first)
            && self.channels.as_ref().is_none_or(|channels| channels.contains(&facts.channel_type))
            && match (self.keywords.is_empty(), self.all_keywords) {
                (true, _) => true,
                (false, true) => self.keywords.iter().all(has),
                (false, false) => self.keywords.iter().any(has),
            }
            && self.labels.iter().all(|label| facts.labels.contains(label))
            && self
                .language
                .as_ref()
                .is_none_or(|wanted| facts.language.is_some_and(|language| primary(language) == *wanted))
            && self.intent.as_deref().is_none_or(|intent| heard.word("intent") == Some(intent))
            && self
                .confidence_min
                .is_none_or(|least| heard.number("confidence").is_some_and(|sure| sure >= least))
            && self.hours.as_ref().is_none_or(|hours| hours.holds(heard.at))
    }

    /// Why it fits, in the account's own words.
    pub(super) fn why(&self, found: &Found, facts: &Facts<'_>) -> String {
        let mut reasons = Vec::new();
        let words: Vec<_> = self
            .keywords
            .iter()
            .filter(|(_, place)| found.has(*place))
            .map(|(word, _)| format!("'{word}'"))
            .collect();
        match words.len() {
            0 => {}
            1 => reasons.push(format!("keyword {}", words[0])),
            _ => reasons.push(format!("keywords {}", words.join(", "))),
        }
        match self.trigger {
            BotTrigger::NewConversation => reasons.push("the first message".to_owned()),
            BotTrigger::Fallback => reasons.push("nothing else fitted".to_owned()),
            BotTrigger::Keyword | BotTrigger::TimeBased | BotTrigger::Channel => {}
        }
        if let Some(Daily { start, end, zone_name, .. }) = &self.hours {
            let clock = |minute: &u16| format!("{:02}:{:02}", minute / 60, minute % 60);
            reasons.push(format!("between {} and {} in {zone_name}", clock(start), clock(end)));
        }
        if self.channels.is_some() {
            reasons.push(format!("on {}", facts.channel_type));
        }
        if let Some(language) = &self.language {
            reasons.push(format!("language {language}"));
        }
        if !self.labels.is_empty() {
            reasons.push(format!("labelled {}", self.labels.join(", ")));
        }
        if let Some(intent) = &self.intent {
            reasons.push(format!("intent {intent}"));
        }
        if reasons.is_empty() {
            reasons.push("any message".to_owned());
        }
        reasons.join(", ")
    }
}

fn strategy(strategy: BotStrategy) -> AssignStrategy {
    match strategy {
        BotStrategy::RoundRobin => AssignStrategy::RoundRobin,
        BotStrategy::LeastBusy => AssignStrategy::LeastBusy,
        BotStrategy::ManualQueue => AssignStrategy::ManualQueue,
    }
}

/// `en` of `en-GB`.
fn primary(tag: &str) -> String {
    tag.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase()
}
