use crate::service::{UNKNOWN_ID, adam, ana, ben, id, robot, start, sue};
use axum::http::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn a_message_is_stored_with_its_author() {
    let service = start().await;
    let conversation = service.conversation().await;
    let path = format!("{conversation}/messages");
    let created = service.post(&ana(), &path, json!({ "content": "Hello" })).await.is(201);
    assert_eq!(
        (&created["sender_type"], &created["sender_name"], &created["content_type"], &created["delivery"]),
        (&json!("agent"), &json!("Ana"), &json!("text"), &json!("queued"))
    );
    let events = service.events(&conversation).await;
    assert_eq!(events[1].id.to_string(), id(&created));

    let bot = json!({ "content": "I am a bot", "sender_type": "bot" });
    assert_eq!(service.post(&robot(), &path, bot.clone()).await.is(201)["sender_type"], "bot");
    service.post(&ana(), &path, bot).await.refuses(422, "unprocessable", "sender_type");
}

#[tokio::test]
async fn a_note_has_only_a_text_and_mentions() {
    let service = start().await;
    let conversation = service.conversation().await;
    let path = format!("{conversation}/messages");
    let stranger = json!({ "content": "a", "is_private": true, "mentions": [ana().id, ben().id] });
    service.post(&ana(), &path, stranger).await.refuses(422, "unprocessable", "mentions[1]");
    service.post(&sue(), "/v1/agents", json!({ "user_id": ben().id, "name": "Ben" })).await.is(201);
    let note = json!({ "content": "Watch out", "is_private": true, "mentions": [ben().id] });
    let created = service.post(&ana(), &path, note).await.is(201);
    assert_eq!(
        (&created["is_private"], &created["delivery"], &created["mentions"]),
        (&json!(true), &Value::Null, &json!([ben().id]))
    );
    assert_eq!(service.event_types(&conversation).await, ["ConversationOpened", "NoteAdded"]);
    let dressed =
        json!({ "content": "a", "is_private": true, "template": { "name": "a", "language": "en" } });
    service.post(&ana(), &path, dressed).await.refuses(422, "unprocessable", "template");
    let loud = json!({ "content": "a", "mentions": [ben().id] });
    service.post(&ana(), &path, loud).await.refuses(422, "unprocessable", "mentions");
}

#[tokio::test]
async fn a_request_with_the_same_key_is_executed_once() {
    let service = start().await;
    let conversation = service.conversation().await;
    let path = format!("{conversation}/messages");
    let key = [("idempotency-key", "reply-1")];
    let hello = json!({ "content": "Hello" });
    let first = service.ask(&ana(), Method::POST, &path, &key, hello.clone()).await.is(201);
    service.post(&ana(), &path, json!({ "content": "And more" })).await.is(201);
    let again = service.ask(&ana(), Method::POST, &path, &key, hello.clone()).await.is(201);
    assert_eq!(first, again);
    assert_eq!(service.events(&conversation).await.len(), 3);

    let other = json!({ "content": "Goodbye" });
    service.ask(&ana(), Method::POST, &path, &key, other).await.refuses(
        422,
        "idempotency-key-reused",
        "Idempotency-Key",
    );
    let bens = service.ask(&ben(), Method::POST, &path, &key, hello).await.is(201);
    assert_ne!(first["id"], bens["id"]);
}

#[tokio::test]
async fn a_canned_responses_placeholders_are_filled_unless_the_request_has_a_text() {
    let service = start().await;
    let conversation = service.conversation().await;
    let path = format!("{conversation}/messages");
    let text = "Hi {{contact_name}}, {{agent_name}} here. {{greeting|Good day.}} Order {{order_number}}.";
    let greeting = json!({ "short_code": "/greeting", "title": "Greeting", "content": text });
    let canned = id(&service.post(&ana(), "/v1/canned-responses", greeting).await.is(201));
    let refused = service.post(&ana(), &path, json!({ "canned_response_id": canned })).await;
    let problem = refused.refuses(422, "unprocessable", "canned_response_id");
    assert_eq!(problem["placeholders"], json!(["order_number"]));
    assert!(problem["detail"].as_str().unwrap().contains("{{order_number}}"), "{problem}");
    let half_filled = json!({ "canned_response_id": canned, "content": "Order {{order_number}}." });
    service.post(&ana(), &path, half_filled).await.refuses(422, "unprocessable", "content");
    let known = json!({ "bot_context": { "order_number": "A-7" } });
    service.patch(&ana(), &conversation, known).await.is(200);
    let created = service.post(&ana(), &path, json!({ "canned_response_id": canned })).await.is(201);
    assert_eq!(created["content"], "Hi Abebe, Ana here. Good day. Order A-7.");
    assert_eq!(created["metadata"]["canned_response_id"], canned);
    let edited = json!({ "canned_response_id": canned, "content": "Hi!" });
    assert_eq!(service.post(&ana(), &path, edited).await.is(201)["content"], "Hi!");
    let nothing = json!({ "canned_response_id": UNKNOWN_ID });
    service.post(&ana(), &path, nothing).await.refuses(422, "unprocessable", "canned_response_id");
    let parameters =
        json!([{ "type": "body", "parameters": [{ "type": "text", "text": "{{order_number}}" }] }]);
    let template = json!({ "template": { "name": "found", "language": "en", "components": parameters } });
    service.post(&ana(), &path, template).await.refuses(422, "unprocessable", "template");
}

