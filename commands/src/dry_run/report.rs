//! The report of a dry run: counts, and the first conversations of each kind in the log's own order, so that
//! the same question is answered by the same bytes.

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

/// The acts of rules in a span of the past, beside the acts of the live bot.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DryRun {
    pub from: Timestamp,
    pub until: Timestamp,
    /// How many events of conversations the span holds.
    pub events: usize,
    /// How many messages of customers were put to the rules.
    pub messages: usize,
    pub conversations: usize,
    /// In the order in which they are asked.
    pub rules: Vec<PerRule>,
    /// All that the rules would have done, and all that the live bot did.
    pub in_all: Pair<Changes>,
    /// The conversations that would stand otherwise at the end of the span.
    pub different: Different,
}

/// The value with the drafts, and the real one.
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
    /// How many conversations it would have touched, and how many messages it would have answered.
    pub conversations: usize,
    pub messages: usize,
    pub examples: Vec<Example>,
    /// The acts of the drafts, and those of the live bot in the same conversations.
    pub changes: Pair<Changes>,
}

/// A conversation a rule would have touched.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "DryRunExample")]
pub struct Example {
    pub conversation_id: ConversationId,
    pub message_id: MessageId,
    pub at: Timestamp,
    /// Why the rule fits.
    pub reason: String,
}

/// The acts of a bot, counted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "BotChanges")]
pub struct Changes {
    /// Messages, questions included.
    pub replies: usize,
    pub questions: usize,
    pub handoffs: usize,
    pub handoffs_by_trigger: BTreeMap<String, usize>,
    pub teams: BTreeMap<TeamId, usize>,
    pub labels: BTreeMap<String, usize>,
    pub priorities: BTreeMap<Priority, usize>,
}

/// How a conversation stands at the end of the span.
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
    pub(super) fn happened(&mut self, event: &ConversationEvent) {
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
                BotEvent::BotEngaged(_) | BotEvent::BotContextCollected(_) | BotEvent::InfoRequested(_),
            )
            | E::Details(
                DetailsEvent::SubjectChanged(_)
                | DetailsEvent::LanguageDetected(_)
                | DetailsEvent::SeenByAgent(_),
            )
            | E::Message(_)
            | E::Lifecycle(_)
            | E::Assignment(_)
            | E::Delivery(_)
            | E::Routing(_)
            | E::Sla(_)
            | E::Automation(_) => {}
        }
    }
}

impl Changes {
    fn made(&mut self, event: &ConversationEvent) {
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
            E::Message(MessageEvent::MessageReceived(_) | MessageEvent::NoteAdded(_))
            | E::Bot(BotEvent::BotEngaged(_) | BotEvent::BotContextCollected(_))
            | E::Assignment(AssignmentEvent::Unassigned(_) | AssignmentEvent::AssignmentDropped(_))
            | E::Details(
                DetailsEvent::SubjectChanged(_)
                | DetailsEvent::LanguageDetected(_)
                | DetailsEvent::SeenByAgent(_),
            )
            | E::Delivery(_)
            | E::Lifecycle(_)
            | E::Routing(_)
            | E::Sla(_)
            | E::Automation(_) => {}
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

/// The state of a conversation so far.
struct Met {
    id: ConversationId,
    outcomes: Pair<Outcome>,
    /// The acts of the live bot in it.
    did: Changes,
    touched_by: BTreeSet<usize>,
}

/// The counts while the log is read.
pub(super) struct Tally {
    pub(super) events: usize,
    messages: usize,
    most_examples: usize,
    met: Vec<Met>,
    rules: Vec<PerRule>,
    places: HashMap<BotRuleId, usize>,
    would: Changes,
}

impl Tally {
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
        let places = rules.iter().enumerate().map(|(place, rule)| (rule.id, place)).collect();
        Self {
            events: 0,
            messages: 0,
            most_examples,
            met: Vec::new(),
            rules,
            places,
            would: Changes::default(),
        }
    }

    /// A conversation that stood so before the span.
    pub(super) fn meet(&mut self, id: ConversationId, before: Outcome) -> usize {
        self.met.push(Met {
            id,
            outcomes: Pair { would: before.clone(), did: before },
            did: Changes::default(),
            touched_by: BTreeSet::new(),
        });
        self.met.len() - 1
    }

    /// Something happened.
    pub(super) fn did(&mut self, place: usize, event: &ConversationEvent, live_bot: bool) {
        let met = &mut self.met[place];
        met.outcomes.did.happened(event);
        if live_bot {
            met.did.made(event);
        }
    }

    /// Something would have happened, by this rule's doing if one is named.
    pub(super) fn would(&mut self, place: usize, event: &ConversationEvent, by: Option<usize>) {
        self.met[place].outcomes.would.happened(event);
        if let Some(rule) = by {
            self.rules[rule].changes.would.made(event);
        }
    }

    /// A message was put to the rules, and this would have followed.
    pub(super) fn answered(
        &mut self,
        place: usize,
        message_id: MessageId,
        at: Timestamp,
        events: &[ConversationEvent],
    ) {
        self.messages += 1;
        let mut by = None;
        for event in events {
            if let ConversationEvent::Bot(BotEvent::BotEngaged(engaged)) = event {
                by = engaged.rule_id.and_then(|rule| self.places.get(&rule).copied());
                if let Some(rule) = by {
                    let reason = engaged.reason.clone().unwrap_or_default();
                    self.touched(rule, place, message_id, at, reason);
                }
            }
            self.would.made(event);
            self.would(place, event, by);
        }
    }

    fn touched(&mut self, rule: usize, place: usize, message_id: MessageId, at: Timestamp, reason: String) {
        let met = &mut self.met[place];
        let per_rule = &mut self.rules[rule];
        per_rule.messages += 1;
        if met.touched_by.insert(rule) {
            per_rule.conversations += 1;
            if per_rule.examples.len() < self.most_examples {
                per_rule.examples.push(Example { conversation_id: met.id, message_id, at, reason });
            }
        }
    }

    pub(super) fn report(mut self, span: Span) -> DryRun {
        let mut did = Changes::default();
        let mut different = Different { conversations: 0, examples: Vec::new() };
        for met in &self.met {
            did.add(&met.did);
            for rule in &met.touched_by {
                self.rules[*rule].changes.did.add(&met.did);
            }
            if met.outcomes.would != met.outcomes.did {
                different.conversations += 1;
                if different.examples.len() < self.most_examples {
                    let outcomes = met.outcomes.clone();
                    different.examples.push(Difference { conversation_id: met.id, outcomes });
                }
            }
        }
        DryRun {
            from: span.from,
            until: span.until,
            events: self.events,
            messages: self.messages,
            conversations: self.met.len(),
            rules: self.rules,
            in_all: Pair { would: self.would, did },
            different,
        }
    }
}
