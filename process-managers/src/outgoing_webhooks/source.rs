//! Derives the outbox from the log: `WebhookRequested` inserts a webhook, and the event with its result removes it.

use event_schemas::conversation::{WebhookDelivered, WebhookFailed, WebhookRequested};
use event_schemas::{
    AccountId, ActionEvent, Category, ConversationEvent, ConversationId, Event, EventId, Timestamp,
    WebhookId, about,
};
use event_store::Filter;
use follower::outbox::{Job, JobEffect, JobSource, JobState, Order};
use follower::{DecodedEvent, FollowError};

follower::table! {
    /// A webhook without a result in the log.
    pub struct PendingWebhook in "outgoing_webhooks" key (webhook_id: WebhookId) {
        account_id: AccountId,
        conversation_id: ConversationId,
        /// The event that requests it.
        event_id: EventId,
        host: String,
        state: JobState,
        /// The number of attempts, counted when an attempt begins.
        attempts: u32,
        next_attempt_at: Timestamp,
    }
}

impl Job for PendingWebhook {
    type Id = WebhookId;
    type Queue = String;
    const QUEUE: &'static str = "host";
    const ORDER: Option<Order> = None;

    fn id(&self) -> WebhookId {
        self.webhook_id
    }
    fn queue(&self) -> String {
        self.host.clone()
    }
}

/// The host and port of a URL: `example.com` of `https://example.com/hooks`.
fn host_of(url: &str) -> String {
    let after = url.split_once("://").map_or(url, |(_, after)| after);
    after.split(['/', '?', '#']).next().unwrap_or_default().to_ascii_lowercase()
}

pub(super) struct Source;

impl JobSource for Source {
    type Job = PendingWebhook;
    const NAME: &'static str = "outgoing-webhooks";
    const CHECKPOINT: &'static str = "webhooks";
    const SCRIPT: &'static str = include_str!("../../../migrations/process-managers/webhooks.sql");
    const DURABLE: bool = false;

    fn about(&self) -> Filter {
        Filter {
            account: None,
            categories: vec![Category::Conversation],
            event_types: about![WebhookRequested, WebhookDelivered, WebhookFailed],
        }
    }

    fn effect_of(&self, event: &DecodedEvent) -> JobEffect<WebhookId> {
        use ConversationEvent as E;
        let Event::Conversation(event) = &event.event else { return JobEffect::None };
        match event {
            E::Automation(ActionEvent::WebhookRequested(webhook)) => JobEffect::Begins(webhook.webhook_id),
            E::Automation(ActionEvent::WebhookDelivered(webhook)) => JobEffect::Ends(webhook.webhook_id),
            E::Automation(ActionEvent::WebhookFailed(webhook)) => JobEffect::Ends(webhook.webhook_id),
            E::Automation(
                ActionEvent::MacroRan(_)
                | ActionEvent::AutomationRan(_)
                | ActionEvent::BulkActionRan(_)
                | ActionEvent::ChangeUndone(_),
            )
            | E::Message(_)
            | E::Delivery(_)
            | E::Lifecycle(_)
            | E::Assignment(_)
            | E::Routing(_)
            | E::Sla(_)
            | E::Bot(_)
            | E::Details(_)
            | E::Schedule(_) => JobEffect::None,
        }
    }

    async fn job_of(&mut self, event: &DecodedEvent) -> Result<Option<PendingWebhook>, FollowError> {
        let Event::Conversation(ConversationEvent::Automation(ActionEvent::WebhookRequested(webhook))) =
            &event.event
        else {
            return Ok(None);
        };
        let Some(conversation_id) = event.stream.as_conversation() else { return Ok(None) };
        Ok(Some(PendingWebhook {
            webhook_id: webhook.webhook_id,
            account_id: event.metadata.account_id,
            conversation_id,
            event_id: event.id,
            host: host_of(&webhook.url),
            state: JobState::Waiting,
            attempts: 0,
            next_attempt_at: event.metadata.occurred_at,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::conversation_events;

    #[test]
    fn every_event_that_concerns_a_job_is_read() {
        let read = Source.about().event_types;
        for (name, event) in conversation_events() {
            let concerns_a_job = Source.effect_of(&event) != JobEffect::None;
            assert_eq!(read.iter().any(|wanted| wanted == name), concerns_a_job, "{name}");
        }
    }
}
