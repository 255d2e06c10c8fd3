//! The attributes of a conversation: priority, labels, subject, SLA policy.

use super::{Conversation, Rejection};
use crate::aggregate::Decide;
use event_schemas::conversation::{
    BotContextCollected, BotContextRemoved, DisplayNameChanged, LabelsChanged, PriorityChanged, SlaApplied,
    SlaRemoved, SubjectChanged,
};
use event_schemas::message::Priority;
use event_schemas::{ConversationEvent, Timestamp};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

const MOST_LABELS: usize = 50;
const LONGEST_LABEL: usize = 64;
const LONGEST_SUBJECT: usize = 500;
/// The bytes of all collected fields as JSON.
pub(crate) const LARGEST_CONTEXT: usize = 64 * 1024;

fn json_bytes(value: &Value) -> usize {
    serde_json::to_vec(value).map_or(usize::MAX / 4, |json| json.len())
}

#[derive(Clone, Debug)]
pub struct SetPriority {
    pub priority: Priority,
}

impl Decide<Conversation> for SetPriority {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, _: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        let old = state.live()?.priority;
        if old == self.priority {
            return Ok(Vec::new());
        }
        Ok(vec![PriorityChanged { old, new: self.priority }.into()])
    }
}

/// Gives the customer another name in the conversation.
#[derive(Clone, Debug)]
pub struct ChangeDisplayName {
    pub display_name: Option<String>,
}

impl Decide<Conversation> for ChangeDisplayName {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, _: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        let (old, new) = (state.live()?.display_name.clone(), self.display_name.clone());
        Ok(if old == new { Vec::new() } else { vec![DisplayNameChanged { old, new }.into()] })
    }
}

/// Replaces all labels.
#[derive(Clone, Debug)]
pub struct ChangeLabels {
    pub labels: BTreeSet<String>,
}

impl Decide<Conversation> for ChangeLabels {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, _: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        let present = &state.live()?.labels;
        let is_valid = |label: &String| !label.trim().is_empty() && label.chars().count() <= LONGEST_LABEL;
        if !self.labels.iter().all(is_valid) {
            return Err(Rejection::BadLabel);
        }
        if self.labels.len() > MOST_LABELS {
            return Err(Rejection::TooManyLabels { limit: MOST_LABELS });
        }
        let added: Vec<_> = self.labels.difference(present).cloned().collect();
        let removed: Vec<_> = present.difference(&self.labels).cloned().collect();
        if added.is_empty() && removed.is_empty() {
            return Ok(Vec::new());
        }
        Ok(vec![LabelsChanged { added, removed }.into()])
    }
}

#[derive(Clone, Debug)]
pub struct SetSubject {
    pub subject: Option<String>,
}

impl Decide<Conversation> for SetSubject {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, _: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        let old = state.live()?.subject.clone();
        if self.subject.as_ref().is_some_and(|subject| subject.chars().count() > LONGEST_SUBJECT) {
            return Err(Rejection::SubjectTooLong { limit: LONGEST_SUBJECT });
        }
        if old == self.subject {
            return Ok(Vec::new());
        }
        Ok(vec![SubjectChanged { old, new: self.subject.clone() }.into()])
    }
}

/// The fields that the bot, or another program, collected from the customer. `null` removes a field.
#[derive(Clone, Debug)]
pub struct CollectContext {
    pub fields: Map<String, Value>,
}

impl Decide<Conversation> for CollectContext {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, _: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        let known = state.live()?.bot.collected();
        let (nulls, values): (Map<_, _>, Map<_, _>) =
            self.fields.clone().into_iter().partition(|(_, value)| value.is_null());
        let kept = known.iter().filter(|(name, _)| !self.fields.contains_key(*name));
        let bytes: usize = kept.chain(&values).map(|(name, value)| name.len() + json_bytes(value)).sum();
        if bytes > LARGEST_CONTEXT && !values.is_empty() {
            return Err(Rejection::ContextTooLarge { limit: LARGEST_CONTEXT });
        }
        let removed: Vec<_> = nulls.into_iter().map(|(name, _)| name).collect();
        let removed: Vec<_> = removed.into_iter().filter(|name| known.contains_key(name)).collect();
        let collected = (!values.is_empty()).then(|| BotContextCollected { fields: values }.into());
        let removed = (!removed.is_empty()).then(|| BotContextRemoved { fields: removed }.into());
        Ok(collected.into_iter().chain(removed).collect())
    }
}

/// Removes all fields that the bot, or another program, has collected.
#[derive(Clone, Debug)]
pub struct RemoveContext;

impl Decide<Conversation> for RemoveContext {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, _: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        let fields: Vec<_> = state.live()?.bot.collected().keys().cloned().collect();
        if fields.is_empty() {
            return Ok(Vec::new());
        }
        Ok(vec![BotContextRemoved { fields }.into()])
    }
}

/// Applies another SLA policy.
#[derive(Clone, Debug)]
pub struct ApplySla {
    pub applied: SlaApplied,
}

impl Decide<Conversation> for ApplySla {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, _: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        if state.live()?.sla_policy == Some(self.applied.policy.id) {
            return Ok(Vec::new());
        }
        Ok(vec![self.applied.clone().into()])
    }
}

/// Ends the applied SLA policy: nothing is promised any more.
#[derive(Clone, Debug)]
pub struct RemoveSla;

impl Decide<Conversation> for RemoveSla {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, _: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        let policy = state.live()?.sla_policy;
        Ok(policy.map(|policy_id| SlaRemoved { policy_id }.into()).into_iter().collect())
    }
}
