//! Delivery over real HTTP: the requests, and the outcome of each kind of response.

#![allow(clippy::unwrap_used)]

#[path = "../../tests/support/fake_whatsapp.rs"]
mod fake_whatsapp;

use event_schemas::catalogue::{self, Secret};
use event_schemas::conversation::MessageSent;
use event_schemas::message::{Attachment, ChannelType, Content, ContentType, SenderType, Template};
use event_schemas::{ChannelId, Clock, ConversationId, MessageId};
use fake_whatsapp::{Behaviour, FakeWhatsApp};
use providers::{AllowedAddresses, Connections, DeliveryError, Outgoing, Provider, Providers, Timeouts};
use serde_json::{Value, json};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn channel(kind: ChannelType, base_url: &str) -> catalogue::Channel {
    let credentials: &[(&str, &str)] = match kind {
        ChannelType::WhatsApp => &[("phone_number_id", "1055"), ("access_token", "EAAJB")],
        _ => &[("secret", "hush")],
    };
    catalogue::Channel {
        id: ChannelId::from_u128(1),
        channel_type: kind,
        name: "Support".into(),
        credentials: credentials
            .iter()
            .map(|(name, word)| ((*name).into(), Secret((*word).into())))
            .collect(),
        base_url: Some(base_url.into()),
        is_enabled: true,
    }
}

fn outgoing(body: Content) -> Outgoing {
    Outgoing {
        conversation_id: ConversationId::from_u128(7),
        to: "251911234567".into(),
        message: MessageSent {
            message_id: MessageId::from_u128(8),
            to: None,
            sender_type: SenderType::Agent,
            sender_id: None,
            sender_name: Some("Ana".into()),
            body,
            template: None,
            in_reply_to: None,
            in_reply_to_provider_id: None,
            metadata: Default::default(),
            scheduled_at: None,
        },
    }
}

fn with(content_type: ContentType, content: &str, details: Value) -> Content {
    Content { content: content.into(), content_type, attachments: vec![], details: Some(details) }
}

fn file(content_type: ContentType, content: &str) -> Content {
    let file = Attachment {
        content_type,
        provider_media_id: None,
        url: Some("https://example.com/file".into()),
        mime_type: None,
        file_name: Some("file.pdf".into()),
        sha256: None,
    };
    Content { content: content.into(), content_type, attachments: vec![file], details: None }
}

fn providers(timeouts: Timeouts) -> Providers {
    let addresses = AllowedAddresses::AndListed(["127.0.0.1".parse().unwrap()].into());
    let connections = Connections { timeouts, addresses, ..Connections::default() };
    Providers::new([(ChannelType::WhatsApp, "http://127.0.0.1:1".into())], connections, Clock::System)
        .unwrap()
}

async fn send(base_url: &str, message: &Outgoing) -> Result<String, DeliveryError> {
    let providers = providers(Timeouts { connect: 5 * SECOND, answer: 5 * SECOND });
    let whatsapp: &dyn Provider = providers.of(ChannelType::WhatsApp).unwrap();
    let dispatched = whatsapp.deliver(&channel(ChannelType::WhatsApp, base_url), message).await?;
    Ok(dispatched.provider_message_id)
}

async fn sent(message: &Outgoing) -> Value {
    let fake = FakeWhatsApp::start().await;
    send(&fake.base_url, message).await.unwrap();
    fake.taken().remove(0).body
}

async fn met(behaviour: Behaviour) -> DeliveryError {
    let fake = FakeWhatsApp::start().await;
    fake.behave(behaviour);
    send(&fake.base_url, &outgoing(Content::text("Hello"))).await.unwrap_err()
}

