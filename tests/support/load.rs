//! A desk that is never quiet, whatever is done to the program meanwhile: customers write, agents answer and
//! read what they wrote, each again and again until it is taken. And what has to be so when it is over.

use crate::fake_whatsapp::FakeWhatsApp;
use crate::kill::whole_log;
use crate::program::{Account, Person, Program, SOON, WhatsApp, text_message, webhook};
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
const BREATH: Duration = Duration::from_millis(10);

/// Which half of the program is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    Commands,
    Queries,
}

/// An account, and its people at every door of the program.
#[derive(Clone)]
pub struct Desk {
    pub account: String,
    /// How its customers' numbers begin.
    phones: String,
    pub admin: Person,
    pub whatsapp: Vec<WhatsApp>,
    pub writers: Vec<Person>,
    pub readers: Vec<Person>,
}

impl Desk {
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
            account: account.id,
        }
    }
}

/// What was acknowledged, and what went otherwise.
#[derive(Clone, Default)]
pub struct Told {
    /// The provider's ids of the customers' messages.
    pub messages: BTreeSet<String>,
    /// The words of the agents' answers, each said once.
    pub answers: BTreeSet<String>,
    /// How often a side said in clear words that it cannot just now.
    pub refused: BTreeMap<(Side, String), usize>,
    /// Requests whose connection broke.
    pub broken_off: usize,
    /// What a client cannot do anything with.
    faults: Vec<String>,
}

#[derive(Default)]
struct Shared {
    over: AtomicBool,
    acknowledged: AtomicUsize,
    told: Mutex<Told>,
}

/// Desks under load. It ends with [`Load::end`].
pub struct Load {
    shared: Arc<Shared>,
    desks: Vec<Desk>,
    clients: Vec<JoinHandle<()>>,
}

impl Load {
    pub fn start(desks: Vec<Desk>) -> Self {
        let shared = Arc::<Shared>::default();
        let mut clients = Vec::new();
        for desk in &desks {
            for customer in 0..CUSTOMERS {
                let phone = format!("{}{customer:02}", desk.phones);
                let answered = customer > 0;
                clients.push(tokio::spawn(write(desk.clone(), phone, answered, Arc::clone(&shared))));
            }
            clients.push(tokio::spawn(ask(desk.clone(), Arc::clone(&shared))));
        }
        Self { shared, desks, clients }
    }

    /// How much was acknowledged until now.
    pub fn acknowledged(&self) -> usize {
        self.shared.acknowledged.load(Ordering::SeqCst)
    }

    pub fn refused(&self, side: Side) -> usize {
        let told = self.shared.told();
        told.refused.iter().filter(|((of, _), _)| *of == side).map(|(_, times)| times).sum()
    }

    /// Waits until so much more was acknowledged.
    pub async fn goes_on(&self, more: usize) {
        let (began, enough) = (Instant::now(), self.acknowledged() + more);
        while self.acknowledged() < enough {
            assert!(began.elapsed() < SOON * 3, "{} of {enough} were acknowledged", self.acknowledged());
            tokio::time::sleep(BREATH).await;
        }
    }

    /// Waits until somebody hears from this side that it cannot just now.
    pub async fn is_refused(&self, side: Side) {
        let (began, before) = (Instant::now(), self.refused(side));
        while self.refused(side) == before {
            assert!(began.elapsed() < SOON * 3, "{side:?}: nobody is told");
            tokio::time::sleep(BREATH).await;
        }
    }

    /// Lets everybody go home, and looks at what they say.
    pub async fn end(self) -> (Vec<Desk>, Told) {
        self.shared.over.store(true, Ordering::SeqCst);
        for client in self.clients {
            client.await.unwrap();
        }
        let told = self.shared.told().clone();
        let first = &told.faults[..told.faults.len().min(5)];
        assert!(first.is_empty(), "{} faults, among them {first:#?}", told.faults.len());
        eprintln!(
            "{} messages and {} answers acknowledged, {} requests broken off; refused: {:#?}",
            told.messages.len(),
            told.answers.len(),
            told.broken_off,
            told.refused
        );
        (self.desks, told)
    }
}

impl Shared {
    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap()
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    /// Asks one process after the other until one does it. None: it is over.
    async fn until_done(&self, side: Side, ask: impl Fn(usize) -> RequestBuilder) -> Option<Value> {
        for turn in 0.. {
            if self.is_over() {
                break;
            }
            if let Some(answer) = self.once(side, ask(turn)).await {
                return Some(answer);
            }
            tokio::time::sleep(BREATH).await;
        }
        None
    }

    /// None: it was refused in clear words, or broke off.
    async fn once(&self, side: Side, request: RequestBuilder) -> Option<Value> {
        let heard = async {
            let answer = request.send().await?;
            let pause = answer.headers().contains_key("retry-after");
            Ok((answer.status(), pause, answer.text().await?))
        };
        let (status, pause, text) = match heard.await {
            Ok(heard) => heard,
            Err(error) => {
                let error: reqwest::Error = error;
                let mut told = self.told();
                told.broken_off += 1;
                if error.is_timeout() {
                    told.faults.push(format!("{side:?}: no answer at all: {error}"));
                }
                return None;
            }
        };
        let body: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        if status.is_success() {
            return Some(body);
        }
        match (status, pause, body["detail"].as_str()) {
            (StatusCode::SERVICE_UNAVAILABLE, true, Some(detail)) => {
                *self.told().refused.entry((side, detail.to_owned())).or_default() += 1;
            }
            // Others were faster, which is no fault.
            (StatusCode::CONFLICT, true, Some(_)) => {}
            _ => self.told().faults.push(format!("{side:?}: {status}, may come again: {pause}: {text}")),
        }
        None
    }

