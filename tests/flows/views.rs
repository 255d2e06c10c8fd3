//! Saved views: who sees them, what is in them for whom, and that they are right after each change.

use crate::browser::{Browser, has_browser};
use crate::fake_whatsapp::FakeWhatsApp;
use crate::program::{Person, Program, conversation_of};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

async fn save(person: &Person, name: &str, visibility: &str, more: Value) -> String {
    let mut view = json!({ "name": name, "visibility": visibility });
    view.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let saved = person.post("/v1/views", view).await;
    format!("/v1/views/{}", saved["id"].as_str().unwrap())
}

/// The answer to a request that waits for the newest event of the person's conversation.
async fn read_after(person: &Person, path: &str, position: &Value) -> Value {
    let request = person.request(Method::GET, path).header("Verbatim-After", position.as_str().unwrap());
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    assert!(answer.headers().contains_key("Verbatim-Position"), "{path}");
    answer.json().await.unwrap()
}

fn names(list: &Value) -> Vec<&str> {
    list["data"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect()
}

fn customers(list: &Value) -> Vec<&str> {
    list["data"].as_array().unwrap().iter().map(|row| row["contact_identifier"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_has_its_conversations_for_each_agent_and_a_personal_one_is_seen_by_its_author() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let account = program.account();
    let provider = FakeWhatsApp::start().await;
    let whatsapp = account.whatsapp(&provider.base_url).await;
    let (ana, ben) = (account.person("agent", "Ana"), account.person("agent", "Ben"));
    let mut paths = Vec::new();
    for customer in ["1", "2", "3", "4", "5"] {
        whatsapp.customer_writes(customer, &format!("wamid.{customer}"), "Hello").await;
        paths.push(format!("/v1/conversations/{}", conversation_of(&ana, customer).await));
    }
    let own = save(
        &ana,
        "Mine or important",
        "personal",
        json!({
            "filter": { "any": [
                { "assignee": ["me"] },
                { "all": [{ "label": ["vip"] }, { "not": { "priority": ["low"] } }] },
            ]},
            "sort_by": "created_at", "descending": false,
        }),
    )
    .await;
    let shared = save(
        &account.admin,
        "At work",
        "everyone",
        json!({ "filter": { "assignee": ["me"] }, "sort_by": "priority" }),
    )
    .await;
    ana.patch(&paths[0], json!({ "labels": ["vip"] })).await;
    ana.patch(&paths[1], json!({ "labels": ["vip"], "priority": "low" })).await;
    ana.patch(&paths[2], json!({ "assignee_id": ana.user, "priority": "high" })).await;
    ben.patch(&paths[3], json!({ "assignee_id": ben.user })).await;
    let last = ana.patch(&paths[4], json!({ "assignee_id": ana.user, "priority": "urgent" })).await;
    let last = &last["position"];

    // The same view is another list for each agent, and its pages have each conversation once.
    let list = read_after(&ana, &format!("{own}/conversations"), last).await;
    assert_eq!(customers(&list), ["1", "3", "5"]);
    let first = ana.get(&format!("{own}/conversations?limit=2")).await;
    let next = format!("{own}/conversations?limit=2&cursor={}", first["next_cursor"].as_str().unwrap());
    assert_eq!((customers(&first), customers(&ana.get(&next).await)), (vec!["1", "3"], vec!["5"]));
    assert_eq!(customers(&read_after(&ana, &format!("{shared}/conversations"), last).await), ["5", "3"]);
    assert_eq!(customers(&read_after(&ben, &format!("{shared}/conversations"), last).await), ["4"]);
    let counted = json!({ "count": 3, "has_more": false });
    assert_eq!(read_after(&ana, &format!("{own}/count"), last).await, counted);
    let left = ana.patch(&paths[0], json!({ "labels": [] })).await;
    assert_eq!(read_after(&ana, &format!("{own}/count"), &left["position"]).await["count"], 2);
    // A cursor of the order before is refused.
    let changed = ana.patch(&own, json!({ "sort_by": "priority" })).await;
    assert_eq!(changed["sort_by"], "priority");
    let refused = |(status, problem): &(StatusCode, Value)| {
        (*status, problem["field"].as_str() == Some("cursor")) == (StatusCode::BAD_REQUEST, true)
    };
    let began = std::time::Instant::now();
    while !refused(&ana.try_get(&next).await) {
        assert!(began.elapsed() < crate::program::DEADLINE, "the cursor is accepted");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }

    // Others do not see a personal view, neither itself nor in the log's documents.
    assert_eq!(names(&ana.get("/v1/views").await), ["At work", "Mine or important"]);
    for other in [&ben, &account.admin] {
        assert_eq!(names(&other.get("/v1/views").await), ["At work"]);
        for part in ["", "/conversations", "/count"] {
            assert_eq!(other.try_get(&format!("{own}{part}")).await.0, StatusCode::NOT_FOUND);
        }
    }
    let events = account.admin.get("/v1/events?limit=200").await.to_string();
    assert!(events.contains("SavedViewDefined") && events.contains("At work"), "{events}");
    assert!(!events.contains("Mine or important") && !events.contains("\"vip\"]}"), "{events}");
    let stranger = crate::program::fresh_id();
    let stranger = crate::program::Account::new(&program, &stranger);
    assert_eq!(stranger.admin.try_get(&format!("{shared}/conversations")).await.0, StatusCode::NOT_FOUND);
    assert_eq!(names(&stranger.admin.get("/v1/views").await), [""; 0]);

    // Retired, it is gone.
    ana.send_ok(Method::DELETE, &own, Value::Null).await;
    ana.get_until("/v1/views", |list| names(list) == ["At work"]).await;
    assert_eq!(ana.try_get(&format!("{own}/count")).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_keeps_a_view_in_a_browser() {
    if !has_browser("saved views in a browser") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let account = program.account();
    let provider = FakeWhatsApp::start().await;
    let whatsapp = account.whatsapp(&provider.base_url).await;
    let (ana, sue) = (account.person("agent", "Ana"), account.person("supervisor", "Sue"));
    let patch = async |customer: &str, change: Value| {
        let path = format!("/v1/conversations/{}", conversation_of(&sue, customer).await);
        sue.patch(&path, change).await;
    };
    let mut browser = Browser::start("views.js", &[&program.base, &ana.token, &sue.token]);
    while let Some(wish) = browser.wish().await {
        match wish.as_str() {
            "customers" => {
                whatsapp.customer_writes("1", "wamid.1", "Tea, please").await;
                whatsapp.customer_writes("2", "wamid.2", "Coffee, please").await;
            }
            "label tea" => patch("1", json!({ "labels": ["vip"] })).await,
            "coffee is urgent" => patch("2", json!({ "priority": "urgent" })).await,
            "done" => {}
            other => panic!("the pages' test wants {other}"),
        }
        browser.granted().await;
    }
    browser.assert_done().await;
}
