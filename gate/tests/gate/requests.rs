use super::service::{ACME, Service, post_json, request, send, send_get, token};
use axum::http::{HeaderValue, Method};
use gate::limits::Rate;
use gate::{Check, Cors, Limits, Role};
use std::num::NonZeroU32;
use std::time::Duration;

#[tokio::test]
async fn an_unreadable_body_is_refused_with_the_name_of_the_field() {
    let router = Service::default().build();
    for (body, field) in [
        ("{\"name\": 7}", Some("name")),
        ("{\"name\": \"a\", \"parts\": [{\"size\": 1}, {\"size\": -1}]}", Some("parts[1].size")),
        ("{\"name\": \"a\", \"parts\": [{\"size\": 1, \"colour\": 2}]}", Some("parts[0].colour")),
        ("{\"name\": \"a\", \"nmae\": \"b\"}", Some("nmae")),
        ("{\"name\": \"a\"} and more", None),
        ("{}", Some("name")),
        ("{\"name\": \"a\", \"parts\": [{}]}", Some("parts[0].size")),
        ("{\"name\": \"a\", \"name\": \"b\"}", Some("name")),
        ("{", None),
        ("", None),
        ("[]", None),
        ("{\"name\": \"\\ud800\"}", Some("name")),
    ] {
        let problem = post_json(&router, "/things", body).await.is_problem(400, "unreadable");
        assert_eq!(problem["field"].as_str(), field, "{body}: {problem}");
        assert!(problem["detail"].as_str().unwrap().ends_with('.'));
    }
    assert_eq!(post_json(&router, "/things", "{\"name\": \"a\"}").await.status, 200);
}

#[tokio::test]
async fn a_body_must_be_json_with_a_json_content_type() {
    let router = Service::default().build();
    let body = "{\"name\": \"a\"}";
    for kind in ["application/json", "Application/JSON; charset=utf-8", "application/merge-patch+json"] {
        let answer = send(&router, request(Method::POST, "/things", &[("content-type", kind)], body)).await;
        assert_eq!(answer.status, 200, "{kind}");
    }
    for headers in [&[("content-type", "text/plain")][..], &[]] {
        let answer = send(&router, request(Method::POST, "/things", headers, body)).await;
        answer.is_problem(415, "unsupported-media-type");
    }
}

#[tokio::test]
async fn an_absent_optional_body_reads_as_the_default() {
    let router = Service::default().build();
    let bare = send(&router, request(Method::POST, "/notes", &[], "")).await;
    assert_eq!((bare.status.as_u16(), &*bare.text), (200, "{\"note\":null}"));
    assert_eq!(post_json(&router, "/notes", "").await.status, 200);
    assert_eq!(post_json(&router, "/notes", "{\"note\":\"a\"}").await.text, "{\"note\":\"a\"}");
    post_json(&router, "/notes", "{\"note\":1}").await.is_problem(400, "unreadable");
}

#[tokio::test]
async fn a_body_too_large_is_refused_by_every_extractor() {
    let limits = Limits { body_bytes: 64, ..Limits::default() };
    let router = Service { limits, ..Service::default() }.build();
    let large = format!("{{\"name\": \"{}\"}}", "a".repeat(64));
    post_json(&router, "/things", &large).await.is_problem(413, "too-large");
    send(&router, request(Method::POST, "/raw", &[], &large)).await.is_problem(413, "too-large");
}

#[tokio::test]
async fn an_unreadable_path_or_query_is_refused_with_the_name_of_the_parameter() {
    let router = Service::default().build();
    for (path, field) in [
        ("/things/7".to_owned(), "id"),
        ("/things/%ff".to_owned(), "id"),
        (format!("/things/{ACME}?limit=many"), "limit"),
        (format!("/things/{ACME}?limit=1&limit=2"), "limit"),
        (format!("/pairs/{ACME}/seven"), "number"),
        ("/pairs/acme/7".to_owned(), "account"),
    ] {
        let problem = send_get(&router, &path, &[]).await.is_problem(400, "unreadable");
        assert_eq!(problem["field"], field, "{path}: {problem}");
    }
    assert_eq!(send_get(&router, &format!("/things/{ACME}?limit=7"), &[]).await.json()["limit"], 7);
    assert_eq!(send_get(&router, &format!("/tuples/{ACME}/7"), &[]).await.json()["second"], 7);
}

