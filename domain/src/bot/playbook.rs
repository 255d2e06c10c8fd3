//! The bot rules, handoff rules and bot settings of an account, compiled once and compared with every
//! message.

use super::automatic::AutomaticLimit;
use super::handoff::Handoff;
use super::memory::Memory;
use super::phrases::{PhraseSetBuilder, Phrases};
use super::rule::Rule;
use super::text::NormalizedText;
use event_schemas::bot::{BotRule, BotSettings, HandoffRule};
use event_schemas::message::ChannelType;
use event_schemas::{CannedResponseId, MessageId, Timestamp};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// The bot rules of an account in the order in which they are evaluated, and its reasons for a handoff.
#[derive(Debug)]
pub struct Playbook {
    /// Fallbacks come last, whatever their priority.
    rules: Vec<Rule>,
    phrases: Phrases,
    pub handoff: Handoff,
    /// The bound on the conversation's automatic messages.
    pub automatic_limit: AutomaticLimit,
}

/// The rules cannot be compiled.
#[derive(Debug, thiserror::Error)]
#[error("the rules have too many keywords")]
pub struct PlaybookError(#[from] aho_corasick::BuildError);

/// A message of the customer.
#[derive(Clone, Copy, Debug)]
pub struct IncomingMessage<'m> {
    pub message_id: MessageId,
    pub text: &'m str,
    pub metadata: &'m Map<String, Value>,
    /// When it was received: the time that the conditions of rules are compared with.
    pub at: Timestamp,
}

impl IncomingMessage<'_> {
    pub(super) fn word(&self, name: &str) -> Option<&str> {
        self.metadata.get(name)?.as_str()
    }
    pub(super) fn number(&self, name: &str) -> Option<f64> {
        self.metadata.get(name)?.as_f64()
    }
}

/// The state of the conversation that a message is in.
#[derive(Clone, Debug)]
pub struct Facts<'c> {
    pub channel_type: ChannelType,
    pub labels: BTreeSet<String>,
    pub language: Option<&'c str>,
    /// Whether the message is the conversation's first.
    pub is_first: bool,
    pub memory: &'c Memory,
}

/// A rule that matches, and why.
#[derive(Debug)]
pub struct RuleMatch<'p> {
    pub rule: &'p Rule,
    pub why: String,
}

impl Playbook {
    /// `template` returns the text of a canned response. When a rule's canned response was retired, the
    /// rule's other actions still run.
    pub fn compile<'r>(
        rules: impl IntoIterator<Item = &'r BotRule>,
        handoff_rules: impl IntoIterator<Item = &'r HandoffRule>,
        settings: &BotSettings,
        template: impl Fn(CannedResponseId) -> Option<String>,
    ) -> Result<Self, PlaybookError> {
        let mut active: Vec<_> = rules.into_iter().filter(|rule| rule.is_active).collect();
        active.sort_by_key(|rule| (rule.priority, rule.id));
        let mut phrases = PhraseSetBuilder::default();
        let mut compiled = Vec::with_capacity(active.len());
        for rule in active {
            let reply = rule.actions.reply_text.clone();
            let reply = reply.or_else(|| rule.actions.reply_template_id.and_then(&template));
            compiled.extend(Rule::compile(rule, reply, &mut phrases));
        }
        compiled.sort_by_key(Rule::is_fallback);
        Ok(Self {
            rules: compiled,
            phrases: phrases.build()?,
            handoff: Handoff::compile(handoff_rules, settings)?,
            automatic_limit: AutomaticLimit::of(settings),
        })
    }

    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Whether the account has neither bot rules nor handoff rules.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.handoff.has_no_rules()
    }

    /// Whether a rule has a condition on the language of the message.
    pub fn needs_language(&self) -> bool {
        self.rules.iter().any(Rule::has_language)
    }

    /// The rules that match, in their order: any number of rules that only set labels or a priority, and at
    /// most one rule, the last, that answers or hands over. A label that a rule sets counts for the rules
    /// after it.
    pub fn evaluate(&self, message: &IncomingMessage<'_>, facts: &Facts<'_>) -> Vec<RuleMatch<'_>> {
        self.evaluate_normalized(&NormalizedText::of(message.text), message, facts, |_| true)
    }

    /// The matching rules for a customer who needs a human agent anyway: a rule that would keep the
    /// conversation with the bot does not match.
    pub(crate) fn evaluate_for_handoff(
        &self,
        message: &IncomingMessage<'_>,
        facts: &Facts<'_>,
    ) -> Vec<RuleMatch<'_>> {
        self.evaluate_normalized(&NormalizedText::of(message.text), message, facts, |rule| {
            let is_useful =
                rule.actions.is_silent() || rule.is_triggered_by_keywords() || rule.actions.hands_over();
            is_useful && !rule.is_fallback()
        })
    }

    fn evaluate_normalized(
        &self,
        text: &NormalizedText,
        message: &IncomingMessage<'_>,
        facts: &Facts<'_>,
        is_allowed: impl Fn(&Rule) -> bool,
    ) -> Vec<RuleMatch<'_>> {
        let found = self.phrases.find(text);
        let mut facts = facts.clone();
        let mut matches: Vec<RuleMatch<'_>> = Vec::new();
        for rule in &self.rules {
            if rule.is_fallback() && matches.iter().any(|matched| !matched.rule.is_fallback()) {
                break;
            }
            let has_run = rule.run_once && facts.memory.ran(rule.id);
            if has_run || !is_allowed(rule) || !rule.fits(message, &found, &facts) {
                continue;
            }
            matches.push(RuleMatch { rule, why: rule.why(&found, &facts) });
            if !rule.actions.is_silent() {
                break;
            }
            facts.labels.extend(rule.actions.labels.iter().cloned());
        }
        matches
    }
}
