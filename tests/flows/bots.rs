//! The bot through the API.

use crate::fake_whatsapp::FakeWhatsApp;
use crate::program::{Person, Program, conversation_of};
use serde_json::{Value, json};

/// The events of a conversation, once it has an event named `until`.
async fn events(person: &Person, id: &str, until: &str) -> Vec<Value> {
    let path = format!("/v1/conversations/{id}/events?limit=200");
    let has = |answer: &Value| {
        answer["data"].as_array().is_some_and(|events| events.iter().any(|event| kind(event) == until))
    };
    let history = person.get_until(&path, has).await;
    history["data"].as_array().unwrap().clone()
}

/// The event's name, such as `MessageSent` for `verbatim.conversation.MessageSent.v1`.
fn kind(event: &Value) -> String {
    event["type"].as_str().and_then(|name| name.split('.').nth(2)).unwrap_or_default().to_owned()
}

fn kinds(events: &[Value]) -> Vec<String> {
    events
        .iter()
        .map(kind)
        .filter(|kind| !kind.starts_with("Message") || kind == "MessageSent" || kind == "MessageReceived")
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bot_answers_labels_and_hands_over_and_is_silent_once_an_agent_is_assigned() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Program::serve(&folder.path().join("data")).await;
    let provider = FakeWhatsApp::start().await;
    let account = program.account();
    let ana = account.person("agent", "Ana");
    let admin = &account.admin;
    let policy =
        json!({ "short_code": "/refund", "title": "Refunds", "content": "Dear {{contact_name}}: 30 days." });
    let template = admin.post("/v1/canned-responses", policy).await["id"].clone();
    let team = admin.post("/v1/teams", json!({ "name": "Billing" })).await["id"].clone();
    let rule = json!({
        "name": "Billing Keywords", "priority": 1, "trigger_type": "keyword",
        "conditions": { "keywords": ["refund", "return"], "match_mode": "any" },
        "actions": {
            "reply_template_id": template, "assign_team_id": team, "assign_strategy": "manual_queue",
            "set_labels": ["billing", "refund"], "set_priority": "high",
        },
    });
    let made = admin.post("/v1/bot-rules", rule).await;
    let rules = admin
        .get_until("/v1/bot-rules", |answer| answer["data"].as_array().is_some_and(|all| all.len() == 1))
        .await;
    assert_eq!(rules["data"][0]["id"], made["id"]);
    assert_eq!(rules["data"][0]["conditions"], made["conditions"]);
    assert_eq!(admin.get("/v1/bot-settings").await["low_confidence_answers"], 3);

    let whatsapp = account.whatsapp(&provider.base_url).await;
    whatsapp.customer_writes("251911000000", "wamid.1", "I want a refund").await;
    let id = conversation_of(&ana, "251911000000").await;
    let history = events(&ana, &id, "HandoffRequested").await;
    let expected = [
        "ConversationOpened",
        "MessageReceived",
        "LanguageDetected",
        "BotEngaged",
        "LabelsChanged",
        "PriorityChanged",
        "MessageSent",
        "Assigned",
        "HandoffRequested",
    ];
    // The events of routing follow.
    assert_eq!(kinds(&history)[..expected.len()], expected);
    let handoff = history.iter().find(|event| kind(event) == "HandoffRequested").unwrap();
    assert_eq!(handoff["data"]["team_id"], team);
    assert_eq!(handoff["data"]["strategy"], "manual_queue");
    assert_eq!(handoff["data"]["reason"], "Rule 'Billing Keywords': keyword 'refund'");
    let row = ana.get_until(&format!("/v1/conversations/{id}"), |row| row["priority"] == "high").await;
    assert_eq!(row["labels"], json!(["billing", "refund"]));
    assert_eq!((&row["status"], &row["team_id"]), (&json!("open"), &team));
    // The fields of requirement 001, in the list and on the page of one conversation.
    assert_eq!((&row["handoff_requested"], &row["handoff_agent_id"]), (&json!(true), &json!(null)));
    assert_eq!(row["handoff_reason"], "Rule 'Billing Keywords': keyword 'refund'");
    let listed = ana.get("/v1/conversations").await;
    assert_eq!(listed["data"][0]["handoff_reason"], row["handoff_reason"]);
    let dear = "Dear Customer 251911000000: 30 days.";
    ana.get_until(&format!("/v1/conversations/{id}/messages"), |answer| {
        answer["data"].as_array().is_some_and(|all| {
            all.iter().any(|m| {
                m["content"] == dear && m["sender_type"] == "bot" && m["delivery"]["state"] == "dispatched"
            })
        })
    })
    .await;
    assert_eq!(provider.taken().iter().map(|taken| taken.text().to_owned()).collect::<Vec<_>>(), [dear]);

    // An agent is assigned: the bot stays silent, even after a crash that makes it read the whole log again.
    ana.post(&format!("/v1/conversations/{id}/assign"), json!({})).await;
    whatsapp.customer_writes("251911000000", "wamid.2", "A refund, a return, a refund!").await;
    program.kill().await;
    for name in ["bot-router.db", "bot-router.db-wal", "bot-router.db-shm"] {
        let _absent = std::fs::remove_file(folder.path().join("data").join(name));
    }
    program.restart().await;
    let account = program.account();
    let (ana, whatsapp) = (ana.at(&program), whatsapp);
    // When another customer's later message is answered, the bot has processed everything before it.
    whatsapp.customer_writes("251911000001", "wamid.3", "return").await;
    let other = conversation_of(&ana, "251911000001").await;
    events(&ana, &other, "HandoffRequested").await;
    let after = events(&ana, &id, "Assigned").await;
    let sent = after.iter().filter(|event| kind(event) == "MessageSent").count();
    let asked = after.iter().filter(|event| kind(event) == "HandoffRequested").count();
    assert_eq!((sent, asked), (1, 1), "{after:#?}");
    drop(account);
}

