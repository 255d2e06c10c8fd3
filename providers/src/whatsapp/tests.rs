//! The Cloud API as a provider: settings, handshake, signature, and every sample of a webhook.

use super::*;
use crate::inbound_webhook::tests::{get, post, signed_post};
use crate::{CallbackData, HeaderMap, InboundMessage, InboundStatus, Timeouts, sign};
use event_schemas::catalogue::Secret;
use event_schemas::message::{ContentType, Delivery, SenderType};
use event_schemas::{ChannelId, Clock};
use serde_json::{Value, json};
use std::sync::LazyLock;

/// A webhook as the provider would send it.
macro_rules! sample {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/samples/whatsapp/", $name, ".json"))
    };
}

mod identity;
mod never_panics;

const NUMBER: &str = "106540352242922";

fn whatsapp() -> &'static WhatsApp {
    static WHATSAPP: LazyLock<WhatsApp> =
        LazyLock::new(|| WhatsApp::new(Http::new([], &Timeouts::default().into(), Clock::System).unwrap()));
    &WHATSAPP
}

fn channel() -> Channel {
    let credentials = [
        (PHONE_NUMBER_ID, NUMBER),
        (ACCESS_TOKEN, "EAAJB"),
        (APP_SECRET, "app-secret"),
        (VERIFY_TOKEN, "verify-me"),
    ];
    Channel {
        id: ChannelId::from_u128(1),
        channel_type: ChannelType::WhatsApp,
        name: "Support".into(),
        credentials: credentials.map(|(name, word)| (name.to_owned(), Secret(word.into()))).into(),
        base_url: None,
        is_enabled: true,
    }
}

fn read(body: &str) -> Vec<Inbound> {
    whatsapp().read(&channel(), &post(body.as_bytes()), Timestamp::from_secs(4_000_000_000)).unwrap()
}

fn messages(body: &str) -> Vec<InboundMessage> {
    let message = |element| match element {
        Inbound::Message(message) => message,
        other => panic!("not a message: {other:?}"),
    };
    read(body).into_iter().map(message).collect()
}

fn words(messages: &[InboundMessage]) -> Vec<&str> {
    messages.iter().map(|message| message.body.content.as_str()).collect()
}

fn unreadable(element: &Inbound) -> &UnreadablePart {
    match element {
        Inbound::Unreadable(part) => part,
        other => panic!("readable: {other:?}"),
    }
}

#[test]
fn a_text_has_its_sender_and_its_time() {
    assert_eq!(
        messages(sample!("text")),
        [InboundMessage {
            provider_message_id: "wamid.SAMPLE0001".into(),
            from: "251911234567".into(),
            also_known_as: Vec::new(),
            display_name: Some("Hana Tesfaye".into()),
            body: event_schemas::message::Content::text("Selam! My parcel has not arrived 📦"),
            reply_to: None,
            sent_at: "2026-11-21T01:00:00Z".parse().unwrap(),
            metadata: Default::default(),
        }]
    );
}

#[test]
fn files_keep_their_reference_their_kind_and_their_caption() {
    let messages = messages(sample!("media"));
    let kinds: Vec<_> = messages.iter().map(|message| message.body.content_type).collect();
    use ContentType::{Audio, Document, Image, Sticker, Video};
    assert_eq!(kinds, [Image, Audio, Video, Document, Sticker]);
    assert_eq!(words(&messages), ["This is the crack", "", "", "", ""]);
    let files: Vec<_> = messages.iter().map(|message| &message.body.attachments[0]).collect();
    assert_eq!(files[0].provider_media_id.as_deref(), Some("1003383421387256"));
    assert_eq!(files[0].sha256.as_deref(), Some("OzQ0M2Y1"));
    assert_eq!(files[1].mime_type.as_deref(), Some("audio/ogg; codecs=opus"));
    assert_eq!(messages[1].body.details, Some(json!({ "voice": true })));
    assert_eq!(files[3].file_name.as_deref(), Some("invoice-7781.pdf"));
}

#[test]
fn locations_and_contact_cards_are_read() {
    let messages = messages(sample!("location_and_contacts"));
    assert_eq!(
        words(&messages),
        [
            "Meskel Square, Addis Ababa",
            "-1.2921, 36.8219",
            "Dawit Bekele: +251 91 200 0000; Front desk: desk@example.com"
        ]
    );
    let latitude = messages[0].body.details.as_ref().and_then(|details| details["latitude"].as_f64());
    assert_eq!(latitude, Some(9.0108));
    assert_eq!(messages[2].body.details.as_ref().unwrap()[1]["emails"][0]["email"], "desk@example.com");
}

