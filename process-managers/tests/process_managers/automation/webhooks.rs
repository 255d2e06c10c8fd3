//! Other programs are told: signed, until they take it, and the log says once how it ended.

use super::desk::{Desk, SECRET, desk, eventually, rule};
use crate::support::{self, context_with};
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use event_schemas::automation::{Action, AutomationEvent};
use event_schemas::catalogue::Secret;
use event_schemas::{ActionEvent, ConversationEvent, ConversationId, Event, Timestamp};
use process_managers::outgoing_webhooks::Settings;
use process_managers::{Context, Health, OutgoingWebhooks, ProcessManager, Schedule};
use providers::Timeouts;
use providers::outgoing_webhook::{Addresses, Caller, signature};
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// A program that answers as configured, and keeps the requests.
struct Program {
    url: String,
    heard: Arc<Mutex<Vec<(HeaderMap, Bytes)>>>,
}

impl Program {
    /// Answers these, and then 200.
    async fn answering(statuses: impl IntoIterator<Item = u16>) -> Self {
        let heard: Arc<Mutex<Vec<_>>> = Arc::default();
        let statuses: Arc<Mutex<VecDeque<u16>>> = Arc::new(Mutex::new(statuses.into_iter().collect()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let keeps = Arc::clone(&heard);
        let answer = move |headers: HeaderMap, body: Bytes| async move {
            keeps.lock().unwrap().push((headers, body));
            StatusCode::from_u16(statuses.lock().unwrap().pop_front().unwrap_or(200)).unwrap()
        };
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/hook", post(answer))).await });
        Self { url, heard }
    }

    fn heard(&self) -> Vec<(HeaderMap, Bytes)> {
        self.heard.lock().unwrap().clone()
    }
}

fn settings(addresses: Addresses) -> Settings {
    let caller = Caller::new(Timeouts::default(), addresses).unwrap();
    let schedule =
        Schedule { first: Duration::from_millis(1), longest: Duration::from_millis(4), attempts: 4 };
    Settings { schedule, ..Settings::of(caller, "http://verbatim.example/schemas".to_owned()) }
}

/// A customer's message, of which this address is to be told.
async fn told_of(desk: &Desk, url: &str) -> ConversationId {
    let hook = Action::Webhook { url: url.to_owned() };
    desk.rule(rule(1, AutomationEvent::MessageReceived, [hook])).await;
    let id = desk.receive("1", "hello").await;
    desk.act("automation.db").await;
    id
}

async fn context(desk: &Desk, table: &str, addresses: Addresses) -> Context {
    let settings =
        process_managers::Settings { outgoing_webhooks: settings(addresses), ..support::settings() };
    context_with(desk.folder.path(), table, &desk.commands, settings).await
}

/// Tells until the log says how it ended, which the clock helps along.
async fn tell(desk: &Desk, table: &str, addresses: Addresses, id: ConversationId, ended: &str) {
    let webhooks = OutgoingWebhooks::open(&context(desk, table, addresses).await).await.unwrap();
    let stop = CancellationToken::new();
    let working = tokio::spawn(webhooks.run(stop.clone(), Health::default()));
    eventually(ended, || async {
        desk.clock.advance(Duration::from_millis(5));
        desk.history(id).await.iter().any(|event| event == ended)
    })
    .await;
    stop.cancel();
    working.await.unwrap().unwrap();
}

async fn end(desk: &Desk, id: ConversationId) -> ConversationEvent {
    let last = desk.recorded(id).await.pop().unwrap();
    match Event::read(&last).unwrap() {
        Event::Conversation(event) => event,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_program_is_told_until_it_takes_it_and_the_log_says_so_once() {
    let desk = desk().await;
    let program = Program::answering([500, 503]).await;
    let id = told_of(&desk, &program.url).await;
    tell(&desk, "webhooks.db", Addresses::Any, id, "WebhookDelivered").await;
    let ConversationEvent::Automation(ActionEvent::WebhookDelivered(delivered)) = end(&desk, id).await else {
        panic!("not the last")
    };
    assert_eq!((delivered.status, delivered.attempts), (200, 3));
    let heard = program.heard();
    assert_eq!(heard.len(), 3);
    for (headers, body) in &heard {
        let text = |name: &str| headers[name].to_str().unwrap().to_owned();
        assert_eq!(text("webhook-id"), delivered.webhook_id.to_string());
        let at = Timestamp::from_secs(text("webhook-timestamp").parse().unwrap());
        let expected = signature(&Secret(SECRET.to_owned()), delivered.webhook_id, at, body).unwrap();
        assert_eq!(text("webhook-signature"), expected);
        let told: Value = serde_json::from_slice(body).unwrap();
        assert_eq!(told["event"]["type"], "verbatim.conversation.MessageReceived.v1");
        assert_eq!(told["event"]["data"]["content"], "hello");
        assert_eq!(told["conversation"]["id"], id.to_string());
        assert_eq!(told["by"]["type"], "automation_rule");
        assert!(!String::from_utf8_lossy(body).contains("whsec_"));
    }
    // A table that has forgotten everything reads in the log that it is over.
    let again = desk.receive("2", "hello").await;
    desk.act("automation.db").await;
    tell(&desk, "forgetful.db", Addresses::Any, again, "WebhookDelivered").await;
    assert_eq!(program.heard().len(), 4);
    assert_eq!(desk.count(id, "WebhookDelivered").await, 1);
}

#[tokio::test]
async fn a_program_that_never_takes_it_is_given_up() {
    let desk = desk().await;
    let program = Program::answering([500; 9]).await;
    let id = told_of(&desk, &program.url).await;
    tell(&desk, "webhooks.db", Addresses::Any, id, "WebhookFailed").await;
    let ConversationEvent::Automation(ActionEvent::WebhookFailed(failed)) = end(&desk, id).await else {
        panic!("not the last")
    };
    assert_eq!((&*failed.code, failed.attempts), ("gave_up", 4));
    assert_eq!(program.heard().len(), 4);
}

#[tokio::test]
async fn a_private_address_is_not_called() {
    let desk = desk().await;
    let program = Program::answering([]).await;
    let id = told_of(&desk, &program.url).await;
    tell(&desk, "webhooks.db", Addresses::PublicOnly, id, "WebhookFailed").await;
    let ConversationEvent::Automation(ActionEvent::WebhookFailed(failed)) = end(&desk, id).await else {
        panic!("not the last")
    };
    assert_eq!(failed.code, "forbidden_address");
    assert!(program.heard().is_empty());
}
