//! The published form of events.

#![allow(clippy::unwrap_used)]

use event_schemas::catalogue::CatalogueKind;
use event_schemas::{
    AccountId, Actor, CloudEvent, ConversationId, EventId, Metadata, Position, Recorded, StreamId, Timestamp,
    UserId, Version,
};
use serde_json::{Value, json};
use uuid::Uuid;

const ACCOUNT: AccountId = AccountId::from_u128(0xA);
const SCHEMAS: &str = "https://support.example.com/schemas";

fn recorded(stream: StreamId, event_type: &'static str, data: &str) -> Recorded {
    Recorded {
        position: Position::at(1729),
        stream,
        version: Version(12),
        id: EventId::from_u128(0xE),
        event_type: event_type.into(),
        schema_version: 1,
        recorded_at: Timestamp::from_micros(1_772_439_331_000_250),
        metadata: Metadata {
            account_id: ACCOUNT,
            actor: Actor::user(UserId::from_u128(0x5), Some("Ana".to_owned())),
            correlation_id: Uuid::from_u128(0xC),
            causation_id: Some(EventId::from_u128(0xD)),
            traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
            request: None,
            credential: None,
            occurred_at: Timestamp::from_secs(1_772_439_330),
        },
        data: data.to_owned(),
    }
}

#[test]
fn an_event_has_all_attributes() {
    let conversation = ConversationId::from_u128(0x9);
    let recorded = recorded(StreamId::conversation(conversation), "Resolved", r#"{"reason":"exchanged"}"#);
    assert_eq!(
        serde_json::to_value(CloudEvent::of(&recorded, SCHEMAS)).unwrap(),
        json!({
            "specversion": "1.0",
            "id": "00000000-0000-0000-0000-00000000000e",
            "source": "/accounts/00000000-0000-0000-0000-00000000000a",
            "type": "verbatim.conversation.Resolved.v1",
            "subject": "conversation-00000000-0000-0000-0000-000000000009",
            "time": "2026-03-02T08:15:30.000000Z",
            "datacontenttype": "application/json",
            "dataschema": "https://support.example.com/schemas/Resolved.v1.json",
            "position": "1729",
            "streamversion": "12",
            "correlationid": "00000000-0000-0000-0000-00000000000c",
            "causationid": "00000000-0000-0000-0000-00000000000d",
            "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "recordedtime": "2026-03-02T08:15:31.000250Z",
            "actortype": "user",
            "actorid": "00000000-0000-0000-0000-000000000005",
            "actorname": "Ana",
            "data": {"reason": "exchanged"},
        })
    );
}

#[test]
fn unknown_attributes_are_absent() {
    let mut recorded = recorded(StreamId::named("conversation-9"), "Closed", "{}");
    recorded.metadata.actor = Actor::contact();
    recorded.metadata.causation_id = None;
    recorded.metadata.traceparent = None;
    let event = serde_json::to_value(CloudEvent::of(&recorded, SCHEMAS)).unwrap();
    for absent in ["causationid", "traceparent", "actorid", "actorname"] {
        assert_eq!(event.get(absent), None, "{absent}");
    }
    assert_eq!(event["actortype"], "contact");
}

#[test]
fn an_event_of_an_earlier_version_has_todays_name_and_shape() {
    let stored = include_str!("../samples/PlaceTaken.v1.json");
    let stream = StreamId::agent(UserId::from_u128(0x5));
    let event = CloudEvent::of(&recorded(stream, "PlaceTaken", stored), SCHEMAS);
    assert_eq!(event.event_type, "verbatim.agent.CapacityReserved.v2");
    assert_eq!(event.dataschema, "https://support.example.com/schemas/CapacityReserved.v2.json");
    let today: Value = serde_json::from_str(include_str!("../samples/CapacityReserved.v2.json")).unwrap();
    assert_eq!(event.data, today);
}

#[test]
fn the_secrets_of_webhooks_are_masked() {
    let samples = [
        ("MacroDefined", include_str!("../samples/MacroDefined.v1.json")),
        ("AutomationRuleDefined", include_str!("../samples/AutomationRuleDefined.v1.json")),
    ];
    for (event_type, stored) in samples {
        assert!(stored.contains("whsec_"));
        let stream = StreamId::catalogue(CatalogueKind::Macros, ACCOUNT);
        let document = serde_json::to_string(&CloudEvent::of(&recorded(stream, event_type, stored), SCHEMAS));
        let document = document.unwrap();
        assert!(!document.contains("whsec_") && document.contains("***"), "{document}");
    }
}

#[test]
fn the_values_of_credentials_are_masked() {
    let stored = include_str!("../samples/ChannelDefined.v1.json");
    let stream = StreamId::catalogue(CatalogueKind::Channels, ACCOUNT);
    let shown = CloudEvent::of(&recorded(stream, "ChannelDefined", stored), SCHEMAS);

    let stored: Value = serde_json::from_str(stored).unwrap();
    let mut expected = stored.clone();
    expected["channel"]["credentials"] = json!({
        "access_token": "***", "app_secret": "***", "phone_number_id": "***", "verify_token": "***",
    });
    // The path of an address often is a secret.
    expected["channel"]["base_url"] = json!("https://graph.example.com/…");
    assert_eq!(shown.data, expected);
    let shown = serde_json::to_string(&shown).unwrap();
    for secret in stored["channel"]["credentials"].as_object().unwrap().values() {
        assert!(!shown.contains(secret.as_str().unwrap()));
    }
}