#[tokio::test]
async fn an_unknown_path_and_an_unsupported_method_are_problems() {
    let router = Service::default().build();
    send_get(&router, "/nowhere", &[]).await.is_problem(404, "not-found");
    let answer = send_get(&router, "/things", &[]).await;
    answer.is_problem(405, "method-not-allowed");
    assert_eq!(answer.header("allow"), "POST");
}

#[tokio::test]
async fn a_panic_is_a_problem_and_the_next_request_is_served() {
    let router = Service::default().build();
    send_get(&router, "/panic", &[]).await.is_problem(500, "internal");
    assert_eq!(send_get(&router, "/healthz", &[]).await.status, 200);
}

#[tokio::test]
async fn a_request_that_takes_too_long_ends_with_503() {
    let limits = Limits { timeout: Duration::from_millis(20), ..Limits::default() };
    let answer = send_get(&Service { limits, ..Service::default() }.build(), "/slow", &[]).await;
    answer.is_problem(503, "unavailable");
    assert_eq!(answer.header("retry-after"), "1");
}

#[tokio::test]
async fn only_the_caller_who_exceeds_the_rate_limit_must_wait() {
    let rate = Rate { burst: NonZeroU32::new(3).unwrap(), one_every: Duration::from_secs(3600) };
    let limits = Limits { per_caller: Some(rate), ..Limits::default() };
    let router = Service { limits, ..Service::default() }.build();
    let ana = token(Role::Agent);
    for _ in 0..3 {
        assert_eq!(send_get(&router, "/agents", &[("authorization", &ana)]).await.status, 200);
    }
    let answer = send_get(&router, "/agents", &[("authorization", &ana)]).await;
    let problem = answer.is_problem(429, "too-many-requests");
    assert_eq!(problem["retry_after"].to_string(), answer.header("retry-after"));
    assert!((3500..=3600).contains(&problem["retry_after"].as_u64().unwrap()));

    let other = gate::Claims::of(event_schemas::UserId::from_u128(2), ACME, Role::Agent);
    let other = super::service::bearer(other);
    assert_eq!(send_get(&router, "/agents", &[("authorization", &other)]).await.status, 200);
}

#[tokio::test]
async fn special_headers_are_read_or_refused_by_name() {
    let router = Service::default().build();
    let good = [("verbatim-after", "17"), ("if-match", "\"3\""), ("idempotency-key", "order-7!")];
    let read = send_get(&router, "/headers", &good).await.json();
    assert_eq!(
        (&read["after"], &read["version"], &read["key"]),
        (&"17".into(), &3.into(), &"order-7!".into())
    );
    assert_eq!(
        send_get(&router, "/headers", &[("if-match", "*")]).await.json()["version"],
        serde_json::Value::Null
    );

    let long = "k".repeat(256);
    for (name, value) in [
        ("Verbatim-After", "soon"),
        ("Verbatim-After", "-1"),
        ("If-Match", "3"),
        ("If-Match", "W/\"3\""),
        ("If-Match", "\"+3\""),
        ("If-Match", "\"3\", \"4\""),
        ("If-Match", "\"\""),
        ("If-Match", "\"99999999999999999999\""),
        ("Idempotency-Key", ""),
        ("Idempotency-Key", "two words"),
        ("Idempotency-Key", &long),
    ] {
        let problem = send_get(&router, "/headers", &[(name, value)]).await.is_problem(400, "unreadable");
        assert_eq!(problem["field"], name, "{value}");
    }
}

