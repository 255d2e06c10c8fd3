//! `Verbatim-Position`: an answer has every event up to it and none after it.

use crate::answers::{Fixture, fixture, total};
use crate::scenario::Scenario;
use axum::http::StatusCode;
use event_schemas::{AccountId, Position, Version};
use event_store::{EventStore, Filter};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::mpsc;

/// The newest version of each conversation.
type Versions = BTreeMap<String, u64>;

/// The part of an answer that depends on its position.
enum Read {
    Inbox(Versions),
    Conversation(String, u64),
    Count(usize),
}

async fn read(fixture: &Fixture, kind: usize, known: &mut Vec<String>) -> (Position, Read) {
    let agent = fixture.agent();
    let path = match kind {
        0 => "/v1/conversations?limit=200".to_owned(),
        1 => "/v1/conversations?limit=200&sort=created_at:asc".to_owned(),
        2 => "/v1/conversations/counts".to_owned(),
        _ => format!("/v1/conversations/{}", known[kind % known.len()]),
    };
    let answer = fixture.ask(&agent, &path).await;
    let position = answer.header("verbatim-position").parse().unwrap();
    let body = answer.expect_ok();
    let read = match kind {
        0 | 1 => {
            assert_eq!(body["next_cursor"], Value::Null);
            let row =
                |row: &Value| (row["id"].as_str().unwrap().to_owned(), row["version"].as_u64().unwrap());
            let rows: Versions = body["data"].as_array().unwrap().iter().map(row).collect();
            *known = rows.keys().cloned().collect();
            Read::Inbox(rows)
        }
        2 => Read::Count(usize::try_from(total(&body["by_status"])).unwrap()),
        _ => {
            let count = |name: &str| body[name].as_u64().unwrap();
            if body["earlier_messages"].is_null() {
                // The row and the list of messages are two tables.
                let messages = body["messages"].as_array().unwrap().len() as u64;
                assert_eq!(messages, count("message_count") + count("note_count"));
            }
            Read::Conversation(body["id"].as_str().unwrap().to_owned(), count("version"))
        }
    };
    (position, read)
}

