use super::service::{ACME, ANA, NOW, SECRET, Service, send_get};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::{Router, routing};
use event_schemas::Clock;
use gate::{AuthConfig, JwksSource};
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const ONE: &str = include_str!("keys/one.ec.pem");
const TWO: &str = include_str!("keys/two.ec.pem");
const THREE: &str = include_str!("keys/three.rsa.pem");
/// 1,024 bits.
const SHORT: &str = include_str!("keys/short.rsa.pem");

/// A key pair and its key id.
#[derive(Clone)]
struct Pair {
    id: &'static str,
    algorithm: Algorithm,
    key: EncodingKey,
}

fn ec(id: &'static str, pem: &str) -> Pair {
    Pair { id, algorithm: Algorithm::ES256, key: EncodingKey::from_ec_pem(pem.as_bytes()).unwrap() }
}

fn rsa(id: &'static str) -> Pair {
    rsa_of(id, THREE)
}

fn rsa_of(id: &'static str, pem: &str) -> Pair {
    Pair { id, algorithm: Algorithm::RS256, key: EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap() }
}

impl Pair {
    fn public(&self) -> Jwk {
        let mut jwk = Jwk::from_encoding_key(&self.key, self.algorithm).unwrap();
        jwk.common.key_id = Some(self.id.to_owned());
        jwk
    }
    fn token(&self) -> String {
        self.token_with_key_id(Some(self.id))
    }
    fn token_with_key_id(&self, id: Option<&str>) -> String {
        let mut head = Header::new(self.algorithm);
        head.kid = id.map(str::to_owned);
        format!("Bearer {}", encode(&head, &claims(), &self.key).unwrap())
    }
}

fn claims() -> Value {
    let expires = NOW.as_micros() / 1_000_000 + 86_400;
    json!({ "sub": ANA, "accounts": [ACME], "role": "agent", "exp": expires })
}

fn set(pairs: &[&Pair]) -> String {
    serde_json::to_string(&JwkSet { keys: pairs.iter().map(|pair| pair.public()).collect() }).unwrap()
}

/// An identity provider on the loopback interface: the keys it publishes (`None` while it fails), and the
/// number of requests it received.
#[derive(Clone, Default)]
struct Provider(Arc<Mutex<(Option<String>, usize)>>);

impl Provider {
    fn publish(&self, keys: String) {
        self.0.lock().unwrap().0 = Some(keys);
    }
    fn fail(&self) {
        self.0.lock().unwrap().0 = None;
    }
    fn requests(&self) -> usize {
        self.0.lock().unwrap().1
    }
    async fn serve(&self) -> JwksSource {
        async fn answer(State(provider): State<Provider>) -> axum::response::Response {
            let mut state = provider.0.lock().unwrap();
            state.1 += 1;
            match &state.0 {
                Some(keys) => keys.clone().into_response(),
                None => StatusCode::BAD_GATEWAY.into_response(),
            }
        }
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/keys", routing::get(answer)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        JwksSource::Url(format!("http://{address}/keys"))
    }
}

struct Fixture {
    provider: Provider,
    clock: Clock,
    router: Router,
}

async fn fixture() -> Fixture {
    let provider = Provider::default();
    let source = provider.serve().await;
    let clock = Clock::manual(NOW);
    let auth = AuthConfig { jwks: Some(source), ..AuthConfig::default() };
    let router = Service { auth, clock: clock.clone(), ..Service::default() }.build();
    Fixture { provider, clock, router }
}

impl Fixture {
    async fn status(&self, authorization: &str) -> u16 {
        send_get(&self.router, "/whoami", &[("authorization", authorization)]).await.status.as_u16()
    }
}

#[tokio::test]
async fn both_kinds_of_key_are_fetched_once_and_kept() {
    let (fixture, one, three) = (fixture().await, ec("one", ONE), rsa("three"));
    fixture.provider.publish(set(&[&one, &three]));
    for _ in 0..5 {
        assert_eq!(fixture.status(&one.token()).await, 200);
        assert_eq!(fixture.status(&three.token()).await, 200);
    }
    assert_eq!(fixture.provider.requests(), 1);
}

#[tokio::test]
async fn a_new_key_is_found_when_a_token_names_it() {
    let (fixture, one, two) = (fixture().await, ec("one", ONE), ec("two", TWO));
    fixture.provider.publish(set(&[&one]));
    assert_eq!(fixture.status(&one.token()).await, 200);
    fixture.provider.publish(set(&[&one, &two]));
    fixture.clock.advance(Duration::from_secs(11));
    assert_eq!(fixture.status(&two.token()).await, 200);
    assert_eq!(fixture.provider.requests(), 2);
}

#[tokio::test]
async fn invented_key_ids_do_not_cause_a_request_each() {
    let (fixture, one, two) = (fixture().await, ec("one", ONE), ec("two", TWO));
    fixture.provider.publish(set(&[&one]));
    for _ in 0..20 {
        assert_eq!(fixture.status(&two.token()).await, 401);
    }
    assert_eq!(fixture.provider.requests(), 1);
    fixture.clock.advance(Duration::from_secs(10));
    for _ in 0..20 {
        assert_eq!(fixture.status(&two.token()).await, 401);
    }
    assert_eq!(fixture.provider.requests(), 2);
}