#[test]
fn a_choice_reads_as_its_title_and_keeps_its_id() {
    let messages = messages(sample!("choices"));
    assert_eq!(words(&messages), ["Yes, refund me", "Billing", "Sent\norder: 7781", "Confirm"]);
    assert_eq!(messages[0].reply_to.as_deref(), Some("wamid.OURS0001"));
    assert_eq!(messages[0].body.details.as_ref().unwrap()["button_reply"]["id"], "refund-yes");
    assert_eq!(messages[1].body.details.as_ref().unwrap()["list_reply"]["id"], "topic-billing");
    assert_eq!(
        messages[2].body.details.as_ref().unwrap()["nfm_reply"]["response_json"],
        r#"{"order":"7781"}"#
    );
    assert_eq!(messages[3].body.content_type, ContentType::Button);
    assert_eq!(messages[3].body.details.as_ref().unwrap()["payload"], "confirm-7781");
}

#[test]
fn a_reaction_names_its_message_and_one_without_an_emoji_removes_it() {
    let reactions: Vec<_> = read(sample!("reactions"))
        .into_iter()
        .map(|element| match element {
            Inbound::Reaction(reaction) => (reaction.message, reaction.emoji),
            other => panic!("not a reaction: {other:?}"),
        })
        .collect();
    let to = || "wamid.OURS0003".to_owned();
    assert_eq!(reactions, [(to(), Some("👍".to_owned())), (to(), None)]);
}

#[test]
fn an_edit_has_the_id_of_its_original_and_a_deletion_names_the_message() {
    let found = read(sample!("edits_and_deletions"));
    let [Inbound::Edit(text), Inbound::Edit(caption), Inbound::Revoke(revoke)] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!(text.provider_edit_id, "wamid.SAMPLE0031");
    assert_eq!(text.message.provider_message_id, "wamid.SAMPLE0030");
    assert_eq!(text.message.body.content, "I owe 10");
    assert_eq!(caption.message.body.content, "The receipt");
    assert_eq!(caption.message.body.attachments[0].provider_media_id.as_deref(), Some("1003383421387256"));
    assert_eq!(caption.message.reply_to.as_deref(), Some("wamid.OURS0009"));
    assert_eq!((revoke.message.as_str(), revoke.from.as_str()), ("wamid.SAMPLE0030", "251911234567"));
}

#[test]
fn notices_are_no_messages() {
    let notices: Vec<_> = read(sample!("notices"))
        .into_iter()
        .map(|element| match element {
            Inbound::Notice(notice) => (notice.notice, notice.content),
            other => panic!("not a notice: {other:?}"),
        })
        .collect();
    let notice = |kind: &str, text: &str| (kind.to_owned(), text.to_owned());
    assert_eq!(
        notices,
        [
            notice("user_changed_number", "User Hana changed from 251911234567 to 251911999999"),
            notice("customer_identity_changed", "The security code of Hana changed"),
            notice("request_welcome", ""),
            notice("poll_update", ""),
        ]
    );
}

#[test]
fn a_message_in_a_group_is_not_the_senders_own_conversation() {
    let found = read(sample!("in_a_group"));
    assert!(unreadable(&found[0]).reason.contains("a message in a group"));
    assert!(matches!(&found[1], Inbound::Message(message) if message.body.content == "In private"));
}

#[test]
fn what_a_customer_ordered_or_filled_in_is_readable() {
    let messages = messages(sample!("orders_and_forms"));
    assert_eq!(
        words(&messages),
        [
            "Please quickly\n2 × di9ozbzfi4 (30 USD)\n1 × sku-2 (3.5 USD)",
            "Sent\nemail: hana@example.com\ncolours: red, blue\ngift: true",
            "response: accept",
            "A poll of a kind that is new\nwhen: Monday",
            "",
            "This was once",
        ]
    );
    assert_eq!(messages[0].body.content_type, ContentType::Order);
    assert_eq!(messages[0].body.details.as_ref().unwrap()["product_items"][1]["quantity"], 1);
    assert_eq!(messages[4].body.content_type, ContentType::Unsupported);
    assert_eq!((messages[5].body.content_type, messages[5].body.attachments.len()), (ContentType::Image, 0));
}

#[test]
fn the_context_of_a_message_is_kept_as_metadata() {
    let messages = messages(sample!("circumstances"));
    assert_eq!(messages[0].reply_to.as_deref(), Some("wamid.OURS0004"));
    assert_eq!((&messages[1].reply_to, &messages[1].metadata["forwarded"]), (&None, &Value::Bool(true)));
    assert_eq!(messages[2].metadata["referral"]["headline"], "Autumn sale");
    assert_eq!(messages[3].metadata["referred_product"]["product_retailer_id"], "di9ozbzfi4");
}

