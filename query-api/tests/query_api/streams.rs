//! Tokens that open event streams, and how a stream ends.

use crate::answers::{Answer, Fixture, fixture, next_ids};
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode};
use axum::response::Response;
use event_schemas::{AccountId, Timestamp, UserId};
use futures::StreamExt;
use gate::Role;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

const SSE: (&str, &str) = ("accept", "text/event-stream");

/// A request without the header `Authorization`.
async fn open(fixture: &Fixture, path: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = Request::builder().uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    fixture.call(request.body(Body::empty()).unwrap()).await
}

async fn whole(response: Response) -> Answer {
    let (head, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    Answer { status: head.status, headers: head.headers, text: String::from_utf8(body.to_vec()).unwrap() }
}

async fn issue(fixture: &Fixture, bearer: &str, body: &Value) -> Answer {
    let request = Request::builder()
        .method(Method::POST)
        .uri("/v1/events/tokens")
        .header("authorization", format!("Bearer {bearer}"))
        .header("content-type", "application/json");
    whole(fixture.call(request.body(Body::from(body.to_string())).unwrap()).await).await
}

async fn token(fixture: &Fixture, types: &[&str]) -> String {
    let issued = issue(fixture, &fixture.supervisor(0).token, &json!({ "types": types })).await;
    assert_eq!(issued.status, StatusCode::CREATED, "{}", issued.text);
    issued.json()["token"].as_str().unwrap().to_owned()
}

#[track_caller]
fn refused(answer: &Answer, status: u16, field: &str) {
    let problem = answer.json();
    assert_eq!((answer.status.as_u16(), problem["field"].as_str()), (status, Some(field)), "{problem}");
}

#[tokio::test]
async fn a_stream_token_opens_a_stream_of_its_account_and_types() {
    let fixture = fixture(31, 400).await;
    let types = ["Assigned", "NoteAdded"];
    let stream = format!("/v1/events?token={}", token(&fixture, &types).await);
    let listed = fixture.ask(&fixture.supervisor(0), "/v1/events?limit=1000&types=Assigned,NoteAdded").await;
    let expected: Vec<Value> = listed.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let expected: Vec<_> =
        expected.iter().map(|event| event["position"].as_str().unwrap().to_owned()).collect();
    assert!(expected.len() > 5);
    let opened = open(&fixture, &stream, &[SSE]).await;
    assert_eq!(opened.status(), StatusCode::OK);
    assert_eq!(opened.headers()["content-type"], SSE.1);
    let (mut body, mut text) = (opened.into_body().into_data_stream(), String::new());
    assert_eq!(next_ids(&mut body, expected.len(), &mut text).await, expected);
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    let data: Vec<Value> = data.map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: BTreeSet<_> =
        data.iter().map(|event| event["type"].as_str().unwrap().split('.').nth(2).unwrap()).collect();
    assert_eq!(names, BTreeSet::from(types));

    // A connection that was lost is opened again by the browser, with the id of the last event.
    let again = [SSE, ("last-event-id", &*expected[2])];
    let opened = open(&fixture, &stream, &again).await;
    let (mut body, mut text) = (opened.into_body().into_data_stream(), String::new());
    assert_eq!(next_ids(&mut body, expected.len() - 3, &mut text).await, expected[3..]);
}

#[tokio::test]
async fn a_stream_token_opens_nothing_else() {
    let fixture = fixture(32, 40).await;
    let token = token(&fixture, &["Assigned"]).await;
    let stream = format!("/v1/events?token={token}");
    refused(&whole(open(&fixture, &stream, &[]).await).await, 400, "Accept");
    let with_types = format!("{stream}&types=NoteAdded");
    refused(&whole(open(&fixture, &with_types, &[SSE]).await).await, 400, "types");
    let bearer = fixture.supervisor(0).token;
    let both = [SSE, ("authorization", &*format!("Bearer {bearer}"))];
    refused(&whole(open(&fixture, &stream, &both).await).await, 400, "token");

    // It is no bearer token, and a bearer token is no stream token.
    let header = format!("Bearer {token}");
    for path in ["/v1/events", "/v1/conversations"] {
        let answer = whole(open(&fixture, path, &[("authorization", &header)]).await).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    for text in [&*bearer, "", "nonsense"] {
        let answer = whole(open(&fixture, &format!("/v1/events?token={text}"), &[SSE]).await).await;
        refused(&answer, 401, "token");
    }
    for path in ["/v1/conversations", "/v1/queue", "/v1/events/00000000-0000-0000-0000-00000000dead"] {
        let answer = whole(open(&fixture, &format!("{path}?token={token}"), &[SSE]).await).await;
        refused(&answer, 400, "token");
    }
    assert_eq!(whole(open(&fixture, "/v1/events", &[SSE]).await).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_stream_token_opens_streams_for_two_minutes() {
    let fixture = fixture(33, 20).await;
    let issued = issue(&fixture, &fixture.supervisor(0).token, &json!({})).await.json();
    let time = |name: &str| issued[name].as_str().unwrap().parse::<Timestamp>().unwrap();
    let now = fixture.clock.now();
    assert_eq!(time("expires_at").since(now), Duration::from_secs(120));
    // The caller's own token is valid for ten minutes, and half a minute is granted for the difference of clocks.
    let until = time("streams_until").since(now);
    assert!((Duration::from_secs(600)..=Duration::from_secs(630)).contains(&until), "{until:?}");
    let stream = format!("/v1/events?token={}", issued["token"].as_str().unwrap());
    fixture.clock.advance(Duration::from_secs(120));
    assert_eq!(open(&fixture, &stream, &[SSE]).await.status(), StatusCode::OK);
    fixture.clock.advance(Duration::from_secs(1));
    refused(&whole(open(&fixture, &stream, &[SSE]).await).await, 401, "token");
}

#[tokio::test]
async fn who_may_not_read_the_accounts_events_gets_no_stream_token() {
    let fixture = fixture(34, 20).await;
    let agent = issue(&fixture, &fixture.agent().token, &json!({})).await;
    assert_eq!(agent.status, StatusCode::FORBIDDEN, "{}", agent.text);
    let unknown = json!({ "types": ["Assigned", "Assinged"] });
    refused(&issue(&fixture, &fixture.supervisor(0).token, &unknown).await, 422, "types[1]");
}

/// The caller's token ends in a second: the stream says so, and ends.
#[tokio::test]
async fn a_stream_ends_with_the_callers_own_token_after_a_warning() {
    let fixture = fixture(35, 20).await;
    let (account, user): (AccountId, UserId) = (fixture.scenario.accounts[0], fixture.scenario.agents[0]);
    let bearer = fixture.ending(account, user, Role::Supervisor, Duration::from_secs(1)).token;
    let issued = issue(&fixture, &bearer, &json!({})).await.json();
    let by_token = format!("/v1/events?token={}", issued["token"].as_str().unwrap());
    let header = format!("Bearer {bearer}");
    let by_header = [SSE, ("authorization", &*header)];
    for (path, headers) in [(&*by_token, &[SSE][..]), ("/v1/events", &by_header), ("/v1/queue", &by_header)] {
        let opened = open(&fixture, path, headers).await;
        assert_eq!(opened.status(), StatusCode::OK, "{path}");
        let mut body = opened.into_body().into_data_stream();
        let mut text = String::new();
        let read = async {
            while let Some(frame) = body.next().await {
                text.push_str(std::str::from_utf8(&frame.unwrap()).unwrap());
            }
        };
        tokio::time::timeout(Duration::from_secs(20), read).await.expect("the stream ends with the token");
        let warning = text.split("\n\n").find(|event| event.starts_with("event: expiring")).expect(&text);
        let (_, seconds) = warning.split_once("data: {\"seconds\":").expect(warning);
        assert!(["0}", "1}"].contains(&seconds), "{warning}");
        // The id of the last event is the browser's place in the stream.
        assert!(!warning.contains("id:"), "{warning}");
    }
}