/// The versions of the account's conversations at each position of the log.
async fn versions_by_position(store: &dyn EventStore, account: AccountId) -> BTreeMap<Position, Versions> {
    let (mut all, mut versions, mut after) = (BTreeMap::new(), Versions::new(), None);
    all.insert(Position::at(0), versions.clone());
    loop {
        let page = store.read_all(after, &Filter::all(), 1_000).await.unwrap();
        for event in &page.events {
            let of_account = event.metadata.account_id == account;
            if let Some(id) = event.stream.as_conversation().filter(|_| of_account) {
                let Version(version) = event.version;
                versions.insert(id.to_string(), version);
            }
            all.insert(event.position, versions.clone());
        }
        after = page.through.or(after);
        if page.at_end {
            return all;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_answer_has_every_event_up_to_its_position_and_none_after_it() {
    let mut fixture = fixture(21, 100).await;
    let account = fixture.scenario.accounts[0];
    let (agents, accounts) = (fixture.scenario.agents.clone(), fixture.scenario.accounts.clone());
    let mut scenario = std::mem::replace(&mut fixture.scenario, Scenario::new(0));
    (fixture.scenario.agents, fixture.scenario.accounts) = (agents, accounts);
    let (store, fixture) = (Arc::clone(&fixture.store), Arc::new(fixture));
    let (answers, mut answered) = mpsc::channel(16);
    let readers: Vec<_> = (0..3)
        .map(|reader: usize| {
            let (fixture, answers) = (Arc::clone(&fixture), answers.clone());
            tokio::spawn(async move {
                let mut known = Vec::new();
                read(&fixture, 0, &mut known).await;
                for kind in (0..8).cycle().skip(reader) {
                    let answer = read(&fixture, kind, &mut known).await;
                    if answers.send(answer).await.is_err() {
                        return;
                    }
                }
            })
        })
        .collect();
    drop(answers);
    let mut read = Vec::new();
    for _ in 0..120 {
        scenario.run(3).write(&*store).await;
        read.extend(answered.recv().await);
        while let Ok(answer) = answered.try_recv() {
            read.push(answer);
        }
    }
    answered.close();
    while answered.recv().await.is_some() {}
    for reader in readers {
        reader.await.unwrap();
    }

    let by_position = versions_by_position(&*store, account).await;
    for (position, read) in &read {
        let expected = &by_position[position];
        match read {
            Read::Inbox(versions) => assert_eq!(versions, expected, "at {position}"),
            Read::Conversation(id, version) => {
                assert_eq!(Some(version), expected.get(id), "{id} at {position}");
            }
            Read::Count(count) => assert_eq!(*count, expected.len(), "at {position}"),
        }
    }
    let positions: BTreeSet<_> = read.iter().map(|(position, _)| position).collect();
    assert!(positions.len() > 20, "the log grew while it was read: {}", positions.len());
}

/// Every query, as its description says.
#[tokio::test]
async fn every_query_of_the_tables_has_its_position_and_waits_for_one() {
    let fixture = fixture(22, 300).await;
    let administrator = fixture.administrator();
    let end = fixture.store.end().await.unwrap().unwrap().to_string();
    let rows = async |path: &str| fixture.all(&administrator, path).await;
    let conversation = rows("/v1/conversations?limit=200").await[0]["id"].as_str().unwrap().to_owned();
    let api = fixture.ask(&administrator, "/openapi.json").await.expect_ok();
    let (mut with, mut without) = (0, Vec::new());
    for (path, item) in api["paths"].as_object().unwrap() {
        let Some(operation) = item.get("get").filter(|_| path != "/schemas/{name}") else { continue };
        let parameters = operation["parameters"].as_array().unwrap();
        assert!(parameters.iter().any(|parameter| parameter["name"] == "Verbatim-After"), "{path}");
        let is_described = operation["responses"]["200"]["headers"]["Verbatim-Position"].is_object();
        assert!(operation.get("x-answers-position").is_none(), "{path}");
        let address = path.replace("/conversations/{id}", &format!("/conversations/{conversation}"));
        let unknown = "00000000-0000-0000-0000-00000000dead";
        let part = |part: &str| if part.starts_with('{') { unknown.to_owned() } else { part.to_owned() };
        let mut address = address.split('/').map(part).collect::<Vec<_>>().join("/");
        address.push_str(match &**path {
            "/v1/search" => "?q=word",
            "/v1/conversations/{id}/why" => "?field=status",
            _ => "",
        });
        let answer = fixture.ask_with(&administrator, &address, &[("verbatim-after", &end)]).await;
        assert!([StatusCode::OK, StatusCode::NOT_FOUND].contains(&answer.status), "{path}: {}", answer.text);
        let expected = if is_described { &*end } else { "" };
        assert_eq!(answer.header("verbatim-position"), expected, "{path}");
        let beyond = fixture.ask_with(&administrator, &address, &[("verbatim-after", "999999999")]).await;
        assert_eq!(beyond.status, StatusCode::BAD_REQUEST, "{path}: {}", beyond.text);
        assert_eq!(beyond.json()["field"], "Verbatim-After", "{path}");
        match is_described {
            true => with += 1,
            false => without.push(path.as_str()),
        }
    }
    assert!(with >= 25, "{with}");
    assert_eq!(without, ["/v1/conversations/{id}/events", "/v1/events", "/v1/events/{id}"]);

    // A view of the past is read from the log.
    let past = format!("/v1/conversations/{conversation}?as_of={end}");
    let past = fixture.ask(&administrator, &past).await;
    assert_eq!((past.status, past.header("verbatim-position")), (StatusCode::OK, ""));
}

#[tokio::test]
async fn tables_without_an_event_are_at_position_0() {
    let fixture = fixture(23, 0).await;
    let answer = fixture.ask_with(&fixture.agent(), "/v1/conversations", &[("verbatim-after", "0")]).await;
    assert_eq!((answer.status, answer.header("verbatim-position")), (StatusCode::OK, "0"));
}
