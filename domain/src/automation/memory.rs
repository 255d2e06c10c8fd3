//! The part of a conversation's state that macros and automation rules need.

use event_schemas::{ActionEvent, AutomationRuleId, ConversationEvent, Timestamp, WebhookId};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// How often a rule runs within [`WITHIN`] in one conversation because of events that Verbatim itself caused.
pub const MOST_BY_ITSELF: usize = 10;
const WITHIN: Duration = Duration::from_secs(24 * 3600);

/// The state of a conversation that macros and automation rules need, computed from its events.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// When each rule last ran because of an event that Verbatim itself caused.
    by_itself: BTreeMap<AutomationRuleId, VecDeque<Timestamp>>,
    /// The webhooks whose result is not known yet.
    awaited: BTreeSet<WebhookId>,
}

impl Memory {
    /// `true` when this rule has run so often that it must trigger itself.
    pub fn is_exhausted(&self, rule: AutomationRuleId, now: Timestamp) -> bool {
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
            E::Automation(event) => self.apply_automation(event, at),
            E::Message(_)
            | E::Delivery(_)
            | E::Lifecycle(_)
            | E::Assignment(_)
            | E::Routing(_)
            | E::Sla(_)
            | E::Bot(_)
            | E::Details(_)
            | E::Schedule(_) => {}
        }
    }

    fn apply_automation(&mut self, event: &ActionEvent, at: Timestamp) {
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
            ActionEvent::MacroRan(_)
            | ActionEvent::AutomationRan(_)
            | ActionEvent::BulkActionRan(_)
            | ActionEvent::ChangeUndone(_) => {}
        }
    }
}
