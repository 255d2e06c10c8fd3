//! The memory of a conversation about macros and automation rules.

use event_schemas::{ActionEvent, AutomationRuleId, ConversationEvent, Timestamp, WebhookId};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// How often a rule acts within [`WITHIN`] in one conversation when Verbatim's own doing sets it off.
pub const MOST_BY_ITSELF: usize = 10;
const WITHIN: Duration = Duration::from_secs(24 * 3600);

/// The automation's own fold of a conversation.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// When each rule last acted by Verbatim's own doing.
    by_itself: BTreeMap<AutomationRuleId, VecDeque<Timestamp>>,
    /// The webhooks whose result is not known yet.
    awaited: BTreeSet<WebhookId>,
}

impl Memory {
    /// `true` when this rule has acted so often that it must be part of a circle.
    pub fn is_spent(&self, rule: AutomationRuleId, now: Timestamp) -> bool {
        self.by_itself
            .get(&rule)
            .is_some_and(|times| times.iter().filter(|at| now < **at + WITHIN).count() >= MOST_BY_ITSELF)
    }

    /// `true` while the result of this webhook is not known.
    pub fn awaits(&self, webhook: WebhookId) -> bool {
        self.awaited.contains(&webhook)
    }

    pub fn evolve(&mut self, event: &ConversationEvent, at: Timestamp) {
        use ConversationEvent as E;
        match event {
            E::Automation(event) => self.remember(event, at),
            E::Message(_)
            | E::Delivery(_)
            | E::Lifecycle(_)
            | E::Assignment(_)
            | E::Routing(_)
            | E::Sla(_)
            | E::Bot(_)
            | E::Details(_) => {}
        }
    }

    fn remember(&mut self, event: &ActionEvent, at: Timestamp) {
        match event {
            ActionEvent::AutomationRan(ran) if ran.by_itself => {
                let times = self.by_itself.entry(ran.rule_id).or_default();
                if times.len() == MOST_BY_ITSELF {
                    times.pop_front();
                }
                times.push_back(at);
            }
            ActionEvent::WebhookRequested(requested) => {
                self.awaited.insert(requested.webhook_id);
            }
            ActionEvent::WebhookDelivered(delivered) => {
                self.awaited.remove(&delivered.webhook_id);
            }
            ActionEvent::WebhookFailed(failed) => {
                self.awaited.remove(&failed.webhook_id);
            }
            ActionEvent::MacroRan(_) | ActionEvent::AutomationRan(_) => {}
        }
    }
}
