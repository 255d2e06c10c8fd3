//! Requests to all routes and their responses.

use crate::scenario::Scenario;
use axum::Router;
use axum::body::{Body, BodyDataStream, to_bytes};
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode};
use event_schemas::{AccountId, Clock, Timestamp, UserId};
use event_store::EventStore;
use event_store::sqlite::SqliteStore;
use follower::location::Location;
use futures::StreamExt;
use gate::{About, AuthConfig, Authenticator, Claims, Cors, Gate, Limits, Role, assemble, issue_token};
use projections::ReadSide;
use projections::generations::Generations;
use query_api::{QueryState, router};
use serde_json::Value;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use test_engines::Postgres;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

const SECRET: &str = "a secret of at least thirty-two bytes";
const NOW: Timestamp = Timestamp::from_secs(1_795_222_800);

pub struct Fixture {
    _folder: tempfile::TempDir,
    service: Router,
    pub store: Arc<dyn EventStore>,
    pub scenario: Scenario,
    pub clock: Clock,
    stop: CancellationToken,
}

pub async fn fixture(seed: u64, steps: usize) -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn EventStore> =
        SqliteStore::open(folder.path().join("events.db"), Clock::System).await.unwrap();
    let mut scenario = Scenario::new(seed);
    scenario.run(steps).write(&*store).await;
    let tables = match std::env::var("VERBATIM_TEST_ENGINE").as_deref() {
        Ok("postgres") => Location::open(&Postgres::shared().await.database().await).await.unwrap(),
        _ => Location::from(folder.path()),
    };
    let side = ReadSide::open(Arc::clone(&store), Generations::new(tables), |_| {}).await.unwrap();
    let (tables, stop) = (side.tables(), CancellationToken::new());
    tokio::spawn(side.run(stop.clone()));
    let clock = Clock::manual(NOW);
    let auth = AuthConfig { secret: Some(SECRET.to_owned()), ..AuthConfig::default() };
    let gate = Gate {
        about: About { title: "Queries".to_owned(), tags: query_api::TAGS.to_vec(), ..About::default() },
        authenticator: Authenticator::new(auth, clock.clone()).unwrap(),
        limits: Limits::default(),
        cors: Cors::default(),
        clock: clock.clone(),
        metrics: None,
        checks: Vec::new(),
        serves_operations: true,
        descriptions: Vec::new(),
        problems: Vec::new(),
    };
    let state = QueryState {
        tables,
        store: Arc::clone(&store),
        clock: clock.clone(),
        schemas_url: "http://localhost/schemas".into(),
        growth: query_api::Growth::of(Arc::clone(&store), stop.clone()),
        stop: stop.clone(),
    };
    Fixture {
        _folder: folder,
        service: assemble(router(state, gate::Places::for_readers(4)), gate),
        store,
        scenario,
        clock,
        stop,
    }
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }
    #[track_caller]
    pub fn expect_ok(self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text);
        self.json()
    }
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// A caller with a token.
#[derive(Clone)]
pub struct TestCaller {
    pub token: String,
}

