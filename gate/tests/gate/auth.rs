use super::service::{
    ACME, ANA, Answer, GLOBEX, NOW, SECRET, Service, bearer, request, send, send_get, token,
};
use axum::Router;
use axum::http::{HeaderValue, Method};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use event_schemas::Clock;
use gate::auth::AuthConfigError;
use gate::{AuthConfig, Claims, Role};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use std::time::Duration;

async fn whoami(router: &Router, authorization: &str) -> Answer {
    send_get(router, "/whoami", &[("authorization", authorization)]).await
}

fn signed(algorithm: Algorithm, key: &EncodingKey, claims: &Value) -> String {
    format!("Bearer {}", encode(&Header::new(algorithm), claims, key).unwrap())
}

fn now() -> i64 {
    NOW.as_micros() / 1_000_000
}

fn claims() -> Value {
    json!({ "sub": ANA, "accounts": [ACME], "role": "agent", "exp": now() + 60 })
}

#[tokio::test]
async fn a_token_identifies_the_caller() {
    let answer = whoami(&Service::default().build(), &token(Role::Supervisor)).await;
    let expected = json!({ "account": ACME, "user": ANA, "role": "supervisor", "name": "Ana" });
    assert_eq!(answer.json(), expected);
}

#[tokio::test]
async fn without_a_token_the_problem_says_what_to_send() {
    let answer = send_get(&Service::default().build(), "/whoami", &[]).await;
    let problem = answer.is_problem(401, "unauthenticated");
    assert!(problem["detail"].as_str().unwrap().contains("Authorization: Bearer"));
    assert!(answer.header("www-authenticate").starts_with("Bearer"));
}

