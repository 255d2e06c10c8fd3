//! An agent's shift: fenced messages, undo, and the question why.

use crate::fake_whatsapp::FakeWhatsApp;
use crate::program::{Account, Person, Program, conversation_of};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// The events of the conversation, each with whether it can be undone.
async fn events(person: &Person, id: &str) -> Vec<Value> {
    let path = format!("/v1/conversations/{id}/events?undo=true&limit=200");
    person.get(&path).await["data"].as_array().unwrap().clone()
}

fn kind(event: &Value) -> &str {
    event["type"].as_str().unwrap().split('.').nth(2).unwrap()
}

fn last<'e>(events: &'e [Value], name: &str) -> &'e Value {
    events.iter().rev().find(|event| kind(event) == name).unwrap_or_else(|| panic!("no {name}"))
}

/// The conversation with this id, once a field has this value.
async fn until(person: &Person, id: &str, field: &str, value: &Value) -> Value {
    person.get_until(&format!("/v1/conversations/{id}"), |found| found[field] == *value).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_is_refused_when_the_customer_wrote_meanwhile_and_sent_once_it_was_read() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let provider = FakeWhatsApp::start().await;
    let account = program.account();
    let whatsapp = account.whatsapp(&provider.base_url).await;
    let ana = account.person("agent", "Ana");
    whatsapp.customer_writes("1", "wamid.1", "I want a refund").await;
    let id = conversation_of(&ana, "1").await;
    let seen = ana.get(&format!("/v1/conversations/{id}")).await["version"].clone();
    whatsapp.customer_writes("1", "wamid.2", "Forget it, I have found the receipt").await;
    let messages = format!("/v1/conversations/{id}/messages");
    let reply = |seen: &Value| json!({ "content": "Your refund is on its way", "seen_version": seen });
    let (status, problem) = ana.send(Method::POST, &messages, reply(&seen)).await;
    assert_eq!((status, &problem["type"]), (StatusCode::CONFLICT, &json!("/problems/written-since")));
    assert_eq!(
        (&problem["change_count"], &problem["changes"][0]["actor"]["type"]),
        (&json!(1), &json!("contact"))
    );
    assert!(!problem.to_string().contains("receipt"), "{problem}");
    let present = problem["changes"][0]["version"].clone();
    ana.post(&messages, reply(&present)).await;
    let sent = ana.get_until(&messages, |all| all["data"].as_array().is_some_and(|all| all.len() == 3)).await;
    assert_eq!(sent["data"][2]["content"], "Your refund is on its way");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_undone_and_the_history_says_what_can_be() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Program::serve(&folder.path().join("data")).await;
    let provider = FakeWhatsApp::start().await;
    let account_id = program.account().id.clone();
    let id = {
        let account = Account::new(&program, &account_id);
        let whatsapp = account.whatsapp(&provider.base_url).await;
        whatsapp.customer_writes("1", "wamid.1", "Hello").await;
        conversation_of(&account.admin, "1").await
    };
    let path = format!("/v1/conversations/{id}");
    {
        let account = Account::new(&program, &account_id);
        let ana = account.person("agent", "Ana");
        ana.patch(&path, json!({ "labels": ["vip"], "status": "resolved" })).await;
    }
    program.kill().await;
    program.restart().await;
    let account = Account::new(&program, &account_id);
    let ana = account.person("agent", "Ana");
    let history = events(&ana, &id).await;
    assert_eq!(last(&history, "Resolved")["undo"]["is_possible"], true);
    let received = &last(&history, "MessageReceived")["undo"];
    assert_eq!((&received["is_possible"], &received["reason"]), (&json!(false), &json!("final")));

    let resolved = last(&history, "Resolved")["id"].clone();
    let undone = ana.post(&format!("{path}/undo"), json!({ "event_id": resolved })).await;
    assert_eq!((&undone["status"], &undone["labels"]), (&json!("open"), &json!(["vip"])));
    until(&ana, &id, "status", &json!("open")).await;
    let history = events(&ana, &id).await;
    assert_eq!(last(&history, "Resolved")["undo"]["reason"], "undone");
    assert_eq!(last(&history, "Resolved")["undo"]["event_id"], last(&history, "ChangeUndone")["id"]);
    assert_eq!(last(&history, "Reopened")["causationid"], resolved);
    let (status, problem) =
        ana.send(Method::POST, &format!("{path}/undo"), json!({ "event_id": resolved })).await;
    assert_eq!((status, &problem["reason"]), (StatusCode::CONFLICT, &json!("undone")));

    let undo = last(&history, "ChangeUndone")["id"].clone();
    ana.post(&format!("{path}/undo"), json!({ "event_id": undo })).await;
    until(&ana, &id, "status", &json!("resolved")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn why_names_the_rule_in_the_version_of_then_and_the_message_that_set_it_off() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let provider = FakeWhatsApp::start().await;
    let account = program.account();
    let (admin, ana) = (&account.admin, account.person("agent", "Ana"));
    let rule = json!({
        "name": "Refunds are urgent",
        "event": "message_received",
        "conditions": { "keywords": ["refund"] },
        "actions": [
            { "type": "set_priority", "priority": "urgent" },
            { "type": "webhook", "url": "https://example.com/secret-path" },
        ],
    });
    let rule = admin.post("/v1/automation-rules", rule).await;
    let whatsapp = account.whatsapp(&provider.base_url).await;
    whatsapp.customer_writes("1", "wamid.1", "I want a refund").await;
    let id = conversation_of(&ana, "1").await;
    until(&ana, &id, "priority", &json!("urgent")).await;
    // The rule changes afterwards: the explanation has it as it was.
    let renamed = json!({ "name": "Refunds are very urgent" });
    admin.patch(&format!("/v1/automation-rules/{}", rule["id"].as_str().unwrap()), renamed).await;

    let path = format!("/v1/conversations/{id}/why");
    let why = ana.get(&format!("{path}?field=priority")).await;
    let steps = why["steps"].as_array().unwrap();
    let types: Vec<_> = steps.iter().map(|step| step["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["PriorityChanged", "AutomationRan", "MessageReceived"]);
    let decided = &steps[1]["rule"];
    assert_eq!((&decided["name"], &decided["id"]), (&json!("Refunds are urgent"), &rule["id"]));
    assert_eq!(decided["version"], rule["version"]);
    assert!(!decided.to_string().contains("secret-path"), "{decided}");
    assert!(!decided.to_string().contains("whsec_"), "{decided}");
    assert!(steps[2]["message_id"].is_string());
    let sentence = why["sentence"].as_str().unwrap();
    assert!(
        sentence.contains("'Refunds are urgent'") && sentence.contains("The customer wrote"),
        "{sentence}"
    );

    let nothing = ana.get(&format!("{path}?field=sla")).await;
    assert_eq!(nothing["steps"], json!([]));
    let (status, problem) = ana.try_get(&format!("{path}?field=colour")).await;
    assert_eq!((status, &problem["field"]), (StatusCode::BAD_REQUEST, &json!("field")));
    let (status, _) = ana.try_get(&format!("{path}?field=priority&label=vip")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let stranger = program.account().person("agent", "Stranger");
    assert_eq!(stranger.try_get(&format!("{path}?field=priority")).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn why_a_conversation_is_unassigned_names_each_agent_and_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let provider = FakeWhatsApp::start().await;
    let account = program.account();
    let admin = &account.admin;
    let (ana, ben) = (account.person("agent", "Ana"), account.person("agent", "Ben"));
    ana.patch("/v1/agent-preferences/me", json!({ "is_available": false })).await;
    ben.patch("/v1/agent-preferences/me", json!({ "auto_accept": true })).await;
    ben.post("/v1/agents/me/presence", json!({ "status": "offline" })).await;
    admin.post("/v1/queues", json!({ "name": "All", "strategy": "least_busy" })).await;
    let whatsapp = account.whatsapp(&provider.base_url).await;
    whatsapp.customer_writes("1", "wamid.1", "Hello").await;
    let id = conversation_of(admin, "1").await;
    let path = format!("/v1/conversations/{id}/why?field=assignee");
    let why = admin.get_until(&path, |why| why["steps"][0]["type"] == "Queued").await;
    let decision = &why["steps"][0]["decision"];
    let mut reasons: Vec<_> = decision["not_eligible"]
        .as_array()
        .unwrap()
        .iter()
        .map(|agent| (agent["name"].as_str().unwrap_or_default(), agent["reason"].as_str().unwrap()))
        .collect();
    reasons.sort_unstable();
    assert_eq!(reasons, [("Ana", "unavailable"), ("Ben", "offline")], "{why}");
    assert_eq!(decision["eligible"], json!([]));

    ben.post("/v1/agents/me/presence", json!({ "status": "online" })).await;
    let why = admin.get_until(&path, |why| why["steps"][0]["type"] == "Assigned").await;
    assert_eq!(why["steps"][0]["decision"]["eligible"][0]["name"], "Ben", "{why}");
}
