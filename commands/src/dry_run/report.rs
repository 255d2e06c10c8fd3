//! The report of a dry run: counts, and the first conversations of each kind in the order of the log, so that
//! the same request always has the same report.

use super::Span;
use domain::bot::Playbook;
use event_schemas::message::{Priority, SenderType};
use event_schemas::{
    AssignmentEvent, BotEvent, BotRuleId, ConversationEvent, ConversationId, DetailsEvent, LifecycleEvent,
    MessageEvent, MessageId, TeamId, Timestamp,
};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The acts of rules in a span of the past, and the acts of the live bot.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DryRun {
    pub from: Timestamp,
    pub until: Timestamp,
    /// The number of events of conversations in the span.
    pub events: usize,
    /// The number of customers' messages for which the rules were evaluated.
    pub messages: usize,
    pub conversations: usize,
    /// In the order in which they are evaluated.
    pub rules: Vec<PerRule>,
    /// The acts of all rules, and those of the live bot.
    pub in_all: Pair<Changes>,
    /// The conversations that would be different at the end of the span.
    pub different: Different,
}

/// The value with the tested rules, and the real one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "{T}WouldAndDid")]
pub struct Pair<T> {
    pub would: T,
    pub did: T,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DryRunRule")]
pub struct PerRule {
    pub id: BotRuleId,
    pub name: String,
    /// The number of conversations in which the rule would have matched.
    pub conversations: usize,
    /// The number of messages that the rule would have matched.
    pub messages: usize,
    pub examples: Vec<Example>,
    /// The acts of the rule, and those of the live bot in the same conversations.
    pub changes: Pair<Changes>,
}

/// A conversation in which a rule would have matched.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "DryRunExample")]
pub struct Example {
    pub conversation_id: ConversationId,
    pub message_id: MessageId,
    pub at: Timestamp,
    /// Why the rule matches.
    pub reason: String,
}

/// The numbers of a bot's acts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "BotChanges")]
pub struct Changes {
    /// Messages, including questions.
    pub replies: usize,
    pub questions: usize,
    pub handoffs: usize,
    pub handoffs_by_trigger: BTreeMap<String, usize>,
    pub teams: BTreeMap<TeamId, usize>,
    pub labels: BTreeMap<String, usize>,
    pub priorities: BTreeMap<Priority, usize>,
}

/// The state of a conversation at the end of the span.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "DryRunOutcome")]
pub struct Outcome {
    pub team_id: Option<TeamId>,
    pub labels: BTreeSet<String>,
    pub priority: Priority,
    /// The messages of the bot, or of another program for it.
    pub replies: usize,
    pub handoffs: usize,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DryRunDifferences")]
pub struct Different {
    pub conversations: usize,
    pub examples: Vec<Difference>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DryRunDifference")]
pub struct Difference {
    pub conversation_id: ConversationId,
    #[serde(flatten)]
    pub outcomes: Pair<Outcome>,
}

impl Outcome {
    pub(super) fn apply(&mut self, event: &ConversationEvent) {
        use ConversationEvent as E;
        match event {
            E::Lifecycle(LifecycleEvent::ConversationOpened(opened)) => self.priority = opened.priority,
            E::Details(DetailsEvent::PriorityChanged(changed)) => self.priority = changed.new,
            E::Details(DetailsEvent::LabelsChanged(changed)) => {
                changed.removed.iter().for_each(|label| {
                    self.labels.remove(label);
                });
                self.labels.extend(changed.added.iter().cloned());
            }
            E::Assignment(AssignmentEvent::Assigned(assigned)) => self.team_id = assigned.team_id,
            E::Assignment(AssignmentEvent::Unassigned(unassigned)) if unassigned.team_id.is_some() => {
                self.team_id = None;
            }
            E::Message(MessageEvent::MessageSent(sent)) if sent.sender_type == SenderType::Bot => {
                self.replies += 1;
            }
            E::Bot(BotEvent::HandoffRequested(_)) => self.handoffs += 1,
            E::Bot(
                BotEvent::BotEngaged(_)
                | BotEvent::BotContextCollected(_)
                | BotEvent::BotContextRemoved(_)
                | BotEvent::InfoRequested(_),
            )
            | E::Details(
                DetailsEvent::SubjectChanged(_)
                | DetailsEvent::DisplayNameChanged(_)
                | DetailsEvent::LanguageDetected(_)
                | DetailsEvent::SeenByAgent(_),
            )
            | E::Message(_)
            | E::Lifecycle(_)
            | E::Assignment(_)
            | E::Delivery(_)
            | E::Routing(_)
            | E::Sla(_)
            | E::Automation(_)
            | E::Schedule(_) => {}
        }
    }
}

impl Changes {
    fn add_event(&mut self, event: &ConversationEvent) {
        use ConversationEvent as E;
        match event {
            E::Message(MessageEvent::MessageSent(_)) => self.replies += 1,
            E::Bot(BotEvent::InfoRequested(_)) => self.questions += 1,
            E::Bot(BotEvent::HandoffRequested(handoff)) => {
                self.handoffs += 1;
                *self.handoffs_by_trigger.entry(handoff.trigger.to_string()).or_default() += 1;
            }
            E::Assignment(AssignmentEvent::Assigned(assigned)) => {
                if let Some(team) = assigned.team_id {
                    *self.teams.entry(team).or_default() += 1;
                }
            }
            E::Details(DetailsEvent::LabelsChanged(changed)) => {
                for label in &changed.added {
                    *self.labels.entry(label.clone()).or_default() += 1;
                }
            }
            E::Details(DetailsEvent::PriorityChanged(changed)) => {
                *self.priorities.entry(changed.new).or_default() += 1;
            }
            E::Message(
                MessageEvent::MessageReceived(_)
                | MessageEvent::NoteAdded(_)
                | MessageEvent::MessageEdited(_)
                | MessageEvent::MessageRevoked(_)
                | MessageEvent::ReactionChanged(_)
                | MessageEvent::NoticeReceived(_),
            )
            | E::Bot(
                BotEvent::BotEngaged(_) | BotEvent::BotContextCollected(_) | BotEvent::BotContextRemoved(_),
            )
            | E::Assignment(AssignmentEvent::Unassigned(_) | AssignmentEvent::AssignmentDropped(_))
            | E::Details(
                DetailsEvent::SubjectChanged(_)
                | DetailsEvent::DisplayNameChanged(_)
                | DetailsEvent::LanguageDetected(_)
                | DetailsEvent::SeenByAgent(_),
            )
            | E::Delivery(_)
            | E::Lifecycle(_)
            | E::Routing(_)
            | E::Sla(_)
            | E::Automation(_)
            | E::Schedule(_) => {}
        }
    }

