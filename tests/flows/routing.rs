//! Routing through the public API: the end-to-end flow of requirement 000, and races for the last capacity.

use crate::fake_whatsapp::FakeWhatsApp;
use crate::program::{Account, Person, Program, WhatsApp, conversation_of};
use futures::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// An agent with these preferences in the account.
async fn agent(account: &Account<'_>, name: &str, preferences: Value) -> Person {
    let person = account.person("agent", name);
    person.patch("/v1/agent-preferences/me", preferences).await;
    person
}

async fn queue(account: &Account<'_>, queue: Value) -> Value {
    account.admin.post("/v1/queues", queue).await
}

async fn conversation_from(account: &Account<'_>, whatsapp: &WhatsApp, phone: &str) -> String {
    whatsapp.customer_writes(phone, &format!("wamid.{phone}"), "Hello").await;
    conversation_of(&account.admin, phone).await
}

/// The types of a conversation's events, and the events.
async fn event_history(person: &Person, id: &str) -> Vec<(String, Value)> {
    let events = person.get(&format!("/v1/conversations/{id}/events?limit=200")).await;
    let events = events["data"].as_array().unwrap().clone();
    events
        .into_iter()
        .map(|event| {
            let name = event["type"].as_str().unwrap().split('.').nth(2).unwrap().to_owned();
            (name, event["data"].clone())
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_request_from_the_first_message_to_the_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let provider = FakeWhatsApp::start().await;
    let account = program.account();
    let whatsapp = account.whatsapp(&provider.base_url).await;
    let admin = &account.admin;
    let lead = account.person("supervisor", "Lea");
    let takes = |topic: &str| json!({ "available_topics": [topic], "auto_accept": true });
    let ana = agent(&account, "Ana", takes("billing")).await;
    let ben = agent(&account, "Ben", takes("technical")).await;
    let team = json!({ "name": "Billing", "lead_id": lead.user, "member_ids": [ana.user, ben.user] });
    let team = admin.post("/v1/teams", team).await["id"].as_str().unwrap().to_owned();
    queue(&account, json!({ "name": "Billing", "team_id": team, "strategy": "least_busy" })).await;
    let policy = "Refunds take {{contact_name}} five working days.";
    let policy = json!({ "short_code": "/refund", "title": "Refunds", "content": policy });
    let policy = admin.post("/v1/canned-responses", policy).await["id"].as_str().unwrap().to_owned();
    admin
        .post(
            "/v1/bot-rules",
            json!({
                "name": "Billing Keywords", "priority": 1, "trigger_type": "keyword",
                "conditions": { "keywords": ["refund", "return"], "match_mode": "any" },
                "actions": {
                    "reply_template_id": policy, "assign_team_id": team, "assign_strategy": "least_busy",
                    "set_labels": ["billing", "refund"], "set_priority": "high"
                }
            }),
        )
        .await;

    // 1 to 4: the customer writes; the conversation exists with its first message.
    whatsapp.customer_writes("251911000000", "wamid.1", "I want a refund").await;
    let id = conversation_of(&ana, "251911000000").await;
    let path = format!("/v1/conversations/{id}");
    // 5 and 6: the bot answers, labels and hands over; Ana is assigned, because Ben does not take billing.
    let seen = ana.get_until(&path, |seen| seen["status"] == "assigned").await;
    assert_eq!(seen["assignee_id"], ana.user.as_str());
    assert_eq!(seen["team_id"], team.as_str());
    assert_eq!(seen["labels"], json!(["billing", "refund"]));
    assert_eq!(seen["priority"], "high");
    let messages = ana.get(&format!("{path}/messages")).await;
    let said: Vec<_> = messages["data"].as_array().unwrap().iter().collect();
    assert_eq!(said[0]["content"], "I want a refund");
    assert_eq!(said[1]["sender_type"], "bot");
    assert_eq!(said[1]["content"], "Refunds take Customer 251911000000 five working days.");
    let had = ana
        .get_until(&format!("{path}/assignments"), |had| {
            had["data"].as_array().is_some_and(|had| had.iter().any(|one| !one["decision"].is_null()))
        })
        .await;
    let last = had["data"].as_array().unwrap().last().unwrap();
    assert_eq!(last["strategy"], "least_busy");
    assert_eq!(last["decision"]["eligible"][0]["user_id"], ana.user.as_str());
    assert_eq!(last["decision"]["not_eligible"]["topic"], json!([ben.user]));
    let history = event_history(admin, &id).await;
    let of = |name: &str| {
        history.iter().filter(|(kind, _)| kind == name).map(|(_, data)| data).collect::<Vec<_>>()
    };
    assert_eq!(of("ConversationOpened").len(), 1);
    assert_eq!(of("MessageReceived").len(), 1);
    assert_eq!(of("MessageSent").len(), 1);
    assert_eq!(of("LabelsChanged")[0]["added"], json!(["billing", "refund"]));
    assert_eq!(of("PriorityChanged")[0]["new"], "high");
    assert_eq!(of("LeadNotified")[0]["lead_id"], lead.user.as_str());
    assert_eq!(of("LeadNotified")[0]["assignee_id"], ana.user.as_str());

    // 7: Ana answers, the customer answers, Ana resolves, the customer writes again.
    ana.post(&format!("{path}/messages"), json!({ "content": "Hi! What's your order number?" })).await;
    whatsapp.customer_writes("251911000000", "wamid.2", "It is 4711").await;
    ana.get_until(&path, |seen| seen["first_reply_at"].is_string() && seen["message_count"] == 4).await;
    ana.patch(&path, json!({ "status": "resolved" })).await;
    ana.get_until(&path, |seen| seen["resolved_at"].is_string()).await;
    whatsapp.customer_writes("251911000000", "wamid.3", "One more thing").await;
    let again =
        ana.get_until(&path, |seen| seen["reopened_count"] == 1 && seen["status"] == "assigned").await;
    assert_eq!(again["assignee_id"], ana.user.as_str());
    let history = event_history(admin, &id).await;
    let names: Vec<_> = history.iter().map(|(name, _)| name.as_str()).collect();
    let reopened = names.iter().position(|name| *name == "Reopened").unwrap();
    assert!(names[reopened..].contains(&"Assigned"), "{names:?}");
    let bot = history.iter().filter(|(name, data)| name == "MessageSent" && data["sender_type"] == "bot");
    assert_eq!(bot.count(), 1, "the bot is silent once an agent is assigned");
}

/// Asserts that at every position of the log no agent has more than `most` reservations or conversations.
async fn assert_capacity_never_exceeded(admin: &Person, most: usize) {
    let log = crate::kill::whole_log(admin).await;
    let (mut places, mut held) = (BTreeMap::<String, i64>::new(), BTreeMap::<String, String>::new());
    for event in &log {
        let (kind, data) = (event["type"].as_str().unwrap(), &event["data"]);
        let agent = data["user_id"].as_str().unwrap_or_default().to_owned();
        if kind.contains(".CapacityReserved.") && data["renewed"] != true {
            *places.entry(agent).or_default() += 1;
        } else if kind.contains(".CapacityReleased.") {
            *places.entry(agent).or_default() -= 1;
        } else if kind.contains(".Assigned.") && data["assignee_id"].is_string() {
            let conversation = event["subject"].as_str().unwrap().to_owned();
            held.insert(conversation, data["assignee_id"].as_str().unwrap().to_owned());
        } else if [".Resolved.", ".Closed.", ".Unassigned."].iter().any(|end| kind.contains(end)) {
            held.remove(event["subject"].as_str().unwrap());
        }
        assert!(places.values().all(|taken| *taken <= most as i64), "places at {}", event["position"]);
        let mut counts = BTreeMap::<&str, usize>::new();
        held.values().for_each(|agent| *counts.entry(agent).or_default() += 1);
        assert!(counts.values().all(|count| *count <= most), "conversations at {}", event["position"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_claims_never_exceed_an_agents_capacity() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let account = program.account();
    let whatsapp = account.whatsapp("http://127.0.0.1:9").await;
    let ana = agent(&account, "Ana", json!({ "max_concurrent_conversations": 3 })).await;
    queue(&account, json!({ "name": "All", "strategy": "manual_queue" })).await;
    let mut ids = Vec::new();
    for number in 0..12 {
        ids.push(conversation_from(&account, &whatsapp, &format!("25191100{number:04}")).await);
    }
    let lead = account.person("supervisor", "Lea");
    let claims = ids.iter().enumerate().map(|(number, id)| {
        let (who, body) =
            if number % 2 == 0 { (&ana, json!({})) } else { (&lead, json!({ "assignee_id": ana.user })) };
        who.send(Method::POST, leak(format!("/v1/conversations/{id}/assign")), body)
    });
    let answers = join_all(claims).await;
    let taken = answers.iter().filter(|(status, _)| status.is_success()).count();
    assert_eq!(taken, 3, "{answers:?}");
    for (status, problem) in answers.iter().filter(|(status, _)| !status.is_success()) {
        assert_eq!(*status, StatusCode::CONFLICT);
        assert_eq!(problem["reason"], "at_capacity", "{problem}");
    }
    assert_capacity_never_exceeded(&account.admin, 3).await;

    // A supervisor can force the assignment, and the event records the reason that was overridden.
    let (index, _) = answers.iter().enumerate().find(|(_, (status, _))| !status.is_success()).unwrap();
    let path = format!("/v1/conversations/{}/assign", ids[index]);
    let force = json!({ "assignee_id": ana.user, "force": true });
    let (status, _) = ana.send(Method::POST, &path, force.clone()).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    lead.post(&path, force).await;
    let history = event_history(&account.admin, &ids[index]).await;
    let assigned = history.iter().find(|(name, _)| name == "Assigned").unwrap();
    assert_eq!(assigned.1["overridden"], "at_capacity");
}

fn leak(path: String) -> &'static str {
    Box::leak(path.into_boxed_str())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_is_distributed_and_the_queue_advances_as_agents_become_available() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Program::serve(&folder.path().join("data")).await;
    let account = program.account();
    let whatsapp = account.whatsapp("http://127.0.0.1:9").await;
    let two = || json!({ "max_concurrent_conversations": 2, "auto_accept": true });
    let agents = [
        agent(&account, "Ana", two()).await,
        agent(&account, "Ben", two()).await,
        agent(&account, "Cal", two()).await,
    ];
    queue(&account, json!({ "name": "All", "strategy": "least_busy" })).await;
    let phones: Vec<_> = (0..10).map(|number| format!("25191100{number:04}")).collect();
    join_all(phones.iter().map(|phone| conversation_from(&account, &whatsapp, phone))).await;
    let admin = &account.admin;
    let held = "/v1/conversations?status=assigned&limit=50";
    let count = |answer: &Value| answer["data"].as_array().map_or(0, Vec::len);
    let full = admin.get_until(held, |held| count(held) == 6).await;
    let line = admin.get_until("/v1/queue", |line| count(line) == 4).await;
    let positions: Vec<_> =
        line["data"].as_array().unwrap().iter().map(|one| one["position"].as_u64().unwrap()).collect();
    assert_eq!(positions, [1, 2, 3, 4]);
    let next = line["data"][0]["conversation_id"].as_str().unwrap().to_owned();

    // One conversation is resolved: the first one in the queue is assigned at once.
    let done = full["data"][0]["id"].as_str().unwrap();
    admin.patch(&format!("/v1/conversations/{done}"), json!({ "status": "resolved" })).await;
    admin.get_until(&format!("/v1/conversations/{next}"), |one| one["status"] == "assigned").await;
    // An unavailable agent who resolves conversations gets no new ones. Available again, the agent does.
    let ana = &agents[0];
    ana.patch("/v1/agent-preferences/me", json!({ "is_available": false })).await;
    let hers = admin.get(&format!("/v1/conversations?status=assigned&assignee_id={}", ana.user)).await;
    for one in hers["data"].as_array().unwrap() {
        let path = format!("/v1/conversations/{}", one["id"].as_str().unwrap());
        ana.patch(&path, json!({ "status": "resolved" })).await;
    }
    admin.get_until(held, |held| count(held) == 4).await;
    let (admin, ana) = (admin.at(&program), ana.at(&program));
    program.kill().await;
    program.restart().await;
    ana.patch("/v1/agent-preferences/me", json!({ "is_available": true })).await;
    admin.get_until(held, |held| count(held) == 6).await;
    assert_capacity_never_exceeded(&admin, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_to_several_agents_is_accepted_once() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let account = program.account();
    let whatsapp = account.whatsapp("http://127.0.0.1:9").await;
    let one = || json!({ "max_concurrent_conversations": 1 });
    let agents = [agent(&account, "Ana", one()).await, agent(&account, "Ben", one()).await];
    queue(&account, json!({ "name": "All", "strategy": "ring_all", "offer_seconds": 600 })).await;
    let id = conversation_from(&account, &whatsapp, "251911000001").await;
    let line = account.admin.get_until("/v1/queue", |line| line["data"][0]["offer"].is_object()).await;
    let offer = &line["data"][0]["offer"];
    assert_eq!(offer["agent_ids"].as_array().unwrap().len(), 2);
    let path = leak(format!("/v1/conversations/{id}/offers/{}/accept", offer["id"].as_str().unwrap()));
    let answers = join_all(agents.iter().map(|agent| agent.send(Method::POST, path, json!({})))).await;
    let won: Vec<_> = answers.iter().filter(|(status, _)| status.is_success()).collect();
    assert_eq!(won.len(), 1, "{answers:?}");
    let lost = answers.iter().find(|(status, _)| !status.is_success()).unwrap();
    assert_eq!(lost.0, StatusCode::CONFLICT);
    assert!(lost.1["winner"]["id"].is_string(), "{}", lost.1);
    assert_capacity_never_exceeded(&account.admin, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_of_another_account_is_never_assigned() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let (here, there) = (program.account(), program.account());
    let whatsapp = here.whatsapp("http://127.0.0.1:9").await;
    let stranger = agent(&there, "Zoe", json!({ "auto_accept": true })).await;
    let id = conversation_from(&here, &whatsapp, "251911000001").await;
    let body = json!({ "assignee_id": stranger.user });
    let path = format!("/v1/conversations/{id}/assign");
    let (status, problem) = here.admin.send(Method::POST, &path, body).await;
    assert_eq!((status, &problem["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("assignee_id")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_without_heartbeats_becomes_away_and_is_not_assigned() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve_with(&folder.path().join("data"), &["--agent-away-after", "1"]).await;
    let account = program.account();
    let whatsapp = account.whatsapp("http://127.0.0.1:9").await;
    let ana = agent(&account, "Ana", json!({ "auto_accept": true })).await;
    queue(&account, json!({ "name": "All", "strategy": "least_busy" })).await;
    let here = ana.post("/v1/agents/me/presence", json!({ "status": "online" })).await;
    assert_eq!(here["status"], "online");
    let known = format!("/v1/agent-preferences/{}", ana.user);
    account.admin.get_until(&known, |seen| seen["presence"] == "away").await;
    let id = conversation_from(&account, &whatsapp, "251911000001").await;
    let line = account.admin.get_until("/v1/queue", |line| line["data"][0].is_object()).await;
    assert_eq!(line["data"][0]["conversation_id"], id.as_str());
    ana.post("/v1/agents/me/presence", json!({})).await;
    account.admin.get_until(&format!("/v1/conversations/{id}"), |one| one["status"] == "assigned").await;
}

/// An agent's page shows where each customer is in the queue, without asking again.
#[tokio::test(flavor = "multi_thread")]
async fn queue_positions_are_pushed_when_they_change() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let account = program.account();
    let ana = account.person("agent", "Ana");
    account.admin.post("/v1/queues", json!({ "name": "All", "strategy": "manual_queue" })).await;
    let whatsapp = account.whatsapp("http://127.0.0.1:9").await;
    let request = ana.request(Method::GET, "/v1/queue").header("Accept", "text/event-stream");
    let mut stream = request.send().await.unwrap();
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let mut text = String::new();
    next_queue(&mut stream, &mut text, &[]).await;
    whatsapp.customer_writes("251911000001", "wamid.1", "First").await;
    let first = conversation_of(&ana, "251911000001").await;
    next_queue(&mut stream, &mut text, &[&first]).await;
    whatsapp.customer_writes("251911000002", "wamid.2", "Second").await;
    let second = conversation_of(&ana, "251911000002").await;
    next_queue(&mut stream, &mut text, &[&first, &second]).await;
    ana.post(&format!("/v1/conversations/{first}/assign"), json!({})).await;
    next_queue(&mut stream, &mut text, &[&second]).await;
}

/// Reads the stream until its last event has these conversations, each at its position.
async fn next_queue(stream: &mut reqwest::Response, text: &mut String, expected: &[&str]) {
    let shown = async {
        loop {
            if let Some(list) = text.rsplit("\n\n").find_map(|event| event.split_once("data: ")) {
                let list: Value = serde_json::from_str(list.1).unwrap();
                let rows = list["data"].as_array().unwrap();
                let positions: Vec<_> = rows.iter().map(|row| row["position"].as_u64().unwrap()).collect();
                let ids: Vec<_> = rows.iter().map(|row| row["conversation_id"].as_str().unwrap()).collect();
                if ids == expected && positions == (1..=expected.len() as u64).collect::<Vec<_>>() {
                    return;
                }
            }
            let chunk = stream.chunk().await.unwrap().expect("the stream goes on");
            text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    };
    let deadline = std::time::Duration::from_secs(30);
    tokio::time::timeout(deadline, shown).await.expect("the queue was never shown as expected");
}
