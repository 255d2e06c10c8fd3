//! When a person is needed (requirement 001's detection, requirement 002's rules).

use super::memory::Memory;
use super::phrases::{PhraseSetBuilder, Phrases};
use super::playbook::IncomingMessage;
use super::text::NormalizedText;
use event_schemas::bot::{BotSettings, HandoffCause, HandoffRule, HandoffTrigger};
use event_schemas::{HandoffRuleId, TeamId};
use std::time::Duration;

/// The reasons for a handoff that an account defines.
#[derive(Debug)]
pub struct Handoff {
    rules: Vec<Compiled>,
    /// The account's keywords first, rule by rule, then those of the settings.
    phrases: Phrases,
    words: Vec<String>,
    low_confidence_answers: Option<u32>,
    confidence_threshold: f64,
}

#[derive(Debug)]
struct Compiled {
    id: HandoffRuleId,
    when: When,
    team_id: Option<TeamId>,
    message: Option<String>,
}

#[derive(Debug)]
enum When {
    /// Places among the phrases.
    Words(Vec<usize>),
    Intent(String),
    SentimentBelow(f64),
    SilenceOf(Duration),
    ConfidenceBelow(f64),
    Asked,
    Turns(usize),
}

/// A person is needed.
#[derive(Clone, Debug, PartialEq)]
pub struct HandoffNeed {
    pub trigger: HandoffCause,
    pub reason: String,
    pub rule_id: Option<HandoffRuleId>,
    pub team_id: Option<TeamId>,
    /// The message to the customer meanwhile.
    pub message: Option<String>,
}

impl Handoff {
    pub(super) fn compile<'r>(
        rules: impl IntoIterator<Item = &'r HandoffRule>,
        settings: &BotSettings,
    ) -> Result<Self, aho_corasick::BuildError> {
        let mut active: Vec<_> = rules.into_iter().filter(|rule| rule.is_active).collect();
        active.sort_by_key(|rule| (rule.priority, rule.id));
        let (mut phrases, mut words) = (PhraseSetBuilder::default(), Vec::new());
        let mut add = |word: &str| {
            let place = phrases.add(word);
            if place == words.len() {
                words.push(word.trim().to_owned());
            }
            place
        };
        let compiled = active.into_iter().filter_map(|rule| {
            Some(Compiled {
                id: rule.id,
                when: When::of(rule, &mut add)?,
                team_id: rule.target_team_id,
                message: rule.message_template.clone(),
            })
        });
        let rules = compiled.collect();
        settings.handoff_keywords.iter().for_each(|word| {
            add(word);
        });
        Ok(Self {
            rules,
            phrases: phrases.build()?,
            words,
            low_confidence_answers: settings.low_confidence_answers,
            confidence_threshold: settings.confidence_threshold,
        })
    }

    /// Whether the account has no rules of its own about it.
    pub fn is_usual(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether what the customer wrote calls for a person.
    pub fn heard(&self, heard: &IncomingMessage<'_>) -> Option<HandoffNeed> {
        let text = NormalizedText::of(heard.text);
        let found = self.phrases.find(&text);
        let by_rule = self.rules.iter().find_map(|rule| {
            let (trigger, reason) = match &rule.when {
                When::Words(places) => {
                    let place = places.iter().find(|place| found.has(**place))?;
                    (HandoffCause::Keyword, requested(&self.words[*place]))
                }
                When::Intent(intent) => {
                    (heard.word("intent") == Some(intent)).then_some(())?;
                    (HandoffCause::Intent, format!("Customer's intent is '{intent}'"))
                }
                When::SentimentBelow(least) => {
                    let mood = heard.number("sentiment").filter(|mood| mood < least)?;
                    (HandoffCause::Sentiment, format!("Customer's sentiment is {mood}, below {least}"))
                }
                When::ConfidenceBelow(least) => {
                    let sure = heard.number("confidence").filter(|sure| sure < least)?;
                    (HandoffCause::Confidence, format!("Confidence is {sure}, below {least}"))
                }
                When::SilenceOf(_) | When::Asked | When::Turns(_) => return None,
            };
            Some(rule.need(trigger, reason))
        });
        by_rule.or_else(|| {
            let place = self.phrases.longest(&text)?;
            Some(HandoffNeed::of(HandoffCause::Keyword, requested(&self.words[place])))
        })
    }

    /// Whether what the bot has answered, the last answer included, calls for a person.
    pub fn answered(&self, memory: &Memory, last_confidence: Option<f64>) -> Option<HandoffNeed> {
        let by_rule = self.rules.iter().find_map(|rule| match &rule.when {
            When::ConfidenceBelow(least) => {
                let sure = last_confidence.filter(|sure| sure < least)?;
                Some(rule.need(HandoffCause::Confidence, format!("Confidence is {sure}, below {least}")))
            }
            When::Turns(most) if memory.answers() > *most => {
                Some(rule.need(HandoffCause::Turns, format!("More than {most} answers without a resolution")))
            }
            When::Turns(_)
            | When::Words(_)
            | When::Intent(_)
            | When::SentimentBelow(_)
            | When::SilenceOf(_)
            | When::Asked => None,
        });
        by_rule.or_else(|| {
            let most = self.low_confidence_answers?;
            let unsure = memory.unsure_answers(self.confidence_threshold);
            (unsure >= most as usize).then(|| {
                HandoffNeed::of(HandoffCause::LowConfidence, "Multiple low-confidence responses".to_owned())
            })
        })
    }

    /// The handoff that a request asks for.
    pub fn asked(&self, reason: String) -> HandoffNeed {
        let rule = self.rules.iter().find(|rule| matches!(rule.when, When::Asked));
        match rule {
            Some(rule) => rule.need(HandoffCause::Manual, reason),
            None => HandoffNeed::of(HandoffCause::Manual, reason),
        }
    }

    /// The shortest silence that calls for a person.
    pub fn patience(&self) -> Option<Duration> {
        self.silences().map(|(_, silence)| silence).min()
    }

    /// Whether a silence of the bot's conversation has lasted too long.
    pub fn silent_for(&self, silence: Duration) -> Option<HandoffNeed> {
        let (rule, limit) = self.silences().find(|(_, limit)| *limit <= silence)?;
        Some(rule.need(HandoffCause::Timeout, format!("Nothing happened for {} seconds", limit.as_secs())))
    }

    fn silences(&self) -> impl Iterator<Item = (&Compiled, Duration)> {
        self.rules.iter().filter_map(|rule| match rule.when {
            When::SilenceOf(limit) => Some((rule, limit)),
            When::Words(_)
            | When::Intent(_)
            | When::SentimentBelow(_)
            | When::ConfidenceBelow(_)
            | When::Asked
            | When::Turns(_) => None,
        })
    }
}

