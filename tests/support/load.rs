//! A desk that is never quiet, whatever is done to the program meanwhile: customers write, agents answer and
//! read what they wrote, each again and again until it is taken. And what has to be so when it is finished.

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

/// How many customers each desk has. The first is never answered, and so never waits for the tables.
const CUSTOMERS: usize = 3;
/// How long a client waits before it tries again.
const RETRY_PAUSE: Duration = Duration::from_millis(10);

/// Which half of the program is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    Commands,
    Queries,
}

/// An account, and its people at every door of the program.
#[derive(Clone)]
pub struct LoadAccount {
    pub id: String,
    /// How its customers' numbers begin.
    phones: String,
    pub admin: Person,
    pub whatsapp: Vec<WhatsApp>,
    pub writers: Vec<Person>,
    pub readers: Vec<Person>,
}

impl LoadAccount {
    /// Desks of different numbers have different customers.
    pub async fn open(
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

/// What was acknowledged, and what went otherwise.
#[derive(Clone, Default)]
pub struct LoadReport {
    /// The provider's ids of the customers' messages.
    pub messages: BTreeSet<String>,
    /// The text of the agents' answers, each said once.
    pub answers: BTreeSet<String>,
    /// How often a side said in clear text that it cannot just now.
    pub refused: BTreeMap<(Side, String), usize>,
    /// Requests whose connection broke.
    pub broken_connections: usize,
    /// What a client cannot do anything with.
    faults: Vec<String>,
}

#[derive(Default)]
struct Shared {
    finished: AtomicBool,
    acknowledged: AtomicUsize,
    report: Mutex<LoadReport>,
}

/// Desks under load. It ends with [`Load::end`].
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

    /// How much was acknowledged until now.
    pub fn acknowledged(&self) -> usize {
        self.shared.acknowledged.load(Ordering::SeqCst)
    }

    pub fn refused(&self, side: Side) -> usize {
        let report = self.shared.report();
        report.refused.iter().filter(|((of, _), _)| *of == side).map(|(_, times)| times).sum()
    }

    /// Waits until so much more was acknowledged.
    pub async fn until_acknowledged(&self, more: usize) {
        let (began, enough) = (Instant::now(), self.acknowledged() + more);
        while self.acknowledged() < enough {
            assert!(began.elapsed() < DEADLINE * 3, "{} of {enough} were acknowledged", self.acknowledged());
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }

    /// Waits until somebody hears from this side that it cannot just now.
    pub async fn until_refused(&self, side: Side) {
        let (began, before) = (Instant::now(), self.refused(side));
        while self.refused(side) == before {
            assert!(began.elapsed() < DEADLINE * 3, "{side:?}: nobody is told");
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }

    /// Lets everybody go home, and looks at what they say.
    pub async fn finish(self) -> (Vec<LoadAccount>, LoadReport) {
        self.shared.finished.store(true, Ordering::SeqCst);
        for client in self.clients {
            client.await.unwrap();
        }
        let report = self.shared.report().clone();
        let first = &report.faults[..report.faults.len().min(5)];
        assert!(first.is_empty(), "{} faults, among them {first:#?}", report.faults.len());
        eprintln!(
            "{} messages and {} answers acknowledged, {} requests broken off; refused: {:#?}",
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

    /// Asks one process after the other until one does it. None: it is finished.
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

    /// None: it was refused in clear text, or broke off.
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
                    report.faults.push(format!("{side:?}: no answer at all: {error}"));
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
            // Others were faster, which is no fault.
            (StatusCode::CONFLICT, true, Some(_)) => {}
            _ => self
                .report()
                .faults
                .push(format!("{side:?}: {status}, may come again: {has_retry_after}: {text}")),
        }
        None
    }

    fn acknowledge(&self, which: impl FnOnce(&mut LoadReport) -> &mut BTreeSet<String>, what: String) {
        which(&mut self.report()).insert(what);
        self.acknowledged.fetch_add(1, Ordering::SeqCst);
    }
}

/// A customer writes one message after the other, and the provider delivers each until it is taken; an agent
/// answers every third, or none.
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
        // It is not in the tables yet.
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
    // They see their own write, whichever process they ask. Nobody else writes in this conversation.
    let position = sent["position"].as_str()?.to_owned();
    let look = |node| {
        at(&account.readers, node)
            .request(Method::GET, &format!("/v1/conversations/{id}"))
            .header("Verbatim-After", &position)
    };
    let seen = shared.until_success(Side::Queries, look).await?;
    if seen["last_message_preview"] != text.as_str() {
        shared.report().faults.push(format!("after {position} is written '{text}', and read {seen}"));
    }
    Some(())
}

/// Somebody looks at the inbox all the time.
async fn reader_task(account: LoadAccount, shared: Arc<Shared>) {
    let questions = ["/v1/conversations/counts", "/v1/conversations?limit=50", "/v1/sla-timers"];
    for turn in 0.. {
        if shared.is_finished() {
            return;
        }
        let reader = &account.readers[turn % account.readers.len()];
        shared.try_once(Side::Queries, reader.request(Method::GET, questions[turn % questions.len()])).await;
        tokio::time::sleep(RETRY_PAUSE).await;
    }
}

/// What is in the log of a account, after a look that everything acknowledged is there, once and in its order,
/// and that nothing is there twice.
pub async fn assert_log_complete(account: &LoadAccount, report: &LoadReport) -> Vec<Value> {
    let log = whole_log(&account.admin).await;
    let text = |event: &Value, pointer: &str| {
        event.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let ids: BTreeSet<String> = log.iter().map(|event| text(event, "/id")).collect();
    assert_eq!(ids.len(), log.len(), "an event is there twice");
    let positions: Vec<Position> =
        log.iter().map(|event| text(event, "/position").parse().unwrap()).collect();
    assert!(positions.is_sorted_by(|before, after| before < after), "the log is out of order");
    let (mut said, mut answered): (BTreeMap<String, usize>, BTreeMap<String, usize>) = Default::default();
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
            *said.entry(id).or_default() += 1;
        } else if text(event, "/type").contains(".MessageSent.") {
            *answered.entry(text(event, "/data/content")).or_default() += 1;
        }
    }
    assert!(said.values().chain(answered.values()).all(|times| *times == 1), "something is said twice");
    let ours = |id: &&String| id.contains(&account.phones);
    for id in report.messages.iter().filter(ours) {
        assert!(said.contains_key(id), "{id} was acknowledged");
    }
    for text in report.answers.iter().filter(ours) {
        assert!(answered.contains_key(text), "'{text}' was acknowledged");
    }
    log
}

/// Waits until the tables are where the log ends.
pub async fn until_tables_caught_up(reader: &Person, log: &[Value]) {
    let last = log.last().unwrap()["position"].as_str().unwrap();
    let began = Instant::now();
    loop {
        let asked = reader.request(Method::GET, "/v1/conversations/counts").header("Verbatim-After", last);
        let answer = asked.send().await.unwrap();
        if answer.status().is_success() {
            return;
        }
        let said = answer.text().await.unwrap();
        assert!(began.elapsed() < DEADLINE * 3, "the tables never come to {last}: {said}");
        tokio::time::sleep(RETRY_PAUSE).await;
    }
}

/// No message was handed to the provider twice: what it was handed and nobody knows is asked for first.
pub fn assert_sent_once(provider: &FakeWhatsApp) {
    let mut handed: BTreeMap<String, usize> = BTreeMap::new();
    for taken in provider.taken() {
        *handed.entry(taken.body["biz_opaque_callback_data"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    assert!(handed.values().all(|times| *times == 1), "a customer was told something twice");
}

/// Random numbers that a test can repeat: the seed is printed, and may be set by `VERBATIM_TEST_SEED`.
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
        // The low bits of neighbouring seeds are alike for a while.
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit
    }
}
