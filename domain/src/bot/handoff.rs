//! When a conversation needs a human agent (the detection of requirement 001, the rules of requirement 002).

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
    /// The keywords of the handoff rules in their order, then those of the settings.
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
    /// Indexes of the phrases.
    Words(Vec<usize>),
    Intent(String),
    SentimentBelow(f64),
    InactiveFor(Duration),
    ConfidenceBelow(f64),
    Requested,
    Turns(usize),
}

/// A conversation needs a human agent.
#[derive(Clone, Debug, PartialEq)]
pub struct HandoffNeed {
    pub trigger: HandoffCause,
    pub reason: String,
    pub rule_id: Option<HandoffRuleId>,
    pub team_id: Option<TeamId>,
    /// The message to the customer. `None` when the usual one is sent.
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
            let phrase = phrases.add(word);
            if phrase == words.len() {
                words.push(word.trim().to_owned());
            }
            phrase
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

    /// Whether the account has no handoff rules.
    pub fn has_no_rules(&self) -> bool {
        self.rules.is_empty()
    }

    /// The handoff that a message of the customer demands. `None` when it demands none.
    pub fn for_message(&self, message: &IncomingMessage<'_>) -> Option<HandoffNeed> {
        let text = NormalizedText::of(message.text);
        let found = self.phrases.find(&text);
        let by_rule = self.rules.iter().find_map(|rule| {
            let (trigger, reason) = match &rule.when {
                When::Words(phrases) => {
                    let phrase = phrases.iter().find(|phrase| found.has(**phrase))?;
                    (HandoffCause::Keyword, requested(&self.words[*phrase]))
                }
                When::Intent(intent) => {
                    (message.word("intent") == Some(intent)).then_some(())?;
                    (HandoffCause::Intent, format!("Customer's intent is '{intent}'"))
                }
                When::SentimentBelow(least) => {
                    let mood = message.number("sentiment").filter(|mood| mood < least)?;
                    (HandoffCause::Sentiment, format!("Customer's sentiment is {mood}, below {least}"))
                }
                When::ConfidenceBelow(least) => {
                    let sure = message.number("confidence").filter(|sure| sure < least)?;
                    (HandoffCause::Confidence, format!("Confidence is {sure}, below {least}"))
                }
                When::InactiveFor(_) | When::Requested | When::Turns(_) => return None,
            };
            Some(rule.need(trigger, reason))
        });
        by_rule.or_else(|| {
            let phrase = self.phrases.longest(&text)?;
            Some(HandoffNeed::of(HandoffCause::Keyword, requested(&self.words[phrase])))
        })
    }

    /// The handoff that the bot's answers, the last one included, demand. `None` when they demand none.
    pub fn for_answers(&self, memory: &Memory, last_confidence: Option<f64>) -> Option<HandoffNeed> {
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
            | When::InactiveFor(_)
            | When::Requested => None,
        });
        by_rule.or_else(|| {
            let most = self.low_confidence_answers?;
            let unsure = memory.unsure_answers(self.confidence_threshold);
            (unsure >= most as usize).then(|| {
                HandoffNeed::of(HandoffCause::LowConfidence, "Multiple low-confidence responses".to_owned())
            })
        })
    }

    /// The handoff that a user or another program requests.
    pub fn for_request(&self, reason: String) -> HandoffNeed {
        let rule = self.rules.iter().find(|rule| matches!(rule.when, When::Requested));
        match rule {
            Some(rule) => rule.need(HandoffCause::Manual, reason),
            None => HandoffNeed::of(HandoffCause::Manual, reason),
        }
    }

    /// The shortest inactivity that demands a handoff. `None` when none does.
    pub fn shortest_inactivity(&self) -> Option<Duration> {
        self.inactivity_rules().map(|(_, limit)| limit).min()
    }

    /// The handoff of a conversation with the bot that has been inactive for so long. `None` when that is not
    /// too long.
    pub fn for_inactivity(&self, inactivity: Duration) -> Option<HandoffNeed> {
        let (rule, limit) = self.inactivity_rules().find(|(_, limit)| *limit <= inactivity)?;
        Some(rule.need(HandoffCause::Timeout, format!("Nothing happened for {} seconds", limit.as_secs())))
    }

    fn inactivity_rules(&self) -> impl Iterator<Item = (&Compiled, Duration)> {
        self.rules.iter().filter_map(|rule| match rule.when {
            When::InactiveFor(limit) => Some((rule, limit)),
            When::Words(_)
            | When::Intent(_)
            | When::SentimentBelow(_)
            | When::ConfidenceBelow(_)
            | When::Requested
            | When::Turns(_) => None,
        })
    }
}

fn requested(word: &str) -> String {
    format!("Customer requested human agent (keyword: '{word}')")
}

impl HandoffNeed {
    /// A handoff that no rule of the account demands, so that no team and no message are given.
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
                Self::InactiveFor(Duration::from_secs(value.parse::<u32>().ok()?.into()))
            }
            HandoffTrigger::Confidence => Self::ConfidenceBelow(value.parse().ok()?),
            HandoffTrigger::Manual => Self::Requested,
            HandoffTrigger::Turns => Self::Turns(value.parse().ok()?),
        })
    }
}

/// The keywords of a list: `refund, money back` has two.
pub(crate) fn words(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim).filter(|word| !NormalizedText::of(word).is_empty())
}
