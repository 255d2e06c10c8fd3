//! A WhatsApp customer with a number, a business-scoped id, or both is one contact with one conversation.

use crate::fake_whatsapp::FakeWhatsApp;
use crate::program::{PHONE_NUMBER_ID, Person, Program, WhatsApp, fresh_id};
use futures::future::join_all;
use futures::stream::{self, StreamExt};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const NUMBER: &str = "251911000001";
const ID: &str = "ET.1349120865";

fn now() -> String {
    (event_schemas::Clock::System.now().as_micros() / 1_000_000).to_string()
}

/// A webhook with one element of `messages` or `statuses`.
fn webhook(list: &str, element: Value, contacts: Value) -> Value {
    let mut value = json!({
        "messaging_product": "whatsapp",
        "metadata": { "display_phone_number": "15550783881", "phone_number_id": PHONE_NUMBER_ID },
    });
    if contacts != json!([]) {
        value["contacts"] = contacts;
    }
    value[list] = json!([element]);
    json!({
        "object": "whatsapp_business_account",
        "entry": [{ "id": "1", "changes": [{ "field": "messages", "value": value }] }],
    })
}

/// A text message of a customer with a number, an id, or both.
fn says(number: Option<&str>, id: Option<&str>, words: &str) -> Value {
    let mut element = json!({ "id": format!("wamid.{}", fresh_id()), "timestamp": now(), "type": "text", "text": { "body": words } });
    let mut contact = json!({ "profile": { "name": "Sara" } });
    if let Some(number) = number {
        element["from"] = json!(number);
        contact["wa_id"] = json!(number);
    }
    if let Some(id) = id {
        element["from_user_id"] = json!(id);
        contact["user_id"] = json!(id);
    }
    webhook("messages", element, json!([contact]))
}

fn system(from: Option<&str>, part: Value) -> Value {
    let mut element = json!({ "id": format!("wamid.{}", fresh_id()), "timestamp": now(), "type": "system", "system": part });
    if let Some(from) = from {
        element["from"] = json!(from);
    }
    webhook("messages", element, json!([]))
}

struct Desk {
    _folder: tempfile::TempDir,
    program: Program,
    provider: FakeWhatsApp,
}

impl Desk {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = Program::serve(&folder.path().join("data")).await;
        Self { _folder: folder, program, provider: FakeWhatsApp::start().await }
    }

    async fn account(&self) -> (WhatsApp, Person) {
        let account = self.program.account();
        (account.whatsapp(&self.provider.base_url).await, account.person("agent", "Ana"))
    }

    /// The number of messages that the provider took, once there are so many, and the addressee of the last.
    async fn last_addressee(&self, count: usize) -> Value {
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.provider.how_many_taken() < count {
            assert!(Instant::now() < deadline, "the answer was not sent");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let taken = self.provider.taken();
        let body = &taken[count - 1].body;
        json!([body["to"], body["recipient"]])
    }
}

/// The conversations once they have so many messages of the customer in all.
async fn conversations(ana: &Person, received: u64) -> Vec<Value> {
    let all = ana
        .get_until("/v1/conversations?limit=200", |page| {
            let rows = page["data"].as_array().unwrap();
            rows.iter().filter_map(|row| row["message_count"].as_u64()).sum::<u64>() >= received
        })
        .await;
    all["data"].as_array().unwrap().clone()
}

