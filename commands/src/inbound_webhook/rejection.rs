//! A part of a request that cannot be read or applied. It is stored for the administrator.

use super::{ChannelOfAccount, InboundWebhookError};
use crate::Commands;
use crate::execute::Context;
use event_schemas::inbound::WebhookRejected;
use event_schemas::{EventId, InboundEvent, Metadata, NewEvent, StreamId};
use event_store::{AppendError, Expected};
use providers::UnreadablePart;

impl Commands {
    /// Stores the whole part. A repeated part is stored once.
    pub(super) async fn record_rejection(
        &self,
        receiver: &ChannelOfAccount,
        context: &Context,
        unreadable: &UnreadablePart,
    ) -> Result<(), InboundWebhookError> {
        let (body, body_base64) = (unreadable.text().into_owned(), unreadable.base64());
        // Different bytes can be the same text.
        let id = EventId::reported(receiver.channel.id, body_base64.as_ref().unwrap_or(&body), "rejected");
        let event = InboundEvent::from(WebhookRejected {
            channel_id: receiver.channel.id,
            channel_type: receiver.channel.channel_type,
            reason: unreadable.reason.clone(),
            body,
            body_base64,
        });
        let metadata = Metadata {
            account_id: receiver.account,
            actor: context.actor.clone(),
            correlation_id: context.correlation_id,
            causation_id: None,
            traceparent: context.traceparent.clone(),
            request: None,
            credential: None,
            occurred_at: self.clock.now(),
        };
        metrics::counter!("verbatim_webhook_rejections_total").increment(1);
        let stream = StreamId::inbound(receiver.channel.id);
        match self.store.append(&stream, Expected::Any, vec![NewEvent::of(id, &event, metadata)]).await {
            Ok(_) | Err(AppendError::PartlyRecorded { .. }) => Ok(()),
            Err(AppendError::Unavailable(unavailable)) => Err(unavailable.into()),
            Err(error @ (AppendError::Conflict { .. } | AppendError::TooMany { .. })) => {
                Err(InboundWebhookError::Failed(Box::new(error)))
            }
        }
    }
}
