//! All tables of the read side. They are filled together: one transaction for each page of the log.

pub mod agent_seen;
pub mod agents;
pub mod assignments;
pub mod audit;
pub mod catalogue_items;
pub mod contacts;
pub mod inbox;
pub mod labels;
pub mod messages;
pub mod queue_entries;
pub mod scheduled_messages;
pub mod search;
pub mod sla_timers;
pub mod tab_counts;
pub mod webhook_rejections;

mod conversations;
mod registry;

use conversations::Conversations;
use follower::FollowError;
use follower::db::{DbError, Tx};
use follower::runner::{DecodedEvent, Projection};
use follower::table::{Rows, Shape};
use registry::{Fold, TableSet};
use std::sync::Arc;

registry::read_models! {
    /// The projection that fills all tables. Each read model has one line here.
    pub struct ReadModels {
        conversations: Conversations,
        catalogue_items: Rows<catalogue_items::CatalogueItemRow>,
        agents: Rows<agents::AgentRow>,
        agent_preferences: Rows<agents::AgentPreferencesRow>,
        agent_availability: Rows<agents::AgentAvailabilityRow>,
        webhook_rejections: Rows<webhook_rejections::WebhookRejectionRow>,
        audit: audit::Audit,
        scheduled_messages: Rows<scheduled_messages::ScheduledMessageRow>,
    }
}

/// The shapes of all tables, for the comparison of two generations.
pub fn shapes() -> Vec<Shape> {
    ReadModels::shapes()
}

impl Default for ReadModels {
    fn default() -> Self {
        Self::with_cache(8_000)
    }
}

impl ReadModels {
    /// With a cache of about this many conversations from one page to the next.
    pub fn with_cache(conversations: usize) -> Self {
        Self::caching(conversations)
    }
}

/// The name of the checkpoint.
pub const NAME: &str = "read-models";

impl Projection for ReadModels {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn project(&mut self, page: &[Arc<DecodedEvent>], tx: &mut Tx) -> Result<(), FollowError> {
        self.load(page, tx).await?;
        for event in page {
            self.apply(event);
        }
        self.write(tx).await?;
        Ok(())
    }

    fn committed(&mut self) {
        TableSet::committed(self);
    }

    fn reset(&mut self) {
        TableSet::reset(self);
    }
}