#[tokio::test]
async fn a_macro_with_an_unfilled_placeholder_names_it() {
    let service = start().await;
    let conversation = service.conversation().await;
    let reply = json!([{ "type": "reply", "text": "Order {{order_number}} is on its way." }]);
    let item = json!({ "name": "Way", "visibility": "everyone", "actions": reply });
    let item = id(&service.post(&sue(), "/v1/macros", item).await.is(201));
    let refused = service.post(&ana(), &format!("{conversation}/macros/{item}"), Value::Null).await;
    let problem = refused.refuses(422, "unprocessable", "actions[0]");
    assert_eq!(problem["placeholders"], json!(["order_number"]));
}

#[tokio::test]
async fn an_invalid_field_of_a_message_is_named() {
    let service = start().await;
    let path = format!("{}/messages", service.conversation().await);
    for (body, field) in [
        (json!({}), "content"),
        (json!({ "content": "\n" }), "content"),
        (json!({ "content": "a".repeat(4097) }), "content"),
        (json!({ "content": "a", "in_reply_to": UNKNOWN_ID }), "in_reply_to"),
    ] {
        service.post(&ana(), &path, body).await.refuses(422, "unprocessable", field);
    }
    assert_eq!(service.post(&sue(), &path, json!({ "content": "é".repeat(4096) })).await.status, 201);
}

#[tokio::test]
async fn marking_a_conversation_as_read_twice_changes_nothing() {
    let service = start().await;
    let channel = service.whatsapp_channel().await;
    service.send(service.whatsapp_text(&channel, "251911000000", "wamid.1", "Hello?")).await.is(200);
    let open = json!({ "channel_id": channel, "contact_identifier": "251911000000" });
    let problem = service.post(&ana(), "/v1/conversations", open).await.is(409);
    let conversation = format!("/v1/conversations/{}", problem["conversation_id"].as_str().unwrap());
    let seen = service.post(&ana(), &format!("{conversation}/seen"), Value::Null).await.is(200);
    let again = service.post(&ana(), &format!("{conversation}/seen"), Value::Null).await.is(200);
    assert_eq!(seen["version"], again["version"]);
    let reply = json!({ "content": "Yes!" });
    service.post(&ana(), &format!("{conversation}/messages"), reply.clone()).await.is(201);
    // A day later the provider accepts only templates.
    service.clock.advance(std::time::Duration::from_secs(25 * 3600 - 7200));
    service.post(&ana(), &format!("{conversation}/messages"), reply.clone()).await.is(201);
    service.clock.advance(std::time::Duration::from_secs(3600 + 1));
    service.post(&ana(), &format!("{conversation}/messages"), reply).await.refuses(
        422,
        "outside-reply-window",
        "template",
    );
}

