//! Dry runs of automation rules: the events of a span are matched with rules, each with the state that its conversation
//! had then. The actions of the rules are not executed, so a rule never sees the consequences of another.

use super::{DryRunError, Outcome, Replay, Span};
use crate::{Commands, rule_causes};
use domain::Evolve;
use domain::automation::{Cause, MOST_BY_ITSELF, Rules};
use domain::conversation::Conversation;
use event_schemas::automation::AutomationEvent;
use event_schemas::{
    AccountId, ActionEvent, AutomationRuleId, ConversationEvent, ConversationId, EventId, Recorded, Timestamp,
};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

/// The events and waits in a span of the past that automation rules match.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AutomationDryRun {
    pub from: Timestamp,
    pub until: Timestamp,
    /// The number of events of conversations in the span.
    pub events: usize,
    pub conversations: usize,
    /// The active rules, in the order in which they run.
    pub rules: Vec<MatchedRule>,
}

/// A rule, and the events and waits that it matches.
#[derive(Debug, Serialize, JsonSchema)]
pub struct MatchedRule {
    pub id: AutomationRuleId,
    pub name: String,
    /// The number of conversations in which the rule would have run.
    pub conversations: usize,
    /// The number of times that the rule would have run.
    pub matches: usize,
    /// The number of times that the account's rule of this id did run in the span.
    pub ran: usize,
    /// The first match of each of some conversations.
    pub examples: Vec<RuleMatch>,
}

/// An event or a wait that a rule matches.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RuleMatch {
    pub conversation_id: ConversationId,
    /// `null` when the customer's waiting is the cause.
    pub event_id: Option<EventId>,
    pub at: Timestamp,
}

impl Commands {
    /// Matches the account's events of a span with automation rules, and reports the matches.
    pub async fn dry_run_automation(
        &self,
        account: AccountId,
        rules: Rules,
        span: Span,
        examples: usize,
    ) -> Result<AutomationDryRun, DryRunError> {
        self.replay(account, span, AutomationReplay::new(rules, span, examples)).await
    }
}

struct ReplayedConversation {
    id: ConversationId,
    state: Conversation,
    /// The update whose events may go on: all events of one request are one cause.
    update: Option<(Cause, String)>,
    /// The present wait, and the rules that were compared with it.
    compared: (Option<Timestamp>, BTreeSet<usize>),
    /// When a rule ran because of an event that Verbatim itself caused.
    by_itself: BTreeMap<usize, Vec<Timestamp>>,
    matched: BTreeSet<usize>,
}

struct AutomationReplay {
    rules: Arc<Rules>,
    span: Span,
    most_examples: usize,
    indexes: HashMap<ConversationId, usize>,
    conversations: Vec<ReplayedConversation>,
    matched: Vec<MatchedRule>,
}

impl AutomationReplay {
    fn new(rules: Rules, span: Span, most_examples: usize) -> Self {
        let rules_in_order = (0..).map_while(|index| rules.get(index));
        let matched = rules_in_order.map(|rule| MatchedRule {
            id: rule.id,
            name: rule.name.clone(),
            conversations: 0,
            matches: 0,
            ran: 0,
            examples: Vec::new(),
        });
        Self {
            matched: matched.collect(),
            rules: Arc::new(rules),
            span,
            most_examples,
            indexes: HashMap::new(),
            conversations: Vec::new(),
        }
    }

    /// Compares the waits that have become long enough with the rules about them. The state is that since the last event.
    fn match_waits(&mut self, index: usize, until: Timestamp) {
        let rules = Arc::clone(&self.rules);
        for (rule_index, rule) in rules.on(AutomationEvent::WaitingLongerThan) {
            let conversation = &mut self.conversations[index];
            let Ok(opened) = conversation.state.opened() else { return };
            let (Some(since), Some(waiting)) = (opened.unanswered_since(), rule.waiting) else { continue };
            let at = since + waiting;
            if at > until || at >= self.span.until {
                continue;
            }
            if conversation.compared.0 != Some(since) {
                conversation.compared = (Some(since), BTreeSet::new());
            }
            if !conversation.compared.1.insert(rule_index) || at < self.span.from {
                continue;
            }
            let cause = Cause {
                event: AutomationEvent::WaitingLongerThan,
                event_id: None,
                at,
                by_itself: false,
                text: String::new(),
                sla_metric: None,
                unanswered_since: Some(since),
            };
            self.match_rule(index, rule_index, &cause);
        }
    }

