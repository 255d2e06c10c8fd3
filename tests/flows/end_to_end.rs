//! One conversation from the first message to the last, as customer, agent and provider see it.

use crate::fake_whatsapp::FakeWhatsApp;
use crate::program::{Person, Program, conversation_of, fresh_id, read};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_message_goes_from_webhook_to_inbox_and_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let provider = FakeWhatsApp::start().await;
    let account = program.account();
    let whatsapp = account.whatsapp(&provider.base_url).await;
    let ana = account.person("agent", "Ana");

    // The customer writes: an event, a conversation, a row in the inbox.
    whatsapp.customer_writes("251911000000", "wamid.1", "I want a refund").await;
    let id = conversation_of(&ana, "251911000000").await;
    let inbox = ana.get("/v1/conversations?status=open&assignee_id=none").await;
    let row = &inbox["data"][0];
    assert_eq!(row["id"], id.as_str());
    assert_eq!(row["status"], "open");
    assert_eq!(row["priority"], "normal");
    assert_eq!(row["contact_identifier"], "251911000000");
    assert_eq!(row["display_name"], "Customer 251911000000");
    assert_eq!(row["last_message_preview"], "I want a refund");
    assert_eq!(row["unread_count"], 1);
    assert!(row["unanswered_since"].is_string());
    assert!(row["first_reply_at"].is_null());

    // Ana claims it.
    let assigned = ana.post(&format!("/v1/conversations/{id}/assign"), json!({})).await;
    assert!(assigned["version"].is_number() && assigned["position"].is_string());
    let mine = ana.get_until("/v1/conversations?assignee_id=me", |a| a["data"][0]["id"] == id.as_str()).await;
    assert_eq!(mine["data"][0]["status"], "assigned");
    assert_eq!(mine["data"][0]["assignee_name"], "Ana");

    // Ana answers and quotes the customer; the provider receives the message and reports its status.
    let messages = ana.get(&format!("/v1/conversations/{id}/messages")).await;
    let first = messages["data"][0]["id"].as_str().unwrap();
    let answer = json!({ "content": "What is your order number?", "in_reply_to": first });
    let sent = ana.post(&format!("/v1/conversations/{id}/messages"), answer).await;
    let message = sent["message"]["id"].as_str().or(sent["id"].as_str()).unwrap().to_owned();
    let state = |word: &'static str| {
        let message = message.clone();
        move |answer: &serde_json::Value| {
            answer["data"].as_array().is_some_and(|rows| {
                rows.iter().any(|row| row["id"] == message.as_str() && row["delivery"]["state"] == word)
            })
        }
    };
    let path = format!("/v1/conversations/{id}/messages");
    ana.get_until(&path, state("dispatched")).await;
    let taken = provider.taken();
    assert_eq!(taken.len(), 1);
    assert_eq!((taken[0].to(), taken[0].text()), ("251911000000", "What is your order number?"));
    assert_eq!(taken[0].body["context"]["message_id"], "wamid.1");
    whatsapp.post_ok(&taken[0].status("read", 1_795_222_900)).await;
    ana.get_until(&path, state("read")).await;
    whatsapp.post_ok(&taken[0].status("delivered", 1_795_222_901)).await;

    // A private note is not sent to the provider.
    let note = json!({ "content": "He sounds upset.", "is_private": true });
    ana.post(&format!("/v1/conversations/{id}/messages"), note).await;

    // Resolved; the customer writes again; closed; the customer writes again.
    ana.patch(&format!("/v1/conversations/{id}"), json!({ "status": "resolved" })).await;
    let detail = ana.get_until(&format!("/v1/conversations/{id}"), |a| a["status"] == "resolved").await;
    assert!(detail["resolved_at"].is_string() && detail["first_reply_at"].is_string());
    whatsapp.customer_writes("251911000000", "wamid.2", "One more thing").await;
    ana.get_until(&format!("/v1/conversations/{id}"), |a| a["status"] == "open").await;
    let closed = ana.send_ok(Method::DELETE, &format!("/v1/conversations/{id}"), json!({})).await;
    assert!(closed["version"].is_number());
    whatsapp.customer_writes("251911000000", "wamid.3", "Hello again").await;
    let all = ana
        .get_until("/v1/conversations?sort=created_at:asc", |a| {
            a["data"].as_array().is_some_and(|d| d.len() == 2)
        })
        .await;
    assert_eq!(all["data"][0]["status"], "closed");
    assert_eq!(all["data"][1]["status"], "open");
    assert_eq!(all["data"][1]["last_message_preview"], "Hello again");
    assert_eq!(provider.taken().len(), 1, "the note was not sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_a_person_gave_is_shown_everywhere_and_outlasts_the_profiles() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let provider = FakeWhatsApp::start().await;
    let account = program.account();
    let whatsapp = account.whatsapp(&provider.base_url).await;
    let ana = account.person("agent", "Ana");
    let number = "251911000000";
    whatsapp.customer_writes(number, "wamid.1", "Good morning").await;
    let id = conversation_of(&ana, number).await;
    let path = format!("/v1/conversations/{id}");

    let identifiers = ana.get("/v1/contact-identifiers").await;
    let identifier = format!("/v1/contact-identifiers/{}", identifiers["data"][0]["id"].as_str().unwrap());
    ana.patch(&identifier, json!({ "display_name": "Abebe Bikila" })).await;
    let listed = "/v1/conversations?status=open";
    ana.get_until(listed, |inbox| inbox["data"][0]["display_name"] == "Abebe Bikila").await;

    // The next message comes with the name of the profile, and texts are filled with the person's.
    whatsapp.customer_writes(number, "wamid.2", "Are you there?").await;
    let row = ana.get_until(&path, |row| row["message_count"] == 2).await;
    assert_eq!(row["display_name"], "Abebe Bikila");
    let hello = json!({ "short_code": "/hello", "title": "Hello", "content": "Dear {{contact_name}}" });
    let hello = created(&account.person("administrator", "Eva"), "/v1/canned-responses", hello).await;
    ana.post(&format!("{path}/messages"), json!({ "canned_response_id": hello })).await;
    ana.get_until(&path, |row| row["last_message_preview"] == "Dear Abebe Bikila").await;

    // The past shows the name of then, and so does the next conversation.
    let then = row["created_at"].as_str().unwrap();
    let then = ana.get(&format!("{path}?as_of={}", then.replace('+', "%2B"))).await;
    assert_eq!(then["display_name"], format!("Customer {number}").as_str());
    ana.send_ok(Method::DELETE, &path, json!({})).await;
    whatsapp.customer_writes(number, "wamid.3", "Good evening").await;
    let second =
        ana.get_until(listed, |inbox| inbox["data"][0]["last_message_preview"] == "Good evening").await;
    assert_eq!(second["data"][0]["display_name"], "Abebe Bikila");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_may_be_repeated_and_a_stale_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let account = program.account();
    let whatsapp = account.whatsapp("http://127.0.0.1:9").await;
    let ana = account.person("agent", "Ana");
    whatsapp.customer_writes("1", "wamid.1", "Hello").await;
    let id = conversation_of(&ana, "1").await;

    let path = format!("/v1/conversations/{id}/messages");
    let say = |key: &'static str| {
        ana.request(Method::POST, &path)
            .header("Idempotency-Key", key)
            .json(&json!({ "content": "Hi" }))
            .send()
    };
    let (first, again) = (say("one").await.unwrap(), say("one").await.unwrap());
    let first: serde_json::Value = first.json().await.unwrap();
    let again: serde_json::Value = again.json().await.unwrap();
    assert_eq!((&first["id"], &first["version"]), (&again["id"], &again["version"]));

    let version = first["version"].as_u64().unwrap();
    let change = |version: u64, subject: &'static str| {
        ana.request(Method::PATCH, &format!("/v1/conversations/{id}"))
            .header("If-Match", format!("\"{version}\""))
            .json(&json!({ "subject": subject }))
            .send()
    };
    let stale = change(version.saturating_sub(1), "Stale").await.unwrap();
    assert_eq!(stale.status(), StatusCode::PRECONDITION_FAILED);
    let current = ana.get(&format!("/v1/conversations/{id}/events")).await;
    let last =
        current["data"].as_array().unwrap().last().unwrap()["streamversion"].as_str().unwrap().to_owned();
    assert_eq!(change(last.parse().unwrap(), "Fresh").await.unwrap().status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_sees_its_own_write() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let account = program.account();
    let whatsapp = account.whatsapp("http://127.0.0.1:9").await;
    let ana = account.person("agent", "Ana");
    whatsapp.customer_writes("1", "wamid.1", "Hello").await;
    let id = conversation_of(&ana, "1").await;
    for round in 0..50 {
        let subject = format!("Round {round}");
        let done = ana.patch(&format!("/v1/conversations/{id}"), json!({ "subject": subject })).await;
        let read = ana
            .request(Method::GET, &format!("/v1/conversations/{id}"))
            .header("Verbatim-After", done["position"].as_str().unwrap())
            .send()
            .await
            .unwrap();
        let read: serde_json::Value = read.json().await.unwrap();
        assert_eq!(read["subject"], subject.as_str());
    }
}

