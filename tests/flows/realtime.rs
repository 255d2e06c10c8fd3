//! Pushes to agents over the stock Socket.IO client: nothing is lost, sent twice or out of order, whatever happens to
//! the connection.

use crate::cuts::Cuts;
use crate::fake_whatsapp::FakeWhatsApp;
use crate::program::{Program, WhatsApp, conversation_of, fresh_id, text_message, token_for, webhook};
use crate::socket_client::{SocketClient, has_node};
use event_schemas::Clock;
use realtime::events::{AGENTS_EVENTS, CONNECTION_EVENTS};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use test_engines::Nats;

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_gets_what_happens_over_each_transport() {
    if !has_node() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let account = program.account();
    let (ana, whatsapp) = (account.person("agent", "Ana"), account.whatsapp("http://127.0.0.1:9").await);
    for (number, transports) in
        [&["websocket"][..], &["polling"], &["polling", "websocket"]].into_iter().enumerate()
    {
        let mut client = SocketClient::of(&ana, &program.base, transports);
        let connected = client.until_connected(1).await;
        assert_eq!(connected["recovered"], false);
        assert_eq!(client.until_event("sync", |_| true).await["mode"], "live");
        if transports.len() == 2 {
            client.until("an upgrade", |line| line["is"] == "upgrade").await;
        }
        // The client before has gone.
        let (polling, websocket) = if transports == ["polling"] { (1, 0) } else { (0, 1) };
        for (transport, count) in [("polling", polling), ("websocket", websocket)] {
            let line = format!("verbatim_realtime_connections{{transport=\"{transport}\"}} {count}");
            program.until_metric(&line).await;
        }

        let customer = number.to_string();
        whatsapp.customer_writes(&customer, &format!("wamid.{number}.1"), "Hello").await;
        let opened =
            client.until_event("conversation:new", |new| new["contact_identifier"] == *customer).await;
        let id = opened["id"].clone();
        let joined = client.ask("conversation:join", json!({ "conversation_id": id, "after": "0" })).await;
        assert!(joined["position"].is_string(), "{joined}");
        client.until_event("conversation:message", |message| message["content"] == "Hello").await;

        whatsapp.customer_writes(&customer, &format!("wamid.{number}.2"), "Is anyone there?").await;
        let message =
            client.until_event("conversation:message", |m| m["content"] == "Is anyone there?").await;
        assert_eq!(message["conversation_id"], id);
        assert!(
            message["version"].is_u64() && message["position"].is_string() && message["prev"].is_string()
        );
        // A push is sent only when the tables hold it.
        let updated = client
            .until_event("conversation:updated", |row| row["last_message_preview"] == "Is anyone there?")
            .await;
        assert_eq!(conversation_of(&ana, &customer).await, id.as_str().unwrap());
        let expected = number as u64 + 1;
        client.until_event("inbox:counts", |counts| counts["all"]["open"] == expected).await;
        let shown = ana.get(&format!("/v1/conversations/{}", id.as_str().unwrap())).await;
        assert!(shown["version"].as_u64() >= updated["version"].as_u64(), "{shown}\n{updated}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_without_a_token_or_for_another_account_gets_an_error() {
    if !has_node() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let (account, other) = (program.account(), program.account());
    let whatsapp = account.whatsapp("http://127.0.0.1:9").await;
    whatsapp.customer_writes("1", "wamid.1", "Hello").await;
    let id = conversation_of(&account.admin, "1").await;

    let stranger =
        SocketClient::start(&json!({ "url": format!("{}/agents", program.base), "auth": { "token": "x" } }));
    let refused = stranger.until("a refusal", |line| line["is"] == "connect_error").await;
    assert_eq!(refused["data"]["status"], 401, "{refused}");

    let mut foreign = SocketClient::of(&other.admin, &program.base, &["websocket"]);
    foreign.until_connected(1).await;
    for name in ["conversation:join", "conversation:typing:start"] {
        let refused = foreign.ask(name, json!({ "conversation_id": id, "after": "0" })).await;
        assert_eq!(refused["error"]["status"], 404, "{refused}");
    }
    let unknown = foreign.ask("conversation:explode", Value::Null).await;
    assert_eq!(unknown["error"]["status"], 400, "{unknown}");
    whatsapp.customer_writes("1", "wamid.2", "Hello again").await;
    // Its own account's push comes after the foreign one, which is not among those it got.
    let own = other.whatsapp("http://127.0.0.1:9").await;
    own.customer_writes("2", "wamid.3", "Hi").await;
    foreign.until_event("conversation:new", |new| new["contact_identifier"] == "2").await;
    let got = foreign.lines();
    assert!(got.iter().all(|line| !line["args"].to_string().contains(&id)), "{got:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_was_away_goes_on_at_another_process_with_nothing_lost() {
    if !has_node() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let program = Program::serve(&data).await;
    let mut first = Program::start("realtime", &data, &[]).await;
    let second = Program::start("realtime", &data, &[]).await;
    let account = program.account();
    let (ana, whatsapp) = (account.person("agent", "Ana"), account.whatsapp("http://127.0.0.1:9").await);
    whatsapp.customer_writes("1", "wamid.1", "Hello").await;
    let id = conversation_of(&ana, "1").await;

    let proxy = Cuts::to(first.port).await;
    let mut client = SocketClient::of(&ana, &proxy.base(), &["websocket"]);
    client.until_connected(1).await;
    client.ask("conversation:join", json!({ "conversation_id": id })).await;
    // The offset of the last push, or of the place that the client was told, names its conversations. Which one it is
    // depends on whether a push comes after the join.
    let mut number = 1;
    for round in 0..3 {
        if round == 1 {
            first.kill().await;
        }
        proxy.point_to(if round == 0 { first.port } else { second.port });
        proxy.cut(None, Duration::ZERO);
        client.until("a disconnect", |line| line["is"] == "disconnect").await;
        for _ in 0..5 {
            number += 1;
            whatsapp.customer_writes("1", &format!("wamid.{number}"), &format!("{number}")).await;
        }
        let again = client.until_connected(round + 2).await;
        assert_eq!(again["recovered"], true, "{:#?}", client.lines());
        let last = number.to_string();
        client.until_event("conversation:message", |message| message["content"] == *last).await;
    }
    let texts: Vec<Value> =
        client.events("conversation:message").iter().map(|args| args[0]["content"].clone()).collect();
    let expected: Vec<Value> = (2..=number).map(|number| json!(number.to_string())).collect();
    assert_eq!(texts, expected);
    assert_unbroken(&client);
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_see_who_types_and_views_at_any_process_and_report_their_presence() {
    if !has_node() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let nats = Nats::start().await;
    let options = ["--nats", &nats.url()];
    let program = Program::serve_with(&data, &options).await;
    let other = Program::start("realtime", &data, &options).await;
    let account = program.account();
    let (ana, ben) = (account.person("agent", "Ana"), account.person("agent", "Ben"));
    let whatsapp = account.whatsapp("http://127.0.0.1:9").await;
    whatsapp.customer_writes("1", "wamid.1", "Hello").await;
    let id = conversation_of(&ana, "1").await;
    let of_conversation = json!({ "conversation_id": id });

    let mut first = SocketClient::of(&ana, &program.base, &["websocket"]);
    let mut second = SocketClient::of(&ben, &other.base, &["websocket"]);
    first.until_connected(1).await;
    second.until_connected(1).await;
    first.ask("conversation:join", of_conversation.clone()).await;
    second.ask("conversation:join", of_conversation.clone()).await;
    let mut both = [json!(ana.user), json!(ben.user)];
    both.sort_by_key(Value::to_string);
    first.until_event("conversation:viewers", |viewers| viewers["user_ids"] == json!(both)).await;

    second.ask("conversation:typing:start", of_conversation.clone()).await;
    let typing = first.until_event("conversation:typing", |typing| typing["is_typing"] == true).await;
    assert_eq!((&typing["user_id"], &typing["conversation_id"]), (&json!(ben.user), &json!(id)));
    second.ask("conversation:typing:stop", of_conversation).await;
    first.until_event("conversation:typing", |typing| typing["is_typing"] == false).await;
    assert_eq!(second.events("conversation:typing").len(), 0, "not to the one who types");

    // Ben is no agent until he says so; a connected agent stays online.
    assert_eq!(second.events("agent:presence").len(), 0);
    let answered = second.ask("agent:status", json!({ "status": "online" })).await;
    assert_eq!((&answered["status"], &answered["user_id"]), (&json!("online"), &json!(ben.user)));
    let shown = first.until_event("agent:presence", |presence| presence["user_id"] == *ben.user).await;
    assert_eq!(shown["status"], "online");
    let refused = second.ask("agent:status", json!({ "status": "asleep" })).await;
    assert_eq!(refused["error"]["status"], 400, "{refused}");

    second.act(json!({ "do": "leave" })).await;
    first.until_event("conversation:viewers", |viewers| viewers["user_ids"] == json!([ana.user])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_server_event_comes_to_those_whom_it_concerns() {
    if !has_node() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut program = Program::serve(&folder.path().join("data")).await;
    let provider = FakeWhatsApp::start().await;
    let account = program.account();
    let (ana, ben) = (account.person("agent", "Ana"), account.person("agent", "Ben"));
    account.admin.post("/v1/agents", json!({ "user_id": ben.user, "name": "Ben" })).await;
    account.admin.post("/v1/queues", json!({ "name": "All", "strategy": "manual_queue" })).await;
    let targets = json!({ "first_response_seconds": 2, "resolution_seconds": 3_600 });
    let targets = json!({ "low": targets, "normal": targets, "high": targets, "urgent": targets });
    let policy = json!({ "name": "Standard", "warn_before_seconds": 1, "targets": targets });
    account.admin.post("/v1/sla-policies", policy).await;
    let whatsapp = account.whatsapp(&provider.base_url).await;
    let mut first = SocketClient::of(&ana, &program.base, &["websocket"]);
    let mut second = SocketClient::of(&ben, &program.base, &["websocket"]);
    first.until_connected(1).await;
    second.until_connected(1).await;

    whatsapp.customer_writes("1", "wamid.1", "Hello").await;
    let opened = first.until_event("conversation:new", |_| true).await;
    let path = format!("/v1/conversations/{}", opened["id"].as_str().unwrap());
    first.ask("conversation:join", json!({ "conversation_id": opened["id"], "after": "0" })).await;
    first.until_event("inbox:counts", |counts| counts["unassigned"]["open"] == 1).await;
    let of_opened = |queued: &Value| queued["waiting"][0]["conversation_id"] == opened["id"];
    let queued = second.until_event("queue:update", of_opened).await;
    assert_eq!((&queued["waiting"][0]["position"], &queued["total"]), (&json!(1), &json!(1)));
    let received = first.until_event("conversation:updated", |row| row["received_count"] == 1).await;
    for name in ["sla:warned", "sla:breached"] {
        let alarm = second.until_event(name, |_| true).await;
        assert_eq!(alarm["conversation_id"], opened["id"]);
    }
    ana.post(&format!("{path}/assign"), json!({})).await;
    let assigned = first.until_event("notification:assignment", |_| true).await;
    assert_eq!((&assigned["conversation_id"], &assigned["assignee_id"]), (&opened["id"], &json!(ana.user)));
    let updated = first.until_event("conversation:updated", |row| row["assignee_id"] == *ana.user).await;
    assert!(updated["version"].as_u64() > received["version"].as_u64());
    second.until_event("queue:update", |queued| queued["total"] == 0).await;

    let sent = ana.post(&format!("{path}/messages"), json!({ "content": "Hi" })).await;
    let of_sent = |message: &Value| message["id"] == sent["id"];
    first.until_event("conversation:message", of_sent).await;
    let is_dispatched = |message: &Value| message["delivery"]["state"] == "dispatched";
    first.until_event("conversation:message:updated", |m| of_sent(m) && is_dispatched(m)).await;
    let note = json!({ "content": "Look, @Ben", "is_private": true, "mentions": [ben.user] });
    ana.post(&format!("{path}/messages"), note).await;
    let mention = second.until_event("notification:mention", |_| true).await;
    assert_eq!(mention["author_id"], *ana.user);
    // Ben has not joined, and learns of the message that he has scheduled.
    let send_at = Clock::System.now() + Duration::from_secs(3600);
    let later =
        ben.post(&format!("{path}/messages"), json!({ "content": "Later", "send_at": send_at })).await;
    for client in [&first, &second] {
        let scheduled = client.until_event("conversation:scheduled", |_| true).await;
        assert_eq!((&scheduled["id"], &scheduled["change"]), (&later["id"], &json!("scheduled")));
        assert_eq!(scheduled["message"]["content"], "Later");
    }
    ben.post(&format!("{path}/seen"), json!({})).await;
    let seen = second.until_event("conversation:seen", |_| true).await;
    assert_eq!((&seen["received"], &seen["agent_id"]), (&json!(1), &json!(ben.user)));

    account.admin.post("/v1/teams", json!({ "name": "Billing" })).await;
    second.until_event("catalogue:changed", |changed| changed["kind"] == "teams").await;
    // What concerns one agent only came to that one, and Ben has not joined.
    assert_eq!(second.events("notification:assignment").len(), 0);
    assert_eq!(second.events("conversation:message").len(), 0);
    assert_eq!(first.events("notification:mention").len(), 0);
    // Who answers has seen the messages before.
    let seen = first.until_event("conversation:seen", |_| true).await;
    assert_eq!((&seen["received"], &seen["agent_id"]), (&json!(1), &json!(ana.user)));
    assert!(first.events("conversation:seen").iter().all(|args| args[0]["agent_id"] == *ana.user));
    assert_unbroken(&first);
    assert_unbroken(&second);

    second.ask("agent:status", json!({ "status": "away" })).await;
    first.until_event("agent:presence", |presence| presence["user_id"] == *ben.user).await;
    second.ask("conversation:typing:start", json!({ "conversation_id": opened["id"] })).await;
    first.until_event("conversation:typing", |typing| typing["user_id"] == *ben.user).await;
    let third = SocketClient::start(&json!({
        "url": format!("{}/agents", program.base),
        "auth": { "token": token_for(Duration::from_secs(30), &account.id, &fresh_id(), "agent", "Chloe") },
    }));
    third.until_event("auth:expiring", |_| true).await;
    program.stop().await;
    first.until_event("server:stopping", |_| true).await;
    let came: BTreeSet<String> =
        [&first, &second, &third].into_iter().flat_map(SocketClient::names).collect();
    let described = AGENTS_EVENTS.iter().chain(CONNECTION_EVENTS);
    let described: BTreeSet<String> = described.map(|event| event.name.to_owned()).collect();
    assert_eq!(came, described, "an event that is described comes");
}

/// Random numbers, the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

/// Customers write until `finished`. Returns how many messages each has written.
async fn customers_write(whatsapp: WhatsApp, customers: usize, finished: Arc<AtomicBool>) -> usize {
    const AT_ONCE: usize = 5;
    let mut written = 0;
    while !finished.load(Ordering::Relaxed) {
        for customer in 0..customers {
            let messages: Vec<Value> = (written..written + AT_ONCE)
                .map(|number| {
                    text_message(
                        &customer.to_string(),
                        &format!("w.{customer}.{number}"),
                        &number.to_string(),
                    )
                })
                .collect();
            whatsapp.post_ok(&webhook(&messages, &[])).await;
        }
        written += AT_ONCE;
    }
    written
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_cuts_under_load_lose_double_and_reorder_nothing() {
    const CUTS: usize = 100;
    const CUSTOMERS: usize = 3;
    // The pushes that come between two cuts at least.
    let pushes = if std::env::var_os("VERBATIM_LONG_FAULTS").is_some() { 1_000 } else { 1 };
    if !has_node() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let program = Program::serve(&data).await;
    let mut nodes =
        [Program::start("realtime", &data, &[]).await, Program::start("realtime", &data, &[]).await];
    let account = program.account();
    let (ana, whatsapp) = (account.person("agent", "Ana"), account.whatsapp("http://127.0.0.1:9").await);
    let proxy = Cuts::to(nodes[0].port).await;
    let mut client = SocketClient::of(&ana, &proxy.base(), &["websocket"]);
    client.until_connected(1).await;
    for customer in 0..CUSTOMERS {
        whatsapp.customer_writes(&customer.to_string(), &format!("wamid.{customer}"), "Hello").await;
        let id = conversation_of(&ana, &customer.to_string()).await;
        client.ask("conversation:join", json!({ "conversation_id": id })).await;
    }
    let finished = Arc::new(AtomicBool::new(false));
    let writing = tokio::spawn(customers_write(whatsapp, CUSTOMERS, finished.clone()));
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for cut in 0..CUTS {
        let seen = client.count();
        let node = usize::from(random.below(2) == 0);
        if cut % 25 == 24 {
            nodes[node].kill().await;
            nodes[node].restart().await;
        }
        proxy.point_to(nodes[node].port);
        // Every other connection ends in the middle of a frame.
        let left = (cut % 2 == 0).then(|| 1_000 + random.below(20_000) as usize);
        proxy.cut(left, Duration::from_millis(random.below(3)));
        client.until_after(seen, "a reconnect", |line| line["is"] == "connect").await;
        client.until_nth(seen, pushes, "pushes", |line| line["is"] == "event").await;
    }
    let seen = client.count();
    proxy.cut(None, Duration::ZERO);
    client.until_after(seen, "a reconnect", |line| line["is"] == "connect").await;
    finished.store(true, Ordering::Relaxed);
    let written = writing.await.unwrap();
    let last = (written - 1).to_string();
    client
        .until_count("the last messages", CUSTOMERS, |line| {
            line["name"] == "conversation:message" && line["args"][0]["content"] == *last
        })
        .await;

    let connects: Vec<Value> = client.lines().into_iter().filter(|line| line["is"] == "connect").collect();
    assert!(connects.len() > CUTS);
    assert!(connects[1..].iter().all(|connect| connect["recovered"] == true), "{connects:?}");
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for args in client.events("conversation:message") {
        // The first message of a customer may be pushed before the join or after it.
        if args[0]["content"] != "Hello" {
            let text = |name: &str| args[0][name].as_str().unwrap().to_owned();
            texts.entry(text("conversation_id")).or_default().push(text("content"));
        }
    }
    let expected: Vec<String> = (0..written).map(|number| number.to_string()).collect();
    assert_eq!(texts.len(), CUSTOMERS);
    for texts in texts.values() {
        assert_eq!(texts, &expected);
    }
    assert_unbroken(&client);
    let pushes = client.lines().iter().filter(|line| line["is"] == "event").count();
    eprintln!("{pushes} pushes over {} connections", connects.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_ends_ends_its_connection_after_a_warning() {
    if !has_node() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let token = token_for(Duration::from_secs(2), &fresh_id(), &fresh_id(), "agent", "Ana");
    let client = SocketClient::start(&json!({
        "url": format!("{}/agents", program.base),
        "auth": { "token": token },
    }));
    client.until_connected(1).await;
    client.until_event("auth:expiring", |warning| warning["seconds"].is_u64()).await;
    let ended = client.until("the end", |line| line["is"] == "disconnect").await;
    assert_eq!(ended["reason"], "io server disconnect");
    assert_eq!(client.events("auth:expiring").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_ends_says_so_and_its_clients_go_on_elsewhere() {
    if !has_node() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let program = Program::serve(&data).await;
    let mut ends = Program::start("realtime", &data, &[]).await;
    assert_eq!(ends.checks().await.1["realtime"], "ok");
    let account = program.account();
    let (ana, whatsapp) = (account.person("agent", "Ana"), account.whatsapp("http://127.0.0.1:9").await);
    let proxy = Cuts::to(ends.port).await;
    let clients =
        [["websocket"], ["polling"]].map(|transports| SocketClient::of(&ana, &proxy.base(), &transports));
    for client in &clients {
        client.until_event("sync", |_| true).await;
    }
    assert_eq!(ends.stop().await.code(), Some(0));
    // Only now, because a request of the client that polls would find no session at another process.
    proxy.point_to(program.port);
    whatsapp.customer_writes("1", "wamid.1", "Hello").await;
    for client in &clients {
        let pause = client.until_event("server:stopping", |_| true).await;
        assert!(pause["reconnect_after_ms"].as_u64().unwrap() <= 1_000, "{pause}");
        assert_eq!(client.until_connected(2).await["recovered"], true);
        client.until_event("conversation:new", |_| true).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_too_much_gets_errors_and_is_closed() {
    if !has_node() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let ana = program.account().person("agent", "Ana");
    let mut client = SocketClient::of(&ana, &program.base, &["websocket"]);
    client.until_connected(1).await;
    let event = json!(["conversation:leave", { "conversation_id": fresh_id() }]);
    for number in 0..1_000 {
        client.act(json!({ "do": "emit", "event": event, "number": number })).await;
    }
    client.until("a refusal", |line| line["is"] == "ack" && line["answer"]["error"]["status"] == 429).await;
    client.until("the end", |line| line["is"] == "disconnect").await;
    let taken =
        client.lines().iter().filter(|line| line["is"] == "ack" && line["answer"] == json!({})).count();
    // The connect was one of the twenty.
    assert!(taken >= 19, "{taken}");
}

/// Asserts that each push says that it comes after the one before it.
fn assert_unbroken(client: &SocketClient) {
    let mut sent = None;
    for line in client.lines().iter().filter(|line| line["is"] == "event") {
        let args = line["args"].as_array().unwrap();
        let (object, place) = (&args[0], args.last().and_then(Value::as_str));
        if line["name"] == "sync" {
            assert_ne!(object["mode"], "reset", "{line}");
        }
        let Some(place) = place else { continue };
        let place = place.split('~').next().unwrap();
        if let Some(before) = sent.replace(place.to_owned())
            && line["name"] != "sync"
        {
            assert_eq!(object["prev"], *before, "{line}");
        }
    }
}
