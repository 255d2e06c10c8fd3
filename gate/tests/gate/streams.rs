//! The keys of stream tokens, and their callers.

use super::service::{ACME, ANA, SECRET, Service, send_get, token};
use super::traces::Log;
use axum::Router;
use gate::{AuthConfig, Role};
use serde_json::json;

fn process(auth: AuthConfig) -> Router {
    Service { auth, ..Service::default() }.build()
}

async fn issued(router: &Router, headers: &[(&str, &str)]) -> String {
    send_get(router, "/stream-token", headers).await.json()["token"].as_str().unwrap().to_owned()
}

async fn opens(router: &Router, token: &str) -> bool {
    let answer = send_get(router, &format!("/stream?token={token}"), &[]).await;
    if answer.status != 200 {
        assert_eq!(answer.is_problem(401, "unauthenticated")["field"], "token");
        return false;
    }
    let expected = json!({ "account": ACME, "user": ANA, "role": "supervisor", "types": ["Assigned"] });
    assert_eq!(answer.json(), expected);
    true
}

#[tokio::test]
async fn a_stream_token_is_valid_at_every_process_with_the_same_secret() {
    let (account, user) = (ACME.to_string(), ANA.to_string());
    let headers = [("x-account-id", &*account), ("x-user-id", &*user), ("x-user-role", "supervisor")];
    let gateway = || AuthConfig { trust_gateway: true, ..AuthConfig::default() };
    let secret = |secret: &str| AuthConfig { secret: Some(secret.to_owned()), ..gateway() };
    let stream_secret = || AuthConfig { stream_secret: Some("its own ".repeat(5)), ..gateway() };

    let (one, same) = (process(secret(SECRET)), process(secret(SECRET)));
    let other = process(secret("another secret of at least thirty-two bytes"));
    let token = issued(&one, &headers).await;
    assert_eq!(
        (opens(&one, &token).await, opens(&same, &token).await, opens(&other, &token).await),
        (true, true, false)
    );

    // Without a secret each process has a key of its own.
    let (one, other) = (process(gateway()), process(gateway()));
    let token = issued(&one, &headers).await;
    assert_eq!((opens(&one, &token).await, opens(&other, &token).await), (true, false));

    let (one, same) = (process(stream_secret()), process(stream_secret()));
    let token = issued(&one, &headers).await;
    assert!(opens(&one, &token).await && opens(&same, &token).await);
}

#[tokio::test]
async fn a_stream_token_is_in_no_log_line() {
    let router = Service::default().build();
    let bearer = token(Role::Supervisor);
    let token = issued(&router, &[("authorization", &bearer)]).await;
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().json().with_writer(log.clone()).finish();
    let _until_the_end = tracing::subscriber::set_default(subscriber);
    assert!(opens(&router, &token).await);
    assert!(!opens(&router, &format!("{token}0")).await);
    let text = log.text();
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(text.contains(&ANA.to_string()) && !text.contains(&token), "{text}");
}