    fn match_cause(&mut self, index: usize, cause: &Cause) {
        let rules = Arc::clone(&self.rules);
        for (rule_index, _) in rules.on(cause.event) {
            self.match_rule(index, rule_index, cause);
        }
    }

    fn match_rule(&mut self, index: usize, rule_index: usize, cause: &Cause) {
        let conversation = &mut self.conversations[index];
        let (Ok(opened), Some(rule)) = (conversation.state.opened(), self.rules.get(rule_index)) else {
            return;
        };
        if !self.rules.fits(rule, cause, &opened.facts()) {
            return;
        }
        if cause.by_itself && conversation.is_exhausted(rule_index, cause.at) {
            return;
        }
        let matched = &mut self.matched[rule_index];
        matched.matches += 1;
        if conversation.matched.insert(rule_index) {
            matched.conversations += 1;
            if matched.examples.len() < self.most_examples {
                let (conversation_id, event_id) = (conversation.id, cause.event_id);
                matched.examples.push(RuleMatch { conversation_id, event_id, at: cause.at });
            }
        }
    }

    /// Compares the update with the state after the last of its events.
    fn end_update(&mut self, index: usize) {
        if let Some((cause, _)) = self.conversations[index].update.take() {
            self.match_cause(index, &cause);
        }
    }
}

impl ReplayedConversation {
    /// Whether the rule must have triggered itself, as in live operation. Counts the run otherwise.
    fn is_exhausted(&mut self, rule: usize, now: Timestamp) -> bool {
        let times = self.by_itself.entry(rule).or_default();
        times.retain(|at| now < *at + Duration::from_secs(24 * 3600));
        let is_exhausted = times.len() >= MOST_BY_ITSELF;
        if !is_exhausted {
            times.push(now);
        }
        is_exhausted
    }
}

impl Replay for AutomationReplay {
    type Report = AutomationDryRun;

    fn knows(&self, id: ConversationId) -> bool {
        self.indexes.contains_key(&id)
    }

    fn add(&mut self, id: ConversationId, before: Conversation, _outcome: Outcome) {
        self.indexes.insert(id, self.conversations.len());
        self.conversations.push(ReplayedConversation {
            id,
            state: before,
            update: None,
            compared: (None, BTreeSet::new()),
            by_itself: BTreeMap::new(),
            matched: BTreeSet::new(),
        });
    }

    fn apply(&mut self, id: ConversationId, event: &ConversationEvent, recorded: &Recorded) {
        let Some(index) = self.indexes.get(&id).copied() else { return };
        let at = recorded.metadata.occurred_at;
        let causes = rule_causes(event, recorded.id, &recorded.stream, &recorded.metadata);
        let conversation = &self.conversations[index];
        let goes_on = conversation
            .update
            .as_ref()
            .is_some_and(|(_, name)| causes.iter().any(|(_, other)| other == name));
        if !goes_on {
            self.end_update(index);
        }
        self.match_waits(index, at);
        if let ConversationEvent::Automation(ActionEvent::AutomationRan(ran)) = event
            && let Some(matched) = self.matched.iter_mut().find(|matched| matched.id == ran.rule_id)
        {
            matched.ran += 1;
        }
        self.conversations[index].state.evolve(event, at);
        for (cause, name) in causes {
            if cause.event == AutomationEvent::ConversationUpdated {
                self.conversations[index].update.get_or_insert((cause, name));
            } else {
                self.match_cause(index, &cause);
            }
        }
    }

    fn report(mut self, span: Span, events: usize) -> AutomationDryRun {
        for index in 0..self.conversations.len() {
            self.end_update(index);
            self.match_waits(index, span.until);
        }
        AutomationDryRun {
            from: span.from,
            until: span.until,
            events,
            conversations: self.conversations.len(),
            rules: self.matched,
        }
    }
}
