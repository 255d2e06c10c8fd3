//! The part of a conversation's state that the bot needs: its acts, its pending question, and whether human
//! agents have the conversation.

use event_schemas::bot::{HandoffCause, InfoField};
use event_schemas::conversation::{AssignStrategy, HandoffRequested, MessageSent, ReopenCause};
use event_schemas::message::SenderType;
use event_schemas::{
    AssignmentEvent, BotEvent, BotRuleId, ConversationEvent, DetailsEvent, LifecycleEvent, MessageEvent,
    MessageId, TeamId, UserId,
};
use serde_json::{Map, Value};
use std::collections::{BTreeSet, VecDeque};

/// The number of the customer's messages whose order is kept.
const RECENT: usize = 16;
/// The number of the bot's answers whose confidence is kept.
const ANSWERS: usize = 100;

/// The state of a conversation that the bot needs, computed from its events.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    ran: BTreeSet<BotRuleId>,
    question: Option<PendingQuestion>,
    /// Human agents have the conversation, or a handoff was requested: the bot does not answer.
    with_agents: bool,
    requested: Option<Requested>,
    /// Another program answers for the bot in this conversation.
    answered_by_program: bool,
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
    pub message_id: MessageId,
    pub field: String,
    pub remaining: Vec<InfoField>,
    pub team_id: Option<TeamId>,
    pub strategy: Option<AssignStrategy>,
    /// The number of messages that the customer had written when the bot asked: only a later one is an
    /// answer.
    after: u32,
}

/// The last request for a human agent.
#[derive(Clone, Debug, PartialEq)]
pub struct Requested {
    pub trigger: HandoffCause,
    pub reason: String,
    pub agent_id: Option<UserId>,
    /// The message that led to it.
    pub message_id: Option<MessageId>,
}

/// The confidence that the bot stated for an answer.
#[derive(Clone, Copy, Debug)]
enum Certainty {
    NotStated,
    Low,
    Of(f64),
}

impl Certainty {
    fn of(metadata: &Map<String, Value>) -> Self {
        if metadata.get("low_confidence").and_then(Value::as_bool) == Some(true) {
            return Self::Low;
        }
        metadata.get("confidence").and_then(Value::as_f64).map_or(Self::NotStated, Self::Of)
    }

    fn is_low(self, threshold: f64) -> bool {
        match self {
            Self::NotStated => false,
            Self::Low => true,
            Self::Of(sure) => sure < threshold,
        }
    }
}

impl Memory {
    pub fn ran(&self, rule: BotRuleId) -> bool {
        self.ran.contains(&rule)
    }
    pub fn question(&self) -> Option<&PendingQuestion> {
        self.question.as_ref()
    }
    pub fn is_with_agents(&self) -> bool {
        self.with_agents
    }
    pub fn is_answered_by_program(&self) -> bool {
        self.answered_by_program
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

    /// Whether the bot, or another program for it, has answered since the conversation was last reopened.
    pub fn has_answered(&self) -> bool {
        !self.answers.is_empty()
    }

    /// The number of answers, at most [`ANSWERS`].
    pub fn answers(&self) -> usize {
        self.answers.len()
    }

    /// The number of answers of low confidence.
    pub fn unsure_answers(&self, threshold: f64) -> usize {
        self.answers.iter().filter(|certainty| certainty.is_low(threshold)).count()
    }

    pub fn is_first(&self, message: MessageId) -> bool {
        self.ordinal(message) == Some(1)
    }

    /// Whether a message can be the answer to the bot's pending question.
    pub fn may_answer(&self, message: MessageId) -> bool {
        self.question
            .as_ref()
            .is_some_and(|question| self.ordinal(message).is_some_and(|ordinal| ordinal > question.after))
    }

    /// The number of a message among the customer's messages, from 1.
    fn ordinal(&self, message: MessageId) -> Option<u32> {
        self.recent.iter().find(|(id, _)| *id == message).map(|(_, ordinal)| *ordinal)
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
            E::Bot(event) => self.apply_bot(event),
            E::Assignment(AssignmentEvent::Assigned(assigned)) => {
                if assigned.assignee_id.is_some() {
                    self.leave();
                }
            }
            E::Details(DetailsEvent::LanguageDetected(detected)) => {
                self.language = Some(detected.language.clone());
            }
            E::Lifecycle(event) => self.apply_lifecycle(event),
            E::Message(
                MessageEvent::NoteAdded(_)
                | MessageEvent::MessageEdited(_)
                | MessageEvent::MessageRevoked(_)
                | MessageEvent::ReactionChanged(_)
                | MessageEvent::NoticeReceived(_),
            )
            | E::Assignment(AssignmentEvent::Unassigned(_) | AssignmentEvent::AssignmentDropped(_))
            | E::Details(
                DetailsEvent::PriorityChanged(_)
                | DetailsEvent::LabelsChanged(_)
                | DetailsEvent::SubjectChanged(_)
                | DetailsEvent::DisplayNameChanged(_)
                | DetailsEvent::SeenByAgent(_),
            )
            | E::Delivery(_)
            | E::Routing(_)
            | E::Sla(_)
            | E::Automation(_)
            | E::Schedule(_) => {}
        }
    }

    fn apply_bot(&mut self, event: &BotEvent) {
        match event {
            BotEvent::BotEngaged(engaged) => {
                self.with_agents = false;
                self.requested = None;
                match engaged.rule_id {
                    Some(rule) => {
                        self.ran.insert(rule);
                    }
                    None => self.answered_by_program = true,
                }
            }
            BotEvent::BotContextCollected(collected) => {
                if self
                    .question
                    .as_ref()
                    .is_some_and(|question| collected.fields.contains_key(&question.field))
                {
                    self.question = None;
                }
                self.collected.extend(collected.fields.clone());
            }
            BotEvent::BotContextRemoved(removed) => {
                self.collected.retain(|name, _| !removed.fields.contains(name));
            }
            BotEvent::InfoRequested(asked) => {
                self.question = Some(PendingQuestion {
                    rule_id: asked.rule_id,
                    message_id: asked.message_id,
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

    fn apply_lifecycle(&mut self, event: &LifecycleEvent) {
        match event {
            LifecycleEvent::ConversationOpened(opened) => self.language.clone_from(&opened.language),
            LifecycleEvent::Reopened(reopened) => {
                if reopened.cause == ReopenCause::CustomerMessage {
                    self.with_agents = false;
                    self.answered_by_program = false;
                    self.question = None;
                    self.requested = None;
                    self.answers.clear();
                }
            }
            LifecycleEvent::Resolved(_) | LifecycleEvent::Closed(_) | LifecycleEvent::Expired(_) => {
                self.question = None;
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
        self.with_agents = true;
        self.question = None;
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
