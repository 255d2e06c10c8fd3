//! The bot's acts on a customer's message. They are appended at the version at which they were decided, so
//! nothing is appended when a human agent has taken the conversation meanwhile.

#[cfg(test)]
mod tests;

use super::draft::Draft;
use super::handoff::{Announcement, Handoff, hand_over};
use super::label::{ChangeLabels, CollectContext, SetPriority};
use super::send::{BotMessage, send_bot_message};
use super::{Conversation, Opened, Rejection};
use crate::aggregate::Decide;
use crate::bot::{Actions, Facts, HandoffNeed, IncomingMessage, PendingQuestion, Playbook, Rule, RuleMatch};
use event_schemas::bot::{HandoffCause, InfoField};
use event_schemas::conversation::{AssignStrategy, BotEngaged, InfoRequested, LanguageDetected};
use event_schemas::message::{Content, ContentType, Delivery, Status};
use event_schemas::{BotRuleId, ConversationEvent, MessageId, TeamId, Timestamp};
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::Duration;

/// A language, as the detection reported it.
#[derive(Clone, Debug, PartialEq)]
pub struct Detected {
    pub language: String,
    pub confidence: f64,
}

/// The ids of the bot's messages: the same for every execution for this message.
#[derive(Clone, Copy, Debug)]
pub struct AnswerIds {
    pub reply: MessageId,
    pub question: MessageId,
}

/// Answers a message of the customer with the account's playbook.
#[derive(Clone, Debug)]
pub struct Answer {
    pub playbook: Arc<Playbook>,
    pub message_id: MessageId,
    pub body: Content,
    pub metadata: Map<String, Value>,
    /// When it was received: the time that the conditions of rules are compared with.
    pub received_at: Timestamp,
    pub language: Option<Detected>,
    pub ids: AnswerIds,
    /// How long after the customer's last message the channel allows an answer. `None` for ever.
    pub reply_window: Option<Duration>,
}

impl Decide<Conversation> for Answer {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, now: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        let Ok(conversation) = state.live() else { return Ok(Vec::new()) };
        if !self.may_answer(conversation) {
            return Ok(Vec::new());
        }
        let mut turn = BotTurn { answer: self, draft: Draft::of(state, now) };
        turn.record_language(conversation);
        let limit = self.playbook.automatic_limit;
        if conversation.automatic.left(limit, now) == 0 && !self.playbook.rules().is_empty() {
            turn.hand_over(limit.handoff(), &Target::default())?;
            return Ok(turn.draft.into_events());
        }
        match conversation.bot.question() {
            Some(question) => turn.accept_information(conversation, question)?,
            None => turn.evaluate_rules(conversation)?,
        }
        Ok(turn.draft.into_events())
    }
}

impl Answer {
    /// `true` while the bot may answer: no human agent is assigned or requested, and the customer still waits for an
    /// answer to this message.
    fn may_answer(&self, conversation: &Opened) -> bool {
        let lifecycle = &conversation.lifecycle;
        let free = matches!(lifecycle.status, Status::Open | Status::Bot) && lifecycle.assignee_id.is_none();
        // The answers of another program can lead to a handoff also in an account without rules.
        let concerned =
            !self.playbook.is_empty() || lifecycle.status == Status::Bot || conversation.bot.has_answered();
        let waits = conversation.unanswered_since().is_some_and(|since| since <= self.received_at);
        free && concerned
            && waits
            && !conversation.bot.is_with_agents()
            && self.body.content_type != ContentType::Reaction
    }

    /// The field of a pending question, with the question's words if its rule still has them.
    fn field_of(&self, question: &PendingQuestion) -> InfoField {
        let rule = self.playbook.rules().iter().find(|rule| rule.id == question.rule_id);
        let field =
            rule.and_then(|rule| rule.actions.ask.iter().find(|field| field.name() == question.field));
        field.cloned().unwrap_or_else(|| InfoField::Named(question.field.clone()))
    }

    fn incoming(&self) -> IncomingMessage<'_> {
        IncomingMessage {
            message_id: self.message_id,
            text: &self.body.content,
            metadata: &self.metadata,
            at: self.received_at,
        }
    }
}

/// The bot's acts on one message.
struct BotTurn<'a> {
    answer: &'a Answer,
    draft: Draft,
}

/// The team and agent that take over from the bot.
#[derive(Default)]
struct Target {
    team_id: Option<TeamId>,
    strategy: Option<AssignStrategy>,
    rule_id: Option<BotRuleId>,
}