    fn add(&mut self, other: &Self) {
        fn add<K: Ord + Clone>(to: &mut BTreeMap<K, usize>, from: &BTreeMap<K, usize>) {
            for (key, count) in from {
                *to.entry(key.clone()).or_default() += count;
            }
        }
        self.replies += other.replies;
        self.questions += other.questions;
        self.handoffs += other.handoffs;
        add(&mut self.handoffs_by_trigger, &other.handoffs_by_trigger);
        add(&mut self.teams, &other.teams);
        add(&mut self.labels, &other.labels);
        add(&mut self.priorities, &other.priorities);
    }
}

/// The counts of one conversation.
struct ConversationCounts {
    id: ConversationId,
    outcomes: Pair<Outcome>,
    /// The acts of the live bot in it.
    did: Changes,
    matched_rules: BTreeSet<usize>,
}

/// The counts while the log is read.
pub(super) struct Counts {
    messages: usize,
    most_examples: usize,
    conversations: Vec<ConversationCounts>,
    rules: Vec<PerRule>,
    rule_indexes: HashMap<BotRuleId, usize>,
    would: Changes,
}

impl Counts {
    pub(super) fn new(playbook: &Playbook, most_examples: usize) -> Self {
        let rules: Vec<_> = playbook
            .rules()
            .iter()
            .map(|rule| PerRule {
                id: rule.id,
                name: rule.name.clone(),
                conversations: 0,
                messages: 0,
                examples: Vec::new(),
                changes: Pair::default(),
            })
            .collect();
        let rule_indexes = rules.iter().enumerate().map(|(index, rule)| (rule.id, index)).collect();
        Self {
            messages: 0,
            most_examples,
            conversations: Vec::new(),
            rules,
            rule_indexes,
            would: Changes::default(),
        }
    }