#[test]
fn statuses_name_our_message_and_the_reason_of_a_failure() {
    let status = |element| match element {
        Inbound::Status(status) => status,
        other => panic!("not a status: {other:?}"),
    };
    let statuses: Vec<InboundStatus> = read(sample!("statuses")).into_iter().map(status).collect();
    let reached: Vec<_> = statuses.iter().map(|status| status.status).collect();
    use Delivery::{Delivered, Dispatched, Failed, Read};
    assert_eq!(reached, [Dispatched, Delivered, Read, Read, Failed, Dispatched, Dispatched]);
    let ours = CallbackData {
        conversation_id: "2b85f64f-a1d7-5412-93c2-186f3fa89fda".parse().unwrap(),
        message_id: "0193c5f0-0000-7000-8000-000000000001".parse().unwrap(),
    };
    assert!(statuses[..5].iter().all(|status| status.about == Some(ours)));
    assert_eq!(statuses[4].error, Some(("131026".into(), "Message Undeliverable.".into())));
    assert_eq!(statuses[0].error, None);
    assert_eq!(statuses[0].metadata["pricing"]["category"], "service");
    assert_eq!(statuses[0].recipient.as_deref(), Some("251911234567"));
    // These messages were sent by another program from the same number.
    assert_eq!((statuses[5].about, statuses[6].about), (None, None));
}

#[test]
fn a_message_of_an_unknown_kind_is_kept_in_its_details() {
    let messages = messages(sample!("not_known_yet"));
    assert!(messages.iter().all(|message| message.body.content_type == ContentType::Unsupported));
    let details: Vec<_> = messages.iter().map(|message| message.body.details.as_ref().unwrap()).collect();
    assert_eq!(words(&messages), ["", "frames: 3"]);
    assert_eq!(details[0]["errors"][0]["code"], 131051);
    assert_eq!(details[1], &json!({ "type": "hologram", "hologram": { "frames": 3 } }));
}

#[test]
fn an_error_without_a_message_is_kept_for_the_administrator() {
    let found = read(sample!("errors"));
    let [error] = found.as_slice() else { panic!("not one element") };
    let error = unreadable(error);
    assert!(error.reason.starts_with("the provider reports error 130429: "), "{}", error.reason);
    assert!(error.text().contains("Rate limit hit"));
}

#[test]
fn changes_of_another_number_or_another_field_are_unreadable() {
    let found = read(sample!("for_others"));
    assert!(unreadable(&found[0]).text().contains("Wrong door"));
    assert!(matches!(&found[1], Inbound::Message(message) if message.body.content == "Right door"));
    assert!(unreadable(&found[2]).reason.contains("message_template_status_update"));
    assert_eq!(found.len(), 3);
}