impl Fixture {
    fn caller(&self, account: AccountId, user: UserId, role: Role) -> TestCaller {
        let claims = Claims::of(user, account, role).named("Ana");
        let token = issue_token(SECRET, claims, NOW, Duration::from_secs(600));
        TestCaller { token: token.unwrap() }
    }
    /// A caller whose token is accepted for this time only.
    pub fn ending(&self, account: AccountId, user: UserId, role: Role, left: Duration) -> TestCaller {
        // Half a minute is granted for the difference of clocks.
        let issued_at = NOW + left - Duration::from_secs(30);
        let token = issue_token(SECRET, Claims::of(user, account, role), issued_at, Duration::ZERO);
        TestCaller { token: token.unwrap() }
    }
    pub fn agent(&self) -> TestCaller {
        self.caller(self.scenario.accounts[0], self.scenario.agents[0], Role::Agent)
    }
    pub fn supervisor(&self, account: usize) -> TestCaller {
        self.caller(self.scenario.accounts[account], self.scenario.agents[0], Role::Supervisor)
    }
    pub fn administrator(&self) -> TestCaller {
        self.caller(self.scenario.accounts[0], self.scenario.agents[0], Role::Administrator)
    }
    pub async fn call(&self, request: Request<Body>) -> axum::response::Response {
        self.service.clone().oneshot(request).await.unwrap()
    }
    async fn send(
        &self,
        caller: &TestCaller,
        path: &str,
        headers: &[(&str, &str)],
    ) -> axum::response::Response {
        let mut request =
            Request::builder().uri(path).header("authorization", format!("Bearer {}", caller.token));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.call(request.body(Body::empty()).unwrap()).await
    }
    pub async fn ask_with(&self, caller: &TestCaller, path: &str, headers: &[(&str, &str)]) -> Answer {
        let (head, body) = self.send(caller, path, headers).await.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        Answer { status: head.status, headers: head.headers, text: String::from_utf8(body.to_vec()).unwrap() }
    }
    pub async fn ask(&self, caller: &TestCaller, path: &str) -> Answer {
        self.ask_with(caller, path, &[]).await
    }
    /// The rows of all pages of a list.
    pub async fn all(&self, caller: &TestCaller, path: &str) -> Vec<Value> {
        let (mut rows, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let sign = if path.contains('?') { '&' } else { '?' };
            let more = cursor.map(|cursor| format!("{sign}cursor={cursor}")).unwrap_or_default();
            let page = self.ask(caller, &format!("{path}{more}")).await.expect_ok();
            rows.extend(page["data"].as_array().unwrap().iter().cloned());
            cursor = page["next_cursor"].as_str().map(str::to_owned);
            if cursor.is_none() {
                return rows;
            }
        }
    }
}

pub fn total(by_status: &Value) -> u64 {
    by_status.as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum()
}

