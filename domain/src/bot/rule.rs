//! A compiled bot rule.

use super::conditions::{Conditions, MatchContext};
use super::phrases::{PhraseMatches, PhraseSetBuilder};
use super::playbook::{Facts, IncomingMessage};
use event_schemas::bot::{BotRule, BotStrategy, BotTrigger, InfoField};
use event_schemas::conversation::AssignStrategy;
use event_schemas::message::Priority;
use event_schemas::{BotRuleId, TeamId};

/// A compiled bot rule.
#[derive(Debug)]
pub struct Rule {
    pub id: BotRuleId,
    pub name: String,
    pub run_once: bool,
    pub actions: Actions,
    trigger: BotTrigger,
    conditions: Conditions,
    intent: Option<String>,
    confidence_min: Option<f64>,
}

/// The actions of a rule.
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
    /// `true` when the actions hand the conversation over to human agents.
    pub fn hands_over(&self) -> bool {
        self.team_id.is_some() || self.strategy.is_some()
    }

    /// `true` when the actions only set labels or a priority: then the following rules are evaluated too.
    pub fn is_silent(&self) -> bool {
        self.reply.is_none() && self.ask.is_empty() && !self.hands_over()
    }
}

impl Rule {
    /// `None` when the time zone or a time is invalid; validation rejects such rules.
    pub(super) fn compile(
        rule: &BotRule,
        reply: Option<String>,
        phrases: &mut PhraseSetBuilder,
    ) -> Option<Self> {
        let conditions = &rule.conditions;
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
            conditions: Conditions::compile(conditions, phrases)?,
            intent: conditions.intent.clone(),
            confidence_min: conditions.confidence_min,
        })
    }

    pub(super) fn has_language(&self) -> bool {
        self.conditions.has_language()
    }

    pub(super) fn is_fallback(&self) -> bool {
        self.trigger == BotTrigger::Fallback
    }

    pub(super) fn is_triggered_by_keywords(&self) -> bool {
        self.trigger == BotTrigger::Keyword
    }

    /// Compares the rule with a message; the cheapest comparisons come first.
    pub(super) fn fits(
        &self,
        message: &IncomingMessage<'_>,
        found: &PhraseMatches,
        facts: &Facts<'_>,
    ) -> bool {
        let context = MatchContext {
            found,
            at: message.at,
            channel_type: facts.channel_type,
            labels: &facts.labels,
            language: facts.language,
        };
        (self.trigger != BotTrigger::NewConversation || facts.is_first)
            && self.intent.as_deref().is_none_or(|intent| message.word("intent") == Some(intent))
            && self
                .confidence_min
                .is_none_or(|least| message.number("confidence").is_some_and(|sure| sure >= least))
            && self.conditions.hold(&context)
    }

    /// Why the rule matches: its keywords, trigger and conditions.
    pub(super) fn why(&self, found: &PhraseMatches, facts: &Facts<'_>) -> String {
        let mut reasons: Vec<_> = self.conditions.words(found).into_iter().collect();
        match self.trigger {
            BotTrigger::NewConversation => reasons.push("the first message".to_owned()),
            BotTrigger::Fallback => reasons.push("nothing else fitted".to_owned()),
            BotTrigger::Keyword | BotTrigger::TimeBased | BotTrigger::Channel => {}
        }
        reasons.extend(self.conditions.reasons(facts.channel_type));
        if let Some(intent) = &self.intent {
            reasons.push(format!("intent {intent}"));
        }
        if reasons.is_empty() {
            reasons.push("any message".to_owned());
        }
        reasons.join(", ")
    }
}

pub(crate) fn strategy(strategy: BotStrategy) -> AssignStrategy {
    match strategy {
        BotStrategy::RoundRobin => AssignStrategy::RoundRobin,
        BotStrategy::LeastBusy => AssignStrategy::LeastBusy,
        BotStrategy::ManualQueue => AssignStrategy::ManualQueue,
    }
}
