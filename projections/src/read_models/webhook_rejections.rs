//! Providers' webhooks that Verbatim could not read, with their whole body, for the administrator.

use super::registry::ReadModel;
use crate::queries::{ListError, Listed, Page, newest_first, row};
use event_schemas::message::ChannelType;
use event_schemas::{AccountId, ChannelId, Event, EventId, InboundEvent, Timestamp};
use follower::db::{DbError, Readers};
use follower::runner::DecodedEvent;
use follower::table::{Rows, Values};
use schemars::JsonSchema;
use serde::Serialize;

follower::table! {
    /// A rejected webhook, or the rejected part of one.
    #[derive(Serialize, JsonSchema)]
    #[schemars(rename = "WebhookRejection")]
    pub struct WebhookRejectionRow in "webhook_rejections" key (id: EventId) {
        #[serde(skip)]
        account_id: AccountId,
        channel_id: ChannelId,
        channel_type: ChannelType,
        reason: String,
        body: String,
        /// The body in Base64. `null` when the body is text.
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

/// Rejected webhooks, the newest first.
pub async fn list(readers: &Readers, page: Page) -> Result<Listed<WebhookRejectionRow>, ListError> {
    const NEWEST: &str = "where account_id = $1 and (received_at, id) < ($3, $4)
        order by received_at desc, id desc limit 0 + $2";
    newest_first(readers, page, NEWEST, |row: &WebhookRejectionRow| (row.received_at, row.id.0)).await
}

pub async fn find(
    readers: &Readers,
    account: AccountId,
    id: EventId,
) -> Result<Option<WebhookRejectionRow>, DbError> {
    row(readers, "where account_id = $1 and id = $2", Values::default().with(&account).with(&id)).await
}
