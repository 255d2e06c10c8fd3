//! Developers' requests that are accepted, and those that are refused.

use super::*;
use crate::inbound_webhook::tests::{post, signed_post};
use crate::{HeaderMap, Timeouts, sign};
use event_schemas::catalogue::Secret;
use event_schemas::message::{ContentType, Delivery};
use event_schemas::{ChannelId, Clock};
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::from_secs(1_795_222_800);

fn api() -> Api {
    Api::new(Http::new([], &Timeouts::default().into(), Clock::System).unwrap())
}

fn channel(secret: Option<&str>) -> Channel {
    Channel {
        id: ChannelId::from_u128(1),
        channel_type: ChannelType::Api,
        name: "Shop".into(),
        credentials: secret.map(|secret| (SECRET.to_owned(), Secret(secret.into()))).into_iter().collect(),
        base_url: None,
        is_enabled: true,
    }
}

fn read(body: &str) -> Vec<Inbound> {
    api().read(&channel(None), &post(body.as_bytes()), NOW).unwrap()
}

#[test]
fn the_shortest_message_has_an_id_a_sender_and_a_text() {
    let found = read(r#"{"id":"m-1","from":"user-7","text":"Hello"}"#);
    let [Inbound::Message(message)] = found.as_slice() else { panic!("not a message") };
    assert_eq!((message.provider_message_id.as_str(), message.from.as_str()), ("m-1", "user-7"));
    assert_eq!((message.body.content.as_str(), message.sent_at), ("Hello", NOW));
}

#[test]
fn a_message_may_have_all_fields() {
    let body = r#"[{"id":"m-2","from":"user-7","name":"Ada","content":"See",
        "attachments":[{"content_type":"image","url":"https://example.com/a.png"}],
        "reply_to":"m-1","sent_at":"2026-11-20T10:00:00Z","metadata":{"page":"/cart"}}]"#;
    let found = read(body);
    let [Inbound::Message(message)] = found.as_slice() else { panic!("not a message") };
    assert_eq!(message.display_name.as_deref(), Some("Ada"));
    assert_eq!(message.body.content_type, ContentType::Image);
    assert_eq!(message.reply_to.as_deref(), Some("m-1"));
    assert_eq!(message.sent_at, "2026-11-20T10:00:00Z".parse().unwrap());
    assert_eq!(message.metadata["page"], "/cart");
}

#[test]
fn a_status_names_our_message() {
    let ids = r#""conversation_id":"2b85f64f-a1d7-5412-93c2-186f3fa89fda","message_id":"0193c5f0-0000-7000-8000-000000000001""#;
    let body = format!(
        r#"[{{"status":"read",{ids}}},{{"status":"failed","id":"x",{ids},"error":{{"code":"bounced"}}}}]"#
    );
    let found = read(&body);
    let [Inbound::Status(read), Inbound::Status(failed)] = found.as_slice() else { panic!("not statuses") };
    assert_eq!((read.status, read.time, &read.error), (Delivery::Read, NOW, &None));
    assert_eq!(read.provider_message_id, "0193c5f0-0000-7000-8000-000000000001");
    assert_eq!(read.about.unwrap().message_id.to_string(), read.provider_message_id);
    assert_eq!(
        (failed.provider_message_id.as_str(), failed.error.as_ref().unwrap().0.as_str()),
        ("x", "bounced")
    );
}

#[test]
fn an_unreadable_element_does_not_affect_the_others() {
    let found = read(
        r#"[{"id":"a","from":"u","text":"1"},7,{"id":"","from":"u"},{"status":"queued"},{"id":"b","from":"u"}]"#,
    );
    let is_readable: Vec<_> =
        found.iter().map(|element| !matches!(element, Inbound::Unreadable(_))).collect();
    assert_eq!(is_readable, [true, false, false, false, true]);
    assert!(matches!(&found[1], Inbound::Unreadable(part) if part.text() == "7"));
}

#[test]
fn with_a_secret_bodies_are_signed_and_without_one_a_token_is_needed() {
    let body = b"{}";
    let signed =
        HeaderMap::from_iter([(SIGNATURE_HEADER.parse().unwrap(), sign("hush", body).parse().unwrap())]);
    assert_eq!(api().verify(&channel(Some("hush")), &signed_post(&signed, body)), Ok(Proof::Signed));
    assert_eq!(
        api().verify(&channel(Some("hash")), &signed_post(&signed, body)),
        Err(RefusedWebhook::WrongSignature)
    );
    let unsigned = api().verify(&channel(Some("hush")), &post(body));
    assert_eq!(unsigned, Err(RefusedWebhook::NoSignature(SIGNATURE_HEADER)));
    assert_eq!(api().verify(&channel(None), &post(body)), Ok(Proof::TokenNeeded));
    // The mark of an export without secrets is no secret, and neither is a sealed text, which is in every copy of the
    // log.
    for known in ["***", "sealed:1:6ca97b1d:AAAA"] {
        let forged =
            HeaderMap::from_iter([(SIGNATURE_HEADER.parse().unwrap(), sign(known, body).parse().unwrap())]);
        let marked = api().verify(&channel(Some(known)), &signed_post(&forged, body));
        assert_eq!(marked, Ok(Proof::TokenNeeded), "{known}");
    }
}

#[test]
fn invalid_settings_are_named() {
    assert_eq!(api().check(&channel(None)), Ok(()));
    assert_eq!(api().check(&channel(Some(""))).unwrap_err().field, "credentials.secret");
    let elsewhere = Channel { base_url: Some("shop".into()), ..channel(None) };
    assert_eq!(api().check(&elsewhere).unwrap_err().field, "base_url");
}

proptest! {
    #[test]
    fn reading_any_text_returns(body in ".{0,200}") {
        let _answer = api().read(&channel(None), &post(body.as_bytes()), NOW);
    }
}
