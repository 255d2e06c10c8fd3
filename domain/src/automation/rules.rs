//! The automation rules of an account, compiled once and compared with every event.

use crate::bot::{Conditions, MatchContext, NormalizedText, PhraseMatches, PhraseSetBuilder, Phrases};
use crate::lifecycle::Lifecycle;
use event_schemas::automation::{Action, AutomationEvent, AutomationRule, Held};
use event_schemas::bot::BotConditions;
use event_schemas::message::{ChannelType, Priority, SlaMetric, Status};
use event_schemas::{AutomationRuleId, EventId, TeamId, Timestamp};
use std::collections::BTreeSet;
use std::time::Duration;

/// The active rules of an account, in the order in which they run.
#[derive(Debug, Default)]
pub struct Rules {
    rules: Vec<Rule>,
    phrases: Phrases,
}

/// The rules cannot be compiled.
#[derive(Debug, thiserror::Error)]
#[error("the rules have too many keywords")]
pub struct RulesError(#[from] aho_corasick::BuildError);

/// A compiled rule.
#[derive(Debug)]
pub struct Rule {
    pub id: AutomationRuleId,
    pub name: String,
    pub event: AutomationEvent,
    /// How long the customer must have waited. `None` when the rule is not about waiting.
    pub waiting: Option<Duration>,
    pub actions: Vec<Action>,
    conditions: Conditions,
    without_labels: Vec<String>,
    statuses: Option<Vec<Status>>,
    priorities: Option<Vec<Priority>>,
    team_ids: Option<Vec<TeamId>>,
    assignee: Option<Held>,
    sla_metrics: Option<Vec<SlaMetric>>,
}

/// The cause of a rule run.
#[derive(Clone, Debug, PartialEq)]
pub struct Cause {
    pub event: AutomationEvent,
    /// `None` when a timer is the cause.
    pub event_id: Option<EventId>,
    /// When it occurred: the time that the rule's conditions are compared with.
    pub at: Timestamp,
    /// Whether Verbatim itself caused it, and not a person or another program.
    pub by_itself: bool,
    /// The text of the message. Empty when the cause is not a message.
    pub text: String,
    /// The metric of the SLA warning or breach. `None` for every other cause.
    pub sla_metric: Option<SlaMetric>,
    /// Since when the customer has waited. `None` when the cause is not the waiting.
    pub unanswered_since: Option<Timestamp>,
}

/// The state of a conversation, as far as rules depend on it.
#[derive(Clone, Copy, Debug)]
pub struct ConversationFacts<'c> {
    pub channel_type: ChannelType,
    pub lifecycle: &'c Lifecycle,
    pub priority: Priority,
    pub labels: &'c BTreeSet<String>,
    /// ISO 639. `None` when no language was detected.
    pub language: Option<&'c str>,
    /// `None` when the customer does not wait for an agent's answer.
    pub unanswered_since: Option<Timestamp>,
}

/// The conditions that automation rules have in common with bot rules.
pub(crate) fn shared(rule: &AutomationRule) -> BotConditions {
    let conditions = &rule.conditions;
    BotConditions {
        keywords: conditions.keywords.clone(),
        match_mode: conditions.match_mode,
        channels: conditions.channels.clone(),
        time_range: conditions.time_range.clone(),
        language: conditions.language.clone(),
        labels: conditions.labels.clone(),
        intent: None,
        confidence_min: None,
    }
}

impl Rules {
    pub fn compile<'r>(rules: impl IntoIterator<Item = &'r AutomationRule>) -> Result<Self, RulesError> {
        let mut active: Vec<_> = rules.into_iter().filter(|rule| rule.is_active).collect();
        active.sort_by_key(|rule| (rule.priority, rule.id));
        let mut phrases = PhraseSetBuilder::default();
        let rules = active.into_iter().filter_map(|rule| Rule::compile(rule, &mut phrases)).collect();
        Ok(Self { rules, phrases: phrases.build()? })
    }

    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The rules that such an event can trigger, each with its index.
    pub fn on(&self, event: AutomationEvent) -> impl Iterator<Item = (usize, &Rule)> {
        self.rules.iter().enumerate().filter(move |(_, rule)| rule.event == event)
    }

    pub fn get(&self, index: usize) -> Option<&Rule> {
        self.rules.get(index)
    }

    /// Whether the rule's conditions hold for the present state of the conversation.
    pub fn fits(&self, rule: &Rule, cause: &Cause, conversation: &ConversationFacts<'_>) -> bool {
        // The text is searched only when the rule has keywords.
        let text = if rule.conditions.has_keywords() { &*cause.text } else { "" };
        rule.fits(&self.phrases.find(&NormalizedText::of(text)), cause, conversation)
    }
}

impl Rule {
    /// `None` when the time zone or a time is invalid; validation rejects such rules.
    fn compile(rule: &AutomationRule, phrases: &mut PhraseSetBuilder) -> Option<Self> {
        let conditions = &rule.conditions;
        Some(Self {
            id: rule.id,
            name: rule.name.clone(),
            event: rule.event,
            waiting: rule.waiting_seconds.map(|seconds| Duration::from_secs(seconds.into())),
            actions: rule.actions.clone(),
            conditions: Conditions::compile(&shared(rule), phrases)?,
            without_labels: conditions.without_labels.clone().unwrap_or_default(),
            statuses: conditions.statuses.clone(),
            priorities: conditions.priorities.clone(),
            team_ids: conditions.team_ids.clone(),
            assignee: conditions.assignee,
            sla_metrics: conditions.sla_metrics.clone(),
        })
    }

    fn fits(&self, found: &PhraseMatches, cause: &Cause, conversation: &ConversationFacts<'_>) -> bool {
        let lifecycle = conversation.lifecycle;
        let context = MatchContext {
            found,
            at: cause.at,
            channel_type: conversation.channel_type,
            labels: conversation.labels,
            language: conversation.language,
        };
        self.event == cause.event
            && self.statuses.as_ref().is_none_or(|statuses| statuses.contains(&lifecycle.status))
            && self.priorities.as_ref().is_none_or(|priorities| priorities.contains(&conversation.priority))
            && self
                .team_ids
                .as_ref()
                .is_none_or(|teams| lifecycle.team_id.is_some_and(|team| teams.contains(&team)))
            && match self.assignee {
                None => true,
                Some(Held::None) => lifecycle.holder().is_none(),
                Some(Held::Any) => lifecycle.holder().is_some(),
            }
            && self
                .sla_metrics
                .as_ref()
                .is_none_or(|metrics| cause.sla_metric.is_some_and(|metric| metrics.contains(&metric)))
            && !self.without_labels.iter().any(|label| conversation.labels.contains(label))
            && self.conditions.hold(&context)
    }

    /// Whether the customer still waits for the answer that the cause is about, and has waited long enough.
    pub fn has_waited(&self, cause: &Cause, conversation: &ConversationFacts<'_>, now: Timestamp) -> bool {
        match (self.waiting, cause.unanswered_since) {
            (Some(waiting), Some(since)) => {
                conversation.unanswered_since == Some(since) && now >= since + waiting
            }
            (None, _) | (Some(_), None) => true,
        }
    }
}
