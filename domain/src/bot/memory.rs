//! The bot's memory of a conversation: its acts, its pending question, and whether human agents have it.

use event_schemas::bot::{HandoffCause, InfoField};
use event_schemas::conversation::{AssignStrategy, HandoffRequested, MessageSent, ReopenCause};
use event_schemas::message::SenderType;
use event_schemas::{
    AssignmentEvent, BotEvent, BotRuleId, ConversationEvent, DetailsEvent, LifecycleEvent, MessageEvent,
    MessageId, TeamId, UserId,
};
use serde_json::{Map, Value};
use std::collections::{BTreeSet, VecDeque};

/// How many of the customer's messages it can tell the order of.
const RECENT: usize = 16;
/// How many of its own answers it remembers being sure of or not.
const ANSWERS: usize = 100;

/// The bot's own fold of a conversation.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    ran: BTreeSet<BotRuleId>,
    asking: Option<PendingQuestion>,
    /// People have it, or are to have it: the bot is silent.
    with_people: bool,
    requested: Option<Requested>,
    /// Another program speaks for the bot here.
    lent: bool,
    language: Option<String>,
    collected: Map<String, Value>,
    received: u32,
    recent: VecDeque<(MessageId, u32)>,
    answers: VecDeque<Certainty>,
}

/// The question whose answer the bot waits for.
#[derive(Clone, Debug, PartialEq)]
pub struct PendingQuestion {
    pub rule_id: BotRuleId,
    pub field: String,
    pub remaining: Vec<InfoField>,
    pub team_id: Option<TeamId>,
    pub strategy: Option<AssignStrategy>,
    /// How many messages the customer had written when it asked: only a later one is an answer.
    after: u32,
}

/// Why a person was asked for, the last time.
#[derive(Clone, Debug, PartialEq)]
pub struct Requested {
    pub trigger: HandoffCause,
    pub reason: String,
    pub agent_id: Option<UserId>,
    /// The message that led to it.
    pub message_id: Option<MessageId>,
}

/// How sure the bot said it was of an answer.
#[derive(Clone, Copy, Debug)]
enum Certainty {
    NotSaid,
    Low,
    Of(f64),
}

impl Certainty {
    fn of(metadata: &Map<String, Value>) -> Self {
        if metadata.get("low_confidence").and_then(Value::as_bool) == Some(true) {
            return Self::Low;
        }
        metadata.get("confidence").and_then(Value::as_f64).map_or(Self::NotSaid, Self::Of)
    }

    fn is_low(self, threshold: f64) -> bool {
        match self {
            Self::NotSaid => false,
            Self::Low => true,
            Self::Of(sure) => sure < threshold,
        }
    }
}

impl Memory {
    pub fn ran(&self, rule: BotRuleId) -> bool {
        self.ran.contains(&rule)
    }
    pub fn asking(&self) -> Option<&PendingQuestion> {
        self.asking.as_ref()
    }
    pub fn is_with_people(&self) -> bool {
        self.with_people
    }
    pub fn is_lent(&self) -> bool {
        self.lent
    }
    pub fn requested(&self) -> Option<&Requested> {
        self.requested.as_ref()
    }
    pub fn language(&self) -> Option<&str> {
        self.language.as_deref()
    }
    pub fn collected(&self) -> &Map<String, Value> {
        &self.collected
    }

    /// Whether the bot, or another program for it, has said anything since people last had it.
    pub fn has_answered(&self) -> bool {
        !self.answers.is_empty()
    }

    /// How often it answered.
    pub fn answers(&self) -> usize {
        self.answers.len()
    }

    /// How many of its answers it was not sure of.
    pub fn unsure_answers(&self, threshold: f64) -> usize {
        self.answers.iter().filter(|sureness| sureness.is_low(threshold)).count()
    }

    pub fn is_first(&self, message: MessageId) -> bool {
        self.place(message) == Some(1)
    }

    /// Whether a message can be the answer to what the bot asked last.
    pub fn may_answer(&self, message: MessageId) -> bool {
        self.asking
            .as_ref()
            .is_some_and(|asking| self.place(message).is_some_and(|place| place > asking.after))
    }

