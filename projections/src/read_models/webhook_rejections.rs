//! Webhooks of providers that Verbatim could not read, with their whole body, for the administrator.

use crate::read_models::registry::ReadModel;
use event_schemas::message::ChannelType;
use event_schemas::{AccountId, ChannelId, Event, EventId, InboundEvent, Timestamp};
use follower::runner::DecodedEvent;
use follower::table::Rows;

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

impl ReadModel for WebhookRejectionRow {
    const CACHED: usize = 1;

    /// Each event adds a row.
    fn keys(_event: &DecodedEvent) -> impl IntoIterator<Item = Self::Key> {
        None
    }

    fn apply(rows: &mut Rows<Self>, event: &DecodedEvent) {
        let Event::Inbound(InboundEvent::WebhookRejected(rejected)) = &event.event else { return };
        rows.put(Self {
            id: event.id,
            account_id: event.metadata.account_id,
            channel_id: rejected.channel_id,
            channel_type: rejected.channel_type,
            reason: rejected.reason.clone(),
            body: rejected.body.clone(),
            body_base64: rejected.body_base64.clone(),
            received_at: event.metadata.occurred_at,
        });
    }
}
