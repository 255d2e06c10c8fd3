//! The bot's acts on a customer's message. All of them are appended at the version they were decided on, or none:
//! none when a human agent has taken the conversation meanwhile.

#[cfg(test)]
mod tests;

use super::draft::Draft;
use super::handoff::{Handoff, hand_over};
use super::label::{ChangeLabels, CollectContext, SetPriority};
use super::send::{BotMessage, say};
use super::{Conversation, Opened, Rejection};
use crate::aggregate::Decide;
use crate::bot::{Actions, Facts, HandoffNeed, IncomingMessage, PendingQuestion, Playbook, Rule, RuleMatch};
use event_schemas::bot::{HandoffCause, InfoField};
use event_schemas::conversation::{AssignStrategy, BotEngaged, InfoRequested, LanguageDetected};
use event_schemas::message::{Content, ContentType, Status};
use event_schemas::{BotRuleId, ConversationEvent, MessageId, TeamId, Timestamp, placeholders};
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

/// A message of the customer's is put to the account's playbook.
#[derive(Clone, Debug)]
pub struct Answer {
    pub playbook: Arc<Playbook>,
    pub message_id: MessageId,
    pub body: Content,
    pub metadata: Map<String, Value>,
    /// When it came: what time it is for a rule.
    pub received_at: Timestamp,
    pub language: Option<Detected>,
    pub ids: AnswerIds,
    /// How long after the customer's last message the channel lets an answer out.
    pub reply_window: Option<Duration>,
}

impl Decide<Conversation> for Answer {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, now: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        let Ok(conversation) = state.live() else { return Ok(Vec::new()) };
        if !self.is_the_bots(conversation) {
            return Ok(Vec::new());
        }
        let mut speech = BotTurn { answer: self, draft: Draft::of(state, now) };
        speech.note_language(conversation);
        match conversation.bot.question() {
            Some(asking) => speech.take_in(conversation, asking)?,
            None => speech.consult(conversation)?,
        }
        Ok(speech.draft.into_events())
    }
}

impl Answer {
    /// `true` while the bot may answer: no human agent is assigned or requested.
    fn is_the_bots(&self, conversation: &Opened) -> bool {
        let lifecycle = &conversation.lifecycle;
        let free = matches!(lifecycle.status, Status::Open | Status::Bot) && lifecycle.assignee_id.is_none();
        // Another program's bot is watched for handoffs even where the account has no rules.
        let concerned =
            !self.playbook.is_empty() || lifecycle.status == Status::Bot || conversation.bot.has_answered();
        free && concerned
            && !conversation.bot.is_with_agents()
            && self.body.content_type != ContentType::Reaction
    }

    fn heard(&self) -> IncomingMessage<'_> {
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
struct To {
    team_id: Option<TeamId>,
    strategy: Option<AssignStrategy>,
    rule_id: Option<BotRuleId>,
}

impl BotTurn<'_> {
    fn note_language(&mut self, conversation: &Opened) {
        if let Some(detected) = &self.answer.language
            && conversation.bot.language() != Some(&detected.language)
        {
            self.draft.tell(LanguageDetected {
                language: detected.language.clone(),
                confidence: detected.confidence,
                message_id: self.answer.message_id,
            });
        }
    }

    /// No question is open: what the rules say, and whether a person is needed.
    fn consult(&mut self, conversation: &Opened) -> Result<(), Rejection> {
        let answer = self.answer;
        let heard = answer.heard();
        let need = answer.playbook.handoff.for_message(&heard);
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
        let fits = match need {
            Some(_) => answer.playbook.evaluate_for_handoff(&heard, &facts),
            None => answer.playbook.evaluate(&heard, &facts),
        };
        let mut to = To::default();
        let mut speaks = false;
        for fit in &fits {
            self.cover(fit)?;
            speaks |= !fit.rule.actions.is_silent();
            to = To::by(fit.rule);
        }
        match (need, fits.last()) {
            (Some(need), last) => {
                let reply = last.and_then(|fit| Some((fit.rule, fit.rule.actions.reply.as_deref()?)));
                let Some((rule, reply)) = reply else { return self.hand_over(need, &to) };
                self.say(answer.ids.reply, reply, Some(rule))?;
                self.hand_over(HandoffNeed { message: None, ..need }, &to)
            }
            (None, Some(fit)) if speaks => self.act(fit),
            (None, _) => self.nothing_fits(conversation),
        }
    }

