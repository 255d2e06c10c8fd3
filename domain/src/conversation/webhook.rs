//! The result of an outgoing webhook.

use super::{Conversation, Rejection};
use crate::aggregate::Decide;
use event_schemas::conversation::{WebhookDelivered, WebhookFailed};
use event_schemas::{ConversationEvent, Timestamp, WebhookId};

/// How an outgoing webhook ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebhookEnd {
    Delivered { status: u16 },
    Failed { code: String, reason: String },
}

/// Records the result of a webhook, once.
#[derive(Clone, Debug)]
pub struct RecordWebhook {
    pub webhook_id: WebhookId,
    pub end: WebhookEnd,
    pub attempts: u32,
}

impl Decide<Conversation> for RecordWebhook {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, _: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        if !state.opened()?.automation.awaits(self.webhook_id) {
            return Ok(Vec::new());
        }
        let (webhook_id, attempts) = (self.webhook_id, self.attempts);
        Ok(vec![match &self.end {
            WebhookEnd::Delivered { status } => {
                WebhookDelivered { webhook_id, status: *status, attempts }.into()
            }
            WebhookEnd::Failed { code, reason } => {
                WebhookFailed { webhook_id, code: code.clone(), reason: reason.clone(), attempts }.into()
            }
        }])
    }
}