    fn place(&self, message: MessageId) -> Option<u32> {
        self.recent.iter().find(|(id, _)| *id == message).map(|(_, place)| *place)
    }

    pub fn evolve(&mut self, event: &ConversationEvent) {
        use ConversationEvent as E;
        match event {
            E::Message(MessageEvent::MessageReceived(message)) => {
                self.received += 1;
                if self.recent.len() == RECENT {
                    self.recent.pop_front();
                }
                self.recent.push_back((message.message_id, self.received));
            }
            E::Message(MessageEvent::MessageSent(message)) => self.sent(message),
            E::Bot(event) => self.remember(event),
            E::Assignment(AssignmentEvent::Assigned(assigned)) => {
                if assigned.assignee_id.is_some() {
                    self.leave();
                }
            }
            E::Details(DetailsEvent::LanguageDetected(detected)) => {
                self.language = Some(detected.language.clone());
            }
            E::Lifecycle(event) => self.live_through(event),
            E::Message(MessageEvent::NoteAdded(_))
            | E::Assignment(AssignmentEvent::Unassigned(_) | AssignmentEvent::AssignmentDropped(_))
            | E::Details(
                DetailsEvent::PriorityChanged(_)
                | DetailsEvent::LabelsChanged(_)
                | DetailsEvent::SubjectChanged(_)
                | DetailsEvent::SeenByAgent(_),
            )
            | E::Delivery(_)
            | E::Routing(_)
            | E::Sla(_)
            | E::Automation(_) => {}
        }
    }

    fn remember(&mut self, event: &BotEvent) {
        match event {
            BotEvent::BotEngaged(engaged) => {
                self.with_people = false;
                match engaged.rule_id {
                    Some(rule) => {
                        self.ran.insert(rule);
                    }
                    None => self.lent = true,
                }
            }
            BotEvent::BotContextCollected(learned) => {
                if self.asking.as_ref().is_some_and(|asking| learned.fields.contains_key(&asking.field)) {
                    self.asking = None;
                }
                self.collected.extend(learned.fields.clone());
            }
            BotEvent::InfoRequested(asked) => {
                self.asking = Some(PendingQuestion {
                    rule_id: asked.rule_id,
                    field: asked.field.clone(),
                    remaining: asked.remaining.clone(),
                    team_id: asked.team_id,
                    strategy: asked.strategy,
                    after: self.received,
                });
            }
            BotEvent::HandoffRequested(handoff) => {
                self.leave();
                self.requested = Some(Requested::of(handoff));
            }
        }
    }

    fn live_through(&mut self, event: &LifecycleEvent) {
        match event {
            LifecycleEvent::ConversationOpened(opened) => self.language.clone_from(&opened.language),
            LifecycleEvent::Reopened(reopened) => {
                if reopened.cause == ReopenCause::CustomerMessage {
                    self.with_people = false;
                    self.lent = false;
                    self.asking = None;
                    self.requested = None;
                    self.answers.clear();
                }
            }
            LifecycleEvent::Resolved(_) | LifecycleEvent::Closed(_) | LifecycleEvent::Expired(_) => {
                self.asking = None;
            }
            LifecycleEvent::MarkedPending(_) => {}
        }
    }

    fn sent(&mut self, message: &MessageSent) {
        match message.sender_type {
            SenderType::Agent => self.leave(),
            SenderType::Bot => {
                if self.answers.len() == ANSWERS {
                    self.answers.pop_front();
                }
                self.answers.push_back(Certainty::of(&message.metadata));
            }
            SenderType::System | SenderType::Contact => {}
        }
    }

    fn leave(&mut self) {
        self.with_people = true;
        self.asking = None;
    }
}

impl Requested {
    fn of(handoff: &HandoffRequested) -> Self {
        Self {
            trigger: handoff.trigger,
            reason: handoff.reason.clone(),
            agent_id: handoff.agent_id,
            message_id: handoff.message_id,
        }
    }
}
