//! Webhooks are signed and sent until the receiver accepts them, and the log has each result once.

use super::fixture::{Fixture, SECRET, eventually, fixture, rule};
use crate::support::{self, context_with};
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use event_schemas::automation::{Action, AutomationEvent};
use event_schemas::catalogue::Secret;
use event_schemas::{
    AccountId, ActionEvent, ConversationEvent, ConversationId, Event, EventId, Timestamp, WebhookId,
};
use follower::Db;
use follower::db::Values;
use process_managers::outgoing_webhooks::Settings;
use process_managers::{Context, Health, OutgoingWebhooks, ProcessManager, Schedule};
use providers::outgoing_webhook::{WebhookClient, signature};
use providers::{AllowedAddresses, Connections};
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// A receiver that responds as configured and stores the requests.
struct Receiver {
    url: String,
    requests: Arc<Mutex<Vec<(HeaderMap, Bytes)>>>,
}

impl Receiver {
    /// Responds with these statuses, and then with 200.
    async fn responding(statuses: impl IntoIterator<Item = u16>) -> Self {
        let requests: Arc<Mutex<Vec<_>>> = Arc::default();
        let statuses: Arc<Mutex<VecDeque<u16>>> = Arc::new(Mutex::new(statuses.into_iter().collect()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let keeps = Arc::clone(&requests);
        let answer = move |headers: HeaderMap, body: Bytes| async move {
            keeps.lock().unwrap().push((headers, body));
            StatusCode::from_u16(statuses.lock().unwrap().pop_front().unwrap_or(200)).unwrap()
        };
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/hook", post(answer))).await });
        Self { url, requests }
    }

    fn requests(&self) -> Vec<(HeaderMap, Bytes)> {
        self.requests.lock().unwrap().clone()
    }
}

fn settings(addresses: AllowedAddresses) -> Settings {
    let client = WebhookClient::new(Connections { addresses, ..Connections::default() }).unwrap();
    let schedule =
        Schedule { first: Duration::from_millis(1), longest: Duration::from_millis(4), attempts: 4 };
    Settings { schedule, ..Settings::of(client, "http://verbatim.example/schemas".to_owned()) }
}

/// A customer's message, for which a rule calls this URL.
async fn message_with_webhook(fixture: &Fixture, url: &str) -> ConversationId {
    let hook = Action::Webhook { url: url.to_owned() };
    fixture.rule(rule(1, AutomationEvent::MessageReceived, [hook])).await;
    let id = fixture.receive("1", "hello").await;
    fixture.run_automation("automation.db").await;
    id
}

async fn context(fixture: &Fixture, table: &str, addresses: AllowedAddresses) -> Context {
    let settings =
        process_managers::Settings { outgoing_webhooks: settings(addresses), ..support::settings() };
    context_with(fixture.folder.path(), table, &fixture.commands, settings).await
}

/// Sends webhooks until the log has this result. The clock is moved, so that retries are due.
async fn deliver_until(
    fixture: &Fixture,
    table: &str,
    addresses: AllowedAddresses,
    id: ConversationId,
    ended: &str,
) {
    deliver_until_times(1, fixture, table, addresses, id, ended).await;
}

/// As [`deliver_until`], until the log has the result so many times.
async fn deliver_until_times(
    times: usize,
    fixture: &Fixture,
    table: &str,
    addresses: AllowedAddresses,
    id: ConversationId,
    ended: &str,
) {
    let webhooks = OutgoingWebhooks::open(&context(fixture, table, addresses).await).await.unwrap();
    let stop = CancellationToken::new();
    let working = tokio::spawn(webhooks.run(stop.clone(), Health::default()));
    eventually(ended, || async {
        fixture.clock.advance(Duration::from_millis(5));
        fixture.history(id).await.iter().filter(|event| *event == ended).count() >= times
    })
    .await;
    stop.cancel();
    working.await.unwrap().unwrap();
}

async fn end(fixture: &Fixture, id: ConversationId) -> ConversationEvent {
    let last = fixture.recorded(id).await.pop().unwrap();
    let Event::Conversation(event) = Event::read(&last).unwrap() else { panic!("{last:?}") };
    event
}

#[tokio::test]
async fn a_webhook_is_sent_until_it_is_accepted_and_recorded_once() {
    let fixture = fixture().await;
    let receiver = Receiver::responding([500, 503]).await;
    let id = message_with_webhook(&fixture, &receiver.url).await;
    deliver_until(&fixture, "webhooks.db", AllowedAddresses::Any, id, "WebhookDelivered").await;
    let ConversationEvent::Automation(ActionEvent::WebhookDelivered(delivered)) = end(&fixture, id).await
    else {
        panic!("the last event is another one")
    };
    assert_eq!((delivered.status, delivered.attempts), (200, 3));
    let requests = receiver.requests();
    assert_eq!(requests.len(), 3);
    for (headers, body) in &requests {
        let text = |name: &str| headers[name].to_str().unwrap().to_owned();
        assert_eq!(text("webhook-id"), delivered.webhook_id.to_string());
        let at = Timestamp::from_secs(text("webhook-timestamp").parse().unwrap());
        let expected = signature(&Secret(SECRET.to_owned()), delivered.webhook_id, at, body).unwrap();
        assert_eq!(text("webhook-signature"), expected);
        let sent: Value = serde_json::from_slice(body).unwrap();
        assert_eq!(sent["event"]["type"], "verbatim.conversation.MessageReceived.v1");
        assert_eq!(sent["event"]["data"]["content"], "hello");
        assert_eq!(sent["conversation"]["id"], id.to_string());
        assert_eq!(sent["by"]["type"], "automation_rule");
        assert!(!String::from_utf8_lossy(body).contains("whsec_"));
    }
    // A new table learns from the log that the first webhook is delivered.
    let again = fixture.receive("2", "hello").await;
    fixture.run_automation("automation.db").await;
    deliver_until(&fixture, "new.db", AllowedAddresses::Any, again, "WebhookDelivered").await;
    assert_eq!(receiver.requests().len(), 4);
    assert_eq!(fixture.count(id, "WebhookDelivered").await, 1);
}

#[tokio::test]
async fn a_webhook_that_is_never_accepted_is_given_up() {
    let fixture = fixture().await;
    let receiver = Receiver::responding([500; 9]).await;
    let id = message_with_webhook(&fixture, &receiver.url).await;
    deliver_until(&fixture, "webhooks.db", AllowedAddresses::Any, id, "WebhookFailed").await;
    let ConversationEvent::Automation(ActionEvent::WebhookFailed(failed)) = end(&fixture, id).await else {
        panic!("the last event is another one")
    };
    assert_eq!((&*failed.code, failed.attempts), ("gave_up", 4));
    assert_eq!(receiver.requests().len(), 4);
}

#[tokio::test]
async fn a_webhook_whose_secret_cannot_be_opened_waits_for_its_key_and_delays_no_other() {
    let mut fixture = fixture().await;
    let (lost, other) = (Receiver::responding([]).await, Receiver::responding([]).await);
    let hook = |receiver: &Receiver| [Action::Webhook { url: receiver.url.clone() }];
    fixture.rule(rule(1, AutomationEvent::MessageReceived, hook(&lost))).await;
    fixture.use_key(1);
    assert_eq!(fixture.commands.seal_stored().await.unwrap(), 1);
    fixture.rule(rule(2, AutomationEvent::MessageReceived, hook(&other))).await;
    let id = fixture.receive("1", "hello").await;
    fixture.run_automation("automation.db").await;

    fixture.use_key(2);
    deliver_until(&fixture, "webhooks.db", AllowedAddresses::Any, id, "WebhookDelivered").await;
    assert_eq!((lost.requests().len(), other.requests().len()), (0, 1));
    assert_eq!(fixture.count(id, "WebhookFailed").await, 0);

    fixture.use_key(1);
    fixture.clock.advance(commands::credentials::RETRY);
    deliver_until_times(2, &fixture, "webhooks.db", AllowedAddresses::Any, id, "WebhookDelivered").await;
    let (headers, body) = lost.requests().pop().unwrap();
    let text = |name: &str| headers[name].to_str().unwrap();
    let at = Timestamp::from_secs(text("webhook-timestamp").parse().unwrap());
    let webhook: WebhookId = text("webhook-id").parse().unwrap();
    let expected = signature(&Secret(SECRET.to_owned()), webhook, at, &body).unwrap();
    assert_eq!(text("webhook-signature"), expected);
}

#[tokio::test]
async fn a_private_address_is_not_called() {
    let fixture = fixture().await;
    let receiver = Receiver::responding([]).await;
    let id = message_with_webhook(&fixture, &receiver.url).await;
    deliver_until(&fixture, "webhooks.db", AllowedAddresses::PublicOnly, id, "WebhookFailed").await;
    let ConversationEvent::Automation(ActionEvent::WebhookFailed(failed)) = end(&fixture, id).await else {
        panic!("the last event is another one")
    };
    assert_eq!(failed.code, "forbidden_address");
    assert!(receiver.requests().is_empty());
}

/// The table of former versions. Its rows had no state: which calls were under way was kept in memory.
const FORMER_TABLE: &str = "create table webhooks (
    webhook_id      bytea   not null primary key,
    account_id      bytea   not null,
    conversation_id bytea   not null,
    event_id        bytea   not null,
    host            text    not null,
    attempts        integer not null,
    next_attempt_at bigint  not null
);";

/// Each webhook by its number, with its attempts and the microsecond at which it is tried next.
async fn insert_former(db: &Db, rows: &[(u128, u32, i64)]) {
    let mut tx = db.begin().await.unwrap();
    for (number, attempts, next_attempt_at) in rows {
        let values = Values::default()
            .with(&WebhookId::from_u128(*number))
            .with(&AccountId::from_u128(0xacc))
            .with(&ConversationId::from_u128(0xc0))
            .with(&EventId::from_u128(0xe0 + number))
            .with(&format!("host-{number}.example"))
            .with(attempts)
            .with(next_attempt_at);
        tx.execute("insert into webhooks values ($1, $2, $3, $4, $5, $6, $7)", values).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// The rows as text: webhook, event, host, state, attempts, next attempt.
async fn rows(db: &Db) -> Vec<String> {
    const ROWS: &str = "select webhook_id, account_id, conversation_id, event_id, host, state, attempts, \
                        next_attempt_at from outgoing_webhooks order by webhook_id";
    let rows = db.readers().fetch_all(ROWS, Values::default()).await.unwrap();
    let describe = |row: &follower::db::DbRow| {
        let [webhook, account, conversation, event] =
            [0, 1, 2, 3].map(|column| u128::from_be_bytes(row.bytes(column).unwrap().try_into().unwrap()));
        let (host, state) = (row.text(4).unwrap(), row.text(5).unwrap());
        let (attempts, at) = (row.number(6).unwrap(), row.number(7).unwrap());
        format!("{webhook} {account:x} {conversation:x} {event:x} {host} {state} {attempts} {at}")
    };
    rows.iter().map(describe).collect()
}

#[tokio::test]
async fn the_pending_webhooks_of_a_former_version_are_taken_over_once() {
    let fixture = fixture().await;
    let context = context(&fixture, "former.db", AllowedAddresses::Any).await;
    let db = context.tables("webhooks").await.unwrap();
    db.run(FORMER_TABLE).await.unwrap();
    // One that was never tried, and one after two attempts.
    insert_former(&db, &[(1, 0, 10), (2, 2, 20)]).await;
    let expected =
        ["1 acc c0 e1 host-1.example waiting 0 10", "2 acc c0 e2 host-2.example waiting 2 20"].to_vec();
    for _opening in 0..2 {
        OutgoingWebhooks::open(&context).await.unwrap();
        assert_eq!(rows(&db).await, expected);
    }

    // The former version ran once more; meanwhile the first was tried and the second was under way.
    db.run(FORMER_TABLE).await.unwrap();
    insert_former(&db, &[(1, 0, 10), (2, 2, 20), (3, 1, 30)]).await;
    let mut tx = db.begin().await.unwrap();
    for change in [
        "update outgoing_webhooks set attempts = 1, next_attempt_at = 15 where attempts = 0",
        "update outgoing_webhooks set attempts = 3, state = 'attempting' where attempts = 2",
    ] {
        tx.execute(change, Values::default()).await.unwrap();
    }
    tx.commit().await.unwrap();
    OutgoingWebhooks::open(&context).await.unwrap();
    let rows = rows(&db).await;
    let [first, second, third] = &*rows else { panic!("{rows:?}") };
    assert_eq!(first, "1 acc c0 e1 host-1.example waiting 1 15");
    // When its attempt is made again depends on the clock.
    assert!(second.starts_with("2 acc c0 e2 host-2.example unknown 3 "), "{second}");
    assert_eq!(third, "3 acc c0 e3 host-3.example waiting 1 30");
}