#[tokio::test(flavor = "multi_thread")]
async fn amharic_goes_to_its_team_after_the_bot_has_collected_the_details() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let provider = FakeWhatsApp::start().await;
    let account = program.account();
    let ana = account.person("agent", "Ana");
    let admin = &account.admin;
    let team = admin.post("/v1/teams", json!({ "name": "Amharic support" })).await["id"].clone();
    let rule = json!({
        "name": "Amharic", "trigger_type": "fallback",
        "conditions": { "language": "am" },
        "actions": {
            "assign_team_id": team,
            "collect_info": [{ "name": "name", "question": "ስምዎ ማን ነው?" }, "order_number"],
        },
    });
    admin.post("/v1/bot-rules", rule).await;
    let whatsapp = account.whatsapp(&provider.base_url).await;
    whatsapp.customer_writes("251911000000", "wamid.1", "ገንዘቤን መልሱልኝ").await;
    let id = conversation_of(&ana, "251911000000").await;
    events(&ana, &id, "InfoRequested").await;
    let row = ana.get_until(&format!("/v1/conversations/{id}"), |row| row["status"] == "bot").await;
    assert_eq!(row["language"], "am");
    whatsapp.customer_writes("251911000000", "wamid.2", "ሐና").await;
    let path = format!("/v1/conversations/{id}/messages");
    ana.get_until(&path, |answer| {
        answer["data"].as_array().is_some_and(|all| {
            all.iter().any(|message| message["content"] == "Could you tell me your order number?")
        })
    })
    .await;
    whatsapp.customer_writes("251911000000", "wamid.3", "A-17").await;
    events(&ana, &id, "HandoffRequested").await;
    let row = ana.get_until(&format!("/v1/conversations/{id}"), |row| row["team_id"] == team).await;
    assert_eq!(row["bot_context"], json!({ "name": "ሐና", "order_number": "A-17" }));
    assert_eq!(row["status"], "open");
}

/// The customer is another account's bot: it answers whatever it gets.
#[tokio::test(flavor = "multi_thread")]
async fn two_bots_that_answer_each_other_stop_and_an_agent_is_requested() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let provider = FakeWhatsApp::start().await;
    let account = program.account();
    let (ana, service) = (account.person("agent", "Ana"), account.person("service", "Shop"));
    account.admin.patch("/v1/bot-settings", json!({ "automatic_messages_limit": 4 })).await;
    let reply = json!({ "type": "reply", "text": "We have received your message." });
    let rule = json!({ "name": "Receipt", "event": "message_received", "actions": [reply] });
    account.admin.post("/v1/automation-rules", rule).await;
    let whatsapp = account.whatsapp(&provider.base_url).await;
    whatsapp.customer_writes("251911000000", "wamid.0", "I am out of office.").await;
    let id = conversation_of(&ana, "251911000000").await;
    let messages = format!("/v1/conversations/{id}/messages");
    for round in 1..=4 {
        let sent = |a: &Value| a["data"].as_array().is_some_and(|all| all.len() >= 2 * round);
        ana.get_until(&messages, sent).await;
        whatsapp.customer_writes("251911000000", &format!("wamid.{round}"), "I am out of office.").await;
    }
    let ran = |answer: &Value| {
        let events = answer["data"].as_array().cloned().unwrap_or_default();
        events.iter().filter(|event| kind(event) == "AutomationRan").count() == 5
    };
    let history = ana.get_until(&format!("/v1/conversations/{id}/events?limit=200"), ran).await;
    let history = history["data"].as_array().unwrap();
    assert_eq!(kinds(history).iter().filter(|kind| *kind == "MessageSent").count(), 4);
    let last = history.iter().rfind(|event| kind(event) == "AutomationRan").unwrap();
    assert_eq!(last["data"]["skipped"][0]["action"], "reply");
    let requested = history.iter().find(|event| kind(event) == "HandoffRequested").unwrap();
    assert_eq!(requested["data"]["trigger"], "automatic_limit");
    let shown = ana.get_until(&format!("/v1/conversations/{id}"), |a| a["handoff_requested"] == true).await;
    assert!(shown["handoff_reason"].as_str().unwrap().contains("automatic messages"), "{shown}");
    // Neither may another program go on; an agent may.
    let answer = json!({ "content": "Hello", "sender_type": "bot" });
    let (status, refused) = service.send(reqwest::Method::POST, &messages, answer).await;
    assert_eq!((status.as_u16(), refused["limit"].as_u64()), (409, Some(4)), "{refused}");
    ana.post(&messages, json!({ "content": "Hello" })).await;
}