#[test]
fn an_unreadable_element_does_not_affect_the_others() {
    let found = read(sample!("one_broken"));
    let read: Vec<_> = found
        .iter()
        .map(|element| match element {
            Inbound::Message(message) => message.body.content.clone(),
            Inbound::Status(status) => status.status.to_string(),
            Inbound::Unreadable(part) => part.reason.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!((read[0].as_str(), read[4].as_str(), read[6].as_str()), ("First", "Last", "read"));
    // A message without its time has the time of receipt.
    assert_eq!(read[1], "No date");
    // An image without a reference to its file is a message all the same.
    assert_eq!(read[2], "");
    assert!(read[3].starts_with("a message: "), "{}", read[3]);
    assert_eq!(read[5], "a status of an unknown kind: 'deleted'");
    assert_eq!(unreadable(&found[3]).text(), r#""not even an object""#);
    assert_eq!(read.len(), 7);
}

#[test]
fn a_customer_who_hides_the_number_has_an_id() {
    let message = messages(sample!("hidden_number")).remove(0);
    assert_eq!(
        (message.from.as_str(), message.display_name.as_deref()),
        ("ET.13491208655302741918", Some("Abebe"))
    );
}

#[test]
fn all_parts_of_a_batch_are_read_in_order() {
    let read: Vec<_> = read(sample!("batch"))
        .into_iter()
        .map(|element| match element {
            Inbound::Message(message) => {
                format!("{}: {}", message.display_name.unwrap(), message.body.content)
            }
            Inbound::Status(status) => status.status.to_string(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        read,
        [
            "Hana Tesfaye: one",
            "Hana Tesfaye: two",
            "dispatched",
            "delivered",
            "Sara: three",
            "Yonas: four",
            "read"
        ]
    );
}

#[test]
fn a_body_that_is_no_webhook_is_returned_whole() {
    for body in ["", "{", "[]", "null", r#"{"object":"page","entry":[]}"#, r#"{"entry":[]}"#, "\u{0}"] {
        let refused = whatsapp()
            .read(&channel(), &post(body.as_bytes()), Timestamp::from_secs(4_000_000_000))
            .unwrap_err();
        assert_eq!(refused.text(), body);
    }
    let not_text =
        whatsapp().read(&channel(), &post(b"\xff{"), Timestamp::from_secs(4_000_000_000)).unwrap_err();
    assert_eq!((not_text.text().as_ref(), not_text.base64().as_deref()), ("\u{fffd}{", Some("/3s=")));
}

#[test]
fn the_handshake_returns_the_challenge_when_the_token_is_right() {
    let ask = |mode: &str, token: &str| {
        let url = format!(
            "https://support.example.com/hook?hub.mode={mode}&hub.verify_token={token}&hub.challenge=1158201444"
        );
        whatsapp().handshake(&channel(), &get(&url))
    };
    assert_eq!(ask("subscribe", "verify-me"), Ok(Some(Response::ok(Response::TEXT, "1158201444"))));
    assert_eq!(ask("subscribe", "verify-you"), Err(RefusedWebhook::WrongToken));
    assert_eq!(ask("subscribe", ""), Err(RefusedWebhook::WrongToken));
    assert_eq!(ask("unsubscribe", "verify-me"), Err(RefusedWebhook::NotAHandshake("hub.mode")));
    let bare = get("https://support.example.com/hook");
    assert_eq!(whatsapp().handshake(&channel(), &bare), Err(RefusedWebhook::NotAHandshake("hub.mode")));
}

#[test]
fn the_signature_is_over_the_raw_body() {
    let body = sample!("text").as_bytes();
    let headers =
        |value: String| HeaderMap::from_iter([(SIGNATURE_HEADER.parse().unwrap(), value.parse().unwrap())]);
    let signed = headers(sign("app-secret", body));
    assert_eq!(whatsapp().verify(&channel(), &signed_post(&signed, body)), Ok(Proof::Signed));
    assert_eq!(
        whatsapp().verify(&channel(), &signed_post(&signed, &body[1..])),
        Err(RefusedWebhook::WrongSignature)
    );
    let forged = headers(sign("another", body));
    assert_eq!(
        whatsapp().verify(&channel(), &signed_post(&forged, body)),
        Err(RefusedWebhook::WrongSignature)
    );
    let none = whatsapp().verify(&channel(), &post(body));
    assert_eq!(none, Err(RefusedWebhook::NoSignature(SIGNATURE_HEADER)));
}

#[test]
fn a_channel_without_a_secret_refuses_every_request() {
    let mut bare = channel();
    bare.credentials.insert(APP_SECRET.into(), Secret(String::new()));
    let headers =
        HeaderMap::from_iter([(SIGNATURE_HEADER.parse().unwrap(), sign("", b"{}").parse().unwrap())]);
    assert_eq!(
        whatsapp().verify(&bare, &signed_post(&headers, b"{}")),
        Err(RefusedWebhook::NotConfigured(APP_SECRET))
    );
}

#[test]
fn invalid_settings_are_named() {
    let spoilt = |name: &str, word: Option<&str>| {
        let mut channel = channel();
        match word {
            Some(word) => channel.credentials.insert(name.into(), Secret(word.into())),
            None => channel.credentials.remove(name),
        };
        whatsapp().check(&channel).unwrap_err().field
    };
    assert_eq!(whatsapp().check(&channel()), Ok(()));
    for name in [PHONE_NUMBER_ID, ACCESS_TOKEN, APP_SECRET, VERIFY_TOKEN] {
        assert_eq!(spoilt(name, None), format!("credentials.{name}"));
        assert_eq!(spoilt(name, Some("")), format!("credentials.{name}"));
    }
    assert_eq!(spoilt(PHONE_NUMBER_ID, Some("../me")), "credentials.phone_number_id");
    assert_eq!(spoilt(ACCESS_TOKEN, Some("a\nb")), "credentials.access_token");
    assert_eq!(spoilt("acces_token", Some("a typo")), "credentials.acces_token");
    let elsewhere = Channel { base_url: Some("file:///etc/passwd".into()), ..channel() };
    assert_eq!(whatsapp().check(&elsewhere).unwrap_err().field, "base_url");
}

#[test]
fn only_whatsapp_has_a_reply_window() {
    let providers = crate::Providers::new([], Timeouts::default(), Clock::System).unwrap();
    for sender in [SenderType::Agent, SenderType::Bot, SenderType::System] {
        let window = providers.reply_window(ChannelType::WhatsApp, sender);
        assert_eq!(window, Some(Duration::from_secs(86_400)));
        assert_eq!(providers.reply_window(ChannelType::Api, sender), None);
    }
}