fn requested(word: &str) -> String {
    format!("Customer requested human agent (keyword: '{word}')")
}

impl HandoffNeed {
    /// Of this cause, without a rule that says to which team.
    pub fn of(trigger: HandoffCause, reason: String) -> Self {
        Self { trigger, reason, rule_id: None, team_id: None, message: None }
    }
}

impl Compiled {
    fn need(&self, trigger: HandoffCause, reason: String) -> HandoffNeed {
        HandoffNeed {
            trigger,
            reason,
            rule_id: Some(self.id),
            team_id: self.team_id,
            message: self.message.clone(),
        }
    }
}

impl When {
    /// `None` when the value is invalid for this trigger; validation rejects such rules.
    fn of(rule: &HandoffRule, add: &mut impl FnMut(&str) -> usize) -> Option<Self> {
        let value = rule.trigger_value.as_deref().unwrap_or_default().trim();
        Some(match rule.trigger_type {
            HandoffTrigger::Keyword => Self::Words(words(value).map(add).collect()),
            HandoffTrigger::Intent => Self::Intent(value.to_owned()),
            HandoffTrigger::Sentiment => Self::SentimentBelow(value.parse().ok()?),
            HandoffTrigger::Timeout => {
                Self::SilenceOf(Duration::from_secs(value.parse::<u32>().ok()?.into()))
            }
            HandoffTrigger::Confidence => Self::ConfidenceBelow(value.parse().ok()?),
            HandoffTrigger::Manual => Self::Asked,
            HandoffTrigger::Turns => Self::Turns(value.parse().ok()?),
        })
    }
}

/// `refund, money back` are two.
pub(crate) fn words(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim).filter(|word| !NormalizedText::of(word).is_empty())
}
