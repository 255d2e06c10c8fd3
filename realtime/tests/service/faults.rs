//! Faults around the clients: one that does not read, tables that are built anew, a clock that jumps, bytes that are no
//! frames.

use crate::raw_socket::{DEADLINE, Pushed, RawSocket};
use crate::{ACCOUNT, ANA, NOW, OTHER_ACCOUNT, Service, assert_served, until};
use event_schemas::agent::{AgentRegistered, AgentRemoved};
use event_schemas::{AgentEvent, Clock, ConversationId, Position, StreamId, Timestamp, UserId};
use gate::{AuthConfig, JwksSource};
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use projections::Tables;
use projections::queries::conversations;
use realtime::Limits;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Limits that a test reaches quickly.
const SMALL: Limits =
    Limits { ring_pushes: 50, ring_bytes: 64 << 20, queue_bytes: 256 << 10, longest_gap: 100 };

/// The bytes of a text with which the system's buffers are full after some hundred.
const LONG: usize = 20_000;

fn numbered(numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|number| format!("{number} {}", "x".repeat(LONG))).collect()
}

/// The number at the beginning of a message's text.
fn number_of(pushed: &Pushed) -> Option<usize> {
    let text = (pushed.name == "conversation:message").then(|| pushed.object["content"].as_str())??;
    text.split(' ').next()?.parse().ok()
}

/// Joins the conversation, and reads until its own place says so.
async fn join(service: &Service, client: &mut RawSocket, id: ConversationId) {
    let end = service.store.end().await.unwrap().unwrap();
    service.tables.wait_for(end, DEADLINE).await.unwrap();
    let joined = client.ask("conversation:join", json!({ "conversation_id": id })).await;
    assert!(joined["position"].is_string(), "{joined}");
    client.until_pushed(|pushed| pushed.place.as_deref().is_some_and(|place| place.contains('~'))).await;
}