/// RFC 9110: 201 names the resource that was created, and it is there for who reads its own write.
#[tokio::test(flavor = "multi_thread")]
async fn the_location_of_what_was_created_shows_it() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let admin = &program.account().admin;
    let channel = json!({ "channel_type": "api", "name": "API", "credentials": {} });
    let channel = created(admin, "/v1/channels", channel).await;
    let agent = json!({ "user_id": fresh_id(), "name": "Ana" });
    created(admin, "/v1/agents", agent).await;
    created(admin, "/v1/teams", json!({ "name": "Billing" })).await;
    let identifier = json!({ "channel_type": "whatsapp", "identifier": "+251911000000" });
    let identifier = created(admin, "/v1/contact-identifiers", identifier).await;
    // A number is found however people write it.
    for written in ["251911000000", "%2B251911000000", "00251%20911-000-000", "%2B251%20(911)%20000000"] {
        let found = admin.get(&format!("/v1/contact-identifiers?identifier={written}")).await;
        assert_eq!(found["data"][0]["id"], identifier, "{written}");
    }
    let conversation = json!({ "channel_id": channel, "contact_identifier": "abebe" });
    let conversation = created(admin, "/v1/conversations", conversation).await;
    let messages = format!("/v1/conversations/{}/messages", conversation.as_str().unwrap());
    created(admin, &messages, json!({ "content": "Call them", "is_private": true })).await;
}

/// Creates an item, reads it at its `Location`, and returns its id.
async fn created(person: &Person, path: &str, body: Value) -> Value {
    let answer = person.request(Method::POST, path).json(&body).send().await.unwrap();
    let location = answer.headers().get("location").expect("a Location").to_str().unwrap().to_owned();
    let (status, item) = read(answer).await;
    assert_eq!(status, 201, "POST {path}: {item}");
    let position = item["position"].as_str().unwrap();
    let request = person.request(Method::GET, &location).header("Verbatim-After", position);
    let (status, shown) = read(request.send().await.unwrap()).await;
    assert_eq!((status.as_u16(), &shown["id"]), (200, &item["id"]), "GET {location}: {shown}");
    item["id"].clone()
}
