//! Constant load while a test disturbs the program: customers write, agents answer and read their own
//! answers, and each repeats a request until it succeeds. Functions to assert afterwards that nothing
//! acknowledged was lost.

use crate::fake_whatsapp::FakeWhatsApp;
use crate::kill::whole_log;
use crate::program::{Account, DEADLINE, Person, Program, WhatsApp, text_message, webhook};
use event_schemas::Position;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// The number of customers of each account. The first customer gets no answers, so its task never waits for
/// the tables.
const CUSTOMERS: usize = 3;
/// The pause of a client before a retry.
const RETRY_PAUSE: Duration = Duration::from_millis(10);

/// The API that a request goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    Commands,
    Queries,
}

/// An account under load, with its users at every process of the program.
#[derive(Clone)]
pub struct LoadAccount {
    pub id: String,
    /// The prefix of its customers' phone numbers.
    phones: String,
    pub admin: Person,
    pub whatsapp: Vec<WhatsApp>,
    pub writers: Vec<Person>,
    pub readers: Vec<Person>,
}

impl LoadAccount {
    /// Sets an account up. Accounts with different numbers have different customers.
    pub async fn set_up(
        number: usize,
        commands: &[&Program],
        queries: &[&Program],
        provider: &FakeWhatsApp,
    ) -> Self {
        let account = commands[0].account();
        let whatsapp = account.whatsapp(&provider.base_url).await;
        let policy =
            json!({ "name": "An hour", "targets": { "normal": { "first_response_seconds": 3600 } } });
        account.admin.post("/v1/sla-policies", policy).await;
        let ana = account.person("agent", "Ana");
        Self {
            phones: format!("25191100{number:02}"),
            whatsapp: commands.iter().map(|program| whatsapp.at(program)).collect(),
            writers: commands.iter().map(|program| ana.at(program)).collect(),
            readers: queries.iter().map(|program| ana.at(program)).collect(),
            admin: Account::new(queries[0], &account.id).admin,
            id: account.id,
        }
    }
}

/// The acknowledged requests of the load, and its failures.
#[derive(Clone, Default)]
pub struct LoadReport {
    /// The provider's ids of the customers' messages.
    pub messages: BTreeSet<String>,
    /// The text of the agents' answers. Each is sent once.
    pub answers: BTreeSet<String>,
    /// The number of 503 responses with `Retry-After`, by API and detail.
    pub refused: BTreeMap<(Side, String), usize>,
    /// Requests that failed because their connection was lost.
    pub broken_connections: usize,
    /// Responses that a client cannot handle.
    faults: Vec<String>,
}

#[derive(Default)]
struct Shared {
    finished: AtomicBool,
    acknowledged: AtomicUsize,
    report: Mutex<LoadReport>,
}

/// A running load. [`Load::finish`] ends it.
pub struct Load {
    shared: Arc<Shared>,
    accounts: Vec<LoadAccount>,
    clients: Vec<JoinHandle<()>>,
}

impl Load {
    pub fn start(accounts: Vec<LoadAccount>) -> Self {
        let shared = Arc::<Shared>::default();
        let mut clients = Vec::new();
        for account in &accounts {
            for customer in 0..CUSTOMERS {
                let phone = format!("{}{customer:02}", account.phones);
                let answered = customer > 0;
                clients.push(tokio::spawn(customer_task(
                    account.clone(),
                    phone,
                    answered,
                    Arc::clone(&shared),
                )));
            }
            clients.push(tokio::spawn(reader_task(account.clone(), Arc::clone(&shared))));
        }
        Self { shared, accounts, clients }
    }

    /// The number of requests acknowledged until now.
    pub fn acknowledged(&self) -> usize {
        self.shared.acknowledged.load(Ordering::SeqCst)
    }

    pub fn refused(&self, side: Side) -> usize {
        let report = self.shared.report();
        report.refused.iter().filter(|((of, _), _)| *of == side).map(|(_, times)| times).sum()
    }

