//! From the log to the table: what is to be told, and what is told already.

use super::table::{Pending, Webhooks};
use event_schemas::conversation::{WebhookDelivered, WebhookFailed, WebhookRequested};
use event_schemas::{ActionEvent, Category, ConversationEvent, Event, WebhookId, about};
use event_store::Filter;
use follower::{DecodedEvent, FollowError, Projection, Tx};
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::Notify;

pub(super) struct Follow {
    changed: Arc<Notify>,
}

impl Follow {
    pub(super) fn new(changed: Arc<Notify>) -> Self {
        Self { changed }
    }
}

/// `example.com` of `https://example.com/hooks`: those of one host share its few calls.
fn host_of(url: &str) -> String {
    let after = url.split_once("://").map_or(url, |(_, after)| after);
    after.split(['/', '?', '#']).next().unwrap_or_default().to_ascii_lowercase()
}

impl Projection for Follow {
    fn name(&self) -> &'static str {
        "webhooks"
    }

    fn filter(&self) -> Filter {
        Filter {
            account: None,
            categories: vec![Category::Conversation],
            event_types: about![WebhookRequested, WebhookDelivered, WebhookFailed],
        }
    }

    async fn project(&mut self, page: &[Arc<DecodedEvent>], tx: &mut Tx) -> Result<(), FollowError> {
        use ConversationEvent as E;
        let mut requested: HashMap<WebhookId, (Pending, _)> = HashMap::new();
        for happened in page {
            let Event::Conversation(event) = &happened.event else { continue };
            let over = match event {
                E::Automation(ActionEvent::WebhookRequested(webhook)) => {
                    let Some(conversation_id) = happened.stream.as_conversation() else { continue };
                    let pending = Pending {
                        webhook_id: webhook.webhook_id,
                        account_id: happened.metadata.account_id,
                        conversation_id,
                        event_id: happened.id,
                        host: host_of(&webhook.url),
                        attempts: 0,
                    };
                    requested.insert(webhook.webhook_id, (pending, happened.metadata.occurred_at));
                    continue;
                }
                E::Automation(ActionEvent::WebhookDelivered(delivered)) => delivered.webhook_id,
                E::Automation(ActionEvent::WebhookFailed(failed)) => failed.webhook_id,
                E::Automation(ActionEvent::MacroRan(_) | ActionEvent::AutomationRan(_))
                | E::Message(_)
                | E::Delivery(_)
                | E::Lifecycle(_)
                | E::Assignment(_)
                | E::Routing(_)
                | E::Sla(_)
                | E::Bot(_)
                | E::Details(_) => continue,
            };
            // What begins and ends in one page never needs a row.
            if requested.remove(&over).is_none() {
                Webhooks::settle(tx, over).await?;
            }
        }
        for (pending, at) in requested.into_values() {
            Webhooks::insert(tx, &pending, at).await?;
        }
        Ok(())
    }

    fn committed(&mut self) {
        self.changed.notify_one();
    }
}