#[tokio::test]
async fn an_invalid_token_is_refused_and_causes_no_server_error() {
    let router = Service::default().build();
    let secret = EncodingKey::from_secret(SECRET.as_bytes());
    let with = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        signed(Algorithm::HS256, &secret, &claims)
    };
    let unsigned = "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiIwIn0.";
    let mut tampered = token(Role::Agent);
    tampered.pop();
    let refused = [
        String::new(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        "Basic dXNlcjpwYXNz".to_owned(),
        "Bearer not.a.token".to_owned(),
        "Bearer ....".to_owned(),
        unsigned.to_owned(),
        tampered,
        signed(
            Algorithm::HS256,
            &EncodingKey::from_secret(b"another secret, as long as the right one"),
            &claims(),
        ),
        signed(Algorithm::HS512, &secret, &claims()),
        with("exp", json!(null)),
        with("exp", json!("tomorrow")),
        with("exp", json!(-1)),
        with("sub", json!("ana")),
        with("role", json!("emperor")),
        with("accounts", json!("all")),
        with("nbf", json!(now() + 3600)),
    ];
    for authorization in refused {
        let answer = whoami(&router, &authorization).await;
        assert_eq!(answer.status, 401, "{authorization}: {}", answer.text);
        answer.is_problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn a_token_expires_at_exp_plus_the_leeway() {
    let clock = Clock::manual(NOW);
    let router = Service { clock: clock.clone(), ..Service::default() }.build();
    let token = token(Role::Agent);
    clock.advance(Duration::from_secs(3600 + 30));
    assert_eq!(whoami(&router, &token).await.status, 200);
    clock.advance(Duration::from_secs(1));
    let problem = whoami(&router, &token).await.is_problem(401, "unauthenticated");
    assert!(problem["detail"].as_str().unwrap().contains("expired"));
}

#[tokio::test]
async fn a_single_account_is_the_default_and_one_of_several_must_be_named() {
    let router = Service::default().build();
    let mut both = Claims::of(ANA, ACME, Role::Agent);
    both.accounts.push(GLOBEX);
    let both = bearer(both);
    let globex = GLOBEX.to_string();

    let problem = whoami(&router, &both).await.is_problem(400, "unreadable");
    assert_eq!(problem["field"], "X-Account-Id");
    let headers = [("authorization", &*both), ("x-account-id", &*globex)];
    assert_eq!(send_get(&router, "/whoami", &headers).await.json()["account"], globex);
    let one = token(Role::Agent);
    let headers = [("authorization", &*one), ("x-account-id", &*globex)];
    send_get(&router, "/whoami", &headers).await.is_problem(403, "forbidden");
    let headers = [("authorization", &*one), ("x-account-id", "acme")];
    send_get(&router, "/whoami", &headers).await.is_problem(400, "unreadable");

    let mut none = Claims::of(ANA, ACME, Role::Agent);
    none.accounts.clear();
    whoami(&router, &bearer(none)).await.is_problem(403, "forbidden");
}

#[tokio::test]
async fn each_role_has_the_permissions_of_the_roles_below_it_and_a_service_its_own() {
    let router = Service::default().build();
    let may = |role| {
        let router = router.clone();
        async move {
            let token = token(role);
            let headers = [("authorization", &*token)];
            let mut allowed = Vec::new();
            for path in ["/agents", "/supervisors", "/admins", "/programs"] {
                let answer = send_get(&router, path, &headers).await;
                if answer.status == 200 {
                    allowed.push(path);
                } else {
                    answer.is_problem(403, "forbidden");
                }
            }
            allowed
        }
    };
    assert_eq!(may(Role::Agent).await, ["/agents"]);
    assert_eq!(may(Role::Supervisor).await, ["/agents", "/supervisors"]);
    assert_eq!(may(Role::Administrator).await, ["/agents", "/supervisors", "/admins", "/programs"]);
    assert_eq!(may(Role::Service).await, ["/agents", "/programs"]);
}

#[tokio::test]
async fn issuer_and_audience_are_required_once_they_are_configured() {
    let auth = AuthConfig {
        secret: Some(SECRET.to_owned()),
        issuer: Some("https://id.example.com".to_owned()),
        audience: Some("verbatim".to_owned()),
        ..AuthConfig::default()
    };
    let router = Service { auth, ..Service::default() }.build();
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    let of = |issuer: Value, audience: Value| {
        let mut claims = claims();
        claims["iss"] = issuer;
        claims["aud"] = audience;
        signed(Algorithm::HS256, &key, &claims)
    };
    let (issuer, audience) = (json!("https://id.example.com"), json!("verbatim"));
    assert_eq!(whoami(&router, &of(issuer.clone(), audience.clone())).await.status, 200);
    assert_eq!(whoami(&router, &of(issuer.clone(), json!(["else", "verbatim"]))).await.status, 200);
    for (issuer, audience) in [
        (json!(null), audience.clone()),
        (issuer.clone(), json!(null)),
        (json!("https://elsewhere.example.com"), audience),
        (issuer, json!("else")),
    ] {
        whoami(&router, &of(issuer, audience)).await.is_problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn a_gateways_headers_are_accepted_only_when_the_gateway_is_trusted() {
    let (account, user) = (ACME.to_string(), ANA.to_string());
    let headers = [
        ("x-account-id", &*account),
        ("x-user-id", &*user),
        ("x-user-role", "administrator"),
        ("x-user-name", "Ana"),
    ];
    send_get(&Service::default().build(), "/admins", &headers).await.is_problem(401, "unauthenticated");

    let auth = AuthConfig { secret: Some(SECRET.to_owned()), trust_gateway: true, ..AuthConfig::default() };
    let trusting = Service { auth, ..Service::default() }.build();
    let answer = send_get(&trusting, "/admins", &headers).await;
    assert_eq!(
        answer.json(),
        json!({ "account": ACME, "user": ANA, "role": "administrator", "name": "Ana" })
    );
    send_get(&trusting, "/admins", &headers[1..]).await.is_problem(401, "unauthenticated");
    send_get(&trusting, "/admins", &[]).await.is_problem(401, "unauthenticated");

    // A token takes precedence over the headers, so a caller cannot raise its own role.
    let agent = token(Role::Agent);
    let with_token = [("authorization", &*agent), headers[0], headers[1], headers[2]];
    send_get(&trusting, "/admins", &with_token).await.is_problem(403, "forbidden");
}

#[tokio::test]
async fn a_gateways_user_name_is_utf_8() {
    let auth = AuthConfig { trust_gateway: true, ..AuthConfig::default() };
    let trusting = Service { auth, ..Service::default() }.build();
    let (account, user) = (ACME.to_string(), ANA.to_string());
    let headers = [("x-account-id", &*account), ("x-user-id", &*user), ("x-user-role", "administrator")];
    let ask = async |name: &[u8]| {
        let mut request = request(Method::GET, "/admins", &headers, "");
        request.headers_mut().insert("x-user-name", HeaderValue::from_bytes(name).unwrap());
        send(&trusting, request).await
    };
    assert_eq!(ask("Zoë".as_bytes()).await.json()["name"], "Zoë");
    assert_eq!(ask(b"").await.json()["name"], Value::Null);
    // "Zoë" in ISO 8859-1, and a letter that was cut.
    for name in [&b"Zo\xeb"[..], b"Zo\xc3"] {
        let problem = ask(name).await.is_problem(401, "unauthenticated");
        assert_eq!(problem["field"], "X-User-Name");
    }
}

#[test]
fn a_configuration_without_authentication_or_with_a_short_secret_is_refused() {
    let build = |auth| Service { auth, ..Service::default() }.try_build();
    assert!(matches!(build(AuthConfig::default()), Err(AuthConfigError::NotConfigured)));
    let of_length = |length| AuthConfig { secret: Some("s".repeat(length)), ..AuthConfig::default() };
    for length in [0, 1, 31] {
        let refused = build(of_length(length));
        assert!(
            matches!(refused, Err(AuthConfigError::ShortSecret { length: reported }) if reported == length)
        );
    }
    assert!(build(of_length(32)).is_ok());
}

/// While a secret is replaced, tokens that the former one signed stay valid.
#[tokio::test]
async fn a_token_of_the_previous_secret_is_accepted() {
    let previous = "the secret before this one, long enough";
    let old = signed(Algorithm::HS256, &EncodingKey::from_secret(previous.as_bytes()), &claims());
    let rotating = AuthConfig {
        secret: Some(SECRET.to_owned()),
        previous_secret: Some(previous.to_owned()),
        ..AuthConfig::default()
    };
    let router = Service { auth: rotating, ..Service::default() }.build();
    assert_eq!(whoami(&router, &old).await.status, 200);
    assert_eq!(whoami(&router, &token(Role::Agent)).await.status, 200);
    assert_eq!(whoami(&Service::default().build(), &old).await.status, 401);
}

/// RFC 7515, section 4.1.11: an extension that the recipient must understand and does not makes the token invalid.
#[tokio::test]
async fn a_token_with_a_critical_extension_is_refused() {
    let secret = EncodingKey::from_secret(SECRET.as_bytes());
    let plain = signed(Algorithm::HS256, &secret, &claims());
    let payload = plain.split('.').nth(1).unwrap();
    let header = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","crit":["exp2"],"exp2":1}"#);
    let message = format!("{header}.{payload}");
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &secret, Algorithm::HS256).unwrap();
    let answer = whoami(&Service::default().build(), &format!("Bearer {message}.{signature}")).await;
    let problem = answer.is_problem(401, "unauthenticated");
    assert!(problem["detail"].as_str().unwrap().contains("crit"), "{problem}");
}
