//! All that an account tells its bot, compiled once and put to every message.

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

/// An account's rules in the order in which they are asked, and when it wants a person.
#[derive(Debug)]
pub struct Playbook {
    /// Fallbacks come last, whatever their priority.
    rules: Vec<Rule>,
    phrases: Phrases,
    pub handoff: Handoff,
}

/// The rules cannot be put to messages.
#[derive(Debug, thiserror::Error)]
#[error("so many keywords cannot be looked for")]
pub struct PlaybookError(#[from] aho_corasick::BuildError);

/// A message of the customer's.
#[derive(Clone, Copy, Debug)]
pub struct IncomingMessage<'m> {
    pub message_id: MessageId,
    pub text: &'m str,
    pub metadata: &'m Map<String, Value>,
    /// When it came: what time it is for a rule.
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

/// A rule that fits, and why.
#[derive(Debug)]
pub struct RuleMatch<'p> {
    pub rule: &'p Rule,
    pub why: String,
}

impl Playbook {
    /// `template` finds the text of a canned response. A rule whose response is gone does the rest of what
    /// it does.
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
        })
    }

    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Whether the account tells its bot anything at all.
    pub fn is_blank(&self) -> bool {
        self.rules.is_empty() && self.handoff.is_usual()
    }

    /// Whether a rule looks at the language of what is written.
    pub fn asks_for_language(&self) -> bool {
        self.rules.iter().any(Rule::asks_for_language)
    }

    /// The rules that fit, in their order: any number that only write on the cover, and at most one, the
    /// last, that speaks or hands over. A label that one sets is there for those after it.
    pub fn evaluate(&self, heard: &IncomingMessage<'_>, facts: &Facts<'_>) -> Vec<RuleMatch<'_>> {
        self.evaluate_folded(&NormalizedText::of(heard.text), heard, facts, |_| true)
    }

    /// The matching rules for a customer who needs a human agent anyway: a rule that would keep the conversation with
    /// the bot does not match.
    pub(crate) fn evaluate_in_need(
        &self,
        heard: &IncomingMessage<'_>,
        facts: &Facts<'_>,
    ) -> Vec<RuleMatch<'_>> {
        self.evaluate_folded(&NormalizedText::of(heard.text), heard, facts, |rule| {
            let helps = rule.actions.is_silent() || rule.is_about_words() || rule.actions.hands_over();
            helps && !rule.is_fallback()
        })
    }

    fn evaluate_folded(
        &self,
        text: &NormalizedText,
        heard: &IncomingMessage<'_>,
        facts: &Facts<'_>,
        may: impl Fn(&Rule) -> bool,
    ) -> Vec<RuleMatch<'_>> {
        let found = self.phrases.find(text);
        let mut facts = facts.clone();
        let mut fits: Vec<RuleMatch<'_>> = Vec::new();
        for rule in &self.rules {
            if rule.is_fallback() && !fits.is_empty() && fits.iter().any(|fit| !fit.rule.is_fallback()) {
                break;
            }
            let spent = rule.run_once && facts.memory.ran(rule.id);
            if spent || !may(rule) || !rule.fits(heard, &found, &facts) {
                continue;
            }
            fits.push(RuleMatch { rule, why: rule.why(&found, &facts) });
            if !rule.actions.is_silent() {
                break;
            }
            facts.labels.extend(rule.actions.labels.iter().cloned());
        }
        fits
    }
}