    /// Adds a conversation with its state before the span. Returns its index.
    pub(super) fn add_conversation(&mut self, id: ConversationId, before: Outcome) -> usize {
        self.conversations.push(ConversationCounts {
            id,
            outcomes: Pair { would: before.clone(), did: before },
            did: Changes::default(),
            matched_rules: BTreeSet::new(),
        });
        self.conversations.len() - 1
    }

    /// Records an event of the log.
    pub(super) fn record_live(&mut self, index: usize, event: &ConversationEvent, live_bot: bool) {
        let conversations = &mut self.conversations[index];
        conversations.outcomes.did.apply(event);
        if live_bot {
            conversations.did.add_event(event);
        }
    }

    /// Records an event of the history in which the playbook takes the live bot's place. `by` is the rule
    /// that causes it.
    pub(super) fn record_dry(&mut self, index: usize, event: &ConversationEvent, by: Option<usize>) {
        self.conversations[index].outcomes.would.apply(event);
        if let Some(rule) = by {
            self.rules[rule].changes.would.add_event(event);
        }
    }

    /// Records the events with which the playbook answers a message.
    pub(super) fn record_answer(
        &mut self,
        index: usize,
        message_id: MessageId,
        at: Timestamp,
        events: &[ConversationEvent],
    ) {
        self.messages += 1;
        let mut by = None;
        for event in events {
            if let ConversationEvent::Bot(BotEvent::BotEngaged(engaged)) = event {
                by = engaged.rule_id.and_then(|rule| self.rule_indexes.get(&rule).copied());
                if let Some(rule) = by {
                    let reason = engaged.reason.clone().unwrap_or_default();
                    self.record_match(rule, index, message_id, at, reason);
                }
            }
            self.would.add_event(event);
            self.record_dry(index, event, by);
        }
    }

    fn record_match(
        &mut self,
        rule: usize,
        index: usize,
        message_id: MessageId,
        at: Timestamp,
        reason: String,
    ) {
        let conversations = &mut self.conversations[index];
        let per_rule = &mut self.rules[rule];
        per_rule.messages += 1;
        if conversations.matched_rules.insert(rule) {
            per_rule.conversations += 1;
            if per_rule.examples.len() < self.most_examples {
                per_rule.examples.push(Example { conversation_id: conversations.id, message_id, at, reason });
            }
        }
    }

    pub(super) fn report(mut self, span: Span, events: usize) -> DryRun {
        let mut did = Changes::default();
        let mut different = Different { conversations: 0, examples: Vec::new() };
        for conversations in &self.conversations {
            did.add(&conversations.did);
            for rule in &conversations.matched_rules {
                self.rules[*rule].changes.did.add(&conversations.did);
            }
            if conversations.outcomes.would != conversations.outcomes.did {
                different.conversations += 1;
                if different.examples.len() < self.most_examples {
                    let outcomes = conversations.outcomes.clone();
                    different.examples.push(Difference { conversation_id: conversations.id, outcomes });
                }
            }
        }
        DryRun {
            from: span.from,
            until: span.until,
            events,
            messages: self.messages,
            conversations: self.conversations.len(),
            rules: self.rules,
            in_all: Pair { would: self.would, did },
            different,
        }
    }
}
