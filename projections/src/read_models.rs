//! Every table of the read side, filled together: one page of the log, one transaction.

pub mod agent_seen;
pub mod agents;
pub mod assignments;
pub mod automation_rules;
pub mod bot_rules;
pub mod bot_settings;
pub mod calendars;
pub mod canned_responses;
mod catalogue;
pub mod channels;
pub mod contacts;
pub mod handoff_rules;
pub mod inbox;
pub mod labels;
mod list_json;
pub mod macros;
pub mod messages;
pub mod queue_entries;
pub mod queues;
pub mod sla_policies;
pub mod sla_timers;
pub mod tab_counts;
pub mod teams;
pub mod webhook_rejections;

mod by_subject;
mod conversations;

use by_subject::BySubject;
use conversations::Conversations;
use event_schemas::Event;
use follower::db::{DbError, Tx};
use follower::runner::{DecodedEvent, Projection};
use follower::table::Shape;

/// Every table, for who compares two generations.
pub(crate) fn shapes() -> [Shape; 27] {
    [
        Shape::of::<inbox::ConversationRow>(),
        Shape::of::<labels::LabelRow>(),
        Shape::of::<agent_seen::AgentSeenRow>(),
        Shape::of::<messages::MessageRow>(),
        Shape::of::<assignments::AssignmentRow>(),
        Shape::of::<sla_timers::SlaTimerRow>(),
        Shape::of::<sla_timers::ClocksRow>(),
        Shape::of::<tab_counts::TabCountRow>(),
        Shape::of::<contacts::ContactRow>(),
        Shape::of::<contacts::ContactIdentifierRow>(),
        Shape::of::<channels::ChannelRow>(),
        Shape::of::<teams::TeamRow>(),
        Shape::of::<canned_responses::CannedResponseRow>(),
        Shape::of::<sla_policies::SlaPolicyRow>(),
        Shape::of::<calendars::CalendarRow>(),
        Shape::of::<bot_rules::BotRuleRow>(),
        Shape::of::<handoff_rules::HandoffRuleRow>(),
        Shape::of::<macros::MacroRow>(),
        Shape::of::<automation_rules::AutomationRuleRow>(),
        Shape::of::<bot_settings::BotSettingsRow>(),
        Shape::of::<agents::AgentRow>(),
        Shape::of::<agents::AgentPreferencesRow>(),
        Shape::of::<agents::AgentAvailabilityRow>(),
        Shape::of::<queues::QueueRow>(),
        Shape::of::<queue_entries::QueueEntryRow>(),
        Shape::of::<queue_entries::PaceRow>(),
        Shape::of::<webhook_rejections::WebhookRejectionRow>(),
    ]
}

/// The projection that fills all of them.
pub struct ReadModels {
    conversations: Conversations,
    by_subject: BySubject,
}

impl Default for ReadModels {
    fn default() -> Self {
        Self::remembering(8_000)
    }
}

impl ReadModels {
    /// Keeps about this many conversations at hand between pages.
    pub fn remembering(conversations: usize) -> Self {
        Self { conversations: Conversations::remembering(conversations), by_subject: BySubject::default() }
    }
}

/// The name of the checkpoint.
pub const NAME: &str = "read-models";

impl Projection for ReadModels {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn project(&mut self, page: &[DecodedEvent], tx: &mut Tx) -> Result<(), DbError> {
        self.by_subject.load(page, tx).await?;
        self.conversations.load(page, self.by_subject.moves(page), tx).await?;
        for happened in page {
            match &happened.event {
                Event::Conversation(event) => self.conversations.apply(event, happened),
                Event::Contact(event) => {
                    if let Some(moved) = self.by_subject.contact(event, happened) {
                        self.conversations.relink(&moved);
                    }
                }
                Event::Catalogue(event) => self.by_subject.catalogue(event, happened),
                Event::Agent(event) => self.by_subject.agent(event, happened),
                Event::Inbound(event) => self.by_subject.inbound(event, happened),
            }
        }
        self.by_subject.write(tx).await?;
        self.conversations.write(tx).await
    }

    fn committed(&mut self) {
        self.by_subject.committed();
        self.conversations.committed();
    }

    fn reset(&mut self) {
        self.by_subject.reset();
        self.conversations.reset();
    }
}
