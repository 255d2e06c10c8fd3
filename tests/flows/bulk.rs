//! Bulk changes: five hundred conversations at once, over a crash, and taken back as a whole.

use crate::browser::{Browser, has_browser};
use crate::kill::whole_log;
use crate::program::{Account, DEADLINE, Person, Program, fresh_id};
use crate::ui_shift::{api_channel, receive};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

const CONVERSATIONS: usize = 500;

/// A message of each of the customers `c000`, `c001` and so on.
fn messages() -> Vec<Value> {
    let message =
        |number| json!({ "id": format!("m{number}"), "from": format!("c{number:03}"), "content": "Hello" });
    (0..CONVERSATIONS).map(message).collect()
}

/// The account's conversations by the customer's name, once there are so many.
async fn conversations(person: &Person, wanted: usize) -> BTreeMap<String, Value> {
    let began = Instant::now();
    loop {
        let (mut found, mut cursor) = (BTreeMap::new(), String::new());
        loop {
            let page = person.get(&format!("/v1/conversations?limit=200{cursor}")).await;
            for row in page["data"].as_array().unwrap() {
                found.insert(row["contact_identifier"].as_str().unwrap().to_owned(), row.clone());
            }
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        if found.len() == wanted {
            return found;
        }
        assert!(began.elapsed() < DEADLINE, "{} conversations", found.len());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn until(person: &Person, path: &str, status: &str) -> Value {
    let began = Instant::now();
    loop {
        let (_, answer) = person.try_get(path).await;
        if answer["status"] == status {
            return answer;
        }
        assert!(began.elapsed() < DEADLINE * 3, "it is never {status}: {answer}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn shown(rows: &BTreeMap<String, Value>) -> BTreeMap<&str, [&Value; 4]> {
    fn parts(row: &Value) -> [&Value; 4] {
        ["status", "assignee_id", "priority", "labels"].map(|name| &row[name])
    }
    rows.iter().map(|(name, row)| (name.as_str(), parts(row))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_conversations_are_changed_over_a_crash_and_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Program::serve(&folder.path().join("data")).await;
    let (account, stranger) = (fresh_id(), fresh_id());
    let (ana, ben, sue, stranger) = {
        let account = Account::new(&program, &account);
        let path = api_channel(&account).await;
        receive(&program, &path, &messages()).await;
        let person = |role, name| account.person(role, name);
        let stranger = Account::new(&program, &stranger).admin;
        (person("agent", "Ana"), person("agent", "Ben"), person("supervisor", "Sue"), stranger)
    };
    let before = conversations(&ana, CONVERSATIONS).await;
    let path = |customer: &str| format!("/v1/conversations/{}", before[customer]["id"].as_str().unwrap());
    // One is another agent's, one is closed, and one is as wanted already.
    ben.patch(&path("c007"), json!({ "assignee_id": ben.user })).await;
    sue.send_ok(Method::DELETE, &path("c008"), Value::Null).await;
    ana.patch(&path("c009"), json!({ "labels": ["outage"], "priority": "high", "assignee_id": ana.user }))
        .await;
    let before = conversations(&ana, CONVERSATIONS).await;

    let mut ids: Vec<&Value> = before.values().map(|row| &row["id"]).collect();
    let unknown = json!(fresh_id());
    ids.push(&unknown);
    let body = json!({
        "conversation_ids": ids,
        "actions": [
            { "type": "assign_agent", "agent_id": ana.user },
            { "type": "add_labels", "labels": ["outage"] },
            { "type": "set_priority", "priority": "high" },
        ],
    });
    let start = async |person: &Person| {
        let request = person.request(Method::POST, "/v1/bulk").header("Idempotency-Key", "the-outage");
        request.json(&body).send().await.unwrap()
    };
    let answer = start(&ana).await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    let location = answer.headers()["location"].to_str().unwrap().to_owned();
    let started: Value = answer.json().await.unwrap();
    assert_eq!((&started["status"], &started["total"]), (&json!("running"), &json!(CONVERSATIONS + 1)));
    assert_eq!(location, format!("/v1/bulk/{}", started["id"].as_str().unwrap()));
    program.kill().await;
    program.restart().await;
    let (ana, ben, sue, stranger) =
        (ana.at(&program), ben.at(&program), sue.at(&program), stranger.at(&program));
    let again: Value = start(&ana).await.json().await.unwrap();
    assert_eq!(again["id"], started["id"], "it is started once");

    let done = until(&ana, &location, "done").await;
    assert_eq!((&done["done"], &done["changed"]), (&json!(CONVERSATIONS + 1), &json!(CONVERSATIONS - 3)));
    let refused: BTreeMap<&str, &str> = done["refused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["conversation_id"].as_str().unwrap(), one["reason"].as_str().unwrap()))
        .collect();
    let id = |customer: &str| before[customer]["id"].as_str().unwrap();
    assert_eq!(refused.len(), 3, "{refused:?}");
    assert_eq!(refused[id("c007")], "the conversation is assigned to another agent");
    assert!(refused[id("c008")].contains("closed"), "{refused:?}");
    assert_eq!(refused[unknown.as_str().unwrap()], "there is no such conversation");
    // The tables follow the log.
    let began = Instant::now();
    let is_changed =
        |row: &Value| row["labels"] == json!(["outage"]) && row["assignee_id"] == json!(ana.user);
    loop {
        let changed = conversations(&ana, CONVERSATIONS).await;
        let wrong =
            changed.values().find(|row| is_changed(row) == refused.contains_key(row["id"].as_str().unwrap()));
        let Some(wrong) = wrong else { break };
        assert!(began.elapsed() < DEADLINE, "{wrong}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    // No other agent takes it back, and no later change is lost.
    let undo = format!("{location}/undo");
    assert_eq!(stranger.try_get(&location).await.0, StatusCode::NOT_FOUND);
    assert_eq!(stranger.send(Method::POST, &undo, Value::Null).await.0, StatusCode::NOT_FOUND);
    assert_eq!(ben.send(Method::POST, &undo, Value::Null).await.0, StatusCode::FORBIDDEN);
    sue.patch(&path("c100"), json!({ "priority": "low" })).await;
    let undoing = ana.post(&undo, Value::Null).await;
    assert_eq!(undoing["status"], "undoing");
    program.kill().await;
    program.restart().await;
    let (ana, ben) = (ana.at(&program), ben.at(&program));
    let undone = until(&ana, &location, "undone").await;
    let progress = &undone["undo"];
    assert_eq!(
        (&progress["done"], &progress["changed"]),
        (&json!(CONVERSATIONS + 1), &json!(CONVERSATIONS - 4))
    );
    let reasons = json!([{ "conversation_id": id("c100"), "reason": "something later depends on it" }]);
    assert_eq!(progress["refused"], reasons);
    assert_eq!(ana.send(Method::POST, &undo, Value::Null).await.0, StatusCode::CONFLICT);
    let mut expected = shown(&before);
    expected.remove("c100");
    // The tables follow the log.
    let began = Instant::now();
    loop {
        let after = conversations(&ana, CONVERSATIONS).await;
        let mut found = shown(&after);
        assert_eq!(found.remove("c100").unwrap()[2], "low");
        if found == expected {
            break;
        }
        assert!(began.elapsed() < DEADLINE, "{found:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    // Although it was interrupted twice, each conversation has each change once, in the name of the agent.
    let log = whole_log(&sue.at(&program)).await;
    for kind in ["BulkActionRan", "ChangeUndone"] {
        let is_kind = |event: &&Value| event["type"].as_str().is_some_and(|name| name.contains(kind));
        let of_kind: Vec<_> = log.iter().filter(is_kind).collect();
        let streams: BTreeSet<_> = of_kind.iter().filter_map(|event| event["subject"].as_str()).collect();
        assert_eq!(of_kind.len(), streams.len(), "{kind}");
        assert!(streams.len() >= CONVERSATIONS - 4, "{kind}: {}", streams.len());
        assert!(of_kind.iter().all(|event| event["correlationid"] == started["id"]), "{kind}");
        assert!(of_kind.iter().all(|event| event["actorname"] == "Ana"), "{kind}");
    }

    // An account starts no more than twenty in ten minutes.
    let one = json!({ "conversation_ids": [id("c000")], "actions": [{ "type": "set_priority", "priority": "low" }] });
    let mut answers = Vec::new();
    while answers.len() < 41 && answers.last() != Some(&StatusCode::TOO_MANY_REQUESTS) {
        answers.push(ben.send(Method::POST, "/v1/bulk", one.clone()).await.0);
    }
    let (last, others) = answers.split_last().unwrap();
    assert_eq!(*last, StatusCode::TOO_MANY_REQUESTS);
    assert!(others.iter().all(|status| *status == StatusCode::ACCEPTED) && others.len() >= 18, "{answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_conversations_are_changed_and_taken_back_in_a_browser() {
    if !has_browser("bulk changes in a browser") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let account = program.account();
    let path = api_channel(&account).await;
    let (ana, ben) = (account.person("agent", "Ana"), account.person("agent", "Ben"));
    receive(&program, &path, &messages()).await;
    let first = conversations(&ana, CONVERSATIONS).await["c000"]["id"].as_str().unwrap().to_owned();
    ben.post(&format!("/v1/conversations/{first}/assign"), json!({})).await;
    let mut browser = Browser::start("bulk.js", &[&program.base, &ana.token]);
    while let Some(wish) = browser.wish().await {
        assert_eq!(wish, "done", "the pages' test wants {wish}");
        browser.granted().await;
    }
    browser.assert_done().await;
}