#[tokio::test]
async fn a_request_id_is_passed_on_and_repeated_in_the_response() {
    let router = Service::default().build();
    let id = "0192f5a0-0000-7000-8000-000000000001";
    for name in ["x-request-id", "x-correlation-id"] {
        let answer = send_get(&router, "/headers", &[(name, id)]).await;
        assert_eq!((answer.header("x-request-id"), answer.json()["correlation_id"].as_str()), (id, Some(id)));
    }
    let named = send_get(&router, "/headers", &[("x-request-id", "job-7")]).await;
    assert_eq!(named.header("x-request-id"), "job-7");
    let again = send_get(&router, "/headers", &[("x-request-id", "job-7")]).await;
    assert_eq!(named.json()["correlation_id"], again.json()["correlation_id"]);
    let drawn = send_get(&router, "/headers", &[]).await;
    assert_eq!(drawn.json()["correlation_id"], drawn.header("x-request-id"));
    assert_eq!(send_get(&router, "/nowhere", &[("x-request-id", "a")]).await.header("x-request-id"), "a");
}

#[tokio::test]
async fn a_trace_continues_with_a_new_span() {
    let router = Service::default().build();
    let (trace, span) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
    let sent = format!("00-{trace}-{span}-01");
    let read = send_get(&router, "/headers", &[("traceparent", &sent)]).await.json();
    let passed_on = read["traceparent"].as_str().unwrap();
    assert!(passed_on.starts_with(&format!("00-{trace}-")) && passed_on.ends_with("-01"));
    assert!(passed_on.len() == sent.len() && !passed_on.contains(span));

    let nothing = "0".repeat(32);
    for malformed in [
        "00".to_owned(),
        format!("ff-{trace}-{span}-01"),
        format!("00-{nothing}-{span}-01"),
        format!("00-{trace}-{span}-01-more"),
        format!("00-{}-{span}-01", trace.to_uppercase()),
    ] {
        let read = send_get(&router, "/headers", &[("traceparent", &malformed)]).await.json();
        assert!(read["traceparent"].is_null(), "{malformed}");
    }
}

#[tokio::test]
async fn readiness_names_the_failed_check() {
    let passing = || Check::new("event log", async || Ok(()));
    let ready = Service { checks: vec![passing()], ..Service::default() }.build();
    assert_eq!(send_get(&ready, "/readyz", &[]).await.status, 200);

    let full = Check::new("read models", async || Err("the disk is full".to_owned()));
    let failing = Service { checks: vec![passing(), full], ..Service::default() }.build();
    let answer = send_get(&failing, "/readyz", &[]).await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, "1"));
    let checks = &answer.json()["checks"];
    assert_eq!((&checks["event log"], &checks["read models"]), (&"ok".into(), &"the disk is full".into()));
    assert_eq!(send_get(&failing, "/healthz", &[]).await.status, 200);
}

#[tokio::test]
async fn a_failed_optional_check_is_shown_and_the_service_stays_ready() {
    let passing = Check::new("event log", async || Ok(()));
    let away = Check::new("publication", async || Err("NATS is away".to_owned())).optional();
    let router = Service { checks: vec![passing, away], ..Service::default() }.build();
    let answer = send_get(&router, "/readyz", &[]).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["status"]), (200, &"degraded".into()));
    assert_eq!(answer.json()["checks"]["publication"], "NATS is away");
}

#[tokio::test]
async fn a_check_that_hangs_fails() {
    let hung = Check::new("event log", async || std::future::pending().await);
    let router = Service { checks: vec![hung], ..Service::default() }.build();
    let answer = send_get(&router, "/readyz", &[]).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["checks"]["event log"]),
        (503, &"no answer in time".into())
    );
}

#[tokio::test]
async fn pages_of_other_origins_may_call_only_when_configured() {
    let page = [("origin", "https://desk.example.com"), ("access-control-request-method", "PATCH")];
    let preflight = |router: axum::Router| async move {
        let answer = send(&router, request(Method::OPTIONS, "/things", &page, "")).await;
        answer.header("access-control-allow-origin").to_owned()
    };
    assert_eq!(preflight(Service::default().build()).await, "");
    let desk = vec![HeaderValue::from_static("https://desk.example.com")];
    assert_eq!(
        preflight(Service { cors: Cors::Origins(desk), ..Service::default() }.build()).await,
        "https://desk.example.com"
    );
    let other = vec![HeaderValue::from_static("https://other.example.com")];
    assert_eq!(preflight(Service { cors: Cors::Origins(other), ..Service::default() }.build()).await, "");
    assert_eq!(preflight(Service { cors: Cors::Any, ..Service::default() }.build()).await, "*");
}

