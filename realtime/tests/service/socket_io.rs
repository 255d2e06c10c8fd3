//! Socket.IO 5 as its specification says (`docs/socket.io-protocol/v5-current.md` of socketio/socket.io): what is
//! answered, what is refused, and what closes a connection without touching another.

use crate::raw_socket::{Pushed, RawSocket};
use crate::{ACCOUNT, OTHER_ACCOUNT, Service, assert_served, until};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use event_schemas::ConversationId;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use tokio_tungstenite::tungstenite::Message;

fn object(packet: &str, begin: &str) -> Value {
    let json = packet.strip_prefix(begin).unwrap_or_else(|| panic!("{packet}"));
    serde_json::from_str(json).unwrap()
}

#[tokio::test]
async fn a_client_that_is_let_in_gets_an_id_and_then_its_place() {
    let service = Service::start().await;
    let mut client = RawSocket::open(service.port).await;
    let connected = client.connect(&json!({ "token": service.token() })).await;
    assert!(connected["sid"].is_string() && connected["pid"].is_string(), "{connected}");
    let sync = client.pushed().await.unwrap();
    assert_eq!((&*sync.name, &sync.object["mode"]), ("sync", &json!("live")));
    assert_served(&service, &mut client).await;
}

#[tokio::test]
async fn a_client_that_comes_back_gets_its_place_before_the_counts() {
    let service = Service::start().await;
    service.open_conversation(ACCOUNT, "1").await;
    let mut client = RawSocket::open(service.port).await;
    client.connect(&json!({ "token": service.token(), "after": "0" })).await;
    let sync = client.pushed().await.unwrap();
    assert_eq!((&*sync.name, &sync.object["mode"]), ("sync", &json!("resumed")));
    loop {
        let event = client.pushed().await.unwrap();
        // The client's own counts are no push, and have no offset.
        if event.name == "inbox:counts" && event.place.is_none() {
            break;
        }
    }
}