    fn acknowledge(&self, which: impl FnOnce(&mut Told) -> &mut BTreeSet<String>, what: String) {
        which(&mut self.told()).insert(what);
        self.acknowledged.fetch_add(1, Ordering::SeqCst);
    }
}

/// A customer writes one message after the other, and the provider delivers each until it is taken; an agent
/// answers every third, or none.
async fn write(desk: Desk, phone: String, answered: bool, shared: Arc<Shared>) {
    let mut conversation = None;
    for turn in 0.. {
        let id = format!("wamid.{phone}.{turn}");
        let body = webhook(&[text_message(&phone, &id, &format!("{phone}, {turn}"))], &[]);
        let delivery = |node: usize| desk.whatsapp[(node + turn) % desk.whatsapp.len()].delivery(&body);
        if shared.until_done(Side::Commands, delivery).await.is_none() {
            return;
        }
        shared.acknowledge(|told| &mut told.messages, id);
        if answered && turn % 3 == 2 {
            let words = format!("answer-{phone}-{turn}");
            if answer(&desk, &phone, words, &mut conversation, &shared).await.is_none() {
                return;
            }
        }
    }
}

async fn answer(
    desk: &Desk,
    phone: &str,
    words: String,
    conversation: &mut Option<String>,
    shared: &Shared,
) -> Option<()> {
    let at = |people: &[Person], node: usize| people[node % people.len()].clone();
    let id = loop {
        if let Some(id) = conversation {
            break id.clone();
        }
        let list = |node| at(&desk.readers, node).request(Method::GET, "/v1/conversations?limit=200");
        let inbox = shared.until_done(Side::Queries, list).await?;
        let found = inbox["data"].as_array()?.iter().find(|row| row["contact_identifier"] == phone);
        *conversation = found.and_then(|row| Some(row["id"].as_str()?.to_owned()));
        // It is not in the tables yet.
        tokio::time::sleep(BREATH).await;
    };
    let send = |node| {
        at(&desk.writers, node)
            .request(Method::POST, &format!("/v1/conversations/{id}/messages"))
            .header("Idempotency-Key", &words)
            .json(&json!({ "content": words }))
    };
    let sent = shared.until_done(Side::Commands, send).await?;
    shared.acknowledge(|told| &mut told.answers, words.clone());
    // They see their own write, whichever process they ask. Nobody else writes in this conversation.
    let position = sent["position"].as_str()?.to_owned();
    let look = |node| {
        at(&desk.readers, node)
            .request(Method::GET, &format!("/v1/conversations/{id}"))
            .header("Verbatim-After", &position)
    };
    let seen = shared.until_done(Side::Queries, look).await?;
    if seen["last_message_preview"] != words.as_str() {
        shared.told().faults.push(format!("after {position} is written '{words}', and read {seen}"));
    }
    Some(())
}

/// Somebody looks at the inbox all the time.
async fn ask(desk: Desk, shared: Arc<Shared>) {
    let questions = ["/v1/conversations/counts", "/v1/conversations?limit=50", "/v1/sla-timers"];
    for turn in 0.. {
        if shared.is_over() {
            return;
        }
        let reader = &desk.readers[turn % desk.readers.len()];
        shared.once(Side::Queries, reader.request(Method::GET, questions[turn % questions.len()])).await;
        tokio::time::sleep(BREATH).await;
    }
}

/// What is in the log of a desk, after a look that everything acknowledged is there, once and in its order,
/// and that nothing is there twice.
pub async fn log_holds(desk: &Desk, told: &Told) -> Vec<Value> {
    let log = whole_log(&desk.admin).await;
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
    let ours = |id: &&String| id.contains(&desk.phones);
    for id in told.messages.iter().filter(ours) {
        assert!(said.contains_key(id), "{id} was acknowledged");
    }
    for words in told.answers.iter().filter(ours) {
        assert!(answered.contains_key(words), "'{words}' was acknowledged");
    }
    log
}

/// Waits until the tables are where the log ends.
pub async fn tables_hold(reader: &Person, log: &[Value]) {
    let last = log.last().unwrap()["position"].as_str().unwrap();
    let began = Instant::now();
    loop {
        let asked = reader.request(Method::GET, "/v1/conversations/counts").header("Verbatim-After", last);
        let answer = asked.send().await.unwrap();
        if answer.status().is_success() {
            return;
        }
        let said = answer.text().await.unwrap();
        assert!(began.elapsed() < SOON * 3, "the tables never come to {last}: {said}");
        tokio::time::sleep(BREATH).await;
    }
}

/// No message was handed to the provider twice: what it was handed and nobody knows is asked for first.
pub fn nobody_was_told_twice(provider: &FakeWhatsApp) {
    let mut handed: BTreeMap<String, usize> = BTreeMap::new();
    for taken in provider.taken() {
        *handed.entry(taken.body["biz_opaque_callback_data"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    assert!(handed.values().all(|times| *times == 1), "a customer was told something twice");
}

/// Chance that can be had again: what it begins with is printed, and may be named by `VERBATIM_TEST_SEED`.
pub struct Chance(u64);

impl Chance {
    pub fn begin() -> Self {
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
