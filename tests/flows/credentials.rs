//! Credentials at rest: no file and no event holds one in plain text, and keys can be replaced, lost and found.

use crate::automation::webhook_receiver;
use crate::fake_whatsapp::FakeWhatsApp;
use crate::program::{
    APP_SECRET, Account, DEADLINE, Program, VERIFY_TOKEN, WhatsApp, conversation_of, engine_variables,
    has_delivery_state, read, run, run_on, text_message, webhook,
};
use event_schemas::catalogue::{Channel, ChannelDefined, Secret};
use event_schemas::message::ChannelType;
use event_schemas::{AccountId, Actor, CatalogueEvent, ChannelId, Clock, Metadata, NewEvent, StreamId};
use event_store::Expected;
use providers::outgoing_webhook::signature;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Instant;
use test_engines::Postgres;

const KEY: &str = "a2V5IG9uZSBrZXkgb25lIGtleSBvbmUga2V5IG9uZS4=";
const NEW_KEY: &str = "a2V5IHR3byBrZXkgdHdvIGtleSB0d28ga2V5IHR3by4=";
const TOKEN: &str = "an-access-token";
const API_SECRET: &str = "the-secret-of-the-test-channel-of-type-api";
const MACRO_SECRET: &str = "whsec_Q0FOQVJZLXdlYmhvb2stc2VjcmV0LTAxMjM0NTY3ODk=";

async fn serve(data: &Path, keys: &str) -> Program {
    Program::serve_with(data, &["--webhooks-to-private-addresses", "--credentials-key", keys]).await
}