#[tokio::test]
async fn who_is_not_let_in_is_told_why_and_may_try_again() {
    let service = Service::start().await;
    let mut client = RawSocket::open(service.port).await;
    for (auth, status) in [("", 401), ("{}", 401), (r#"{"token":"x"}"#, 401), ("abc", 400), ("[1", 400)] {
        client.send(format!("40/agents,{auth}")).await;
        let refused = object(&client.next().await.unwrap(), "44/agents,");
        assert_eq!(refused["data"]["status"], status, "{auth}: {refused}");
        assert!(refused["message"].is_string(), "{refused}");
    }
    for (account, status) in [(json!(OTHER_ACCOUNT), 403), (json!("é"), 400), (json!("none"), 400)] {
        let auth = json!({ "token": service.token(), "account": account });
        client.send(format!("40/agents,{auth}")).await;
        let refused = &object(&client.next().await.unwrap(), "44/agents,")["data"];
        assert_eq!((&refused["status"], &refused["field"]), (&json!(status), &json!("account")), "{refused}");
    }
    let auth = json!({ "token": service.token(), "after": "yesterday" });
    client.send(format!("40/agents,{auth}")).await;
    assert_eq!(object(&client.next().await.unwrap(), "44/agents,")["data"]["field"], "after");
    client.connect(&json!({ "token": service.token() })).await;
    assert_served(&service, &mut client).await;
}

#[tokio::test]
async fn a_namespace_that_does_not_exist_is_refused_and_the_connection_goes_on() {
    let service = Service::start().await;
    let mut client = RawSocket::open(service.port).await;
    for name in ["/random", "/agents/x", "/AGENTS"] {
        client.send(format!("40{name},{{}}")).await;
        let refused = object(&client.next().await.unwrap(), &format!("44{name},"));
        assert_eq!(refused, json!({ "message": "Invalid namespace" }));
    }
    client.connect(&json!({ "token": service.token() })).await;
    assert_served(&service, &mut client).await;
}

#[tokio::test]
async fn packets_out_of_order_or_malformed_close_their_connection_and_no_other() {
    let service = Service::start().await;
    let mut bystander = service.agent().await;
    let before: &[(&str, &str)] = &[
        (r#"42/agents,1["conversation:leave",{}]"#, "an event before the client was let in"),
        (r#"42["conversation:leave",{}]"#, "an event before the client was let in"),
        ("4", "a packet was malformed"),
        ("4abc", "a packet was malformed"),
        ("44/agents,{}", "a packet was malformed"),
        ("49", "a packet was malformed"),
    ];
    for (packet, expected) in before {
        let mut client = RawSocket::open(service.port).await;
        client.send(*packet).await;
        assert_eq!(client.closed().await.0, *expected, "{packet}");
    }
    let deep = format!(r#"42/agents,1["conversation:leave",{}]"#, "[".repeat(50_000));
    let connected: &[(&str, &str)] = &[
        (r#"40/agents,{"token":"x"}"#, "it was let in already"),
        (r#"42/random,1["conversation:leave",{}]"#, "an event before the client was let in"),
        ("42/agents,1", "a packet was malformed"),
        ("42/agents,1[]", "a packet was malformed"),
        ("42/agents,1[7]", "a packet was malformed"),
        ("42/agents,1[null]", "a packet was malformed"),
        (r#"42/agents,1{"a":1}"#, "a packet was malformed"),
        (r#"42/agents,1["conversation:leave""#, "a packet was malformed"),
        (r#"42/agents,1["conversation:leave",]"#, "a packet was malformed"),
        (r#"42/agents,99999999999999999999["conversation:leave"]"#, "a packet was malformed"),
        (r#"451-/agents,1["conversation:leave",{"_placeholder":true,"num":0}]"#, "a packet was malformed"),
        (r#"461-/agents,1[{"_placeholder":true,"num":0}]"#, "a packet was malformed"),
        ("41/agents,", "the client left"),
        (&deep, "a packet was malformed"),
    ];
    for (packet, expected) in connected {
        let mut client = service.agent().await;
        client.send(*packet).await;
        assert_eq!(client.closed().await.0, *expected, "{packet:.60}");
    }
    let mut client = service.agent().await;
    client.send_message(Message::binary(vec![1, 2, 3])).await;
    assert_eq!(client.closed().await.0, "binary messages are not accepted: send JSON");
    assert_served(&service, &mut bystander).await;
}

#[tokio::test]
async fn events_are_acknowledged_under_their_numbers_and_in_their_order() {
    let service = Service::start().await;
    let mut client = service.agent().await;
    let id = service.open_conversation(ACCOUNT, "1").await;
    client.until_pushed(|pushed| pushed.name == "conversation:new").await;
    let of = json!({ "conversation_id": id });
    // Without a number there is no answer, and an acknowledgement of nothing is ignored.
    client.send(format!(r#"42/agents,["conversation:leave",{of}]"#)).await;
    client.send("43/agents,7[]").await;
    for (number, name) in [(12, "conversation:join"), (3, "conversation:leave"), (0, "conversation:nothing")]
    {
        client.send(format!(r#"42/agents,{number}["{name}",{of}]"#)).await;
    }
    let mut answers = Vec::new();
    while answers.len() < 3 {
        let packet = client.next().await.unwrap();
        if let Some(answer) = packet.strip_prefix("43/agents,") {
            answers.push(answer.to_owned());
        }
    }
    let numbers: Vec<_> = answers.iter().map(|answer| answer.split('[').next().unwrap()).collect();
    assert_eq!(numbers, ["12", "3", "0"]);
    assert_eq!(answers[1], "3[{}]");
}

#[tokio::test]
async fn the_protocols_own_event_names_mean_nothing_to_the_server() {
    let service = Service::start().await;
    let mut client = service.agent().await;
    for name in [
        "connect",
        "connect_error",
        "disconnect",
        "disconnecting",
        "newListener",
        "removeListener",
        "",
        "sync",
    ] {
        let refused = client.ask(name, json!({})).await;
        assert_eq!(refused["error"]["status"], 400, "{name}: {refused}");
    }
    assert_served(&service, &mut client).await;
}

#[tokio::test]
async fn arguments_of_another_form_are_refused_with_their_reason() {
    let service = Service::start().await;
    let mut client = service.agent().await;
    let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
    for argument in [
        Value::Null,
        json!([]),
        json!("x"),
        json!({ "conversation_id": "x" }),
        json!({ "conversation_id": { "_placeholder": true, "num": 0 } }),
        serde_json::from_str(&deep).unwrap(),
    ] {
        let refused = client.ask("conversation:join", argument).await;
        assert_eq!(refused["error"]["status"], 400, "{refused}");
        assert!(refused["error"]["detail"].is_string(), "{refused}");
    }
    assert_served(&service, &mut client).await;
}

#[tokio::test]
async fn a_foreign_room_and_one_that_does_not_exist_look_the_same() {
    let service = Service::start().await;
    let mut client = service.agent().await;
    let foreign = service.open_conversation(OTHER_ACCOUNT, "1").await;
    assert_served(&service, &mut client).await;
    let unknown = ConversationId(service.clock.fresh_id());
    for name in ["conversation:join", "conversation:typing:start", "conversation:typing:stop"] {
        let mut answers = Vec::new();
        for id in [foreign, unknown] {
            answers.push(client.ask(name, json!({ "conversation_id": id, "after": "0" })).await);
        }
        assert_eq!(answers[0]["error"]["status"], 404, "{name}: {answers:?}");
        assert_eq!(answers[0], answers[1], "{name}");
    }
    // Neither does the place of a client that comes back.
    let place = format!("0~{}", BASE64_URL_SAFE_NO_PAD.encode(foreign.0.as_bytes()));
    let mut back = RawSocket::open(service.port).await;
    back.connect(&json!({ "token": service.token(), "pid": "p", "offset": place })).await;
    service.write(OTHER_ACCOUNT, foreign, vec!["Secret".to_owned()]).await;
    service.open_conversation(ACCOUNT, "2").await;
    for mut client in [client, back] {
        let mut got = Vec::new();
        while got.last().is_none_or(|pushed: &Pushed| pushed.object["contact_identifier"] != "2") {
            got.push(client.pushed().await.unwrap());
        }
        let foreign = foreign.to_string();
        assert!(got.iter().all(|pushed| !pushed.object.to_string().contains(&foreign)), "{got:?}");
    }
}

#[tokio::test]
async fn events_of_one_client_are_handled_one_at_a_time_and_those_of_others_meanwhile() {
    let service = Service::start().await;
    let mut client = service.agent().await;
    client.send(r#"42/agents,1["agent:status",{"status":"away"}]"#).await;
    client.send(r#"42/agents,2["conversation:nothing"]"#).await;
    until("the report began", || service.reports.chosen.load(Ordering::SeqCst) == 1).await;
    let mut other = service.agent().await;
    assert_eq!(other.ask("conversation:nothing", Value::Null).await["error"]["status"], 400);
    assert_served(&service, &mut other).await;
    service.reports.taken.add_permits(1);
    let mut answers = Vec::new();
    while answers.len() < 2 {
        let packet = client.next().await.unwrap();
        answers.extend(packet.strip_prefix("43/agents,").and_then(|answer| answer.chars().next()));
    }
    assert_eq!(answers, ['1', '2']);
}

#[tokio::test]
async fn a_client_that_sends_too_much_gets_errors_and_is_closed() {
    let service = Service::start().await;
    let mut bystander = service.agent().await;
    let id = ConversationId(service.clock.fresh_id());
    let leave = |number: usize| {
        format!("42/agents,{number}{}", json!(["conversation:leave", { "conversation_id": id }]))
    };
    let random = |_| "40/random,".to_owned();
    let (taken, refused) = ("[{}]", r#""status":429"#);
    for (packet, taken) in [(&leave as &dyn Fn(usize) -> String, taken), (&random, "Invalid namespace")] {
        let mut client = service.agent().await;
        for number in 0..1_000 {
            client.send(packet(number)).await;
        }
        let (reason, packets) = client.closed().await;
        assert_eq!(reason, "it sent too much");
        assert!(packets.iter().filter(|packet| packet.contains(taken)).count() >= 19, "{packets:?}");
        assert!(packets.iter().any(|packet| packet.contains(refused)), "{packets:?}");
    }
    assert_served(&service, &mut bystander).await;
}
