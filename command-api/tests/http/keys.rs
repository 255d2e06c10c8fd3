//! An `Idempotency-Key` belongs to one request: its method, its path and its body.

use crate::service::{Person, Service, adam, ana, ben, id, start, sue};
use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

/// A request, and another body for the same path. Without another body the path of another item is asked.
struct Keyed {
    who: Person,
    method: Method,
    path: String,
    body: Value,
    other: Other,
}

enum Other {
    Body(Value),
    Path(String),
}

fn post(who: Person, path: impl Into<String>, body: Value, other: Value) -> Keyed {
    Keyed { who, method: Method::POST, path: path.into(), body, other: Other::Body(other) }
}

fn patch(who: Person, path: impl Into<String>, body: Value, other: Value) -> Keyed {
    Keyed { who, method: Method::PATCH, path: path.into(), body, other: Other::Body(other) }
}

fn elsewhere(who: Person, method: Method, path: impl Into<String>, other: impl Into<String>) -> Keyed {
    Keyed { who, method, path: path.into(), body: Value::Null, other: Other::Path(other.into()) }
}

async fn created(service: &Service, path: &str, body: Value) -> String {
    format!("{path}/{}", id(&service.post(&adam(), path, body).await.is(201)))
}

/// A definition of each kind of catalogue item, without references to others.
fn items(label: &str) -> Vec<(&'static str, Value)> {
    let hours = json!([{ "days": ["mon"], "start": "09:00", "end": "10:00" }]);
    vec![
        ("/v1/channels", json!({ "channel_type": "api", "name": label })),
        ("/v1/teams", json!({ "name": label })),
        (
            "/v1/canned-responses",
            json!({ "short_code": format!("/{label}"), "title": label, "content": label }),
        ),
        (
            "/v1/sla-policies",
            json!({ "name": label, "targets": { "normal": { "first_response_seconds": 60 } } }),
        ),
        ("/v1/calendars", json!({ "name": label, "timezone": "UTC", "schedule": hours })),
        (
            "/v1/bot-rules",
            json!({ "name": label, "trigger_type": "fallback", "actions": { "reply_text": label } }),
        ),
        ("/v1/handoff-rules", json!({ "name": label, "trigger_type": "keyword", "trigger_value": label })),
        (
            "/v1/macros",
            json!({ "name": label, "visibility": "everyone", "actions": [{ "type": "note", "text": label }] }),
        ),
        ("/v1/views", json!({ "name": label, "visibility": "everyone", "filter": { "unread": true } })),
        (
            "/v1/automation-rules",
            json!({ "name": label, "event": "message_received", "actions": [{ "type": "note", "text": label }] }),
        ),
    ]
}

