//! The history of a conversation, its past states, and the event stream.

use crate::program::{Program, conversation_of};
use futures::StreamExt;
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn the_history_has_actor_cause_and_time_and_any_past_state_can_be_queried() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let account = program.account();
    let provider = crate::fake_whatsapp::FakeWhatsApp::start().await;
    let whatsapp = account.whatsapp(&provider.base_url).await;
    let ana = account.person("agent", "Ana");
    whatsapp.customer_writes("1", "wamid.1", "Hello").await;
    let id = conversation_of(&ana, "1").await;
    let path = format!("/v1/conversations/{id}");

    // The conversation after every change, by position, as the read model showed it.
    let mut seen: Vec<(String, Value)> = Vec::new();
    for change in [
        json!({ "subject": "A kettle" }),
        json!({ "priority": "high", "labels": ["refund", "vip"] }),
        json!({ "assignee_id": ana.user }),
        json!({ "status": "pending" }),
        json!({ "labels": ["vip"] }),
        json!({ "status": "resolved" }),
    ] {
        let done = ana.patch(&path, change).await;
        let position = done["position"].as_str().unwrap().to_owned();
        let read = ana.request(Method::GET, &path).header("Verbatim-After", &position).send().await.unwrap();
        seen.push((position, read.json().await.unwrap()));
    }
    for (position, live) in &seen {
        let then = ana.get(&format!("{path}?as_of={position}")).await;
        for field in live.as_object().unwrap().keys().filter(|field| *field != "messages") {
            assert_eq!(then[field], live[field], "{field} as of {position}");
        }
    }
    let third = &seen[2].1;
    let by_time = ana.get(&format!("{path}?as_of={}", third["updated_at"].as_str().unwrap())).await;
    assert_eq!(by_time["status"], third["status"]);

    let sent = ana.post(&format!("{path}/messages"), json!({ "content": "Hi" })).await;
    let history = ana
        .get_until(&format!("{path}/events?limit=200"), |a| {
            a["data"]
                .as_array()
                .is_some_and(|d| d.iter().any(|e| e["type"].as_str().unwrap().contains("Dispatched")))
        })
        .await;
    let events = history["data"].as_array().unwrap();
    let versions: Vec<u64> =
        events.iter().map(|event| event["streamversion"].as_str().unwrap().parse().unwrap()).collect();
    assert_eq!(versions, (0..events.len() as u64).collect::<Vec<_>>(), "complete and in order");
    let find =
        |name: &str| events.iter().find(|event| event["type"].as_str().unwrap().contains(name)).unwrap();
    assert_eq!(find("Assigned")["actorname"], "Ana");
    assert_eq!(find("MessageReceived")["actortype"], "contact");
    // The dispatch was caused by the message that was sent.
    assert_eq!(find("Dispatched")["causationid"], find("MessageSent")["id"]);
    assert_eq!(find("Dispatched")["correlationid"], find("MessageSent")["correlationid"]);
    assert!(sent["position"].is_string());
}

/// Reads `count` server-sent events.
async fn read_stream(answer: reqwest::Response, count: usize) -> Vec<(String, Value)> {
    let mut body = answer.bytes_stream();
    let mut text = String::new();
    let mut events = Vec::new();
    while events.len() < count {
        let chunk =
            tokio::time::timeout(crate::program::DEADLINE, body.next()).await.expect("an event in time");
        text.push_str(std::str::from_utf8(&chunk.expect("an open stream").unwrap()).unwrap());
        while let Some(end) = text.find("\n\n") {
            let block: String = text.drain(..end + 2).collect();
            let field = |name: &str| {
                block.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned())
            };
            if let (Some(id), Some(data)) = (field("id:"), field("data:")) {
                events.push((id, serde_json::from_str(&data).unwrap()));
            }
        }
    }
    events
}

#[tokio::test(flavor = "multi_thread")]
async fn the_event_stream_resumes_after_the_last_event_id() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let account = program.account();
    let whatsapp = account.whatsapp("http://127.0.0.1:9").await;
    for number in 0..5 {
        whatsapp.customer_writes("1", &format!("wamid.{number}"), &format!("Message {number}")).await;
    }
    let connect = |last: Option<String>| {
        let mut request = account.admin.request(Method::GET, "/v1/events?types=MessageReceived");
        request = request.header("Accept", "text/event-stream");
        if let Some(last) = last {
            request = request.header("Last-Event-ID", last);
        }
        request.send()
    };
    let first = read_stream(connect(None).await.unwrap(), 3).await;
    // One message while no reader is connected, and two while one is.
    whatsapp.customer_writes("1", "wamid.5", "Message 5").await;
    let answer = connect(Some(first[2].0.clone())).await.unwrap();
    let writing = async {
        whatsapp.customer_writes("1", "wamid.6", "Message 6").await;
        whatsapp.customer_writes("1", "wamid.7", "Message 7").await;
    };
    let (rest, ()) = futures::join!(read_stream(answer, 5), writing);
    let contents: Vec<_> = first
        .iter()
        .chain(&rest)
        .map(|(_, event)| event["data"]["content"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(contents, (0..8).map(|number| format!("Message {number}")).collect::<Vec<_>>());
    let event = &rest[0].1;
    assert_eq!(event["specversion"], "1.0");
    assert_eq!(event["source"], format!("/accounts/{}", account.id));
    assert_eq!(event["type"], "verbatim.conversation.MessageReceived.v1");
    let schema = event["dataschema"].as_str().unwrap();
    let schema = program.get(&schema[schema.find("/schemas").unwrap()..]).send().await.unwrap();
    assert!(schema.status().is_success());
}
