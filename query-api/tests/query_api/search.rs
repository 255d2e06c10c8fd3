//! The search through the API.

use crate::answers::fixture;
use axum::http::StatusCode;
use serde_json::Value;

fn texts(segments: &Value) -> String {
    segments.as_array().unwrap().iter().map(|segment| segment["text"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn each_kind_is_found_with_its_hits_marked_and_in_pages() {
    let fixture = fixture(1, 1200).await;
    let agent = fixture.agent();
    let answer = fixture.ask(&agent, "/v1/search?q=charged&limit=5").await;
    assert!(!answer.header("verbatim-position").is_empty());
    let found = answer.expect_ok();
    let messages = found["messages"]["data"].as_array().unwrap();
    assert_eq!(messages.len(), 5);
    for message in messages {
        let excerpt = message["excerpt"].as_array().unwrap();
        let hits: Vec<_> = excerpt.iter().filter(|segment| segment["hit"] == true).collect();
        assert_eq!(hits.len(), 1);
        assert_eq!(hits[0]["text"], "charged");
        let (conversation, id) = (&message["conversation"]["id"], &message["id"]);
        let path =
            format!("/v1/conversations/{}/messages/{}", conversation.as_str().unwrap(), id.as_str().unwrap());
        let whole = fixture.ask(&agent, &path).await.expect_ok();
        assert_eq!(texts(&message["excerpt"]), whole["content"]);
        assert_eq!(message["cursor"], whole["cursor"]);
    }
    let cursor = found["messages"]["next_cursor"].as_str().unwrap();
    let next = format!("/v1/search?q=charged&limit=5&kinds=messages&cursor={cursor}");
    let next = fixture.ask(&agent, &next).await.expect_ok();
    assert!(next["people"].is_null() && next["conversations"].is_null());
    assert!(next["messages"]["data"].as_array().unwrap().iter().all(|message| !messages.contains(message)));
    let people = fixture.ask(&agent, "/v1/search?q=custo&kinds=people").await.expect_ok();
    assert!(texts(&people["people"]["data"][0]["marked_name"]).starts_with("Customer"));
    let conversations = fixture.ask(&agent, "/v1/search?q=is:open&kinds=conversations").await.expect_ok();
    let conversations = conversations["conversations"]["data"].as_array().unwrap();
    assert!(!conversations.is_empty() && conversations.iter().all(|row| row["status"] == "open"));
}

#[tokio::test]
async fn a_problem_says_what_is_wrong_in_a_search_and_what_is_allowed() {
    let fixture = fixture(2, 100).await;
    let agent = fixture.agent();
    for (query, status, field, said) in [
        ("q=colour:red", StatusCode::UNPROCESSABLE_ENTITY, "q", "Filters are from:"),
        ("q=is:opne", StatusCode::UNPROCESSABLE_ENTITY, "q", "unassigned"),
        ("q=before:soon", StatusCode::UNPROCESSABLE_ENTITY, "q", "2026-11-01"),
        ("q=label:vip&kinds=people", StatusCode::UNPROCESSABLE_ENTITY, "q", "does not filter people"),
        ("q=word&kinds=tickets", StatusCode::BAD_REQUEST, "kinds", "messages"),
        ("q=word&cursor=00", StatusCode::BAD_REQUEST, "cursor", "cursor"),
    ] {
        let answer = fixture.ask(&agent, &format!("/v1/search?{query}")).await;
        assert_eq!(answer.status, status, "{query}: {}", answer.text);
        let problem = answer.json();
        assert_eq!(problem["field"], field, "{query}: {problem}");
        assert!(problem["detail"].as_str().unwrap().contains(said), "{query}: {problem}");
    }
    let cursor = fixture.ask(&agent, "/v1/search?q=charged&kinds=messages&limit=1").await.expect_ok();
    let cursor = cursor["messages"]["next_cursor"].as_str().unwrap().to_owned();
    for query in [format!("q=charged&cursor={cursor}"), format!("q=twice&kinds=messages&cursor={cursor}")] {
        let answer = fixture.ask(&agent, &format!("/v1/search?{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}: {}", answer.text);
    }
}

#[tokio::test]
async fn another_account_finds_none_of_these_messages() {
    let fixture = fixture(3, 600).await;
    let mut found = Vec::new();
    for account in 0..2 {
        let caller = fixture.supervisor(account);
        let answer = fixture.ask(&caller, "/v1/search?q=charged&kinds=messages&limit=200").await.expect_ok();
        for message in answer["messages"]["data"].as_array().unwrap() {
            let path = format!("/v1/conversations/{}", message["conversation"]["id"].as_str().unwrap());
            assert_eq!(fixture.ask(&caller, &path).await.status, StatusCode::OK);
            found.push(message["id"].clone());
        }
    }
    let mut once = found.clone();
    once.sort_by_key(Value::to_string);
    once.dedup();
    assert!(found.len() > 5 && once.len() == found.len());
}