/// The requests of every route that takes a key.
async fn requests(service: &Service) -> Vec<Keyed> {
    let mut all = Vec::new();
    for (path, first) in items("one") {
        let (_, other) = items("two").into_iter().find(|(other, _)| *other == path).unwrap();
        let (_, kept) = items("kept").into_iter().find(|(other, _)| *other == path).unwrap();
        let (_, gone) = items("gone").into_iter().find(|(other, _)| *other == path).unwrap();
        all.push(post(adam(), path, first, other));
        let (kept, gone) = (created(service, path, kept).await, created(service, path, gone).await);
        let name = if path == "/v1/canned-responses" { "title" } else { "name" };
        let handoff = path == "/v1/handoff-rules";
        let change = |to: &str| if handoff { json!({ "trigger_value": to }) } else { json!({ name: to }) };
        all.push(patch(adam(), &kept, change("first"), change("second")));
        all.push(elsewhere(adam(), Method::DELETE, gone, kept));
    }
    let mut queues = Vec::new();
    for name in ["a", "b", "c", "d"] {
        let team = id(&service.post(&adam(), "/v1/teams", json!({ "name": name })).await.is(201));
        queues.push(json!({ "name": name, "strategy": "round_robin", "team_id": team }));
    }
    all.push(post(adam(), "/v1/queues", queues[0].clone(), queues[1].clone()));
    let kept = created(service, "/v1/queues", queues[2].clone()).await;
    let gone = created(service, "/v1/queues", queues[3].clone()).await;
    all.push(patch(adam(), &kept, json!({ "name": "first" }), json!({ "name": "second" })));
    all.push(elsewhere(adam(), Method::DELETE, gone, kept));
    let settings = "/v1/bot-settings";
    all.push(patch(
        sue(),
        settings,
        json!({ "expire_after_seconds": 60 }),
        json!({ "expire_after_seconds": 61 }),
    ));
    all.push(Keyed {
        who: sue(),
        method: Method::DELETE,
        path: settings.to_owned(),
        body: Value::Null,
        other: Other::Path("/v1/teams/00000000-0000-0000-0000-00000000dead".to_owned()),
    });

    let settings = "/v1/account-settings";
    let undo = |seconds: u32| json!({ "undo_send_seconds": seconds });
    all.push(patch(adam(), settings, undo(1), undo(2)));
    all.push(Keyed {
        who: adam(),
        method: Method::DELETE,
        path: settings.to_owned(),
        body: Value::Null,
        other: Other::Path("/v1/teams/00000000-0000-0000-0000-00000000dead".to_owned()),
    });

    let agent = |id: u128, name: &str| json!({ "user_id": uuid(id), "name": name });
    all.push(post(sue(), "/v1/agents", agent(11, "Eva"), agent(12, "Eve")));
    service.post(&sue(), "/v1/agents", agent(2, "Ben")).await.is(201);
    for (id, name) in [(21, "Max"), (22, "Mia")] {
        service.post(&sue(), "/v1/agents", agent(id, name)).await.is(201);
    }
    let of_agent = |id| format!("/v1/agents/{}", uuid(id));
    all.push(elsewhere(sue(), Method::DELETE, of_agent(21), of_agent(22)));
    let limit = |most: u32| json!({ "max_concurrent_conversations": most });
    all.push(patch(ana(), "/v1/agent-preferences/me", limit(13), limit(14)));
    all.push(patch(adam(), format!("/v1/agent-preferences/{}", uuid(2)), limit(15), limit(16)));
    let presence = |status: &str| json!({ "status": status });
    all.push(post(ben(), "/v1/agents/me/presence", presence("online"), presence("away")));

    let person = |email: &str| json!({ "email": email, "role": "agent" });
    let kept = created(service, "/v1/people", person("kept@example.com")).await;
    let gone = created(service, "/v1/people", person("gone@example.com")).await;
    let role = |role: &str| json!({ "role": role });
    all.push(patch(adam(), &kept, role("supervisor"), role("administrator")));
    all.push(elsewhere(adam(), Method::DELETE, gone, kept));
    let program = |name: &str| json!({ "name": name });
    let kept = created(service, "/v1/api-keys", program("kept")).await;
    let gone = created(service, "/v1/api-keys", program("gone")).await;
    all.push(elsewhere(adam(), Method::DELETE, gone, kept));

    let number = |identifier: &str| json!({ "channel_type": "whatsapp", "identifier": identifier });
    all.push(post(ana(), "/v1/contact-identifiers", number("251911000001"), number("251911000002")));
    let path = "/v1/contact-identifiers";
    let (kept, gone) = (
        created(service, path, number("251911000003")).await,
        created(service, path, number("251911000004")).await,
    );
    all.push(patch(ana(), &kept, json!({ "display_name": "Abebe" }), json!({ "display_name": "Sara" })));
    all.push(elsewhere(ana(), Method::DELETE, gone, kept));

    let channel = service.api_channel().await;
    let contact = |name: &str| json!({ "channel_id": channel, "contact_identifier": name });
    all.push(post(ana(), "/v1/conversations", contact("first"), contact("second")));
    let mut begun = Vec::new();
    for number in 0..11 {
        begun.push(created(service, "/v1/conversations", contact(&format!("c{number}"))).await);
    }
    let subject = |text: &str| json!({ "subject": text });
    all.push(patch(ana(), &begun[0], subject("one"), subject("two")));
    let message = |text: &str| json!({ "content": text });
    all.push(post(ana(), format!("{}/messages", begun[1]), message("one"), message("two")));
    let at = |hours: u64| service.clock.now() + Duration::from_secs(hours * 3600);
    let later = json!({ "content": "Later", "send_at": at(1) });
    let mut scheduled = Vec::new();
    for _ in 0..3 {
        let message = service.post(&ana(), &format!("{}/messages", begun[4]), later.clone()).await.is(201);
        scheduled.push(format!("{}/scheduled-messages/{}", begun[4], id(&message)));
    }
    let time = |hours: u64| json!({ "send_at": at(hours) });
    all.push(patch(ana(), &scheduled[0], time(2), time(3)));
    all.push(elsewhere(ana(), Method::DELETE, &scheduled[1], &scheduled[2]));
    let because = |reason: &str| json!({ "reason": reason });
    all.push(post(ana(), format!("{}/assign", begun[2]), because("one"), because("two")));
    service.post(&ana(), &format!("{}/assign", begun[3]), json!({})).await.is(200);
    all.push(post(ana(), format!("{}/unassign", begun[3]), because("one"), because("two")));
    let channel = service.whatsapp_channel().await;
    let first = unread(service, &channel, "251911000008").await;
    let other = unread(service, &channel, "251911000009").await;
    all.push(elsewhere(ana(), Method::POST, format!("{first}/seen"), format!("{other}/seen")));
    all.push(post(ana(), format!("{}/handoff", begun[5]), because("one"), because("two")));
    let action = json!([{ "type": "note", "text": "seen" }]);
    let run = json!({ "name": "run", "visibility": "everyone", "actions": action });
    let macro_id = id(&service.post(&adam(), "/v1/macros", run).await.is(201));
    let macro_path = |conversation: &str| format!("{conversation}/macros/{macro_id}");
    all.push(elsewhere(ana(), Method::POST, macro_path(&begun[6]), macro_path(&begun[7])));
    all.push(elsewhere(ana(), Method::DELETE, &begun[8], &begun[9]));
    let change = json!({ "priority": "high", "subject": "three" });
    service.patch(&ana(), &begun[10], change).await.is(200);
    let events = service.events(&begun[10]).await;
    let event = |version: usize| json!({ "event_id": events[version].id });
    all.push(post(ana(), format!("{}/undo", begun[10]), event(1), event(2)));
    let bulk = |conversation: &str, priority: &str| {
        let id = conversation.rsplit('/').next().unwrap();
        json!({
            "conversation_ids": [id], "actions": [{ "type": "set_priority", "priority": priority }],
        })
    };
    all.push(post(ana(), "/v1/bulk", bulk(&begun[0], "low"), bulk(&begun[0], "high")));
    let (first, other) =
        (done_bulk(service, &begun[1], &bulk).await, done_bulk(service, &begun[2], &bulk).await);
    all.push(elsewhere(ana(), Method::POST, format!("{first}/undo"), format!("{other}/undo")));
    all
}

