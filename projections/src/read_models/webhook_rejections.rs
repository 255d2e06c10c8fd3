//! What providers sent and Verbatim could not read, whole, for the administrator.

use event_schemas::inbound::WebhookRejected;
use event_schemas::message::ChannelType;
use event_schemas::{AccountId, ChannelId, EventId, Timestamp};
use follower::runner::DecodedEvent;

follower::table! {
    pub struct WebhookRejectionRow in "webhook_rejections" key (id: EventId) {
        account_id: AccountId,
        channel_id: ChannelId,
        channel_type: ChannelType,
        reason: String,
        body: String,
        body_base64: Option<String>,
        received_at: Timestamp,
    }
}

impl WebhookRejectionRow {
    pub fn of(rejected: &WebhookRejected, happened: &DecodedEvent) -> Self {
        Self {
            id: happened.id,
            account_id: happened.metadata.account_id,
            channel_id: rejected.channel_id,
            channel_type: rejected.channel_type,
            reason: rejected.reason.clone(),
            body: rejected.body.clone(),
            body_base64: rejected.body_base64.clone(),
            received_at: happened.metadata.occurred_at,
        }
    }
}