#[tokio::test]
async fn an_account_is_limited_whatever_number_of_users_it_names() {
    let rate = Rate { burst: NonZeroU32::new(3).unwrap(), one_every: Duration::from_secs(3600) };
    let limits = Limits { per_account: Some(rate), ..Limits::default() };
    let router = Service { limits, ..Service::default() }.build();
    for user in 0..4 {
        let claims = gate::Claims::of(event_schemas::UserId::from_u128(user), ACME, Role::Agent);
        let token = super::service::bearer(claims);
        let status = send_get(&router, "/agents", &[("authorization", &token)]).await.status;
        assert_eq!(status, if user < 3 { 200 } else { 429 });
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_that_sends_many_requests_at_once_waits_while_another_account_asks() {
    let rate = Rate { burst: NonZeroU32::new(800).unwrap(), one_every: Duration::from_secs(1) };
    let limits = Limits { per_account: Some(rate), ..Limits::default() };
    let router = Service { limits, ..Service::default() }.build();
    let of = |account| {
        super::service::bearer(gate::Claims::of(event_schemas::UserId::from_u128(1), account, Role::Agent))
    };
    let (acme, other) = (of(ACME), of(event_schemas::AccountId::from_u128(99)));
    let ask = async |token: &str| {
        let began = tokio::time::Instant::now();
        assert_eq!(send_get(&router, "/agents", &[("authorization", token)]).await.status, 200);
        began.elapsed()
    };
    ask(&other).await;
    let waits = futures::future::join_all((0..60).map(|_| ask(&acme))).await;
    let begin_at_once = waits.iter().filter(|wait| **wait < Duration::from_millis(100));
    assert_eq!(begin_at_once.count(), 50, "{waits:?}");
    assert!(ask(&other).await < Duration::from_millis(100));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_pauses_waits_for_each_refusal() {
    let rate = Rate { burst: NonZeroU32::MIN, one_every: Duration::from_secs(3600) };
    let limits = Limits { per_caller: Some(rate), ..Limits::default() };
    let router = Service { limits, ..Service::default() }.build();
    let ana = token(Role::Agent);
    let ask = async || {
        let began = tokio::time::Instant::now();
        let status = send_get(&router, "/agents", &[("authorization", &ana)]).await.status;
        (status.as_u16(), began.elapsed() > Duration::from_millis(200))
    };
    assert_eq!(ask().await, (200, false));
    assert_eq!(ask().await, (429, true));
    // Only so many are held back, so that refusals do not fill the memory.
    let answers = futures::future::join_all((0..2_005).map(|_| ask())).await;
    assert_eq!(answers.iter().filter(|answer| **answer == (429, true)).count(), 2_000);
    assert_eq!(answers.iter().filter(|answer| **answer == (429, false)).count(), 5);
}

#[tokio::test]
async fn an_address_that_sends_bad_tokens_must_wait_and_its_callers_need_not() {
    let rate = Rate { burst: NonZeroU32::new(3).unwrap(), one_every: Duration::from_secs(3600) };
    let limits = Limits { per_stranger: Some(rate), ..Limits::default() };
    let router = Service { limits, ..Service::default() }.build();
    let send = |authorization: &str, peer: [u8; 4]| {
        let mut request = axum::http::Request::get("/agents").body(axum::body::Body::empty()).unwrap();
        request.headers_mut().insert("authorization", authorization.parse().unwrap());
        let peer = std::net::SocketAddr::from((peer, 1));
        request.extensions_mut().insert(axum::extract::ConnectInfo(peer));
        tower::ServiceExt::oneshot(router.clone(), request)
    };
    for status in [401, 401, 401, 429] {
        assert_eq!(send("Bearer wrong", [192, 0, 2, 1]).await.unwrap().status(), status);
    }
    assert_eq!(send("Bearer wrong", [192, 0, 2, 2]).await.unwrap().status(), 401);
    assert_eq!(send(&token(Role::Agent), [192, 0, 2, 1]).await.unwrap().status(), 200);
}