#[tokio::test]
async fn a_message_that_whatsapp_cannot_send_is_refused_before_it_is_stored() {
    let service = start().await;
    let channel = service.whatsapp_channel().await;
    let contact = json!({ "channel_id": channel, "contact_identifier": "251911000000" });
    let path = id(&service.post(&ana(), "/v1/conversations", contact).await.is(201));
    let path = format!("/v1/conversations/{path}");
    service.send(service.whatsapp_text(&channel, "251911000000", "wamid.1", "Hello")).await.is(200);
    let before = service.events(&path).await.len();
    let link = |kind: &str| json!({ "content_type": kind, "url": "https://example.com/file" });
    let with = |file: Value, more: Value| {
        let mut file = file;
        file.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        file
    };
    let template = |components: Value| json!({ "name": "found", "language": "en", "components": components });
    for (message, field) in [
        (json!({ "content_type": "image" }), "attachments"),
        (json!({ "content_type": "image", "content": "Look" }), "attachments"),
        (json!({ "attachments": [{ "content_type": "image" }] }), "attachments[0]"),
        (
            json!({ "attachments": [{ "content_type": "text", "url": "https://a.com" }] }),
            "attachments[0].content_type",
        ),
        (json!({ "attachments": [{ "content_type": "image", "url": "ftp://a.com" }] }), "attachments[0].url"),
        (json!({ "attachments": [link("image"), link("image")] }), "attachments"),
        (
            json!({ "attachments": [with(link("image"), json!({ "mime_type": "image/gif" }))] }),
            "attachments[0].mime_type",
        ),
        (json!({ "content": "Listen", "attachments": [link("audio")] }), "content"),
        (json!({ "content": "a".repeat(1025), "attachments": [link("video")] }), "content"),
        (json!({ "content": "a".repeat(4097) }), "content"),
        (json!({ "content": " " }), "content"),
        (json!({ "content": "a", "content_type": "button" }), "content_type"),
        (json!({ "content": "a", "content_type": "unsupported" }), "content_type"),
        (json!({ "content": "a", "content_type": "template" }), "template"),
        (json!({ "content_type": "location" }), "details"),
        (
            json!({ "content_type": "location", "details": { "latitude": 91, "longitude": 0 } }),
            "details.latitude",
        ),
        (json!({ "content_type": "contacts", "details": [] }), "details"),
        (json!({ "content_type": "interactive", "details": { "type": "button" } }), "details.action"),
        (json!({ "content": "👍", "content_type": "reaction" }), "in_reply_to"),
        (json!({ "template": { "name": " ", "language": "en" } }), "template.name"),
        (json!({ "template": template(json!([{}])) }), "template.components[0].type"),
        (
            json!({ "template": template(json!([{ "type": "body", "parameters": [{ "type": "text" }] }])) }),
            "template.components[0].parameters[0].text",
        ),
        (json!({ "template": template(json!([])), "attachments": [link("image")] }), "attachments"),
    ] {
        let answer = service.post(&ana(), &format!("{path}/messages"), message.clone()).await;
        assert_eq!(answer.status, 422, "{message}: {}", answer.text);
        answer.refuses(422, "unprocessable", field);
    }
    assert_eq!(service.events(&path).await.len(), before);
    let picture = json!({ "content": "Look", "attachments": [with(link("image"), json!({ "mime_type": "image/png" }))] });
    service.post(&ana(), &format!("{path}/messages"), picture).await.is(201);
}

#[tokio::test]
async fn a_channel_that_is_switched_off_sends_nothing_and_notes_are_still_written() {
    let service = start().await;
    let channel = service.api_channel().await;
    let contact = json!({ "channel_id": channel, "contact_identifier": "abebe" });
    let conversation = id(&service.post(&ana(), "/v1/conversations", contact).await.is(201));
    let path = format!("/v1/conversations/{conversation}/messages");
    let reply = json!([{ "type": "add_labels", "labels": ["done"] }, { "type": "reply", "text": "Hi" }]);
    let greet = json!({ "name": "Greet", "visibility": "everyone", "actions": reply });
    let greet = id(&service.post(&sue(), "/v1/macros", greet).await.is(201));
    let channel_path = format!("/v1/channels/{channel}");
    service.patch(&adam(), &channel_path, json!({ "is_enabled": false })).await.is(200);

    let hello = json!({ "content": "Hello" });
    service.post(&ana(), &path, hello.clone()).await.refuses(422, "channel-off", "channel_id");
    let run = format!("/v1/conversations/{conversation}/macros/{greet}");
    service.post(&ana(), &run, Value::Null).await.refuses(422, "channel-off", "actions[1]");
    let another = json!({ "channel_id": channel, "contact_identifier": "sara", "message": hello });
    service.post(&ana(), "/v1/conversations", another).await.refuses(422, "channel-off", "channel_id");
    service.post(&ana(), &path, json!({ "content": "off", "is_private": true })).await.is(201);
    service.patch(&adam(), &channel_path, json!({ "is_enabled": true })).await.is(200);
    service.post(&ana(), &path, hello).await.is(201);
}