    /// The labels and the priority that a rule sets.
    fn cover(&mut self, fit: &RuleMatch<'_>) -> Result<(), Rejection> {
        let RuleMatch { rule, why } = fit;
        self.draft.tell(BotEngaged { rule_id: Some(rule.id), reason: Some(format!("{}: {why}", rule.name)) });
        let Actions { labels, priority, .. } = &rule.actions;
        if !labels.is_empty() {
            let mut all = self.draft.state().opened()?.labels.clone();
            all.extend(labels.iter().cloned());
            match self.draft.then(ChangeLabels { labels: all }) {
                // It has as many as it can have.
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
    fn act(&mut self, fit: &RuleMatch<'_>) -> Result<(), Rejection> {
        let RuleMatch { rule, why } = fit;
        if let Some(reply) = &rule.actions.reply {
            self.say(self.answer.ids.reply, reply, Some(rule))?;
        }
        if let Some((first, rest)) = rule.actions.ask.split_first() {
            return self.ask(first, rest, &To::by(rule), Some(rule));
        }
        if rule.actions.hands_over() {
            let reason = format!("Rule '{}': {why}", rule.name);
            return self.hand_over(HandoffNeed::of(HandoffCause::Rule, reason), &To::by(rule));
        }
        Ok(())
    }

    /// A message to which the bot has nothing to say is for people, unless another program is the bot.
    fn nothing_fits(&mut self, conversation: &Opened) -> Result<(), Rejection> {
        if self.answer.playbook.rules().is_empty() || conversation.bot.is_answered_by_program() {
            return Ok(());
        }
        let reason = "None of the bot's rules fits".to_owned();
        self.hand_over(HandoffNeed::of(HandoffCause::NoRule, reason), &To::default())
    }

    /// The answer to what the bot asked for.
    fn take_in(&mut self, conversation: &Opened, asking: &PendingQuestion) -> Result<(), Rejection> {
        let answer = self.answer;
        let to = To { team_id: asking.team_id, strategy: asking.strategy, rule_id: Some(asking.rule_id) };
        if let Some(need) = answer.playbook.handoff.for_message(&answer.heard()) {
            return self.hand_over(need, &to);
        }
        if !conversation.bot.may_answer(answer.message_id) {
            return Ok(());
        }
        let words = answer.body.content.trim();
        let kept = match words {
            "" => format!("[{}]", answer.body.content_type),
            words => words.to_owned(),
        };
        let fields = [(asking.field.clone(), Value::String(kept))].into_iter().collect();
        self.draft.then(CollectContext { fields })?;
        match asking.remaining.split_first() {
            Some((next, rest)) => self.ask(next, rest, &to, None),
            None => {
                let reason = "The bot asked all it was to ask".to_owned();
                self.hand_over(HandoffNeed::of(HandoffCause::InfoCollected, reason), &to)
            }
        }
    }

    fn ask(
        &mut self,
        field: &InfoField,
        remaining: &[InfoField],
        to: &To,
        rule: Option<&Rule>,
    ) -> Result<(), Rejection> {
        let Some(rule_id) = to.rule_id else { return Ok(()) };
        let question = match field {
            InfoField::Asked { question, .. } => question.clone(),
            InfoField::Named(name) => format!("Could you tell me your {}?", name.replace(['_', '-'], " ")),
        };
        let message_id = self.answer.ids.question;
        self.say(message_id, &question, rule)?;
        self.draft.tell(InfoRequested {
            rule_id,
            message_id,
            field: field.name().to_owned(),
            remaining: remaining.to_vec(),
            team_id: to.team_id,
            strategy: to.strategy,
        });
        Ok(())
    }

    fn say(&mut self, message_id: MessageId, text: &str, rule: Option<&Rule>) -> Result<(), Rejection> {
        let reply_window = self.answer.reply_window;
        say(&mut self.draft, BotMessage { message_id, text, rule, reply_window })
    }

    fn hand_over(&mut self, need: HandoffNeed, to: &To) -> Result<(), Rejection> {
        let handoff = Handoff {
            message_id: Some(self.answer.message_id),
            rule_id: to.rule_id,
            strategy: to.strategy,
            announcement: Some((self.answer.ids.reply, self.answer.reply_window)),
            ..Handoff::of(HandoffNeed { team_id: need.team_id.or(to.team_id), ..need })
        };
        hand_over(&mut self.draft, handoff)
    }
}

impl To {
    fn by(rule: &Rule) -> Self {
        Self { team_id: rule.actions.team_id, strategy: rule.actions.strategy, rule_id: Some(rule.id) }
    }
}

/// The text with its placeholders filled from the conversation. An unknown placeholder is replaced by nothing, so that
/// a customer never sees one.
pub(super) fn filled(text: &str, conversation: &Opened) -> String {
    filled_by("", text, conversation)
}

/// Fills the placeholders of a text that the agent of this name sends.
pub(super) fn filled_by(agent: &str, text: &str, conversation: &Opened) -> String {
    placeholders::fill(text, |name| {
        Some(match name {
            "agent_name" => agent.to_owned(),
            "contact_name" => {
                conversation.display_name.clone().unwrap_or_else(|| conversation.contact_identifier.clone())
            }
            "contact_identifier" => conversation.contact_identifier.clone(),
            other => match conversation.bot.collected().get(other) {
                Some(Value::String(words)) => words.clone(),
                Some(value) => value.to_string(),
                None => String::new(),
            },
        })
    })
}
