use crate::service::{adam, ana, greta, robot, start, webhook};
use axum::body::Body;
use axum::http::Request;
use event_store::EventStore;
use futures::future::join_all;
use serde_json::json;

#[tokio::test]
async fn a_verification_request_is_answered_with_its_challenge() {
    let service = start().await;
    let channel = service.whatsapp_channel().await;
    let get = |query: &str| {
        Request::get(format!("/v1/webhooks/whatsapp/{channel}?{query}")).body(Body::empty()).unwrap()
    };
    let right = "hub.mode=subscribe&hub.verify_token=verify-me&hub.challenge=1158201444";
    let answer = service.send(get(right)).await;
    assert_eq!((answer.status, &*answer.text), (200, "1158201444"));
    let wrong = "hub.mode=subscribe&hub.verify_token=guess&hub.challenge=1";
    service.send(get(wrong)).await.refuses(401, "bad-signature", "");
    service.send(get("")).await.refuses(400, "unreadable", "");
}

#[tokio::test]
async fn a_signed_message_is_stored_once_when_it_is_repeated() {
    let service = start().await;
    let channel = service.whatsapp_channel().await;
    let deliveries =
        (0..25).map(|_| service.send(service.whatsapp_text(&channel, "251911000000", "wamid.1", "Hello")));
    for answer in join_all(deliveries).await {
        assert_eq!(answer.is(200), json!({ "messages": 1, "changes": 0, "statuses": 0, "rejected": 0 }));
    }
    let open = json!({ "channel_id": channel, "contact_identifier": "251911000000" });
    let problem = service.post(&ana(), "/v1/conversations", open).await.is(409);
    let conversation = format!("/v1/conversations/{}", problem["conversation_id"].as_str().unwrap());
    assert_eq!(service.event_types(&conversation).await, ["ConversationOpened", "MessageReceived"]);
}

#[tokio::test]
async fn a_request_with_a_wrong_signature_is_refused_and_nothing_is_stored() {
    let service = start().await;
    let channel = service.whatsapp_channel().await;
    let before = service.store.end().await.unwrap();
    let genuine = service.whatsapp_text(&channel, "251911000000", "wamid.1", "Hello");
    let (mut head, _) = genuine.into_parts();
    let tampered =
        Request::from_parts(head.clone(), Body::from("{\"object\": \"whatsapp_business_account\"}"));
    service.send(tampered).await.refuses(401, "bad-signature", "");
    service.send(webhook(&channel, "{}", "another-secret")).await.refuses(401, "bad-signature", "");
    head.headers.remove(providers::WHATSAPP_SIGNATURE_HEADER);
    service.send(Request::from_parts(head, Body::from("{}"))).await.refuses(401, "bad-signature", "");
    assert_eq!(service.store.end().await.unwrap(), before);
}

#[tokio::test]
async fn a_channels_change_by_another_process_counts_at_once() {
    let service = start().await;
    let other = service.second();
    let channel = service.whatsapp_channel().await;
    other.send(webhook(&channel, "{}", "app-secret")).await.is(200);
    let credentials = json!({ "credentials": { "app_secret": "changed" } });
    service.patch(&adam(), &format!("/v1/channels/{channel}"), credentials).await.is(200);
    other.send(webhook(&channel, "{}", "changed")).await.is(200);
    other.send(webhook(&channel, "{}", "app-secret")).await.refuses(401, "bad-signature", "");
    let newer = format!("/v1/webhooks/api/{}", service.api_channel().await);
    let message = json!({ "id": "m1", "from": "abebe", "content": "Hello" });
    other.post(&robot(), &newer, message).await.is(200);
}

#[tokio::test]
async fn an_unreadable_signed_request_is_stored() {
    let service = start().await;
    let channel = service.whatsapp_channel().await;
    for body in ["not json", "{\"entry\": 7}", ""] {
        let receipt = service.send(webhook(&channel, body, "app-secret")).await.is(200);
        assert_eq!(receipt["rejected"], 1, "{body}");
    }
    let stream = event_schemas::StreamId::inbound(channel.parse().unwrap());
    let kept = service.store.read_stream(&stream, event_schemas::Version::FIRST, 10).await.unwrap();
    assert_eq!(kept.len(), 3);
    assert!(kept.iter().all(|event| event.event_type == "WebhookRejected"));
}

#[tokio::test]
async fn a_service_posts_json_with_its_token() {
    let service = start().await;
    let channel = service.api_channel().await;
    let path = format!("/v1/webhooks/api/{channel}");
    let message = json!({ "id": "m1", "from": "abebe", "content": "Where is my parcel?" });
    assert_eq!(service.post(&robot(), &path, message.clone()).await.is(200)["messages"], 1);
    for stranger in [greta(), ana()] {
        service.post(&stranger, &path, message.clone()).await.refuses(401, "unauthenticated", "");
    }
    let bare = Request::post(&path).body(Body::from(message.to_string())).unwrap();
    service.send(bare).await.refuses(401, "unauthenticated", "");
}

#[tokio::test]
async fn a_webhook_of_an_unknown_channel_is_refused() {
    let service = start().await;
    let channel = service.api_channel().await;
    for path in [
        format!("/v1/webhooks/whatsapp/{channel}"),
        format!("/v1/webhooks/whatsapp/{}", crate::service::UNKNOWN_ID),
    ] {
        service.post(&robot(), &path, json!({})).await.refuses(404, "not-found", "");
    }
    service.post(&robot(), &format!("/v1/webhooks/pigeon/{channel}"), json!({})).await.refuses(
        400,
        "unreadable",
        "channel_type",
    );
}
