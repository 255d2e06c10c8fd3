use crate::desk::{NOTHING, ana, ben, desk, id, robot, sue};
use axum::http::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn an_answer_is_written_down_as_its_authors() {
    let desk = desk().await;
    let conversation = desk.conversation().await;
    let path = format!("{conversation}/messages");
    let made = desk.post(&ana(), &path, json!({ "content": "Hello" })).await.is(201);
    assert_eq!(
        (&made["sender_type"], &made["sender_name"], &made["content_type"], &made["delivery"]),
        (&json!("agent"), &json!("Ana"), &json!("text"), &json!("queued"))
    );
    let events = desk.events(&conversation).await;
    assert_eq!(events[1].id.to_string(), id(&made));

    let bot = json!({ "content": "I am a bot", "sender_type": "bot" });
    assert_eq!(desk.post(&robot(), &path, bot.clone()).await.is(201)["sender_type"], "bot");
    desk.post(&ana(), &path, bot).await.refuses(422, "unprocessable", "sender_type");
}

#[tokio::test]
async fn a_note_is_words_for_colleagues() {
    let desk = desk().await;
    let conversation = desk.conversation().await;
    let path = format!("{conversation}/messages");
    let note = json!({ "content": "Watch out", "is_private": true, "mentions": [ben().id] });
    let made = desk.post(&ana(), &path, note).await.is(201);
    assert_eq!(
        (&made["is_private"], &made["delivery"], &made["mentions"]),
        (&json!(true), &Value::Null, &json!([ben().id]))
    );
    assert_eq!(desk.event_types(&conversation).await, ["ConversationOpened", "NoteAdded"]);
    let dressed =
        json!({ "content": "a", "is_private": true, "template": { "name": "a", "language": "en" } });
    desk.post(&ana(), &path, dressed).await.refuses(422, "unprocessable", "template");
    let loud = json!({ "content": "a", "mentions": [ben().id] });
    desk.post(&ana(), &path, loud).await.refuses(422, "unprocessable", "mentions");
}

#[tokio::test]
async fn the_same_request_under_the_same_key_happens_once() {
    let desk = desk().await;
    let conversation = desk.conversation().await;
    let path = format!("{conversation}/messages");
    let key = [("idempotency-key", "reply-1")];
    let hello = json!({ "content": "Hello" });
    let first = desk.ask(&ana(), Method::POST, &path, &key, hello.clone()).await.is(201);
    desk.post(&ana(), &path, json!({ "content": "And more" })).await.is(201);
    let again = desk.ask(&ana(), Method::POST, &path, &key, hello.clone()).await.is(201);
    assert_eq!(first, again);
    assert_eq!(desk.events(&conversation).await.len(), 3);

    let other = json!({ "content": "Goodbye" });
    desk.ask(&ana(), Method::POST, &path, &key, other).await.refuses(
        422,
        "idempotency-key-reused",
        "Idempotency-Key",
    );
    let bens = desk.ask(&ben(), Method::POST, &path, &key, hello).await.is(201);
    assert_ne!(first["id"], bens["id"]);
}

#[tokio::test]
async fn a_canned_response_has_its_placeholders_filled_unless_the_agent_wrote_otherwise() {
    let desk = desk().await;
    let path = format!("{}/messages", desk.conversation().await);
    let greeting = json!({
        "short_code": "/greeting", "title": "Greeting", "content": "Hi {{contact_name}}, {{agent_name}} here. {{?}}",
    });
    let canned = id(&desk.post(&ana(), "/v1/canned-responses", greeting).await.is(201));
    let made = desk.post(&ana(), &path, json!({ "canned_response_id": canned })).await.is(201);
    assert_eq!(made["content"], "Hi Abebe, Ana here. {{?}}");
    assert_eq!(made["metadata"]["canned_response_id"], canned);
    let edited = json!({ "canned_response_id": canned, "content": "Hi!" });
    assert_eq!(desk.post(&ana(), &path, edited).await.is(201)["content"], "Hi!");
    let nothing = json!({ "canned_response_id": NOTHING });
    desk.post(&ana(), &path, nothing).await.refuses(422, "unprocessable", "canned_response_id");
}

#[tokio::test]
async fn what_cannot_be_sent_is_said_by_field() {
    let desk = desk().await;
    let path = format!("{}/messages", desk.conversation().await);
    for (body, field) in [
        (json!({}), "content"),
        (json!({ "content": "\n" }), "content"),
        (json!({ "content": "a".repeat(4097) }), "content"),
        (json!({ "content": "a", "in_reply_to": NOTHING }), "in_reply_to"),
    ] {
        desk.post(&ana(), &path, body).await.refuses(422, "unprocessable", field);
    }
    assert_eq!(desk.post(&sue(), &path, json!({ "content": "é".repeat(4096) })).await.status, 201);
}

#[tokio::test]
async fn an_agent_has_seen_what_came_and_seeing_it_twice_changes_nothing() {
    let desk = desk().await;
    let channel = desk.whatsapp_channel().await;
    desk.send(desk.whatsapp_text(&channel, "251911000000", "wamid.1", "Hello?")).await.is(200);
    let open = json!({ "channel_id": channel, "contact_identifier": "251911000000" });
    let problem = desk.post(&ana(), "/v1/conversations", open).await.is(409);
    let conversation = format!("/v1/conversations/{}", problem["conversation_id"].as_str().unwrap());
    let seen = desk.post(&ana(), &format!("{conversation}/seen"), Value::Null).await.is(200);
    let again = desk.post(&ana(), &format!("{conversation}/seen"), Value::Null).await.is(200);
    assert_eq!(seen["version"], again["version"]);
    let reply = json!({ "content": "Yes!" });
    desk.post(&ana(), &format!("{conversation}/messages"), reply.clone()).await.is(201);
    // A day later only a template would get through.
    desk.clock.advance(std::time::Duration::from_secs(25 * 3600 - 7200));
    desk.post(&ana(), &format!("{conversation}/messages"), reply.clone()).await.is(201);
    desk.clock.advance(std::time::Duration::from_secs(3600 + 1));
    desk.post(&ana(), &format!("{conversation}/messages"), reply).await.refuses(
        422,
        "outside-reply-window",
        "template",
    );
}