/// All bytes of all files below the folder.
fn bytes_of(folder: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(bytes_of(&path));
        } else {
            all.extend(std::fs::read(&path).unwrap());
        }
    }
    all
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// The customer's webhook is accepted, and the agent's answer is delivered with the channel's token.
async fn assert_works(account: &Account<'_>, whatsapp: &WhatsApp, provider: &FakeWhatsApp, customer: &str) {
    let agent = account.person("agent", "Ana");
    whatsapp.customer_writes(customer, &format!("wamid.{customer}"), "Hello").await;
    let id = conversation_of(&agent, customer).await;
    agent.post(&format!("/v1/conversations/{id}/messages"), json!({ "content": "Hi" })).await;
    let path = format!("/v1/conversations/{id}/messages");
    agent.get_until(&path, |answer| has_delivery_state(answer, "dispatched")).await;
    let to_customer = |request: &crate::fake_whatsapp::Request| request.body["to"] == customer;
    let sent = provider.requests().into_iter().find(to_customer).unwrap();
    assert_eq!(sent.authorization.as_deref(), Some(&*format!("Bearer {TOKEN}")));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_file_and_no_event_holds_a_credential() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir_all(&data).unwrap();
    // With a log in a file the program makes a key of its own.
    let with_a_file = engine_variables(&data).await.is_empty();
    let own_key = ["--webhooks-to-private-addresses"];
    let configured = ["--webhooks-to-private-addresses", "--credentials-key", KEY];
    let arguments = if with_a_file { &own_key[..] } else { &configured[..] };
    let mut program = Program::serve_with(&data, arguments).await;
    let provider = FakeWhatsApp::start().await;
    let (url, deliveries) = webhook_receiver().await;
    let account = program.account();
    let (account_id, admin) = (account.id.clone(), account.admin.clone());
    let whatsapp = account.whatsapp(&provider.base_url).await;
    let api = json!({ "channel_type": "api", "name": "API", "credentials": { "secret": API_SECRET } });
    let api = admin.post("/v1/channels", api).await;
    assert_eq!(api["credential_names"], json!(["secret"]));
    let webhook_to = json!([{ "type": "webhook", "url": url }]);
    let list = json!({
        "name": "Tell", "visibility": "everyone", "actions": webhook_to, "webhook_secret": MACRO_SECRET,
    });
    admin.post("/v1/macros", list).await;
    let rule = json!({ "name": "Tell", "event": "message_received", "actions": webhook_to });
    let rule = admin.post("/v1/automation-rules", rule).await;
    let generated = rule["webhook_secret"].as_str().unwrap().to_owned();
    // Changes keep the credentials that they do not name.
    admin.patch(&format!("/v1/channels/{}", whatsapp.id), json!({ "name": "Renamed" })).await;
    admin
        .patch(&format!("/v1/automation-rules/{}", rule["id"].as_str().unwrap()), json!({ "priority": 3 }))
        .await;

    for customer in ["251911000001", "251911000002"] {
        let account = Account::new(&program, &account_id);
        assert_works(&account, &whatsapp, &provider, customer).await;
        assert_eq!(program.stop().await.code(), Some(0));
        program.restart().await;
    }
    let verified =
        format!("{}?hub.mode=subscribe&hub.verify_token={VERIFY_TOKEN}&hub.challenge=7", whatsapp.path());
    assert_eq!(read(program.get(&verified).send().await.unwrap()).await, (StatusCode::OK, json!(7)));
    // The receiver of a webhook can check it with the secret that the administrator got.
    let started = Instant::now();
    while deliveries.lock().unwrap().is_empty() {
        assert!(started.elapsed() < DEADLINE, "no webhook came");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let (headers, body) = deliveries.lock().unwrap()[0].clone();
    let header = |name: &str| headers[name].to_str().unwrap();
    let at = event_schemas::Timestamp::from_secs(header("webhook-timestamp").parse().unwrap());
    let id = header("webhook-id").parse().unwrap();
    let expected = signature(&Secret(generated.clone()), id, at, body.as_bytes()).unwrap();
    assert_eq!(header("webhook-signature"), expected);

    assert_eq!(program.stop().await.code(), Some(0));
    let files = bytes_of(&data);
    let (exported, log) = run(&data, &["export", "--with-secrets"]).await;
    assert!(exported && log.contains("sealed:1:"), "{log}");
    let bare_keys = [MACRO_SECRET, &generated].map(|secret| secret.trim_start_matches("whsec_").to_owned());
    for credential in [TOKEN, APP_SECRET, VERIFY_TOKEN, API_SECRET, &*bare_keys[0], &*bare_keys[1]] {
        assert!(!holds(&files, credential), "a file of the data folder holds {credential}");
        assert!(!log.contains(credential), "the log holds {credential}");
        assert!(!program.log().contains(credential), "{}", program.log());
    }
    assert_eq!(data.join("credentials.key").exists(), with_a_file);
    assert!(!program.log().contains("made a new key"), "the log was empty then");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_key_is_named_and_the_channel_works_once_its_credentials_are_entered_anew() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let provider = FakeWhatsApp::start().await;
    let mut before = serve(&data, KEY).await;
    let account = before.account();
    let account_id = account.id.clone();
    let whatsapp = account.whatsapp(&provider.base_url).await;
    assert_works(&account, &whatsapp, &provider, "251911000001").await;
    before.stop().await;

    let program = serve(&data, NEW_KEY).await;
    let account = Account::new(&program, &account_id);
    let whatsapp = whatsapp.at(&program);
    // What the provider sends is not lost: it is told to send it again.
    let message = webhook(&[text_message("251911000002", "wamid.2", "Hello")], &[]);
    let answer = whatsapp.post(&message).await.unwrap();
    assert!(answer.headers().contains_key("retry-after"));
    let (status, problem) = read(answer).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("enter them anew"), "{problem}");
    // The log names it once, however often it is asked for, and the metric counts.
    assert_eq!(whatsapp.post(&message).await.unwrap().status(), StatusCode::SERVICE_UNAVAILABLE);
    let said = program.log();
    assert!(said.contains(&whatsapp.id), "{said}");
    assert_eq!(said.matches("credentials cannot be opened").count(), 1, "{said}");
    let metrics = program.get("/metrics").send().await.unwrap().text().await.unwrap();
    let counted = "verbatim_unopenable_credentials_total{catalogue=\"channels\"} 2";
    assert!(metrics.contains(counted), "{metrics}");
    // An answer waits.
    let agent = account.person("agent", "Ana");
    let id = conversation_of(&agent, "251911000001").await;
    agent.post(&format!("/v1/conversations/{id}/messages"), json!({ "content": "Still there?" })).await;
    // Another channel works.
    let other = program.account();
    let others = other.whatsapp(&provider.base_url).await;
    assert_works(&other, &others, &provider, "251911000003").await;
    // It can be switched off without its key, and needs all credentials.
    let path = format!("/v1/channels/{}", whatsapp.id);
    account.admin.patch(&path, json!({ "is_enabled": false })).await;
    account.admin.patch(&path, json!({ "is_enabled": true })).await;
    let some = json!({ "credentials": { "access_token": TOKEN } });
    let (status, problem) = account.admin.send(Method::PATCH, &path, some).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
    let field = problem["field"].as_str().unwrap_or_default();
    assert!(field.starts_with("credentials."), "{problem}");
    let all = json!({ "credentials": {
        "phone_number_id": crate::program::PHONE_NUMBER_ID,
        "access_token": TOKEN,
        "app_secret": APP_SECRET,
        "verify_token": VERIFY_TOKEN,
    } });
    account.admin.patch(&path, all).await;
    whatsapp.post_ok(&message).await;
    let path = format!("/v1/conversations/{id}/messages");
    let arrived = |answer: &Value| {
        let rows = answer["data"].as_array().unwrap();
        rows.iter().any(|row| row["content"] == "Still there?" && row["delivery"]["state"] == "dispatched")
    };
    agent.get_until(&path, arrived).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_replaced_without_entering_credentials_anew() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let provider = FakeWhatsApp::start().await;
    let mut before = serve(&data, KEY).await;
    let account = before.account();
    let account_id = account.id.clone();
    let whatsapp = account.whatsapp(&provider.base_url).await;
    before.stop().await;

    // While the program runs with both keys, what is stored is sealed by the new one.
    let both = format!("{NEW_KEY},{KEY}");
    let mut with_both = serve(&data, &both).await;
    assert_works(&Account::new(&with_both, &account_id), &whatsapp.at(&with_both), &provider, "251911000001")
        .await;
    for expected in ["of 1 channel", "sealed already"] {
        let (sealed, said) = run(&data, &["credentials", "seal", "--credentials-key", &both]).await;
        assert!(sealed && said.contains(expected), "{said}");
    }
    with_both.stop().await;

    let after = serve(&data, NEW_KEY).await;
    assert_works(&Account::new(&after, &account_id), &whatsapp.at(&after), &provider, "251911000002").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_key_is_said_at_the_start_and_a_bad_one_refused() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let url = Postgres::shared().await.database().await;
    let engines = vec![("VERBATIM_EVENT_STORE", url.clone()), ("VERBATIM_READ_MODEL", url)];
    let mut said = Vec::new();
    for (part, arguments) in [("serve", &[][..]), ("serve", &["--credentials-key", KEY]), ("query-api", &[])]
    {
        let mut program = Program::spawn_on(engines.clone(), part, &data, arguments);
        program.until_ready().await;
        assert_eq!(program.stop().await.code(), Some(0));
        said.push(program.log().matches("stored in plain text: set credentials_key").count());
    }
    assert_eq!(said, [1, 0, 0], "only who stores credentials without a key");
    assert!(!data.join("credentials.key").exists());

    let bad = ["serve", "--listen", "127.0.0.1:0", "--credentials-key", "a-password"];
    let (started, output) = run_on(&engines, &data, &bad).await;
    assert!(!started && output.contains("credentials_key: a key is 32 bytes in Base64"), "{output}");
    assert!(!output.contains("a-password"), "{output}");
    let (sealed, output) = run_on(&engines, &data, &["credentials", "seal"]).await;
    assert!(!sealed && output.contains("no key to seal with"), "{output}");
}

