//! A customer whom two processes know by different identifiers at the same moment: one process is held before each of its
//! calls to the log in turn, while the other one does its whole work.

use crate::service::{ACME, Service, ana, id, webhook};
use async_trait::async_trait;
use axum::body::Body;
use axum::http::Request;
use commands::past::record_move;
use event_schemas::contact::IdentifierLinked;
use event_schemas::log::MoveKind;
use event_schemas::message::ChannelType;
use event_schemas::{Actor, ContactEvent, ContactId, ContactIdentifierId, Metadata};
use event_schemas::{ConversationEvent, ConversationId, LifecycleEvent, NewEvent, Recorded, StreamId};
use event_store::intercepted::{Intercepted, Interceptor};
use event_store::sqlite::SqliteStore;
use event_store::{AppendError, EventStore, Expected};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Notify;

type HoldingLog = Intercepted<Hold>;

/// Holds one of the callers of a log.
struct Hold {
    calls: AtomicUsize,
    /// The number of the call that is held.
    held: AtomicUsize,
    is_held: Notify,
    released: Notify,
}

fn holding(log: &Arc<SqliteStore>) -> Arc<HoldingLog> {
    let hold = Hold {
        calls: AtomicUsize::new(0),
        held: AtomicUsize::new(usize::MAX),
        is_held: Notify::new(),
        released: Notify::new(),
    };
    Intercepted::new(Arc::clone(log) as Arc<dyn EventStore>, hold)
}

impl Hold {
    /// The number of calls since the last time.
    fn calls(&self) -> usize {
        self.calls.swap(0, Ordering::SeqCst)
    }

    fn hold(&self, number: usize) {
        self.calls();
        self.held.store(number, Ordering::SeqCst);
    }

    async fn call(&self) {
        if self.calls.fetch_add(1, Ordering::SeqCst) == self.held.load(Ordering::SeqCst) {
            self.is_held.notify_one();
            self.released.notified().await;
        }
    }
}

#[async_trait]
impl Interceptor for Hold {
    async fn before_append(
        &self,
        _: &dyn EventStore,
        _: &StreamId,
        _: &[NewEvent],
    ) -> Result<(), AppendError> {
        self.call().await;
        Ok(())
    }

    async fn before_read(&self) {
        self.call().await;
    }
}

/// A customer's number and id.
struct Customer {
    number: String,
    id: String,
    messages: AtomicUsize,
}

/// The identifiers that a webhook names.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Named {
    Number,
    Id,
    Both,
}

impl Customer {
    fn new(index: usize) -> Self {
        Self {
            number: format!("2519110{index:05}"),
            id: format!("ET.1349{index:05}"),
            messages: AtomicUsize::new(0),
        }
    }

    /// A signed webhook with a text of the customer.
    fn says(&self, channel: &str, named: Named) -> Request<Body> {
        let number = (named != Named::Id).then_some(&self.number);
        let id = (named != Named::Number).then_some(&self.id);
        let mut contact = json!({ "profile": { "name": "Sara" } });
        let mut text = json!({ "type": "text", "text": { "body": "Hello" } });
        if let Some(number) = number {
            (contact["wa_id"], text["from"]) = (json!(number), json!(number));
        }
        if let Some(id) = id {
            (contact["user_id"], text["from_user_id"]) = (json!(id), json!(id));
        }
        self.sends(channel, contact, text)
    }

    /// A signed webhook with this part of `messages`.
    fn sends(&self, channel: &str, contact: Value, mut part: Value) -> Request<Body> {
        let number = self.messages.fetch_add(1, Ordering::SeqCst);
        (part["id"], part["timestamp"]) = (json!(self.message(number)), json!("1795222800"));
        let body = json!({
            "object": "whatsapp_business_account",
            "entry": [{ "id": "1", "changes": [{ "field": "messages", "value": {
                "messaging_product": "whatsapp",
                "metadata": { "display_phone_number": "15550001111", "phone_number_id": "106540352242922" },
                "contacts": [contact], "messages": [part],
            }}]}],
        });
        webhook(channel, &body.to_string(), "app-secret")
    }

    /// The provider's id of a message, by its number.
    fn message(&self, number: usize) -> String {
        format!("wamid.{}.{number}", self.number)
    }

    /// The conversations of both identifiers: their ids, and whether they are open.
    async fn conversations(&self, service: &Service, channel: &str) -> Vec<(ConversationId, bool)> {
        let mut all = Vec::new();
        for identifier in [&self.number, &self.id] {
            for ordinal in 0.. {
                let id = ConversationId::of(channel.parse().unwrap(), identifier, ordinal);
                let events = service.events(&id.to_string()).await;
                if events.is_empty() {
                    break;
                }
                let is_closed = |recorded: &Recorded| {
                    let event = event_schemas::Event::read(recorded).unwrap();
                    matches!(
                        event,
                        event_schemas::Event::Conversation(ConversationEvent::Lifecycle(
                            LifecycleEvent::Closed(_)
                        ))
                    )
                };
                all.push((id, !events.iter().any(is_closed)));
            }
        }
        all
    }