/// The only conversation, once it has so many messages.
async fn only_conversation(ana: &Person, messages: u64) -> Value {
    let all = conversations(ana, messages).await;
    assert_eq!(all.len(), 1, "{all:?}");
    // An identifier and its conversation are projected from two streams.
    ana.get_until("/v1/contact-identifiers", |page| {
        let rows = page["data"].as_array().unwrap();
        !rows.is_empty() && rows.iter().all(|row| row["contact_id"] == all[0]["contact_id"])
    })
    .await;
    all[0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_and_an_id_in_any_order_are_one_contact_with_one_conversation() {
    let desk = Desk::start().await;
    let (both, number, id) = ((Some(NUMBER), Some(ID)), (Some(NUMBER), None), (None, Some(ID)));
    for (order, address) in [
        (vec![both, id], json!([NUMBER, null])),
        (vec![both, id, number], json!([NUMBER, null])),
        (vec![number, both, id], json!([NUMBER, null])),
        (vec![id, both, number], json!([NUMBER, null])),
        (vec![id, id], json!([null, ID])),
    ] {
        let (whatsapp, ana) = desk.account().await;
        for (number, id) in &order {
            whatsapp.post_ok(&says(*number, *id, "Hello")).await;
        }
        let row = only_conversation(&ana, order.len() as u64).await;
        let before = desk.provider.how_many_taken();
        let path = format!("/v1/conversations/{}/messages", row["id"].as_str().unwrap());
        ana.post(&path, json!({ "content": "Selam" })).await;
        assert_eq!(desk.last_addressee(before + 1).await, address, "{order:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_messages_of_two_identifiers_at_once_begin_one_conversation() {
    let desk = Desk::start().await;
    for round in 0..5 {
        let (whatsapp, ana) = desk.account().await;
        let messages: Vec<_> = (0..12)
            .map(|index| match (index + round) % 3 {
                0 => says(None, Some(ID), "the id"),
                _ => says(Some(NUMBER), Some(ID), "both"),
            })
            .collect();
        join_all(messages.iter().map(|message| whatsapp.post_ok(message))).await;
        only_conversation(&ana, 12).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_number_and_a_changed_id_continue_the_conversation() {
    let desk = Desk::start().await;
    let (whatsapp, ana) = desk.account().await;
    let answer = |row: &Value, words: &str| {
        let path = format!("/v1/conversations/{}/messages", row["id"].as_str().unwrap());
        let (ana, words) = (ana.clone(), words.to_owned());
        async move { ana.post(&path, json!({ "content": words })).await }
    };
    whatsapp.post_ok(&says(Some(NUMBER), Some(ID), "one")).await;
    let row = only_conversation(&ana, 1).await;
    let change = json!({
        "type": "user_changed_number", "body": "Sara has a new number", "wa_id": "251911000002",
        "user_id": "ET.2", "previous_user_id": ID,
    });
    whatsapp.post_ok(&system(Some(NUMBER), change)).await;
    answer(&row, "To the new number").await;
    assert_eq!(desk.last_addressee(1).await, json!(["251911000002", null]));
    whatsapp.post_ok(&says(None, Some("ET.2"), "two")).await;
    whatsapp.post_ok(&says(Some("251911000002"), None, "three")).await;
    only_conversation(&ana, 4).await;

    // The number is hidden now, so that the one before may be another person's.
    let change = json!({ "type": "user_changed_user_id", "user_id": "ET.3", "previous_user_id": "ET.2" });
    whatsapp.post_ok(&system(None, change)).await;
    answer(&row, "To the new id").await;
    assert_eq!(desk.last_addressee(2).await, json!([null, "ET.3"]));
    whatsapp.post_ok(&says(None, Some("ET.3"), "four")).await;
    whatsapp.post_ok(&says(Some("251911000003"), Some("ET.3"), "five")).await;
    answer(&row, "To the newest number").await;
    assert_eq!(desk.last_addressee(3).await, json!(["251911000003", null]));
    only_conversation(&ana, 8).await;

    // The number in `wa_id` can be another than the one in `from`.
    let mut message = says(Some("5215512345678"), None, "six");
    message["entry"][0]["changes"][0]["value"]["contacts"][0]["wa_id"] = json!("525512345678");
    whatsapp.post_ok(&message).await;
    whatsapp.post_ok(&says(Some("525512345678"), None, "seven")).await;
    assert_eq!(conversations(&ana, 10).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_known_contacts_that_are_one_go_on_in_the_newest_open_conversation() {
    let desk = Desk::start().await;
    let (whatsapp, ana) = desk.account().await;
    whatsapp.post_ok(&says(Some(NUMBER), None, "by number")).await;
    let older = only_conversation(&ana, 1).await;
    whatsapp.post_ok(&says(None, Some(ID), "by id")).await;
    assert_eq!(conversations(&ana, 2).await.len(), 2);
    whatsapp.post_ok(&says(Some(NUMBER), Some(ID), "both")).await;
    whatsapp.post_ok(&says(Some(NUMBER), None, "by number again")).await;
    whatsapp.post_ok(&says(None, Some(ID), "by id again")).await;

    let all = conversations(&ana, 5).await;
    assert_eq!((all.len(), &all[0]["contact_id"]), (2, &all[1]["contact_id"]), "{all:?}");
    let (closed, open): (Vec<_>, Vec<_>) = all.iter().partition(|row| row["status"] == "closed");
    assert_eq!((closed.len(), &closed[0]["id"]), (1, &older["id"]), "{all:?}");
    assert_eq!(open[0]["message_count"], 4);
    let contacts = ana.get("/v1/contacts").await;
    assert_eq!(contacts["data"].as_array().unwrap().len(), 1, "{contacts}");
    let events =
        ana.get(&format!("/v1/conversations/{}/events?limit=100", older["id"].as_str().unwrap())).await;
    assert!(events.to_string().contains(open[0]["id"].as_str().unwrap()), "{events}");
    let events =
        ana.get(&format!("/v1/conversations/{}/events?limit=100", open[0]["id"].as_str().unwrap())).await;
    assert!(events.to_string().contains(older["id"].as_str().unwrap()), "{events}");
    let path = format!("/v1/conversations/{}/messages", open[0]["id"].as_str().unwrap());
    ana.post(&path, json!({ "content": "Selam" })).await;
    assert_eq!(desk.last_addressee(1).await, json!([NUMBER, null]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_comes_from_another_identifier_than_an_agent_wrote_to() {
    let desk = Desk::start().await;
    let (whatsapp, ana) = desk.account().await;
    desk.provider.knows_as("5511987654321", "551187654321");
    let template = json!({ "name": "hello", "language": "pt_BR" });
    let begin = |identifier: &str| {
        let message = json!({ "template": template });
        json!({ "channel_id": whatsapp.id, "contact_identifier": identifier, "message": message })
    };
    let begun = ana.post("/v1/conversations", begin("+55 11 98765-4321")).await;
    assert_eq!(desk.last_addressee(1).await, json!(["5511987654321", null]));
    let messages = format!("/v1/conversations/{}/messages", begun["id"].as_str().unwrap());
    ana.get_until(&messages, |page| crate::program::has_delivery_state(page, "dispatched")).await;
    whatsapp.post_ok(&says(Some("551187654321"), None, "Oi")).await;
    only_conversation(&ana, 2).await;

    // A status names the id too, and the answer has nothing else.
    let (whatsapp, ana) = desk.account().await;
    let begin = json!({
        "channel_id": whatsapp.id, "contact_identifier": NUMBER, "message": { "template": template },
    });
    let begun = ana.post("/v1/conversations", begin).await;
    desk.last_addressee(2).await;
    let mut status = desk.provider.taken()[1].status("delivered", 1_795_222_801);
    status["entry"][0]["changes"][0]["value"]["statuses"][0]["recipient_user_id"] = json!(ID);
    whatsapp.post_ok(&status).await;
    whatsapp.post_ok(&says(None, Some(ID), "Selam")).await;
    assert_eq!(only_conversation(&ana, 2).await["id"], begun["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_parts_of_one_webhook_are_in_one_conversation_in_their_order() {
    let desk = Desk::start().await;
    let (whatsapp, ana) = desk.account().await;
    let mut all = says(Some(NUMBER), None, "one");
    for (number, id, words) in
        [(None, Some(ID), "two"), (Some(NUMBER), Some(ID), "three"), (None, Some(ID), "four")]
    {
        let mut further = says(number, id, words);
        let further = further["entry"][0]["changes"][0].take();
        all["entry"][0]["changes"].as_array_mut().unwrap().push(further);
    }
    whatsapp.post_ok(&all).await;
    let row = only_conversation(&ana, 4).await;
    let messages = ana.get(&format!("/v1/conversations/{}/messages", row["id"].as_str().unwrap())).await;
    let words: Vec<_> =
        messages["data"].as_array().unwrap().iter().map(|message| &message["content"]).collect();
    assert_eq!(words, ["one", "two", "three", "four"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_moves_a_customer_with_all_identifiers_or_separates_one() {
    let desk = Desk::start().await;
    let (whatsapp, ana) = desk.account().await;
    whatsapp.post_ok(&says(Some(NUMBER), Some(ID), "one")).await;
    let row = only_conversation(&ana, 1).await;
    let identifiers = ana.get("/v1/contact-identifiers").await;
    let path_of = |identifier: &str| {
        let all = identifiers["data"].as_array().unwrap();
        let found = all.iter().find(|row| row["identifier"] == identifier).unwrap();
        format!("/v1/contact-identifiers/{}", found["id"].as_str().unwrap())
    };
    let contact = fresh_id();
    ana.patch(&path_of(NUMBER), json!({ "contact_id": contact })).await;
    let moved =
        |page: &Value| page["data"].as_array().unwrap().iter().all(|row| row["contact_id"] == contact);
    ana.get_until("/v1/contact-identifiers", moved).await;
    whatsapp.post_ok(&says(None, Some(ID), "two")).await;
    assert_eq!(only_conversation(&ana, 2).await["contact_id"], contact);

    let other = fresh_id();
    ana.patch(&path_of(ID), json!({ "contact_id": other })).await;
    whatsapp.post_ok(&says(None, Some(ID), "three")).await;
    let all = conversations(&ana, 3).await;
    let others: Vec<_> = all.iter().filter(|found| found["id"] != row["id"]).collect();
    assert_eq!((others.len(), &others[0]["contact_id"]), (1, &json!(other)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_people_write_in_two_ways_is_one_customer() {
    let desk = Desk::start().await;
    let (whatsapp, ana) = desk.account().await;
    whatsapp.post_ok(&says(Some("551187654321"), None, "Oi")).await;
    let row = only_conversation(&ana, 1).await;
    let begin = json!({
        "channel_id": whatsapp.id, "contact_identifier": "+55 (11) 98765-4321",
        "message": { "template": { "name": "hello", "language": "pt_BR" } },
    });
    let (status, problem) = ana.send(Method::POST, "/v1/conversations", begin).await;
    assert_eq!((status.as_u16(), &problem["conversation_id"]), (409, &row["id"]), "{problem}");
    whatsapp.post_ok(&says(Some("5511987654321"), None, "Tudo bem?")).await;
    assert_eq!(only_conversation(&ana, 2).await["id"], row["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_owner_of_a_number_is_another_customer() {
    let desk = Desk::start().await;
    let (whatsapp, ana) = desk.account().await;
    whatsapp.post_ok(&says(Some(NUMBER), Some(ID), "one")).await;
    let change = json!({
        "type": "user_changed_number", "wa_id": "251911000002", "user_id": "ET.2", "previous_user_id": ID,
    });
    whatsapp.post_ok(&system(Some(NUMBER), change)).await;
    // A message that was late.
    whatsapp.post_ok(&says(Some(NUMBER), Some(ID), "two")).await;
    only_conversation(&ana, 2).await;
    for words in ["I am new here", "Hello?"] {
        whatsapp.post_ok(&says(Some(NUMBER), Some("ET.99"), words)).await;
    }
    whatsapp.post_ok(&says(Some("251911000002"), Some("ET.2"), "three")).await;
    let all = conversations(&ana, 5).await;
    assert_eq!(all.len(), 2, "{all:?}");
    let theirs = all.iter().find(|row| row["contact_identifier"] == "ET.99").unwrap();
    assert_eq!((theirs["message_count"].as_u64(), &theirs["status"]), (Some(2), &json!("open")));
    assert!(all.iter().all(|row| row["id"] == theirs["id"] || row["contact_id"] != theirs["contact_id"]));
    let path = format!("/v1/conversations/{}/messages", theirs["id"].as_str().unwrap());
    ana.post(&path, json!({ "content": "Welcome" })).await;
    assert_eq!(desk.last_addressee(1).await, json!([null, "ET.99"]));
    let path = format!("/v1/conversations/{}", theirs["id"].as_str().unwrap());
    ana.patch(&path, json!({ "status": "closed" })).await;
    whatsapp.post_ok(&says(Some(NUMBER), Some("ET.99"), "Once more")).await;
    let all = conversations(&ana, 7).await;
    let theirs = all.iter().filter(|row| row["contact_identifier"] == "ET.99");
    assert_eq!((all.len(), theirs.count()), (3, 2), "{all:?}");
}

/// Two processes that write to one log. The first also reads it.
struct TwoProcesses {
    _folder: tempfile::TempDir,
    one: Program,
    two: Program,
}

impl TwoProcesses {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let one = Program::serve(&data).await;
        let two = Program::start("command-api", &data, &[]).await;
        Self { _folder: folder, one, two }
    }
}

/// The rows of each customer, by the number at the end of each of the customer's identifiers.
fn by_customer(rows: &[Value], field: &str) -> BTreeMap<u64, Vec<Value>> {
    let mut all = BTreeMap::<u64, Vec<Value>>::new();
    for row in rows {
        let identifier = row[field].as_str().unwrap();
        let customer = identifier[identifier.len() - 4..].parse().unwrap();
        all.entry(customer).or_default().push(row.clone());
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_messages_of_a_customer_at_two_processes_are_one_contact_with_one_open_conversation() {
    const CUSTOMERS: u64 = 60;
    let processes = TwoProcesses::start().await;
    let account = processes.one.account();
    let (at_one, ana) = (account.whatsapp("http://127.0.0.1:9").await, account.person("agent", "Ana"));
    let at_two = at_one.at(&processes.two);
    // The second process knows the channel, so that no look-up delays its first message.
    at_two.post_ok(&says(Some("251911999999"), None, "An earlier customer")).await;
    let writes = |customer: u64| {
        let (at_one, at_two) = (at_one.clone(), at_two.clone());
        async move {
            let (number, id) = (format!("25191100{customer:04}"), format!("ET.134912{customer:04}"));
            let by_id = |words: &str| says(None, Some(&id), words);
            let by_both = |words: &str| says(Some(&number), Some(&id), words);
            let (first, second) = (by_id("one"), by_both("two"));
            futures::join!(at_one.post_ok(&first), at_two.post_ok(&second));
            for words in ["three", "four"] {
                at_one.post_ok(&by_id(words)).await;
                at_two.post_ok(&by_both(words)).await;
            }
        }
    };
    // Several customers at once, so that neither process is always the earlier one.
    stream::iter(0..CUSTOMERS).map(writes).buffer_unordered(6).collect::<Vec<()>>().await;
    let every = |rows: &Value| rows["data"].as_array().unwrap().clone();
    let all = conversations(&ana, CUSTOMERS * 6 + 1).await;
    let identifiers = every(&ana.get("/v1/contact-identifiers?limit=200").await);
    let contacts = by_customer(&identifiers, "identifier");
    for (customer, rows) in by_customer(&all, "contact_identifier") {
        let contact = &contacts[&customer][0]["contact_id"];
        let of_contact = |row: &Value| row["contact_id"] == *contact;
        assert!(contacts[&customer].iter().chain(&rows).all(of_contact), "{customer}: {rows:#?}");
        let (open, closed): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row["status"] == "open");
        assert_eq!((open.len(), closed.len() <= 1), (1, true), "{customer}: {rows:#?}");
        for (one, other) in closed.iter().flat_map(|closed| [(open[0], *closed), (*closed, open[0])]) {
            let events = format!("/v1/conversations/{}/events?limit=100", one["id"].as_str().unwrap());
            assert!(ana.get(&events).await.to_string().contains(other["id"].as_str().unwrap()), "{customer}");
        }
    }
    assert_eq!(every(&ana.get("/v1/contacts?limit=200").await).len() as u64, CUSTOMERS + 1);
}