fn ids(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_inbox_filters_by_caller_and_its_pages_contain_each_row_once() {
    let fixture = fixture(1, 1200).await;
    let agent = fixture.agent();
    let all = fixture.all(&agent, "/v1/conversations?limit=200").await;
    let paged = fixture.all(&agent, "/v1/conversations?limit=7").await;
    assert!(all.len() > 50);
    assert_eq!(ids(&paged), ids(&all));
    assert_eq!(ids(&all).into_iter().collect::<HashSet<_>>().len(), all.len());
    let mine = fixture.all(&agent, "/v1/conversations?assignee_id=me&status=assigned,pending").await;
    assert!(!mine.is_empty());
    let me = fixture.scenario.agents[0].to_string();
    for row in &mine {
        assert_eq!(row["assignee_id"], *me);
        assert!(["assigned", "pending"].contains(&row["status"].as_str().unwrap()));
    }
    let counts = fixture.ask(&agent, "/v1/conversations/counts").await.expect_ok();
    let count = |status: &str| counts["mine_by_status"][status].as_u64().unwrap();
    assert_eq!(count("assigned") + count("pending"), mine.len() as u64);
    assert_eq!(total(&counts["by_status"]), all.len() as u64);
}

#[tokio::test]
async fn a_problem_names_the_invalid_parameter() {
    let fixture = fixture(2, 60).await;
    let agent = fixture.agent();
    for (query, field) in [
        ("status=happy", "status"),
        ("assignee_id=you", "assignee_id"),
        ("team_id=billing", "team_id"),
        ("priority=highest", "priority"),
        ("updated_since=yesterday", "updated_since"),
        ("sort=mood:desc", "sort"),
        ("sort=priority:sideways", "sort"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=many", "limit"),
        ("cursor=abc", "cursor"),
        ("colour=red", "colour"),
    ] {
        let answer = fixture.ask(&agent, &format!("/v1/conversations?{query}")).await;
        let problem = answer.json();
        assert_eq!(
            (answer.status.as_u16(), problem["field"].as_str()),
            (400, Some(field)),
            "{query}: {problem}"
        );
    }
    let page = fixture.ask(&agent, "/v1/conversations?limit=1").await.expect_ok();
    let cursor = page["next_cursor"].as_str().unwrap();
    let of_sort = async |sort: &str| {
        let page = fixture.ask(&agent, &format!("/v1/conversations?sort={sort}")).await.expect_ok();
        page["data"].clone()
    };
    assert_eq!(of_sort("created_at").await, of_sort("created_at:desc").await);
    let other = format!("/v1/conversations?limit=1&sort=priority:asc&cursor={cursor}");
    assert_eq!(fixture.ask(&agent, &other).await.status, 400);
}

#[tokio::test]
async fn resources_of_another_account_are_not_found() {
    let fixture = fixture(3, 400).await;
    let theirs = fixture.all(&fixture.supervisor(1), "/v1/conversations?limit=200").await;
    let (id, contact) = (theirs[0]["id"].as_str().unwrap(), theirs[0]["contact_id"].as_str().unwrap());
    for path in [
        format!("/v1/conversations/{id}"),
        format!("/v1/conversations/{id}?as_of=2030-01-01T00:00:00Z"),
        format!("/v1/conversations/{id}/messages"),
        format!("/v1/conversations/{id}/assignments"),
        format!("/v1/conversations/{id}/sla"),
        format!("/v1/conversations/{id}/events"),
        format!("/v1/contacts/{contact}"),
        format!("/v1/contact-identifiers/{contact}"),
        format!("/v1/channels/{id}"),
        format!("/v1/teams/{id}"),
        format!("/v1/canned-responses/{id}"),
        format!("/v1/sla-policies/{id}"),
        format!("/v1/calendars/{id}"),
        format!("/v1/agent-preferences/{id}"),
        format!("/v1/webhook-rejections/{id}"),
    ] {
        let answer = fixture.ask(&fixture.administrator(), &path).await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_snapshot_at_the_end_of_the_log_equals_the_current_state() {
    let fixture = fixture(4, 900).await;
    let agent = fixture.agent();
    let end = fixture.store.end().await.unwrap().unwrap();
    let all = fixture.all(&agent, "/v1/conversations?limit=200").await;
    let mut with_clocks = 0;
    for row in &all {
        let id = row["id"].as_str().unwrap();
        let now = fixture.ask(&agent, &format!("/v1/conversations/{id}")).await;
        assert_eq!(now.header("etag"), format!("\"{}\"", row["version"]));
        let was = fixture.ask(&agent, &format!("/v1/conversations/{id}?as_of={end}")).await.expect_ok();
        let mut now = now.expect_ok();
        for (name, value) in row.as_object().unwrap() {
            assert_eq!(&now[name], value, "{name} in the list and alone");
        }
        // The contact of an identifier is in the contact's stream, not in the conversation's.
        now["contact_id"] = was["contact_id"].clone();
        // The tables list SLA timers by the name of the metric.
        let mut was = was;
        let by_name = |detail: &mut Value| {
            let timers = detail["sla_timers"].as_array_mut().unwrap();
            timers.sort_by_key(|timer| timer["metric"].as_str().unwrap().to_owned());
            timers.len()
        };
        with_clocks += usize::from(by_name(&mut was) > 0);
        by_name(&mut now);
        assert_eq!(now, was);
    }
    assert!(with_clocks > 5);
}

#[tokio::test]
async fn a_conversation_is_shown_as_of_any_position_and_time() {
    let fixture = fixture(5, 600).await;
    let agent = fixture.agent();
    let all = fixture.all(&agent, "/v1/conversations?limit=200").await;
    let longest = all.iter().max_by_key(|row| row["version"].as_u64()).unwrap();
    let id = longest["id"].as_str().unwrap();
    let history = fixture.all(&agent, &format!("/v1/conversations/{id}/events?limit=3")).await;
    assert_eq!(history.len() as u64, longest["version"].as_u64().unwrap() + 1);
    for (version, event) in history.iter().enumerate() {
        assert_eq!(event["streamversion"], version.to_string());
        let position = event["position"].as_str().unwrap();
        let was = fixture.ask(&agent, &format!("/v1/conversations/{id}?as_of={position}")).await.expect_ok();
        assert_eq!(was["version"], version as u64);
    }
    let born = longest["created_at"].as_str().unwrap();
    let was = fixture.ask(&agent, &format!("/v1/conversations/{id}?as_of={born}")).await.expect_ok();
    assert_eq!(was["created_at"], born);
    assert_eq!(
        fixture.ask(&agent, &format!("/v1/conversations/{id}?as_of=1999-01-01T00:00:00Z")).await.status,
        404
    );
    assert_eq!(fixture.ask(&agent, &format!("/v1/conversations/{id}?as_of=yesterday")).await.status, 400);
}

#[tokio::test]
async fn messages_are_paged_from_any_message_in_both_directions() {
    let fixture = fixture(6, 900).await;
    let agent = fixture.agent();
    let all = fixture.all(&agent, "/v1/conversations?limit=200").await;
    let longest = all.iter().max_by_key(|row| row["message_count"].as_u64()).unwrap();
    let path = format!("/v1/conversations/{}/messages", longest["id"].as_str().unwrap());
    let everything = fixture.ask(&agent, &format!("{path}?limit=200")).await.expect_ok();
    let everything = everything["data"].as_array().unwrap().clone();
    let expected = longest["message_count"].as_u64().unwrap() + longest["note_count"].as_u64().unwrap();
    assert_eq!(everything.len() as u64, expected);
    let middle = &everything[everything.len() / 2];
    let cursor = middle["cursor"].as_str().unwrap();
    let before = fixture.ask(&agent, &format!("{path}?limit=200&before={cursor}")).await.expect_ok();
    let after = fixture.ask(&agent, &format!("{path}?limit=200&after={cursor}")).await.expect_ok();
    let mut joined = before["data"].as_array().unwrap().clone();
    joined.push(middle.clone());
    joined.extend(after["data"].as_array().unwrap().iter().cloned());
    assert_eq!(joined, everything);
    let both = fixture.ask(&agent, &format!("{path}?before={cursor}&after={cursor}")).await;
    assert_eq!(both.status, 400);
    // `next_cursor` leads on as it does in every list: backwards, or forwards from a message.
    let first = everything[0]["cursor"].as_str().unwrap();
    let back = fixture.all(&agent, &format!("{path}?limit=7")).await;
    let pages: Vec<_> = back.chunks(7).rev().flatten().cloned().collect();
    assert_eq!(pages, everything);
    let forth = fixture.all(&agent, &format!("{path}?limit=7&after={first}")).await;
    assert_eq!(forth, everything[1..]);
}

#[tokio::test]
async fn the_accounts_events_are_paged_completely_and_in_order() {
    let fixture = fixture(7, 500).await;
    assert_eq!(fixture.ask(&fixture.agent(), "/v1/events").await.status, 403);
    let mut events = Vec::new();
    for account in 0..2 {
        let supervisor = fixture.supervisor(account);
        let mut after = String::new();
        loop {
            let answer = fixture.ask(&supervisor, &format!("/v1/events?limit=100{after}")).await;
            assert_eq!(answer.header("content-type"), "application/x-ndjson");
            let lines: Vec<Value> =
                answer.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            let source = format!("/accounts/{}", fixture.scenario.accounts[account]);
            assert!(lines.iter().all(|line| line["source"] == *source));
            events.extend(lines);
            if answer.header("verbatim-at-end") == "true" {
                break;
            }
            after = format!("&after={}", answer.header("verbatim-next"));
        }
    }
    let end: u64 = fixture.store.end().await.unwrap().unwrap().to_string().parse().unwrap();
    let mut positions: Vec<u64> =
        events.iter().map(|event| event["position"].as_str().unwrap().parse().unwrap()).collect();
    positions.sort_unstable();
    assert_eq!(positions.len(), positions.iter().collect::<HashSet<_>>().len());
    assert_eq!(positions.last(), Some(&end));
    assert!(!events.iter().any(|event| event.to_string().contains("hush")), "an event contains a secret");
    let schemas: HashSet<_> = events.iter().map(|event| event["dataschema"].as_str().unwrap()).collect();
    for schema in schemas {
        let here = schema.strip_prefix("http://localhost").expect("an address of this server");
        assert_eq!(fixture.ask(&fixture.agent(), here).await.status, 200, "{schema}");
    }
    let filtered =
        fixture.ask(&fixture.supervisor(0), "/v1/events?types=Assigned,NoteAdded&limit=1000").await;
    assert!(filtered.text.lines().count() > 5);
    for line in filtered.text.lines() {
        let kind = serde_json::from_str::<Value>(line).unwrap()["type"].as_str().unwrap().to_owned();
        assert!(kind.contains(".Assigned.v") || kind.contains(".NoteAdded.v"), "{kind}");
    }
    assert_eq!(
        fixture.ask(&fixture.supervisor(0), "/v1/events?types=Assinged").await.json()["field"],
        "types"
    );
}

/// The ids of the next `count` events of a stream.
pub async fn next_ids(stream: &mut BodyDataStream, count: usize, text: &mut String) -> Vec<String> {
    let read = async {
        loop {
            let whole = text.rfind("\n\n").map_or("", |end| &text[..end]);
            let ids: Vec<_> =
                whole.lines().filter_map(|line| line.strip_prefix("id: ")).map(str::to_owned).collect();
            if ids.len() >= count {
                return ids;
            }
            let frame = stream.next().await.expect("the stream goes on").unwrap();
            text.push_str(std::str::from_utf8(&frame).unwrap());
        }
    };
    tokio::time::timeout(Duration::from_secs(20), read).await.expect("in time")
}

#[tokio::test]
async fn an_event_stream_is_live_and_resumes_after_the_last_event() {
    let mut fixture = fixture(8, 200).await;
    let supervisor = fixture.supervisor(0);
    let sse = [("accept", "text/event-stream")];
    let response = fixture.send(&supervisor, "/v1/events", &sse).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let (mut stream, mut text) = (response.into_body().into_data_stream(), String::new());
    let first = next_ids(&mut stream, 30, &mut text).await;
    drop(stream);
    let last = &first[29];
    let resumed = fixture
        .send(&supervisor, "/v1/events", &[("accept", "text/event-stream"), ("last-event-id", last)])
        .await;
    let (mut stream, mut text) = (resumed.into_body().into_data_stream(), String::new());
    fixture.scenario.run(200).write(&*fixture.store).await;
    let rest = fixture.ask(&supervisor, &format!("/v1/events?limit=1000&after={last}")).await;
    let expected: Vec<_> = rest
        .text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["position"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(next_ids(&mut stream, expected.len(), &mut text).await, expected);
    fixture.stop.cancel();
    let ended = async { while stream.next().await.is_some() {} };
    tokio::time::timeout(Duration::from_secs(20), ended).await.expect("a stop ends the stream");
}

#[tokio::test]
async fn an_event_stream_ends_when_its_token_is_no_longer_accepted() {
    let fixture = fixture(8, 20).await;
    let (account, user) = (fixture.scenario.accounts[0], fixture.scenario.agents[0]);
    let caller = fixture.ending(account, user, Role::Supervisor, Duration::from_secs(1));
    let sse = [("accept", "text/event-stream")];
    let response = fixture.send(&caller, "/v1/events", &sse).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["x-accel-buffering"]),
        (200, &HeaderValue::from_static("no"))
    );
    let mut stream = response.into_body().into_data_stream();
    let ended = async { while stream.next().await.is_some() {} };
    tokio::time::timeout(Duration::from_secs(20), ended).await.expect("the token's end ends the stream");
}

/// After an older log was restored a client waits for events that are never written: it is told.
#[tokio::test]
async fn a_position_beyond_the_logs_end_is_refused() {
    let fixture = fixture(8, 20).await;
    let supervisor = fixture.supervisor(0);
    let beyond = "999999";
    let sse = [("accept", "text/event-stream"), ("last-event-id", beyond)];
    let stream = fixture.ask_with(&supervisor, "/v1/events", &sse).await;
    assert_eq!((stream.status.as_u16(), stream.json()["field"].as_str()), (400, Some("Last-Event-ID")));
    let page = fixture.ask(&supervisor, &format!("/v1/events?after={beyond}")).await;
    assert_eq!((page.status.as_u16(), page.json()["field"].as_str()), (400, Some("after")));
    assert_eq!(page.header("cache-control"), "no-store");
    assert_eq!(page.header("referrer-policy"), "no-referrer");
}

#[tokio::test]
async fn a_caller_reads_its_own_writes_or_gets_a_503() {
    let mut fixture = fixture(9, 50).await;
    let agent = fixture.agent();
    for _ in 0..20 {
        fixture.scenario.run(5).write(&*fixture.store).await;
        let end = fixture.store.end().await.unwrap().unwrap().to_string();
        let counts = fixture.ask_with(&agent, "/v1/conversations/counts", &[("verbatim-after", &end)]).await;
        assert_eq!(counts.status, 200);
        let all = fixture.all(&agent, "/v1/conversations?limit=200").await;
        assert_eq!(total(&counts.json()["by_status"]), all.len() as u64);
    }
    // A position that no response can have had, and text that is not a position.
    for nonsense in ["999999999", "soon"] {
        let bad = fixture.ask_with(&agent, "/v1/conversations", &[("verbatim-after", nonsense)]).await;
        assert_eq!(bad.status, 400, "{nonsense}");
    }
    // The projections are stopped, and events are appended.
    fixture.stop.cancel();
    fixture.scenario.run(5).write(&*fixture.store).await;
    let end = fixture.store.end().await.unwrap().unwrap().to_string();
    let behind = fixture.ask_with(&agent, "/v1/conversations", &[("verbatim-after", &end)]).await;
    assert_eq!((behind.status.as_u16(), behind.header("retry-after")), (503, "1"));
}

#[tokio::test]
async fn catalogues_agents_and_rejections_are_shown_to_the_permitted_roles() {
    let fixture = fixture(10, 900).await;
    let (agent, administrator) = (fixture.agent(), fixture.administrator());
    let channels = fixture.all(&agent, "/v1/channels").await;
    assert_eq!(channels[0]["credential_names"], serde_json::json!(["app_secret"]));
    for path in ["/v1/teams", "/v1/canned-responses", "/v1/sla-policies", "/v1/agents", "/v1/contacts"] {
        assert!(!fixture.all(&agent, path).await.is_empty(), "{path}");
    }
    for path in ["/v1/channels", "/v1/teams", "/v1/canned-responses", "/v1/sla-policies"] {
        let id = fixture.all(&agent, path).await[0]["id"].as_str().unwrap().to_owned();
        assert_eq!(fixture.ask(&agent, &format!("{path}/{id}")).await.expect_ok()["id"], *id);
    }
    let response = fixture.all(&agent, "/v1/canned-responses").await[0]["id"].as_str().unwrap().to_owned();
    let conversations = fixture.all(&agent, "/v1/conversations").await;
    let named = conversations.iter().find(|row| row["display_name"].is_string()).unwrap();
    let conversation = named["id"].as_str().unwrap();
    let path = format!("/v1/canned-responses/{response}?conversation_id={conversation}");
    let name = named["display_name"].as_str().unwrap();
    assert_eq!(fixture.ask(&agent, &path).await.expect_ok()["rendered"], format!("Hello {name}"));
    assert_eq!(fixture.ask(&agent, "/v1/agent-preferences/me").await.status, 200);
    for path in ["/v1/agent-preferences", "/v1/webhook-rejections"] {
        assert_eq!(fixture.ask(&agent, path).await.status, 403, "{path}");
        assert!(!fixture.all(&administrator, path).await.is_empty(), "{path}");
    }
    let rejection = &fixture.all(&administrator, "/v1/webhook-rejections").await[0];
    assert_eq!(rejection["body"], "{");
    let timers = fixture.all(&agent, "/v1/sla-timers?limit=3").await;
    assert!(timers.is_sorted_by_key(|timer| timer["due_at"].as_str().map(str::to_owned)));
}

#[tokio::test]
async fn every_route_is_described() {
    let fixture = fixture(11, 5).await;
    let document = fixture.ask(&fixture.agent(), "/openapi.json").await.expect_ok();
    let paths = document["paths"].as_object().unwrap();
    for path in [
        "/v1/conversations",
        "/v1/conversations/counts",
        "/v1/conversations/{id}",
        "/v1/conversations/{id}/messages",
        "/v1/conversations/{id}/assignments",
        "/v1/conversations/{id}/sla",
        "/v1/conversations/{id}/events",
        "/v1/events",
        "/v1/contacts",
        "/v1/contact-identifiers",
        "/v1/canned-responses/{id}",
        "/v1/agent-preferences/me",
        "/v1/sla-timers",
        "/v1/webhook-rejections",
        "/schemas/{name}",
    ] {
        let operation = &paths.get(path).unwrap_or_else(|| panic!("{path} is not described"))["get"];
        assert!(operation["operationId"].is_string(), "{path}");
    }
    let parameters = document["paths"]["/v1/conversations"]["get"]["parameters"].as_array().unwrap();
    let names: HashSet<_> = parameters.iter().filter_map(|parameter| parameter["name"].as_str()).collect();
    for name in ["status", "assignee_id", "sort", "limit", "cursor", "Verbatim-After"] {
        assert!(names.contains(name), "{name} is not described: {names:?}");
    }
}

#[tokio::test]
async fn a_query_parameter_that_no_operation_declares_is_refused_on_every_route() {
    let fixture = fixture(12, 20).await;
    let administrator = fixture.administrator();
    let api = fixture.ask(&administrator, "/openapi.json").await.expect_ok();
    let mut asked = 0;
    for (path, item) in api["paths"].as_object().unwrap() {
        if item.get("get").is_none() {
            continue;
        }
        let id = "00000000-0000-0000-0000-00000000dead";
        let part = |part: &str| if part.starts_with('{') { id.to_owned() } else { part.to_owned() };
        let path = path.split('/').map(part).collect::<Vec<_>>().join("/");
        let answer = fixture.ask(&administrator, &format!("{path}?nonsense=1")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}: {}", answer.text);
        assert_eq!(answer.json()["field"], "nonsense", "{path}");
        asked += 1;
    }
    assert!(asked >= 25, "{asked}");
}

#[tokio::test]
async fn preferences_are_filtered_by_topic_and_availability() {
    let fixture = fixture(10, 900).await;
    let administrator = fixture.administrator();
    let all = fixture.all(&administrator, "/v1/agent-preferences").await;
    let topics = |agent: &Value| agent["available_topics"].as_array().unwrap().clone();
    let named: HashSet<_> =
        all.iter().flat_map(topics).map(|topic| topic.as_str().unwrap().to_owned()).collect();
    for is_available in [true, false] {
        for topic in named.iter().map(String::as_str).chain(["of-nobody"]) {
            let path = format!("/v1/agent-preferences?available_topics={topic}&is_available={is_available}");
            let found = fixture.ask(&administrator, &path).await.expect_ok();
            let fits = |agent: &&Value| {
                let taken = topics(agent);
                (taken.is_empty() || taken.iter().any(|taken| *taken == topic))
                    && agent["is_available"] == is_available
            };
            let expected: Vec<_> = all.iter().filter(fits).collect();
            assert_eq!(found["data"].as_array().unwrap().iter().collect::<Vec<_>>(), expected, "{path}");
        }
    }
    let answer = fixture.ask(&administrator, "/v1/agent-preferences?is_available=perhaps").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);
}