impl BotTurn<'_> {
    fn record_language(&mut self, conversation: &Opened) {
        if let Some(detected) = &self.answer.language
            && conversation.bot.language() != Some(&detected.language)
        {
            self.draft.record(LanguageDetected {
                language: detected.language.clone(),
                confidence: detected.confidence,
                message_id: self.answer.message_id,
            });
        }
    }

    /// Evaluates the rules and the reasons for a handoff, when no question is pending.
    fn evaluate_rules(&mut self, conversation: &Opened) -> Result<(), Rejection> {
        let answer = self.answer;
        let incoming = answer.incoming();
        let need = answer.playbook.handoff.for_message(&incoming);
        let facts = Facts {
            channel_type: conversation.channel_type,
            labels: conversation.labels.clone(),
            language: answer
                .language
                .as_ref()
                .map(|detected| &*detected.language)
                .or(conversation.bot.language()),
            is_first: conversation.bot.is_first(answer.message_id),
            memory: &conversation.bot,
        };
        let matches = match need {
            Some(_) => answer.playbook.evaluate_for_handoff(&incoming, &facts),
            None => answer.playbook.evaluate(&incoming, &facts),
        };
        let mut target = Target::default();
        let mut answers = false;
        for matched in &matches {
            self.set_labels_and_priority(matched)?;
            answers |= !matched.rule.actions.is_silent();
            target = Target::by(matched.rule);
        }
        match (need, matches.last()) {
            (Some(need), last) => {
                let reply =
                    last.and_then(|matched| Some((matched.rule, matched.rule.actions.reply.as_deref()?)));
                let Some((rule, reply)) = reply else { return self.hand_over(need, &target) };
                self.send(answer.ids.reply, reply, Some(rule))?;
                self.hand_over(HandoffNeed { message: None, ..need }, &target)
            }
            (None, Some(matched)) if answers => self.act(matched),
            (None, _) => self.hand_over_without_rule(conversation),
        }
    }

    /// The labels and the priority that a rule sets.
    fn set_labels_and_priority(&mut self, matched: &RuleMatch<'_>) -> Result<(), Rejection> {
        let RuleMatch { rule, why } = matched;
        self.draft
            .record(BotEngaged { rule_id: Some(rule.id), reason: Some(format!("{}: {why}", rule.name)) });
        let Actions { labels, priority, .. } = &rule.actions;
        if !labels.is_empty() {
            let mut all = self.draft.state().opened()?.labels.clone();
            all.extend(labels.iter().cloned());
            match self.draft.then(ChangeLabels { labels: all }) {
                // The conversation has the most labels that it can have.
                Ok(()) | Err(Rejection::TooManyLabels { .. }) => {}
                Err(refusal) => return Err(refusal),
            }
        }
        match priority {
            Some(priority) => self.draft.then(SetPriority { priority: *priority }),
            None => Ok(()),
        }
    }

    /// The acts of the rule that replies or hands over.
    fn act(&mut self, matched: &RuleMatch<'_>) -> Result<(), Rejection> {
        let RuleMatch { rule, why } = matched;
        let mut is_unfilled = false;
        if let Some(reply) = &rule.actions.reply {
            is_unfilled = filled(reply, self.draft.state().opened()?).is_err();
            self.send(self.answer.ids.reply, reply, Some(rule))?;
        }
        if let Some((first, rest)) = rule.actions.ask.split_first() {
            return self.ask(first, rest, &Target::by(rule), Some(rule));
        }
        if rule.actions.hands_over() {
            let reason = format!("Rule '{}': {why}", rule.name);
            return self.hand_over(HandoffNeed::of(HandoffCause::Rule, reason), &Target::by(rule));
        }
        if is_unfilled {
            // The bot says nothing, so an agent has to answer.
            let reason = format!("The answer of the rule '{}' has a placeholder without a value", rule.name);
            return self.hand_over(HandoffNeed::of(HandoffCause::NoRule, reason), &Target::by(rule));
        }
        Ok(())
    }

    /// Hands over a message that no rule matches, unless another program answers for the bot.
    fn hand_over_without_rule(&mut self, conversation: &Opened) -> Result<(), Rejection> {
        if self.answer.playbook.rules().is_empty() || conversation.bot.is_answered_by_program() {
            return Ok(());
        }
        let reason = "None of the bot's rules fits".to_owned();
        self.hand_over(HandoffNeed::of(HandoffCause::NoRule, reason), &Target::default())
    }

    /// Stores the answer to the pending question, and asks the next one or hands over.
    fn accept_information(
        &mut self,
        conversation: &Opened,
        question: &PendingQuestion,
    ) -> Result<(), Rejection> {
        let answer = self.answer;
        let target = Target {
            team_id: question.team_id,
            strategy: question.strategy,
            rule_id: Some(question.rule_id),
        };
        if let Some(need) = answer.playbook.handoff.for_message(&answer.incoming()) {
            return self.hand_over(need, &target);
        }
        if !conversation.bot.may_answer(answer.message_id) {
            return Ok(());
        }
        if conversation.delivery(question.message_id) == Some(Delivery::Failed) {
            // The customer has not seen the question, so this is no answer to it.
            return self.ask(&answer.field_of(question), &question.remaining, &target, None);
        }
        let words = answer.body.content.trim();
        let kept = match words {
            "" => format!("[{}]", answer.body.content_type),
            words => words.to_owned(),
        };
        let fields = [(question.field.clone(), Value::String(kept))].into_iter().collect();
        self.draft.then(CollectContext { fields })?;
        match question.remaining.split_first() {
            Some((next, rest)) => self.ask(next, rest, &target, None),
            None => {
                let reason = "The bot asked all it was to ask".to_owned();
                self.hand_over(HandoffNeed::of(HandoffCause::InfoCollected, reason), &target)
            }
        }
    }

    fn ask(
        &mut self,
        field: &InfoField,
        remaining: &[InfoField],
        target: &Target,
        rule: Option<&Rule>,
    ) -> Result<(), Rejection> {
        let Some(rule_id) = target.rule_id else { return Ok(()) };
        let plain = |name: &str| format!("Could you tell me your {}?", name.replace(['_', '-'], " "));
        let question = match field {
            InfoField::Asked { name, question } => match filled(question, self.draft.state().opened()?) {
                Ok(_) => question.clone(),
                // A question with an unfilled placeholder is never asked.
                Err(_) => plain(name),
            },
            InfoField::Named(name) => plain(name),
        };
        let message_id = self.answer.ids.question;
        self.send(message_id, &question, rule)?;
        self.draft.record(InfoRequested {
            rule_id,
            message_id,
            field: field.name().to_owned(),
            remaining: remaining.to_vec(),
            team_id: target.team_id,
            strategy: target.strategy,
        });
        Ok(())
    }

    fn send(&mut self, message_id: MessageId, text: &str, rule: Option<&Rule>) -> Result<(), Rejection> {
        let reply_window = self.answer.reply_window;
        let automatic_limit = Some(self.answer.playbook.automatic_limit);
        let message = BotMessage { message_id, text, rule, reply_window, automatic_limit };
        send_bot_message(&mut self.draft, message)
    }

    fn hand_over(&mut self, need: HandoffNeed, target: &Target) -> Result<(), Rejection> {
        let handoff = Handoff {
            message_id: Some(self.answer.message_id),
            rule_id: target.rule_id,
            strategy: target.strategy,
            announcement: Some(Announcement {
                message_id: self.answer.ids.reply,
                reply_window: self.answer.reply_window,
                automatic_limit: Some(self.answer.playbook.automatic_limit),
            }),
            ..Handoff::of(HandoffNeed { team_id: need.team_id.or(target.team_id), ..need })
        };
        hand_over(&mut self.draft, handoff)
    }
}

impl Target {
    fn by(rule: &Rule) -> Self {
        Self { team_id: rule.actions.team_id, strategy: rule.actions.strategy, rule_id: Some(rule.id) }
    }
}

/// The text with its placeholders filled for a text that Verbatim itself sends.
///
/// # Errors
///
/// [`Rejection::Unfilled`]: a placeholder has no value.
pub(super) fn filled(text: &str, conversation: &Opened) -> Result<String, Rejection> {
    filled_by(conversation.lifecycle.assignee_name.as_deref(), text, conversation)
}

/// Fills the placeholders of a text that the agent of this name sends.
pub(super) fn filled_by(agent: Option<&str>, text: &str, conversation: &Opened) -> Result<String, Rejection> {
    conversation.placeholder_values(agent).fill(text).whole().map_err(|names| Rejection::Unfilled { names })
}