/// A bulk change that is done.
async fn done_bulk(service: &Service, conversation: &str, bulk: &impl Fn(&str, &str) -> Value) -> String {
    let started = service.post(&ana(), "/v1/bulk", bulk(conversation, "urgent")).await.is(202);
    while service.commands.advance_bulk(id(&started).parse().unwrap()).await.unwrap() {}
    format!("/v1/bulk/{}", id(&started))
}

/// A conversation with a message of the customer that no agent has read.
async fn unread(service: &Service, channel: &str, from: &str) -> String {
    let contact = json!({ "channel_id": channel, "contact_identifier": from });
    let path = created(service, "/v1/conversations", contact).await;
    service.send(service.whatsapp_text(channel, from, &format!("wamid.{from}"), "Hello")).await.is(200);
    path
}

fn uuid(id: u128) -> String {
    event_schemas::UserId::from_u128(id).to_string()
}

/// The routes whose request with a key needs an offer, or changes nothing.
const PLAYED_ELSEWHERE: [&str; 4] = [
    "/v1/conversations/{id}/offers/{offer_id}/accept",
    "/v1/conversations/{id}/offers/{offer_id}/decline",
    "/v1/bot-rules/dry-run",
    "/v1/automation-rules/dry-run",
];

#[tokio::test]
async fn a_key_belongs_to_one_request_on_every_route() {
    let service = start().await;
    let requests = requests(&service).await;
    let mut played = BTreeSet::new();
    for (number, Keyed { who, method, path, body, other }) in requests.into_iter().enumerate() {
        let key = format!("key-{number}");
        let key = [("idempotency-key", key.as_str())];
        let first = service.ask(&who, method.clone(), &path, &key, body.clone()).await;
        assert!(first.status < 300, "{method} {path}: {}", first.text);
        let (other_path, other_body) = match other {
            Other::Body(other) => (path.clone(), other),
            Other::Path(other) => (other, body.clone()),
        };
        let refused = service.ask(&who, method.clone(), &other_path, &key, other_body.clone()).await;
        refused.refuses(422, "idempotency-key-reused", "Idempotency-Key");
        // Without the key the other request is executed, unless its item does not exist.
        service.ask(&who, method.clone(), &other_path, &[], other_body).await;
        let again = service.ask(&who, method.clone(), &path, &key, body).await;
        assert_eq!((again.status, again.text), (first.status, first.text), "{method} {path}");
        played.insert(format!("{method} {}", pattern(&path)));
    }
    let api = service.send(Request::get("/openapi.json").body(Body::empty()).unwrap()).await.is(200);
    for (path, item) in api["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let takes_a_key = operation["parameters"].as_array().is_some_and(|parameters| {
                parameters.iter().any(|parameter| parameter["name"] == "Idempotency-Key")
            });
            let route = format!("{} {}", method.to_uppercase(), path.replace("{user_id}", "{id}"));
            let route = route.replace("{message_id}", "{id}");
            let is_played = played.contains(&route.replace("{macro_id}", "{id}"));
            assert!(!takes_a_key || is_played || PLAYED_ELSEWHERE.contains(&path.as_str()), "{route}");
        }
    }
}

