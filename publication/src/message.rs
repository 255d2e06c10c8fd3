//! An event as a message: its subject, its headers, the CloudEvent.

use crate::settings::Settings;
use async_nats::jetstream::message::PublishMessage;
use event_schemas::upcast::name_today;
use event_schemas::{CloudEvent, Position, Recorded};
use serde_json::{Value, json};

/// The header with the event's position in the log.
pub const POSITION: &str = "Verbatim-Position";

const CONTENT_TYPE: &str = "application/cloudevents+json; charset=utf-8";

/// The size reserved for headers within the server's limit for a message, in bytes.
const HEADERS: usize = 1024;

/// An event, ready to be published.
pub(crate) struct Message {
    pub position: Position,
    pub subject: String,
    pub publish: PublishMessage,
    pub size: usize,
}

/// `verbatim.<account>.<aggregate>.<EventType>`, with today's name of the type.
pub fn subject(event: &Recorded) -> String {
    let aggregate = event.stream.category().map_or("other", |kind| kind.as_str());
    format!("verbatim.{}.{aggregate}.{}", event.metadata.account_id, token(name_today(&event.event_type)))
}

/// A type as one token of a subject. Verbatim's types are letters; imported events may have any type.
fn token(event_type: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '_' };
    if event_type.is_empty() { "_".to_owned() } else { event_type.chars().map(plain).collect() }
}

impl Message {
    /// Encodes an event. `limit` is the largest message that the server accepts, in bytes. `lost` is the number of
    /// messages of events that the log has lost: some of them may be appended again, with the same ids.
    pub fn of(event: &Recorded, settings: &Settings, limit: usize, lost: u64) -> Self {
        let document = CloudEvent::of(event, &settings.schemas_url);
        let mut payload = serde_json::to_vec(&document).unwrap_or_default();
        if payload.len() + HEADERS > limit {
            let address = format!("{}/{}", settings.events_url, event.id);
            tracing::warn!(
                event = %event.id, position = %event.position, bytes = payload.len(), limit,
                "an event is too large for NATS; it is published with its address instead of its data"
            );
            payload = serde_json::to_vec(&with_reference(&document, &address)).unwrap_or_default();
        }
        let size = payload.len();
        let publish = PublishMessage::build()
            .payload(payload.into())
            // The server drops a message whose id it has had lately, and with it the order of the others.
            .message_id(if lost == 0 { event.id.to_string() } else { format!("{}.{lost}", event.id) })
            .expected_stream(&settings.stream.name)
            .header(POSITION, event.position.to_string())
            .header("Content-Type", CONTENT_TYPE);
        Self { position: event.position, subject: subject(event), publish, size }
    }
}

/// The claim check of CloudEvents' `dataref` extension: the address of the data instead of the data.
fn with_reference(document: &CloudEvent, address: &str) -> Value {
    let mut document = json!(document);
    if let Some(fields) = document.as_object_mut() {
        fields.remove("data");
        fields.insert("dataref".to_owned(), json!(address));
    }
    document
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::StreamSettings;
    use event_schemas::{AccountId, Actor, EventId, Metadata, StreamId, Timestamp, Version};

    fn event(event_type: &'static str, stream: &str, data: &str) -> Recorded {
        Recorded {
            position: Position::at(7),
            stream: StreamId::named(stream),
            version: Version(1),
            id: EventId::from_u128(0xE),
            event_type: event_type.into(),
            schema_version: 1,
            recorded_at: Timestamp::from_secs(1_772_439_331),
            metadata: Metadata {
                account_id: AccountId::from_u128(0xA),
                actor: Actor::contact(),
                correlation_id: EventId::from_u128(0xC).0,
                causation_id: None,
                traceparent: None,
                request: None,
                credential: None,
                occurred_at: Timestamp::from_secs(1_772_439_330),
            },
            data: data.to_owned(),
        }
    }

    fn published(event: &Recorded, limit: usize) -> (Value, async_nats::HeaderMap) {
        let settings =
            Settings::new("nats://one", StreamSettings::default(), "https://desk.example.com").unwrap();
        let message = Message::of(event, &settings, limit, 0);
        let out = message.publish.outbound_message(message.subject);
        (serde_json::from_slice(&out.payload).unwrap(), out.headers.unwrap())
    }

    #[test]
    fn a_subject_names_account_aggregate_and_type() {
        let account = "00000000-0000-0000-0000-00000000000a";
        assert_eq!(
            subject(&event("Closed", "conversation-9", "{}")),
            format!("verbatim.{account}.conversation.Closed")
        );
        assert_eq!(
            subject(&event("a.b *>", "elsewhere-9", "{}")),
            format!("verbatim.{account}.other.a_b___")
        );
    }

    #[test]
    fn the_payload_is_the_document_that_event_streams_show() {
        let event = event("Closed", "conversation-9", r#"{"reason":"done"}"#);
        let (payload, headers) = published(&event, 1 << 20);
        assert_eq!(payload, json!(CloudEvent::of(&event, "https://desk.example.com/schemas")));
        assert_eq!(headers.get("Nats-Msg-Id").unwrap().as_str(), event.id.to_string());
        assert_eq!(headers.get(POSITION).unwrap().as_str(), "7");
    }

    #[test]
    fn an_event_that_is_too_large_is_published_with_its_address() {
        let event = event("Closed", "conversation-9", &format!(r#"{{"reason":"{:x<5000}"}}"#, ""));
        let (payload, _) = published(&event, 4096);
        assert_eq!(payload.get("data"), None);
        assert_eq!(payload["dataref"], format!("https://desk.example.com/v1/events/{}", event.id));
        assert_eq!(payload["position"], "7");
    }
}