/// Asserts that each push names the one before it.
fn assert_unbroken(pushes: &[Pushed]) {
    for pair in pushes.iter().filter(|pushed| pushed.place.is_some()).collect::<Vec<_>>().windows(2) {
        if pair[1].name != "sync" {
            assert_eq!(pair[1].object["prev"].as_str(), pair[0].offset(), "{pair:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sleeps_beyond_the_bound_is_told_once_to_begin_anew() {
    const MESSAGES: usize = 500;
    let service = Service::with(SMALL).await;
    let id = service.open_conversation(ACCOUNT, "1").await;
    let mut awake = service.agent().await;
    let mut asleep = RawSocket::open_narrow(service.port).await;
    asleep.connect(&json!({ "token": service.token() })).await;
    for client in [&mut awake, &mut asleep] {
        join(&service, client, id).await;
    }
    for first in (0..MESSAGES).step_by(10) {
        service.write(ACCOUNT, id, numbered(first..first + 10)).await;
        awake.until_pushed(|pushed| number_of(pushed) == Some(first + 9)).await;
    }
    // It wakes.
    let mut got = vec![asleep.until_pushed(|pushed| number_of(pushed).is_some()).await];
    while got.last().is_some_and(|pushed| pushed.name != "sync") {
        got.push(asleep.pushed().await.unwrap());
    }
    let reset = got.last().unwrap().clone();
    assert_eq!(reset.object["mode"], "reset");
    let numbers: Vec<_> = got.iter().filter_map(number_of).collect();
    assert_eq!(numbers, (0..numbers.len()).collect::<Vec<_>>());
    assert!(numbers.len() < MESSAGES);
    assert_unbroken(&got);
    // From then on it is like any other, and in the conversation still.
    service.write(ACCOUNT, id, numbered(MESSAGES..MESSAGES + 10)).await;
    let mut after = vec![reset];
    while after.last().and_then(number_of) != Some(MESSAGES + 9) {
        after.push(asleep.pushed().await.unwrap());
    }
    assert_eq!(after.iter().filter(|pushed| pushed.name == "sync").count(), 1);
    let numbers: Vec<_> = after.iter().filter_map(number_of).collect();
    assert_eq!(numbers, (MESSAGES..MESSAGES + 10).collect::<Vec<_>>());
    assert_unbroken(&after);
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_that_are_built_anew_under_load_lose_double_and_hold_back_nothing() {
    const SWITCHES: usize = 5;
    let service = Arc::new(Service::start().await);
    let mut client = service.agent().await;
    let finished = Arc::new(AtomicBool::new(false));
    let writing = tokio::spawn({
        let (service, finished) = (service.clone(), finished.clone());
        async move {
            let mut conversations = 0;
            while !finished.load(Ordering::Relaxed) {
                let id = service.open_conversation(ACCOUNT, &conversations.to_string()).await;
                service.write(ACCOUNT, id, vec!["Hello".to_owned()]).await;
                conversations += 1;
            }
            service.open_conversation(ACCOUNT, "last").await;
            conversations
        }
    });
    let switching = tokio::spawn({
        let (service, finished) = (service.clone(), finished.clone());
        async move {
            for _ in 0..SWITCHES {
                let number = service.generations.rebuild(&service.store, |_| {}).await.unwrap();
                until("the rebuilt tables are in use", || {
                    service.tables.current().is_ok_and(|current| current.number >= number)
                })
                .await;
            }
            finished.store(true, Ordering::Relaxed);
        }
    });
    // As in a process that only reads the tables.
    let reading = Tables::waiting(service.generations.clone(), "they are being opened");
    tokio::spawn({
        let (reading, stop) = (reading.clone(), service.stop.clone());
        async move { reading.follow(stop).await }
    });
    let newest = Arc::new(Mutex::new(None::<Position>));
    let watching = tokio::spawn({
        let (service, newest, finished) = (service.clone(), newest.clone(), finished.clone());
        async move {
            // What was pushed stays in the tables, whichever are in use, and so does what was read.
            let mut read = None;
            while !finished.load(Ordering::Relaxed) {
                let reads = reading.position().await.unwrap();
                assert!(reads >= read, "{reads:?} after {read:?}");
                read = reads;
                let pushed = *newest.lock().unwrap();
                let held = service.tables.position().await.unwrap();
                assert!(held >= pushed, "{held:?} of the pushed {pushed:?}");
                tokio::task::yield_now().await;
            }
        }
    });
    let (mut opened, mut got) = (Vec::new(), Vec::new());
    while opened.last().is_none_or(|number| number != "last") {
        let pushed = client.pushed().await.unwrap();
        if pushed.name.starts_with("conversation:") {
            assert_shown(&service, &pushed).await;
            let position = pushed.object["position"].as_str().unwrap().parse().unwrap();
            *newest.lock().unwrap() = Some(position);
        }
        if pushed.name == "conversation:new" {
            opened.push(pushed.object["contact_identifier"].as_str().unwrap().to_owned());
        }
        got.push(pushed);
    }
    switching.await.unwrap();
    watching.await.unwrap();
    let conversations: usize = writing.await.unwrap();
    let expected: Vec<_> = (0..conversations).map(|number| number.to_string()).collect();
    assert_eq!(opened[..conversations], expected);
    assert_unbroken(&got);
}

/// Asserts that the tables show at least what the push says.
async fn assert_shown(service: &Service, pushed: &Pushed) {
    let id: ConversationId = pushed.object["id"].as_str().unwrap().parse().unwrap();
    let db = service.tables.db().unwrap();
    let rows = conversations::pushed_rows(db.readers(), &[id]).await.unwrap();
    let row: Value = rows.get(&id).map_or(Value::Null, |row| serde_json::from_str(&row.json).unwrap());
    assert!(row["version"].as_u64() >= pushed.object["version"].as_u64(), "{pushed:?}: {row}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_ends_no_connection_and_sends_nothing_wrong() {
    let service = Service::start().await;
    let minute = service.token_for(ACCOUNT, ANA, Duration::from_secs(60));
    let mut client = RawSocket::connected(service.port, &minute).await;
    let mut other = service.agent().await;
    let id = service.open_conversation(ACCOUNT, "1").await;
    for client in [&mut client, &mut other] {
        join(&service, client, id).await;
    }
    other.ask("conversation:typing:start", json!({ "conversation_id": id })).await;
    let (day, mut got) = (Duration::from_secs(86_400), Vec::new());
    for jump in [NOW + day, Timestamp::from_secs(0), NOW] {
        set(&service.clock, jump);
        got.extend(assert_served(&service, &mut client).await);
    }
    other.ask("conversation:typing:stop", json!({ "conversation_id": id })).await;
    got.extend(assert_served(&service, &mut client).await);
    let typing: Vec<_> = got.iter().filter(|pushed| pushed.name == "conversation:typing").collect();
    let typing: Vec<_> = typing.iter().map(|pushed| &pushed.object["is_typing"]).collect();
    assert_eq!(typing, [true, false]);
    assert_eq!(service.reports.heartbeats.load(Ordering::SeqCst), 2, "one of each client when it came");
    // A client that comes is measured by the time that it is now.
    set(&service.clock, NOW + day);
    let mut late = RawSocket::open(service.port).await;
    late.send(format!("40/agents,{}", json!({ "token": minute }))).await;
    let refused = late.next().await.unwrap();
    assert!(refused.starts_with("44/agents,") && refused.contains("expired"), "{refused}");
}

fn set(clock: &Clock, to: Timestamp) {
    if let Clock::Manual(at) = clock {
        at.store(to.as_micros(), Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_ends_ends_its_connection_and_no_push_comes_after() {
    let service = Service::start().await;
    let token = service.token_for(ACCOUNT, ANA, Duration::ZERO);
    // Half a minute is granted for the difference of clocks.
    service.clock.advance(Duration::from_millis(29_500));
    let mut witness = service.agent().await;
    let client = RawSocket::connected(service.port, &token).await;
    let ended = tokio::spawn(client.closed());
    while !ended.is_finished() {
        assert_served(&service, &mut witness).await;
    }
    let (reason, packets) = ended.await.unwrap();
    assert_eq!(reason, "its token has ended");
    let expiring = packets.iter().filter(|packet| packet.contains("auth:expiring")).count();
    assert_eq!(expiring, 1, "{packets:?}");
    assert_eq!(packets[packets.len() - 2..], ["41/agents,", "1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_frames_close_their_connection_and_others_go_on() {
    let service = Service::start().await;
    let mut bystander = service.agent().await;
    // Each frame of a client is masked; here with zeros.
    let masked = |first: u8, length: &[u8], payload: &[u8]| {
        let mut frame = vec![first, 0x80 | length[0]];
        frame.extend(&length[1..]);
        frame.extend([0; 4]);
        frame.extend(payload);
        frame
    };
    let wrong: Vec<(&str, Vec<u8>)> = vec![
        ("not masked", vec![0x81, 2, b'4', b'2']),
        ("a reserved kind of frame", masked(0x83, &[1], b"4")),
        ("a reserved bit", masked(0xc1, &[1], b"4")),
        ("no UTF-8", masked(0x81, &[3], &[b'4', 0xff, 0xfe])),
        ("larger than anything", masked(0x81, &[127, 0x7f, 255, 255, 255, 255, 255, 255, 255], b"4")),
        ("larger than allowed", masked(0x81, &[127, 0, 0, 0, 0, 0, 2, 0, 0], &[b'4'; 0x2_0000])),
        ("a ping that is too long", masked(0x89, &[126, 0, 200], &[0; 200])),
        ("a ping in parts", masked(0x09, &[1], b"x")),
        ("a continuation of nothing", masked(0x80, &[1], b"4")),
        ("HTTP", b"GET / HTTP/1.1\r\nHost: desk\r\n\r\n".to_vec()),
    ];
    for (what, bytes) in wrong {
        let mut client = service.agent().await;
        client.send_bytes(&bytes).await;
        client.closed().await;
        assert_served(&service, &mut bystander).await;
        eprintln!("closed: {what}");
    }
    // Parts of a message are joined, and measured together.
    let mut client = service.agent().await;
    client.send_bytes(&masked(0x01, &[1], b"4")).await;
    for _ in 0..3 {
        client.send_bytes(&masked(0x00, &[126, 0xc3, 0x50], &[b'2'; 50_000])).await;
    }
    client.closed().await;
    // Half a frame, and nothing more: it waits, and costs the others nothing.
    let mut half = service.agent().await;
    half.send_bytes(&masked(0x81, &[100], b"42/agents")).await;
    assert_served(&service, &mut bystander).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_client_joins_many_conversations_at_once_and_misses_nothing() {
    const CONVERSATIONS: usize = 10;
    let service = Service::start().await;
    let mut witness = service.agent().await;
    let mut slow = RawSocket::open_narrow(service.port).await;
    slow.connect(&json!({ "token": service.token() })).await;
    let mut ids = Vec::new();
    for number in 0..CONVERSATIONS {
        let id = service.open_conversation(ACCOUNT, &number.to_string()).await;
        service.write(ACCOUNT, id, numbered(0..5)).await;
        ids.push(id);
    }
    join(&service, &mut witness, ids[0]).await;
    join(&service, &mut slow, ids[0]).await;
    // So much is on its way to it that the system's buffers are full.
    for first in (0..200).step_by(10) {
        service.write(ACCOUNT, ids[0], numbered(first..first + 10)).await;
        witness.until_pushed(|pushed| number_of(pushed) == Some(first + 9)).await;
    }
    for (number, id) in ids.iter().enumerate().skip(1) {
        let argument = json!({ "conversation_id": id, "after": "0" });
        slow.send(format!("42/agents,{number}{}", json!(["conversation:join", argument]))).await;
        assert_served(&service, &mut witness).await;
    }
    let (mut answers, mut replayed) = (0, 0);
    while answers < CONVERSATIONS - 1 {
        let packet = slow.next().await.unwrap_or_else(|| panic!("closed: {}", slow.reason));
        answers += usize::from(packet.starts_with("43/agents,") && packet.contains("position"));
        replayed += usize::from(packet.ends_with(r#"{"replayed":true}]"#));
    }
    assert!(replayed >= 5 * (CONVERSATIONS - 1), "{replayed}");
}

fn registered(user_id: UserId) -> AgentEvent {
    AgentRegistered { account_id: ACCOUNT, user_id, name: "Ana".to_owned(), email: None }.into()
}

fn removed(user_id: UserId) -> AgentEvent {
    AgentRemoved { account_id: ACCOUNT, user_id }.into()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_who_is_removed_gets_nothing_more_until_registered_again() {
    let service = Service::start().await;
    let ben = UserId::from_u128(0xbe4);
    let token = service.token_for(ACCOUNT, ben, Duration::from_secs(600));
    service.append(ACCOUNT, StreamId::agent(ben), vec![registered(ben)]).await;
    let mut witness = service.agent().await;
    let mut clients = Vec::new();
    for _ in 0..2 {
        let mut client = RawSocket::connected(service.port, &token).await;
        assert_served(&service, &mut client).await;
        clients.push(client);
    }
    let at_home = service.token_for(OTHER_ACCOUNT, ben, Duration::from_secs(600));
    let mut elsewhere = RawSocket::connected(service.port, &at_home).await;

    service.append(ACCOUNT, StreamId::agent(ben), vec![removed(ben)]).await;
    let after = service.open_conversation(ACCOUNT, "after").await;
    let presence = witness.until_pushed(|pushed| pushed.name == "agent:presence").await;
    assert_eq!((&presence.object["user_id"], &presence.object["status"]), (&json!(ben), &json!("offline")));
    for client in clients {
        let (reason, packets) = client.closed().await;
        assert_eq!(reason, "the agent was removed from the account");
        assert!(packets.iter().all(|packet| !packet.contains(&after.to_string())), "{packets:?}");
    }
    let mut back = RawSocket::open(service.port).await;
    back.send(format!("40/agents,{}", json!({ "token": token, "pid": "p", "offset": "0" }))).await;
    let refused = back.next().await.unwrap();
    assert!(refused.starts_with("44/agents,") && refused.contains(r#""status":403"#), "{refused}");
    // Neither another agent nor the same person in another account notices.
    assert_served(&service, &mut witness).await;
    assert_eq!(elsewhere.ask("conversation:nothing", Value::Null).await["error"]["status"], 400);

    service.append(ACCOUNT, StreamId::agent(ben), vec![registered(ben)]).await;
    assert_served(&service, &mut witness).await;
    back.connect(&json!({ "token": token })).await;
    assert_served(&service, &mut back).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_key_ends_the_connections_of_its_tokens() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.json");
    let pairs =
        [("one", ONE), ("two", TWO)].map(|(id, pem)| (id, EncodingKey::from_ec_pem(pem.as_bytes()).unwrap()));
    let publish = |ids: &[&str]| {
        let keys = pairs.iter().filter(|(id, _)| ids.contains(id)).map(|(id, key)| {
            let mut public = Jwk::from_encoding_key(key, Algorithm::ES256).unwrap();
            public.common.key_id = Some((*id).to_owned());
            public
        });
        std::fs::write(&file, serde_json::to_vec(&JwkSet { keys: keys.collect() }).unwrap()).unwrap();
    };
    publish(&["one", "two"]);
    let auth = AuthConfig { jwks: Some(JwksSource::File(file.clone())), ..AuthConfig::default() };
    let service = Service::of(Limits::default(), auth).await;
    let mut clients = Vec::new();
    for (id, key) in &pairs {
        let mut head = Header::new(Algorithm::ES256);
        head.kid = Some((*id).to_owned());
        let expires = NOW.as_micros() / 1_000_000 + 86_400;
        let claims = json!({ "sub": ANA, "accounts": [ACCOUNT], "role": "agent", "exp": expires });
        clients.push(RawSocket::connected(service.port, &encode(&head, &claims, key).unwrap()).await);
    }
    publish(&["two"]);
    // The age at which the keys are fetched again.
    service.clock.advance(Duration::from_secs(600));
    let mut stays = clients.pop().unwrap();
    let (reason, packets) = clients.pop().unwrap().closed().await;
    assert_eq!(reason, "its token or session is no longer accepted");
    assert!(packets.contains(&"41/agents,".to_owned()), "{packets:?}");
    assert_served(&service, &mut stays).await;
    // An identity provider that does not answer ends no connection.
    std::fs::remove_file(&file).unwrap();
    service.clock.advance(Duration::from_secs(600));
    for _ in 0..5 {
        assert_served(&service, &mut stays).await;
    }
}

const ONE: &str = include_str!("../../../gate/tests/gate/keys/one.ec.pem");
const TWO: &str = include_str!("../../../gate/tests/gate/keys/two.ec.pem");