/// The path with `{id}` for every id.
fn pattern(path: &str) -> String {
    let part = |part: &str| if part.len() == 36 { "{id}".to_owned() } else { part.to_owned() };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn of_two_requests_with_one_key_at_the_same_moment_one_is_executed() {
    let service = start().await;
    let second = service.second();
    let channel = service.api_channel().await;
    for round in 0..20 {
        let contact =
            |name: &str| json!({ "channel_id": channel, "contact_identifier": format!("{name}-{round}") });
        let first = created(&service, "/v1/conversations", contact("a")).await;
        let other = created(&service, "/v1/conversations", contact("b")).await;
        let key = format!("round-{round}");
        let key = [("idempotency-key", key.as_str())];
        let ask = async |service: &Service, path: &str, subject: &str| {
            let body = json!({ "subject": subject });
            service.ask(&ana(), Method::PATCH, path, &key, body).await.status
        };
        // One conversation in one process, in two processes, and two conversations.
        let pairs = [(&service, &first, "two"), (&second, &first, "two"), (&second, &other, "one")];
        let (process, path, subject) = pairs[round % 3];
        let (a, b) = tokio::join!(ask(&service, &first, "one"), ask(process, path, subject));
        assert_eq!(BTreeSet::from([a, b]), BTreeSet::from([200, 422]), "round {round}");
        let subjects = [service.event_types(&first).await, service.event_types(&other).await].concat();
        let changes = subjects.iter().filter(|name| *name == "SubjectChanged").count();
        assert_eq!(changes, 1, "round {round}: {subjects:?}");
    }
}

#[tokio::test]
async fn a_repeated_request_is_recognised_by_its_meaning_and_after_a_restart() {
    let service = start().await;
    let conversation = service.conversation().await;
    let ask = async |service: &Service, body: &str| {
        let request = Request::patch(&conversation)
            .header("authorization", ana().token())
            .header("content-type", "application/json")
            .header("idempotency-key", "k")
            .body(Body::from(body.to_owned()));
        service.send(request.unwrap()).await
    };
    let first = ask(&service, r#"{"subject":"one","priority":"high"}"#).await.is(200);
    service.patch(&ana(), &conversation, json!({ "subject": "later" })).await.is(200);
    let restarted = service.second();
    assert_eq!(ask(&restarted, r#"{ "priority": "high", "subject": "one" }"#).await.is(200), first);
    ask(&restarted, r#"{"subject":"one"}"#).await.refuses(422, "idempotency-key-reused", "Idempotency-Key");
    assert_eq!(service.event_types(&conversation).await.last().unwrap(), "SubjectChanged");
}

#[tokio::test]
async fn the_first_answer_counts_although_what_the_request_refers_to_is_gone() {
    let service = start().await;
    let channel = service.api_channel().await;
    let key = [("idempotency-key", "begin")];
    let begin = json!({ "channel_id": channel, "contact_identifier": "abebe" });
    let first = service.ask(&ana(), Method::POST, "/v1/conversations", &key, begin.clone()).await.is(201);
    let path = format!("/v1/conversations/{}", id(&first));
    service.delete(&ana(), &path).await.is(200);
    let again = service.ask(&ana(), Method::POST, "/v1/conversations", &key, begin).await.is(201);
    assert_eq!(again, first);
}