#[tokio::test]
async fn a_text_is_sent_with_its_token_its_answered_message_and_its_callback_data() {
    let fake = FakeWhatsApp::start().await;
    let mut message = outgoing(Content::text("Hello https://example.com"));
    message.message.in_reply_to_provider_id = Some("wamid.THEIRS".into());
    assert_eq!(send(&fake.base_url, &message).await.unwrap(), "wamid.1055.1");
    let request = fake.requests().remove(0);
    assert_eq!(
        (request.phone_number_id.as_str(), request.authorization.as_deref()),
        ("1055", Some("Bearer EAAJB"))
    );
    assert_eq!(
        request.body,
        json!({
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": "251911234567",
            "type": "text",
            "text": { "body": "Hello https://example.com", "preview_url": false },
            "context": { "message_id": "wamid.THEIRS" },
            "biz_opaque_callback_data":
                "00000000-0000-0000-0000-000000000007:00000000-0000-0000-0000-000000000008",
        })
    );
}

#[tokio::test]
async fn a_template_is_sent_in_the_providers_format() {
    let mut message = outgoing(Content::text("Your order 7781 is on its way"));
    let parameters = json!({ "type": "body", "parameters": [{ "type": "text", "text": "7781" }] });
    message.message.template = Some(Template {
        name: "order_update".into(),
        language: "en_US".into(),
        components: vec![parameters.clone()],
    });
    let body = sent(&message).await;
    assert_eq!(body["type"], "template");
    let language = json!({ "code": "en_US" });
    assert_eq!(
        body["template"],
        json!({ "name": "order_update", "language": language, "components": [parameters] })
    );
}

#[tokio::test]
async fn files_are_sent_by_link_or_by_id_with_the_fields_of_their_kind() {
    let body = sent(&outgoing(file(ContentType::Document, "Your invoice"))).await;
    let document =
        json!({ "link": "https://example.com/file", "caption": "Your invoice", "filename": "file.pdf" });
    assert_eq!((&body["type"], &body["document"]), (&json!("document"), &document));
    let mut by_id = file(ContentType::Image, "");
    by_id.attachments[0].provider_media_id = Some("1003".into());
    assert_eq!(sent(&outgoing(by_id)).await["image"], json!({ "id": "1003" }));
    for kind in [ContentType::Audio, ContentType::Sticker, ContentType::Video] {
        let body = sent(&outgoing(file(kind, ""))).await;
        assert_eq!(body[kind.as_str()], json!({ "link": "https://example.com/file" }));
    }
}

#[tokio::test]
async fn locations_contacts_choices_and_reactions_are_sent_unchanged() {
    let place = json!({ "latitude": 9.0108, "longitude": 38.7613 });
    assert_eq!(sent(&outgoing(with(ContentType::Location, "", place.clone()))).await["location"], place);
    let cards = json!([{ "name": { "formatted_name": "Front desk" } }]);
    assert_eq!(sent(&outgoing(with(ContentType::Contacts, "", cards.clone()))).await["contacts"], cards);
    let choice = json!({ "type": "button", "body": { "text": "Refund?" }, "action": { "buttons": [] } });
    assert_eq!(
        sent(&outgoing(with(ContentType::Interactive, "", choice.clone()))).await["interactive"],
        choice
    );
    let mut reaction = outgoing(Content { content_type: ContentType::Reaction, ..Content::text("👍") });
    reaction.message.in_reply_to_provider_id = Some("wamid.THEIRS".into());
    let body = sent(&reaction).await;
    assert_eq!(body["reaction"], json!({ "message_id": "wamid.THEIRS", "emoji": "👍" }));
    assert_eq!(body["context"], Value::Null);
}

#[tokio::test]
async fn a_customer_who_hides_the_number_is_addressed_by_id() {
    let mut message = outgoing(Content::text("Hello"));
    message.to = "ET.13491208655302741918".into();
    let body = sent(&message).await;
    assert_eq!((&body["recipient"], &body["to"]), (&json!("ET.13491208655302741918"), &Value::Null));
}