/// A log of an earlier version, with an `api` channel whose secret is in plain text.
async fn log_with_plain_text(data: &Path, account: &str, channel: &str) {
    std::fs::create_dir_all(data).unwrap();
    let engines = engine_variables(data).await;
    let url = engines.iter().find(|(name, _)| *name == "VERBATIM_EVENT_STORE").map(|(_, url)| url.clone());
    let url = url.unwrap_or_else(|| format!("sqlite:{}", data.join("events.db").display()));
    let clock = Clock::System;
    let store = event_store::open(&url, clock.clone()).await.unwrap();
    let account_id: AccountId = account.parse().unwrap();
    let channel = Channel {
        id: channel.parse::<ChannelId>().unwrap(),
        channel_type: ChannelType::Api,
        name: "API".to_owned(),
        credentials: [("secret".to_owned(), Secret(APP_SECRET.to_owned()))].into(),
        base_url: None,
        is_enabled: true,
    };
    let event = CatalogueEvent::from(ChannelDefined { channel });
    let id = clock.event_id();
    let metadata = Metadata {
        account_id,
        actor: Actor::system("test"),
        correlation_id: id.0,
        causation_id: None,
        traceparent: None,
        request: None,
        credential: None,
        occurred_at: clock.now(),
    };
    let stream = StreamId::catalogue(event.kind(), account_id);
    store.append(&stream, Expected::Any, vec![NewEvent::of(id, &event, metadata)]).await.unwrap();
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_an_earlier_version_stored_work_and_are_sealed_on_request() {
    let folder = tempfile::tempdir().unwrap();
    let (data, copy) = (folder.path().join("data"), folder.path().join("copy"));
    let (account, channel) = (crate::program::fresh_id(), crate::program::fresh_id());
    log_with_plain_text(&data, &account, &channel).await;

    let works = async |data: &Path, keys: &str, message: &str| {
        let mut program = serve(data, keys).await;
        let body = json!({ "id": message, "from": "customer", "content": "Hello" }).to_string();
        let signed = program
            .post(&format!("/v1/webhooks/api/{channel}"))
            .header("X-Verbatim-Signature-256", crate::program::signature(body.as_bytes()))
            .header("Content-Type", "application/json")
            .body(body);
        let answer = read(signed.send().await.unwrap()).await;
        assert_eq!(answer.0, StatusCode::OK, "{}", answer.1);
        assert_eq!(program.stop().await.code(), Some(0));
    };
    works(&data, KEY, "1").await;
    if engine_variables(&data).await.is_empty() {
        // Without a configured key it gets one of its own, and says so once.
        let mut own = Program::serve(&data).await;
        own.stop().await;
        own.restart().await;
        assert_eq!(own.log().matches("made a new key for an event log that has events").count(), 1);
        own.stop().await;
    }
    let (sealed, said) = run(&data, &["credentials", "seal", "--credentials-key", KEY]).await;
    assert!(sealed && said.contains("of 1 channel"), "{said}");
    works(&data, KEY, "2").await;

    // The old event stays; in an imported log it is sealed as well.
    let file = folder.path().join("log.ndjson").display().to_string();
    let (exported, said) = run(&data, &["export", "--with-secrets", "--output", &file]).await;
    assert!(exported, "{said}");
    let log = std::fs::read_to_string(&file).unwrap();
    assert!(log.contains(APP_SECRET) && log.contains("sealed:1:"), "{log}");
    for _ in 0..2 {
        let arguments = ["import", "--input", &file, "--credentials-key", KEY];
        let (imported, said) = run(&copy, &arguments).await;
        assert!(imported, "{said}");
    }
    works(&copy, KEY, "3").await;
    assert!(!holds(&bytes_of(&copy), APP_SECRET));
    let (exported, log) = run(&copy, &["export", "--with-secrets"]).await;
    assert!(exported && !log.contains(APP_SECRET) && log.contains("sealed:1:"), "{log}");
}