    /// Waits until `more` further requests are acknowledged.
    pub async fn until_acknowledged(&self, more: usize) {
        let (began, target) = (Instant::now(), self.acknowledged() + more);
        while self.acknowledged() < target {
            assert!(began.elapsed() < DEADLINE * 3, "{} of {target} were acknowledged", self.acknowledged());
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }

    /// Waits until this API refuses a request with 503.
    pub async fn until_refused(&self, side: Side) {
        let (began, before) = (Instant::now(), self.refused(side));
        while self.refused(side) == before {
            assert!(began.elapsed() < DEADLINE * 3, "{side:?} refuses no request");
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }

    /// Stops the clients and asserts that they had no faults.
    pub async fn finish(self) -> (Vec<LoadAccount>, LoadReport) {
        self.shared.finished.store(true, Ordering::SeqCst);
        for client in self.clients {
            client.await.unwrap();
        }
        let report = self.shared.report().clone();
        let first = &report.faults[..report.faults.len().min(5)];
        assert!(first.is_empty(), "{} faults, among them {first:#?}", report.faults.len());
        eprintln!(
            "{} messages and {} answers acknowledged, {} connections lost; refused: {:#?}",
            report.messages.len(),
            report.answers.len(),
            report.broken_connections,
            report.refused
        );
        (self.accounts, report)
    }
}

impl Shared {
    fn report(&self) -> MutexGuard<'_, LoadReport> {
        self.report.lock().unwrap()
    }

    fn is_finished(&self) -> bool {
        self.finished.load(Ordering::SeqCst)
    }

    /// Sends the request to one process after the other until one succeeds. `None` when the load ends first.
    async fn until_success(&self, side: Side, request: impl Fn(usize) -> RequestBuilder) -> Option<Value> {
        for turn in 0.. {
            if self.is_finished() {
                break;
            }
            if let Some(answer) = self.try_once(side, request(turn)).await {
                return Some(answer);
            }
            tokio::time::sleep(RETRY_PAUSE).await;
        }
        None
    }

    /// The body of a successful response. `None` when the request was refused, or its connection was lost.
    async fn try_once(&self, side: Side, request: RequestBuilder) -> Option<Value> {
        let response = async {
            let answer = request.send().await?;
            let has_retry_after = answer.headers().contains_key("retry-after");
            Ok((answer.status(), has_retry_after, answer.text().await?))
        };
        let (status, has_retry_after, text) = match response.await {
            Ok(response) => response,
            Err(error) => {
                let error: reqwest::Error = error;
                let mut report = self.report();
                report.broken_connections += 1;
                if error.is_timeout() {
                    report.faults.push(format!("{side:?}: no response in time: {error}"));
                }
                return None;
            }
        };
        let body: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        if status.is_success() {
            return Some(body);
        }
        match (status, has_retry_after, body["detail"].as_str()) {
            (StatusCode::SERVICE_UNAVAILABLE, true, Some(detail)) => {
                *self.report().refused.entry((side, detail.to_owned())).or_default() += 1;
            }
            // Another request was first, which is not a fault.
            (StatusCode::CONFLICT, true, Some(_)) => {}
            _ => self
                .report()
                .faults
                .push(format!("{side:?}: {status}, has Retry-After: {has_retry_after}: {text}")),
        }
        None
    }

    fn acknowledge(&self, which: impl FnOnce(&mut LoadReport) -> &mut BTreeSet<String>, what: String) {
        which(&mut self.report()).insert(what);
        self.acknowledged.fetch_add(1, Ordering::SeqCst);
    }
}

/// A customer writes one message after the other. The provider delivers each until it is acknowledged. If
/// `answered`, an agent answers every third message.
async fn customer_task(account: LoadAccount, phone: String, answered: bool, shared: Arc<Shared>) {
    let mut conversation = None;
    for turn in 0.. {
        let id = format!("wamid.{phone}.{turn}");
        let body = webhook(&[text_message(&phone, &id, &format!("{phone}, {turn}"))], &[]);
        let delivery = |node: usize| account.whatsapp[(node + turn) % account.whatsapp.len()].delivery(&body);
        if shared.until_success(Side::Commands, delivery).await.is_none() {
            return;
        }
        shared.acknowledge(|report| &mut report.messages, id);
        if answered && turn % 3 == 2 {
            let text = format!("answer-{phone}-{turn}");
            if answer(&account, &phone, text, &mut conversation, &shared).await.is_none() {
                return;
            }
        }
    }
}

async fn answer(
    account: &LoadAccount,
    phone: &str,
    text: String,
    conversation: &mut Option<String>,
    shared: &Shared,
) -> Option<()> {
    let at = |people: &[Person], node: usize| people[node % people.len()].clone();
    let id = loop {
        if let Some(id) = conversation {
            break id.clone();
        }
        let list = |node| at(&account.readers, node).request(Method::GET, "/v1/conversations?limit=200");
        let inbox = shared.until_success(Side::Queries, list).await?;
        let found = inbox["data"].as_array()?.iter().find(|row| row["contact_identifier"] == phone);
        *conversation = found.and_then(|row| Some(row["id"].as_str()?.to_owned()));
        // If the conversation is not in the tables yet, the loop looks again.
        tokio::time::sleep(RETRY_PAUSE).await;
    };
    let send = |node| {
        at(&account.writers, node)
            .request(Method::POST, &format!("/v1/conversations/{id}/messages"))
            .header("Idempotency-Key", &text)
            .json(&json!({ "content": text }))
    };
    let sent = shared.until_success(Side::Commands, send).await?;
    shared.acknowledge(|report| &mut report.answers, text.clone());
    // Every process shows the agent's own write. Only the customer and this agent write in the conversation.
    let position = sent["position"].as_str()?.to_owned();
    let read = |node| {
        at(&account.readers, node)
            .request(Method::GET, &format!("/v1/conversations/{id}"))
            .header("Verbatim-After", &position)
    };
    let seen = shared.until_success(Side::Queries, read).await?;
    if seen["last_message_preview"] != text.as_str() {
        shared
            .report()
            .faults
            .push(format!("after {position} the text '{text}' was written, and the read model shows {seen}"));
    }
    Some(())
}

/// An agent reads the inbox again and again.
async fn reader_task(account: LoadAccount, shared: Arc<Shared>) {
    let paths = ["/v1/conversations/counts", "/v1/conversations?limit=50", "/v1/sla-timers"];
    for turn in 0.. {
        if shared.is_finished() {
            return;
        }
        let reader = &account.readers[turn % account.readers.len()];
        shared.try_once(Side::Queries, reader.request(Method::GET, paths[turn % paths.len()])).await;
        tokio::time::sleep(RETRY_PAUSE).await;
    }
}

/// Asserts that the account's log has everything acknowledged once and in order, and nothing twice. Returns
/// the log.
pub async fn assert_log_complete(account: &LoadAccount, report: &LoadReport) -> Vec<Value> {
    let log = whole_log(&account.admin).await;
    let text = |event: &Value, pointer: &str| {
        event.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let ids: BTreeSet<String> = log.iter().map(|event| text(event, "/id")).collect();
    assert_eq!(ids.len(), log.len(), "an event is in the log twice");
    let positions: Vec<Position> =
        log.iter().map(|event| text(event, "/position").parse().unwrap()).collect();
    assert!(positions.is_sorted_by(|before, after| before < after), "the log is out of order");
    let (mut received, mut answered): (BTreeMap<String, usize>, BTreeMap<String, usize>) = Default::default();
    let (mut ends, mut turns): (BTreeMap<String, u64>, BTreeMap<String, usize>) = Default::default();
    for event in &log {
        let next = ends.entry(text(event, "/subject")).or_default();
        assert_eq!(text(event, "/streamversion"), next.to_string(), "a stream has a gap: {event}");
        *next += 1;
        if text(event, "/type").contains(".MessageReceived.") {
            let id = text(event, "/data/provider_message_id");
            let (customer, turn) = id.rsplit_once('.').unwrap();
            let turn: usize = turn.parse().unwrap();
            let before = turns.insert(customer.to_owned(), turn);
            assert!(before.is_none_or(|before| before < turn), "{id} came after {before:?}");
            *received.entry(id).or_default() += 1;
        } else if text(event, "/type").contains(".MessageSent.") {
            *answered.entry(text(event, "/data/content")).or_default() += 1;
        }
    }
    assert!(
        received.values().chain(answered.values()).all(|times| *times == 1),
        "a message is in the log twice"
    );
    let ours = |id: &&String| id.contains(&account.phones);
    for id in report.messages.iter().filter(ours) {
        assert!(received.contains_key(id), "{id} was acknowledged and is not in the log");
    }
    for text in report.answers.iter().filter(ours) {
        assert!(answered.contains_key(text), "'{text}' was acknowledged and is not in the log");
    }
    log
}

/// Waits until the tables include the last event of the log.
pub async fn until_tables_caught_up(reader: &Person, log: &[Value]) {
    let last = log.last().unwrap()["position"].as_str().unwrap();
    let began = Instant::now();
    loop {
        let asked = reader.request(Method::GET, "/v1/conversations/counts").header("Verbatim-After", last);
        let answer = asked.send().await.unwrap();
        if answer.status().is_success() {
            return;
        }
        let problem = answer.text().await.unwrap();
        assert!(began.elapsed() < DEADLINE * 3, "the tables do not reach {last}: {problem}");
        tokio::time::sleep(RETRY_PAUSE).await;
    }
}

/// Asserts that the provider received no message twice. The program checks a message of unknown outcome
/// before it sends it again.
pub fn assert_sent_once(provider: &FakeWhatsApp) {
    let mut handed: BTreeMap<String, usize> = BTreeMap::new();
    for taken in provider.taken() {
        *handed.entry(taken.body["biz_opaque_callback_data"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    assert!(handed.values().all(|times| *times == 1), "a customer received a message twice");
}

/// Random numbers that a test can repeat: the seed is printed, and `VERBATIM_TEST_SEED` sets it.
pub struct SeededRandom(u64);

impl SeededRandom {
    pub fn from_environment() -> Self {
        let named = std::env::var("VERBATIM_TEST_SEED").ok().map(|seed| seed.parse().expect("a number"));
        let seed = named.unwrap_or_else(|| event_schemas::Clock::System.now().as_micros() as u64) | 1;
        eprintln!("VERBATIM_TEST_SEED={seed}");
        Self(seed)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        // The low bits of neighbouring seeds give similar numbers at first.
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit
    }
}
