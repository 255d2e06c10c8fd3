use super::*;
use crate::addresses::is_forbidden;
use axum::http::HeaderMap;
use axum::routing::post;
use axum::{Router, body::Bytes};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

const ID: WebhookId = WebhookId::from_u128(7);
const NOW: Timestamp = Timestamp::from_secs(1_614_265_330);

fn secret() -> Secret {
    Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned())
}

/// A receiver that responds with this status, and the requests that it received.
async fn receiver(status: u16, retry_after: &'static str) -> (String, Arc<Mutex<Vec<(HeaderMap, Bytes)>>>) {
    let requests = Arc::new(Mutex::new(Vec::new()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let received = Arc::clone(&requests);
    let answer = move |headers: HeaderMap, body: Bytes| async move {
        received.lock().unwrap().push((headers, body));
        (StatusCode::from_u16(status).unwrap(), [("retry-after", retry_after), ("location", "/elsewhere")])
    };
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/hook", post(answer))).await });
    (url, requests)
}

fn webhook(url: &str) -> WebhookRequest {
    WebhookRequest { id: ID, url: url.to_owned(), secret: secret(), body: br#"{"a":1}"#.to_vec() }
}

fn client() -> WebhookClient {
    WebhookClient::new(Connections { addresses: AllowedAddresses::Any, ..Connections::default() }).unwrap()
}

#[test]
fn a_signature_follows_the_specification() {
    // HMAC-SHA256 of "00000000-0000-0000-0000-000000000007.1614265330.{"a":1}", by Python's hmac.
    let signed = signature(&secret(), ID, NOW, br#"{"a":1}"#).unwrap();
    assert_eq!(signed, "v1,BnVKg2aY6/rh8tAqBXqMbu5TZjHvTUT/FYQ8bsR/vLQ=");
}

#[test]
fn a_generated_secret_is_valid() {
    assert_eq!(check_secret(&secret_of([9; 32])), Ok(()));
    for text in ["", "whsec_", "whsec_short", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_!!!!"] {
        assert_eq!(check_secret(&Secret(text.to_owned())), Err(BadSecret), "{text}");
    }
}

#[tokio::test]
async fn a_request_has_the_id_and_a_signature_of_its_body() {
    let (url, requests) = receiver(202, "").await;
    assert_eq!(client().send(&webhook(&url), NOW).await.unwrap(), 202);
    let requests = requests.lock().unwrap();
    let (headers, body) = &requests[0];
    assert_eq!(headers["webhook-id"], ID.to_string());
    assert_eq!(headers["webhook-timestamp"], "1614265330");
    assert_eq!(headers["webhook-signature"], signature(&secret(), ID, NOW, body).unwrap());
    assert_eq!(headers["content-type"], "application/json");
}

#[tokio::test]
async fn a_failed_request_is_retried_unless_the_receiver_is_gone() {
    for (status, again) in [(500, true), (404, true), (302, true), (429, true), (410, false)] {
        let (url, requests) = receiver(status, "7").await;
        match client().send(&webhook(&url), NOW).await.unwrap_err() {
            WebhookError::TryAgain { after, .. } => {
                assert!(again, "{status}");
                assert_eq!(after, Some(Duration::from_secs(7)));
            }
            WebhookError::GiveUp { code, .. } => assert!(!again && code == "refused", "{status}"),
        }
        // No redirect was followed.
        assert_eq!(requests.lock().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_name_that_resolves_to_a_private_address_is_refused() {
    let client = WebhookClient::new(Connections::default()).unwrap();
    // A check of the text alone would allow a name that resolves to a private address.
    let request = client.client.get("https://localhost:1/");
    let refused = request.send().await.unwrap_err();
    assert!(is_forbidden(&refused), "{refused:?}");
    let error = client.send(&webhook("https://127.0.0.1:1/"), NOW).await.unwrap_err();
    assert!(matches!(error, WebhookError::GiveUp { code: "forbidden_address", .. }), "{error:?}");
}