#[tokio::test]
async fn messages_that_whatsapp_cannot_send_are_given_up_before_a_request() {
    let fake = FakeWhatsApp::start().await;
    let two_files = Content {
        attachments: vec![file(ContentType::Image, "").attachments[0].clone(); 2],
        ..Content::text("")
    };
    let unsendable = [
        file(ContentType::Audio, "words"),
        two_files,
        Content { content_type: ContentType::Image, ..Content::text("") },
        Content { content_type: ContentType::Reaction, ..Content::text("👍") },
        Content { content_type: ContentType::Unsupported, ..Content::text("") },
    ];
    for body in unsendable {
        let outcome = send(&fake.base_url, &outgoing(body)).await;
        assert!(matches!(outcome, Err(DeliveryError::GiveUp { code, .. }) if code == "unsendable"));
    }
    assert!(fake.requests().is_empty());
}

#[tokio::test]
async fn an_unavailable_or_rate_limiting_provider_is_tried_again() {
    for status in [500, 502, 503, 408] {
        let outcome = met(Behaviour::Down(status)).await;
        assert!(matches!(outcome, DeliveryError::TryAgain { after: None, .. }), "{status}: {outcome:?}");
    }
    let outcome = met(Behaviour::TooMany { retry_after: "17".into() }).await;
    assert!(matches!(outcome, DeliveryError::TryAgain { after: Some(wait), .. } if wait == 17 * SECOND));
    for code in [4, 80007, 130429, 131000, 131016, 131048, 131056, 133016] {
        let outcome = met(Behaviour::Refuse { status: 400, code, message: "Later".into() }).await;
        assert!(matches!(outcome, DeliveryError::TryAgain { .. }), "{code}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_provider_that_cannot_be_reached_is_tried_again() {
    let closed = FakeWhatsApp::start().await.base_url.clone();
    let outcome = loop {
        // The port closes when the dropped server's task has ended.
        match send(&closed, &outgoing(Content::text("Hello"))).await {
            Err(outcome @ DeliveryError::TryAgain { .. }) => break outcome,
            _ => tokio::task::yield_now().await,
        }
    };
    assert!(outcome.to_string().contains("cannot be reached"));
}

#[tokio::test]
async fn a_refusal_is_final_and_keeps_its_code_and_reason() {
    for (status, code) in [(400, 100), (400, 131026), (400, 131047), (400, 131051), (404, 132001), (401, 190)]
    {
        let outcome = met(Behaviour::Refuse { status, code, message: format!("(#{code}) No") }).await;
        let DeliveryError::GiveUp { code: recorded, reason } = outcome else { panic!("{code}: {outcome:?}") };
        assert_eq!((recorded, reason), (code.to_string(), format!("(#{code}) No")));
    }
    for status in [400, 401, 404, 302] {
        let outcome = met(Behaviour::Down(status)).await;
        assert!(matches!(outcome, DeliveryError::GiveUp { code, .. } if code == format!("http_{status}")));
    }
}

#[tokio::test]
async fn the_outcome_is_unknown_when_the_provider_may_have_accepted_the_message() {
    for behaviour in [Behaviour::Nonsense, Behaviour::TakeAndBreakOff, Behaviour::Down(504)] {
        let outcome = met(behaviour.clone()).await;
        assert!(matches!(outcome, DeliveryError::Unknown { .. }), "{behaviour:?}: {outcome:?}");
    }
}

#[tokio::test]
async fn the_outcome_is_unknown_when_the_provider_never_responds() {
    let fake = FakeWhatsApp::start().await;
    fake.behave(Behaviour::TakeAndHold);
    let providers = providers(Timeouts { connect: 5 * SECOND, answer: Duration::from_millis(200) });
    let whatsapp = providers.of(ChannelType::WhatsApp).unwrap();
    let there = channel(ChannelType::WhatsApp, &fake.base_url);
    let outcome = whatsapp.deliver(&there, &outgoing(Content::text("Hello"))).await.unwrap_err();
    assert!(matches!(outcome, DeliveryError::Unknown { .. }), "{outcome:?}");
}

#[tokio::test]
async fn an_api_channel_posts_signed_json_and_uses_the_receivers_message_id() {
    let fake = FakeWhatsApp::start().await;
    let providers = providers(Timeouts::default());
    let api = providers.of(ChannelType::Api).unwrap();
    let there = channel(ChannelType::Api, &format!("{}/v1/shop/messages", fake.base_url));
    let dispatched = api.deliver(&there, &outgoing(Content::text("Hello"))).await.unwrap();
    // The receiver's response has no id.
    assert_eq!(dispatched.provider_message_id, "00000000-0000-0000-0000-000000000008");
    let body = fake.requests().remove(0).body;
    assert_eq!((&body["to"], &body["content"]), (&json!("251911234567"), &json!("Hello")));
    assert_eq!(body["conversation_id"], "00000000-0000-0000-0000-000000000007");
    fake.behave(Behaviour::Down(503));
    let outcome = api.deliver(&there, &outgoing(Content::text("Hello"))).await;
    assert!(matches!(outcome, Err(DeliveryError::TryAgain { .. })));
    let mut without_address = there;
    without_address.base_url = None;
    assert!(api.deliver(&without_address, &outgoing(Content::text("Hello"))).await.is_ok());
}

#[tokio::test]
async fn each_kind_of_channel_is_served_by_its_provider() {
    let providers = providers(Timeouts::default());
    for kind in ChannelType::ALL {
        assert!(providers.of(*kind).is_none_or(|provider| provider.channel_type() == *kind), "{kind}");
    }
    assert!(providers.of(ChannelType::WhatsApp).is_some() && providers.of(ChannelType::Api).is_some());
}

#[tokio::test]
async fn a_channel_does_not_make_the_program_call_private_addresses() {
    let fake = FakeWhatsApp::start().await;
    let port = fake.base_url.rsplit_once(':').unwrap().1;
    let providers = Providers::new([], Timeouts::default(), Clock::System).unwrap();
    for kind in [ChannelType::WhatsApp, ChannelType::Api] {
        for host in ["127.0.0.1", "localhost", "LOCALHOST.", "[::ffff:127.0.0.1]", "2130706433", "0.0.0.0"] {
            let there = channel(kind, &format!("http://{host}:{port}"));
            let outcome =
                providers.of(kind).unwrap().deliver(&there, &outgoing(Content::text("Hello"))).await;
            let Err(DeliveryError::GiveUp { code, .. }) = outcome else { panic!("{host}: {outcome:?}") };
            assert_eq!(code, "forbidden_address", "{host}");
        }
    }
    assert!(fake.requests().is_empty());
}

#[tokio::test]
async fn the_operators_base_url_may_be_private() {
    let fake = FakeWhatsApp::start().await;
    let base_urls = [(ChannelType::WhatsApp, fake.base_url.clone())];
    let providers = Providers::new(base_urls, Timeouts::default(), Clock::System).unwrap();
    let mut there = channel(ChannelType::WhatsApp, "");
    there.base_url = None;
    let whatsapp = providers.of(ChannelType::WhatsApp).unwrap();
    assert!(whatsapp.deliver(&there, &outgoing(Content::text("Hello"))).await.is_ok());
}

#[test]
fn base_urls_are_web_addresses_without_query_and_credentials() {
    let providers = providers(Timeouts::default());
    let check = |url: &str| {
        let mut named = channel(ChannelType::Api, url);
        named.credentials.clear();
        providers.of(ChannelType::Api).unwrap().check(&named)
    };
    for url in ["https://graph.facebook.com", "http://127.0.0.1:4000/sandbox/"] {
        assert!(check(url).is_ok(), "{url}");
    }
    for url in [
        "",
        "graph.facebook.com",
        "file:///etc/passwd",
        "ftp://a.b",
        "https://a.b?x=1",
        "https://a.b#",
        "http://",
        "https://user:password@a.b",
        "https://user@a.b",
    ] {
        assert_eq!(check(url).unwrap_err().field, "base_url", "{url}");
    }
}