#[tokio::test]
async fn cached_keys_stay_valid_while_the_provider_is_unreachable() {
    let (fixture, one) = (fixture().await, ec("one", ONE));
    fixture.provider.publish(set(&[&one]));
    assert_eq!(fixture.status(&one.token()).await, 200);
    fixture.provider.fail();
    fixture.clock.advance(Duration::from_secs(3600));
    assert_eq!(fixture.status(&one.token()).await, 200);
    assert_eq!(fixture.provider.requests(), 2);
    fixture.provider.publish("nonsense".to_owned());
    fixture.clock.advance(Duration::from_secs(3600));
    assert_eq!(fixture.status(&one.token()).await, 200);
}

#[tokio::test]
async fn a_token_is_not_refused_as_invalid_while_the_provider_never_responded() {
    let (fixture, one) = (fixture().await, ec("one", ONE));
    assert_eq!(fixture.status(&one.token()).await, 503);
    fixture.provider.publish(set(&[&one]));
    fixture.clock.advance(Duration::from_secs(10));
    assert_eq!(fixture.status(&one.token()).await, 200);
}

#[tokio::test]
async fn a_withdrawn_key_is_refused_after_the_maximum_age() {
    let (fixture, one, two) = (fixture().await, ec("one", ONE), ec("two", TWO));
    fixture.provider.publish(set(&[&one, &two]));
    assert_eq!(fixture.status(&one.token()).await, 200);
    fixture.provider.publish(set(&[&two]));
    fixture.clock.advance(Duration::from_secs(600));
    assert_eq!(fixture.status(&one.token()).await, 401);
    assert_eq!(fixture.status(&two.token()).await, 200);
}

#[tokio::test]
async fn a_token_may_omit_the_key_id_when_one_key_fits() {
    let (fixture, one, two) = (fixture().await, ec("one", ONE), ec("two", TWO));
    fixture.provider.publish(set(&[&one, &rsa("three")]));
    assert_eq!(fixture.status(&one.token_with_key_id(None)).await, 200);
    fixture.provider.publish(set(&[&one, &two]));
    fixture.clock.advance(Duration::from_secs(600));
    assert_eq!(fixture.status(&one.token_with_key_id(None)).await, 401);
}

#[tokio::test]
async fn the_kind_of_key_decides_the_algorithm_and_the_token_does_not() {
    let (fixture, one, three) = (fixture().await, ec("one", ONE), rsa("three"));
    let shared = json!({ "kty": "oct", "kid": "shared", "alg": "HS256", "k": "c2VjcmV0" });
    let mut keys: Value = serde_json::from_str(&set(&[&one, &three])).unwrap();
    keys["keys"].as_array_mut().unwrap().push(shared);
    fixture.provider.publish(keys.to_string());

    // Algorithm confusion: the public key used as an HMAC secret.
    let public = keys["keys"][1]["n"].as_str().unwrap().as_bytes();
    for secret in [public, b"secret", THREE.as_bytes(), SECRET.as_bytes()] {
        for id in ["three", "one", "shared"] {
            let mut head = Header::new(Algorithm::HS256);
            head.kid = Some(id.to_owned());
            let forged = encode(&head, &claims(), &EncodingKey::from_secret(secret)).unwrap();
            assert_eq!(fixture.status(&format!("Bearer {forged}")).await, 401);
        }
    }
    // The id of one key with the signature of another.
    assert_eq!(fixture.status(&one.token_with_key_id(Some("three"))).await, 401);
    assert_eq!(fixture.status(&ec("one", TWO).token()).await, 401);
    assert_eq!(fixture.status(&one.token()).await, 200);
}

#[tokio::test]
async fn a_server_with_only_a_secret_refuses_tokens_signed_with_a_key_pair() {
    let router = Service::default().build();
    let token = ec("one", ONE).token();
    send_get(&router, "/whoami", &[("authorization", &token)]).await.is_problem(401, "unauthenticated");
}

#[tokio::test]
async fn keys_can_come_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let (one, file) = (ec("one", ONE), folder.path().join("keys.json"));
    std::fs::write(&file, set(&[&one])).unwrap();
    let auth = AuthConfig {
        jwks: Some(JwksSource::named(&format!("file://{}", file.display()))),
        ..AuthConfig::default()
    };
    let router = Service { auth, ..Service::default() }.build();
    let answer = send_get(&router, "/whoami", &[("authorization", &one.token())]).await;
    assert_eq!(answer.status, 200);
}

/// RFC 7518, section 3.3: a key of 2,048 bits or more.
#[tokio::test]
async fn a_short_rsa_key_is_not_used() {
    let (fixture, long, short) = (fixture().await, rsa("long"), rsa_of("short", SHORT));
    fixture.provider.publish(set(&[&long, &short]));
    assert_eq!(fixture.status(&long.token()).await, 200);
    assert_eq!(fixture.status(&short.token()).await, 401);
}
