//! A shift in the agents' inbox, in Chromium against the real program: a long list, a long conversation, the keyboard and
//! the composer.

use crate::browser::{Browser, FOLDER, has_browser, has_packages};
use crate::fake_whatsapp::{Behaviour, FakeWhatsApp};
use crate::program::{APP_SECRET, Account, Program, WhatsApp, signature, webhook};
use serde_json::{Value, json};
use std::process::Command;

const CUSTOMERS: usize = 10_000;
const MESSAGES: usize = 10_000;
/// The messages of one request of the `api` channel.
const AT_ONCE: usize = 500;

/// A channel of type `api`, and the address at which its messages are received.
pub async fn api_channel(account: &Account<'_>) -> String {
    let channel = json!({ "channel_type": "api", "name": "API", "credentials": { "secret": APP_SECRET } });
    let channel = account.admin.post("/v1/channels", channel).await;
    format!("/v1/webhooks/api/{}", channel["id"].as_str().unwrap())
}

pub async fn receive(program: &Program, path: &str, messages: &[Value]) {
    for messages in messages.chunks(AT_ONCE) {
        let body = json!(messages).to_string();
        let signed = program.post(path).header("X-Verbatim-Signature-256", signature(body.as_bytes()));
        let answer = signed.body(body).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_and_a_conversation_of_ten_thousand_stay_where_they_are_read() {
    if !has_browser("a long list in a browser") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let account = program.account();
    let path = api_channel(&account).await;
    let ana = account.person("agent", "Ana");
    let customers: Vec<_> = (0..CUSTOMERS)
        .map(|number| json!({ "id": format!("c{number}"), "from": format!("customer-{number:05}"), "content": "Hello" }))
        .collect();
    receive(&program, &path, &customers).await;
    let said: Vec<_> = (0..MESSAGES)
        .map(|number| {
            let lines = "More of it. ".repeat(number % 7);
            json!({ "id": format!("m{number}"), "from": "talker", "content": format!("Message {number}. {lines}") })
        })
        .collect();
    receive(&program, &path, &said).await;

    let mut browser = Browser::start("long.js", &[&program.base, &ana.token]);
    let mut more = 0;
    while let Some(wish) = browser.wish().await {
        match wish.as_str() {
            "another customer" => {
                more += 1;
                let (id, from) = (format!("new{more}"), format!("newcomer-{more}"));
                receive(&program, &path, &[json!({ "id": id, "from": from, "content": "I am new" })]).await;
            }
            "the talker" => {
                more += 1;
                let id = format!("new{more}");
                receive(&program, &path, &[json!({ "id": id, "from": "talker", "content": "One more" })])
                    .await;
            }
            "done" => {}
            other => panic!("the pages' test wants {other}"),
        }
        browser.granted().await;
    }
    browser.assert_done().await;
}

fn element(id: &str, kind: &str, part: Value) -> Value {
    let now = event_schemas::Clock::System.now().as_micros() / 1_000_000;
    json!({ "from": "4915", "id": id, "timestamp": now.to_string(), "type": kind, kind: part })
}

pub async fn receives(whatsapp: &WhatsApp, element: Value) {
    whatsapp.post_ok(&webhook(&[element], &[])).await;
}

/// The newest answer that the provider took.
fn answered(provider: &FakeWhatsApp) -> String {
    provider.taken().last().unwrap().id.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shift_is_worked_by_keyboard_alone() {
    if !has_browser("a shift in a browser") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let provider = FakeWhatsApp::start().await;
    let program = Program::serve(&folder.path().join("data")).await;
    let account = program.account();
    let canned = json!({ "short_code": "/hi", "title": "Hello", "content": "Hello {{contact_name}}, order {{order}}" });
    account.admin.post("/v1/canned-responses", canned).await;
    let whatsapp = account.whatsapp(&provider.base_url).await;
    let (ana, ben) = (account.person("agent", "Ana"), account.person("agent", "Ben"));
    for person in [&ana, &ben] {
        let name = if person.user == ana.user { "Ana" } else { "Ben" };
        account.admin.post("/v1/agents", json!({ "user_id": person.user, "name": name })).await;
    }
    account.admin.post("/v1/teams", json!({ "name": "Billing", "member_ids": [ana.user] })).await;

    let mut browser = Browser::start("shift.js", &[&program.base, &ana.token, &ben.token]);
    let mut number = 0;
    while let Some(wish) = browser.wish().await {
        number += 1;
        let id = format!("wamid.{number}");
        match wish.as_str() {
            "question" => whatsapp.customer_writes("4915", &id, "Where is my parcel?").await,
            "overtaking" => {
                whatsapp.customer_writes("4915", &id, "Please hurry.").await;
                whatsapp.customer_writes("4915", &format!("{id}.2"), "Are you there?").await;
            }
            "reaction" => {
                let part = json!({ "message_id": answered(&provider), "emoji": "👍" });
                receives(&whatsapp, element(&id, "reaction", part)).await;
            }
            "picture and place" => {
                let place = json!({ "latitude": 48.13, "longitude": 11.57, "name": "Shop", "address": "Main street" });
                receives(&whatsapp, element(&id, "location", place)).await;
            }
            "said and edited" => {
                whatsapp.customer_writes("4915", "wamid.edited", "Order 12").await;
                let message = json!({ "type": "text", "text": { "body": "Order 21" } });
                let part = json!({ "original_message_id": "wamid.edited", "message": message });
                receives(&whatsapp, element(&id, "edit", part)).await;
            }
            "said and deleted" => {
                whatsapp.customer_writes("4915", "wamid.deleted", "My PIN is 1234").await;
                receives(
                    &whatsapp,
                    element(&id, "revoke", json!({ "original_message_id": "wamid.deleted" })),
                )
                .await;
            }
            "refuse" => provider.behave(Behaviour::Refuse {
                status: 400,
                code: 131_026,
                message: "Undeliverable".to_owned(),
            }),
            "accept" => provider.behave(Behaviour::Accept),
            "late" => {
                // A customer whose only message is older than the provider's window.
                let days_ago = event_schemas::Clock::System.now().as_micros() / 1_000_000 - 3 * 86_400;
                let message = json!({ "from": "4916", "id": id, "timestamp": days_ago.to_string(), "type": "text",
                    "text": { "body": "I asked days ago." } });
                receives(&whatsapp, message).await;
            }
            "done" => {}
            other => panic!("the pages' test wants {other}"),
        }
        browser.granted().await;
    }
    browser.assert_done().await;
    let taken = provider.taken();
    assert!(taken.iter().any(|taken| taken.body["type"] == "template"), "a template was sent");
}

#[test]
fn the_copy_of_the_pages_is_what_a_fresh_fetch_answers() {
    if !has_packages("the copy of the pages") {
        return;
    }
    let run = Command::new("node").args(["tests/store.js", "500"]).current_dir(FOLDER).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}