    async fn has_one_open_conversation(&self, service: &Service, channel: &str, when: &str) {
        let all = self.conversations(service, channel).await;
        let open: Vec<_> = all.iter().filter(|(_, is_open)| *is_open).collect();
        assert_eq!(open.len(), 1, "{when}: {all:?}");
        for (closed, _) in all.iter().filter(|(_, is_open)| !is_open) {
            for (one, other) in [(closed, &open[0].0), (&open[0].0, closed)] {
                let events = service.events(&one.to_string()).await;
                let names = events.iter().any(|event| event.data.contains(&other.to_string()));
                assert!(names, "{when}: {one} does not name {other}");
            }
        }
    }
}

async fn receive(service: &Service, request: Request<Body>) -> Value {
    service.send(request).await.is(200)
}

/// Two webhooks of one customer at two processes, each of which is held before one of its calls to the log. The first is
/// held, the second gets as far as its own call, the first ends, the second ends. Whether each was held.
async fn receive_interleaved(
    [(first, first_log, first_message), (second, second_log, second_message)]: [(&Service, &HoldingLog, Request<Body>);
        2],
    calls: [usize; 2],
) -> [bool; 2] {
    first_log.hold(calls[0]);
    second_log.hold(calls[1]);
    let mut first = pin!(receive(first, first_message));
    let mut second = pin!(receive(second, second_message));
    let is_first_held = is_held(&mut first, first_log).await;
    let is_second_held = is_held(&mut second, second_log).await;
    if is_first_held {
        first_log.released.notify_one();
        first.await;
    }
    if is_second_held {
        second_log.released.notify_one();
        second.await;
    }
    for log in [first_log, second_log] {
        log.hold(usize::MAX);
    }
    [is_first_held, is_second_held]
}

/// Whether the request was held, and not answered.
async fn is_held(request: &mut (impl Future<Output = Value> + Unpin), log: &HoldingLog) -> bool {
    tokio::select! {
        _ = request => false,
        () = log.is_held.notified() => true,
    }
}

#[tokio::test]
async fn a_customer_of_two_processes_has_one_open_conversation_whatever_the_order_of_their_calls_to_the_log()
{
    let service = crate::service::start().await;
    let channel = service.whatsapp_channel().await;
    let logs = [holding(&service.store), holding(&service.store)];
    let services = [service.on(logs[0].clone()), service.on(logs[1].clone())];
    for service in &services {
        receive(service, Customer::new(99_999).says(&channel, Named::Number)).await;
    }
    let (mut customers, mut had_two) = (0.., 0);
    for named in [
        [Named::Id, Named::Both],
        [Named::Both, Named::Id],
        [Named::Number, Named::Both],
        [Named::Both, Named::Number],
    ] {
        for first in 0.. {
            let mut is_first_held = false;
            let of_second = if named.contains(&Named::Id) { usize::MAX } else { 0 };
            for second in [usize::MAX].into_iter().chain(0..of_second) {
                let customer = Customer::new(customers.next().unwrap());
                let when = format!("{named:?}, held at {first} and {second}");
                let [one, two] = [0, 1].map(|at| {
                    let service: &Service = &services[at];
                    (service, &*logs[at], customer.says(&channel, named[at]))
                });
                let held = receive_interleaved([one, two], [first, second]).await;
                had_two += usize::from(customer.conversations(&service, &channel).await.len() > 1);
                customer.has_one_open_conversation(&service, &channel, &when).await;
                for (service, named) in services.iter().zip(named) {
                    receive(service, customer.says(&channel, named)).await;
                }
                customer.has_one_open_conversation(&service, &channel, &when).await;
                is_first_held = held[0];
                if !is_first_held || (second != usize::MAX && !held[1]) {
                    break;
                }
            }
            if !is_first_held {
                assert!(first > 3, "{named:?}: so few calls to the log");
                break;
            }
        }
    }
    assert!(had_two > 0, "no customer had two conversations at first");
}

#[tokio::test]
async fn a_further_message_of_a_known_customer_is_one_append_and_no_read() {
    let service = crate::service::start().await;
    let channel = service.whatsapp_channel().await;
    let log = holding(&service.store);
    let counted = service.on(log.clone());
    for (index, named) in [Named::Number, Named::Both, Named::Id].into_iter().enumerate() {
        let customer = Customer::new(index);
        for _ in 0..2 {
            receive(&counted, customer.says(&channel, named)).await;
        }
        log.calls();
        receive(&counted, customer.says(&channel, named)).await;
        assert_eq!(log.calls(), 1, "{named:?}");
    }
}

/// The process knows the conversation as it was before the other process stored the message.
#[tokio::test]
async fn a_reaction_and_an_edit_of_a_message_that_another_process_received_are_recorded() {
    let service = crate::service::start().await;
    let channel = service.whatsapp_channel().await;
    let (one, two) = (service.second(), service.second());
    let customer = Customer::new(0);
    receive(&one, customer.says(&channel, Named::Number)).await;
    receive(&two, customer.says(&channel, Named::Number)).await;
    let conversation = customer.conversations(&service, &channel).await[0].0.to_string();
    let (message, contact) = (customer.message(1), json!({ "wa_id": customer.number }));
    for (kind, part, event) in [
        ("reaction", json!({ "message_id": message, "emoji": "👍" }), "ReactionChanged"),
        (
            "edit",
            json!({
                "original_message_id": message, "message": { "type": "text", "text": { "body": "Good morning" } },
            }),
            "MessageEdited",
        ),
    ] {
        let part = json!({ "from": customer.number, "type": kind, kind: part });
        receive(&one, customer.sends(&channel, contact.clone(), part)).await;
        assert_eq!(service.event_types(&conversation).await.last().map(String::as_str), Some(event));
        // A further message at the other process, which the first one has not seen either.
        receive(&two, customer.says(&channel, Named::Number)).await;
    }
}

/// A log of another program, which stores numbers with `+` or `00`, and the conversation of such a number in it.
async fn imported(service: &Service, channel: &str, number: &str) -> (ContactId, String) {
    let contact_id = ContactId::from_u128(7);
    let identifier_id = ContactIdentifierId::of(ACME, "whatsapp", number);
    let linked = IdentifierLinked {
        identifier_id,
        contact_id,
        channel_type: ChannelType::WhatsApp,
        identifier: number.to_owned(),
        display_name: Some("Mrs Abebe".to_owned()),
        metadata: Default::default(),
    };
    let metadata = Metadata {
        account_id: ACME,
        actor: Actor::system("another program"),
        correlation_id: identifier_id.0,
        causation_id: None,
        traceparent: None,
        request: None,
        credential: None,
        occurred_at: service.clock.now(),
    };
    let event = NewEvent::of(service.clock.event_id(), &ContactEvent::from(linked), metadata);
    let stream = StreamId::contact(identifier_id);
    service.store.append(&stream, Expected::NoStream, vec![event]).await.unwrap();
    let body = json!({ "channel_id": channel, "contact_identifier_id": identifier_id });
    let begun = service.post(&ana(), "/v1/conversations", body).await.is(201);
    let last = service.events(&id(&begun)).await.pop().unwrap().id;
    record_move(&*service.store, &service.clock, MoveKind::Import, last).await.unwrap();
    (contact_id, id(&begun))
}

#[tokio::test]
async fn a_customer_of_an_imported_log_goes_on_whatever_form_the_number_has_there() {
    for form in ["+", "00"] {
        let service = crate::service::start().await;
        let channel = service.whatsapp_channel().await;
        let (new, known) = (Customer::new(1), Customer::new(2));
        receive(&service, known.says(&channel, Named::Both)).await;
        for customer in [new, known] {
            let number = format!("{form}{}", customer.number);
            let (contact_id, conversation) = imported(&service, &channel, &number).await;
            let log = holding(&service.store);
            let service = service.on(log.clone());

            let spelled = format!("+{} {}", &customer.number[..3], &customer.number[3..]);
            let body = json!({ "channel_id": channel, "contact_identifier": spelled });
            let is_new = customer.messages.load(Ordering::SeqCst) == 0;
            if is_new {
                let link = json!({ "channel_type": "whatsapp", "identifier": spelled });
                let linked = service.post(&ana(), "/v1/contact-identifiers", link).await.is(201);
                assert_eq!(
                    (&linked["contact_id"], &linked["identifier"]),
                    (&json!(contact_id), &json!(number))
                );
                let problem = service.post(&ana(), "/v1/conversations", body).await.is(409);
                assert_eq!(problem["conversation_id"], conversation);
            }
            receive(&service, customer.says(&channel, Named::Number)).await;
            // The customer who was known has a conversation of the own number too. One of them goes on.
            let own = ConversationId::of(channel.parse().unwrap(), &customer.number, 0).to_string();
            let mut last = Vec::new();
            for conversation in [&conversation, &own] {
                last.extend(service.event_types(conversation).await.pop());
            }
            let open: Vec<_> = last.iter().filter(|last| *last != "Closed").collect();
            assert_eq!(open, ["MessageReceived"], "{number}: {last:?}");
            let mut contacts = BTreeSet::new();
            for identifier in [&number, &customer.number] {
                let stream = StreamId::contact(ContactIdentifierId::of(ACME, "whatsapp", identifier));
                let state = service.commands.contacts.current(&stream).await.unwrap();
                contacts.insert(state.state.contact_id());
            }
            assert_eq!(contacts.len(), 1, "{number}: {contacts:?}");
            receive(&service, customer.says(&channel, Named::Number)).await;
            log.calls();
            receive(&service, customer.says(&channel, Named::Number)).await;
            assert_eq!(log.calls(), 1, "{number}: a known customer's message is one append");
        }
    }
}
