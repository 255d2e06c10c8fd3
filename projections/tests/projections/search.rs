//! The search is compared with a simple, slow oracle that looks at every message, on both engines, over tables that were
//! filled in pages of any size and over rebuilt ones.

use crate::environment::Environment;
use crate::scenario::Random;
use event_schemas::agent::AgentRegistered;
use event_schemas::contact::ContactSeen;
use event_schemas::conversation::*;
use event_schemas::message::{Attachment, ChannelType, Content, ContentType, Priority, SenderType, Status};
use event_schemas::*;
use event_store::EventStore;
use follower::Runner;
use follower::db::{Db, Readers};
use projections::queries::filter::Viewer;
use projections::queries::search::{
    self, ConversationHit, Effort, MessageHit, PersonHit, Search, SearchError, SearchText, Segment,
};
use projections::queries::{Cursor, Limit, Listed};
use projections::read_models::ReadModels;
use serde_json::Map;
use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

crate::on_each_engine!(
    pages_of_messages_are_those_of_an_oracle_for_every_search,
    every_language_is_searched_and_its_hits_are_marked,
    people_are_found_by_beginnings_wrong_letters_and_digits,
    conversations_follow_their_subject_and_name,
    nothing_of_another_account_is_found,
    a_page_that_filters_leave_empty_goes_on_from_its_cursor,
    common_words_are_found_in_every_block,
    a_filter_that_names_nothing_says_what_there_is,
);

const START: Timestamp = Timestamp::from_secs(1_795_000_000);
const ACCOUNT: AccountId = AccountId::from_u128(0xacc1);
const OTHER: AccountId = AccountId::from_u128(0xacc2);
const ANA: UserId = UserId::from_u128(0xa6e1);
const BEN: UserId = UserId::from_u128(0xa6e2);

/// A log that is written event by event, an hour after the other.
struct Log {
    store: Arc<dyn EventStore>,
    events: Vec<Recorded>,
    versions: HashMap<String, u64>,
    count: u64,
}

impl Log {
    fn of(store: &Arc<dyn EventStore>) -> Self {
        Self { store: Arc::clone(store), events: Vec::new(), versions: HashMap::new(), count: 0 }
    }

    fn now(&self) -> Timestamp {
        START + Duration::from_secs(3600 * self.count)
    }

    fn id(&self) -> u128 {
        0xe0e0_0000 + u128::from(self.count)
    }

    fn record<E: Events>(&mut self, account: AccountId, stream: &StreamId, event: E) {
        let version = self.versions.entry(stream.to_string()).or_default();
        let at = START + Duration::from_secs(3600 * self.count);
        self.events.push(Recorded {
            position: Position::at(0),
            stream: stream.clone(),
            version: Version(*version),
            id: EventId::from_u128(0xe0e0_0000 + u128::from(self.count)),
            event_type: event.event_type().into(),
            schema_version: event.schema_version(),
            recorded_at: at,
            metadata: Metadata {
                account_id: account,
                actor: Actor::system("test"),
                correlation_id: uuid::Uuid::from_u128(1),
                causation_id: None,
                traceparent: None,
                request: None,
                credential: None,
                occurred_at: at,
            },
            data: event.encode(),
        });
        *version += 1;
        self.count += 1;
    }

    async fn write(&mut self) {
        self.store.import(std::mem::take(&mut self.events)).await.unwrap();
    }

    fn agent(&mut self, user_id: UserId, name: &str) {
        let registered = AgentRegistered { account_id: ACCOUNT, user_id, name: name.to_owned(), email: None };
        self.record(ACCOUNT, &StreamId::agent(user_id), AgentEvent::from(registered));
    }

    /// A customer who begins a conversation.
    fn open(&mut self, account: AccountId, number: &str, name: &str, subject: Option<&str>) -> Opened {
        let identifier_id = ContactIdentifierId::of(account, "whatsapp", number);
        let seen = ContactSeen {
            identifier_id,
            contact_id: identifier_id.own_contact(),
            channel_type: ChannelType::WhatsApp,
            identifier: number.to_owned(),
            display_name: Some(name.to_owned()),
        };
        self.record(account, &StreamId::contact(identifier_id), ContactEvent::from(seen));
        let id = ConversationId::from_u128(0xc0_0000 + self.id());
        let stream = StreamId::conversation(id);
        let opened = ConversationOpened {
            conversation_id: id,
            account_id: account,
            channel_id: ChannelId::from_u128(0xc4a1),
            channel_type: ChannelType::WhatsApp,
            contact_id: identifier_id.own_contact(),
            contact_identifier: number.to_owned(),
            display_name: Some(name.to_owned()),
            ordinal: 0,
            subject: subject.map(str::to_owned),
            priority: Priority::Normal,
            language: None,
            metadata: Map::new(),
        };
        self.record(account, &stream, ConversationEvent::from(opened));
        Opened { account, id, stream, name: name.to_owned() }
    }

    fn received(&mut self, conversation: &Opened, body: Content) -> MessageId {
        let message_id = MessageId::from_u128(self.id());
        let received = MessageReceived {
            message_id,
            provider_message_id: None,
            body,
            reply_to: None,
            sent_at: self.now(),
            metadata: Map::new(),
        };
        self.record(conversation.account, &conversation.stream, ConversationEvent::from(received));
        message_id
    }

    fn sent(&mut self, conversation: &Opened, agent: UserId, body: Content) -> MessageId {
        let message_id = MessageId::from_u128(self.id());
        let sent = MessageSent {
            message_id,
            to: None,
            sender_type: SenderType::Agent,
            sender_id: Some(agent),
            sender_name: Some("An agent".to_owned()),
            body,
            template: None,
            in_reply_to: None,
            in_reply_to_provider_id: None,
            metadata: Map::new(),
            scheduled_at: None,
        };
        self.record(conversation.account, &conversation.stream, ConversationEvent::from(sent));
        message_id
    }

    fn note(&mut self, conversation: &Opened, author_id: UserId, content: &str) -> MessageId {
        let message_id = MessageId::from_u128(self.id());
        let note = NoteAdded {
            message_id,
            author_id,
            author_name: None,
            content: content.to_owned(),
            mentions: Vec::new(),
        };
        self.record(conversation.account, &conversation.stream, ConversationEvent::from(note));
        message_id
    }

    fn change(&mut self, conversation: &Opened, event: impl Into<ConversationEvent>) {
        self.record(conversation.account, &conversation.stream, event.into());
    }
}

#[derive(Clone)]
struct Opened {
    account: AccountId,
    id: ConversationId,
    stream: StreamId,
    name: String,
}

async fn rebuilt(env: &Environment, store: &Arc<dyn EventStore>) -> Db {
    let generations = env.generations();
    generations.rebuild(store, |_| {}).await.unwrap();
    generations.open_current(Default::default()).await.unwrap().unwrap().1
}

fn viewer(account: AccountId) -> Viewer {
    Viewer { account, reader: Some(ANA), now: START }
}

/// All pages of a search.
async fn all<'t, T, F>(
    readers: &'t Readers,
    search: Search<'t>,
    page: impl Fn(&'t Readers, Search<'t>) -> F,
) -> Result<Vec<T>, SearchError>
where
    F: Future<Output = Result<Listed<T>, SearchError>>,
{
    let (mut found, mut search) = (Vec::new(), search);
    for _page in 0..10_000 {
        let listed = page(readers, search.clone()).await?;
        assert!(listed.rows.len() <= search.limit.get());
        found.extend(listed.rows);
        // A cursor is text to a client.
        search.after = listed.next.map(|cursor| cursor.to_string().parse::<Cursor>().unwrap());
        if search.after.is_none() {
            return Ok(found);
        }
    }
    panic!("the search has no end");
}

fn text(text: &str) -> SearchText {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn search<'s>(text: &'s SearchText, account: AccountId, limit: usize, effort: Effort) -> Search<'s> {
    Search { text, viewer: viewer(account), limit: Limit::new(limit).unwrap(), after: None, effort }
}

async fn messages(readers: &Readers, account: AccountId, q: &str) -> Vec<MessageHit> {
    let text = text(q);
    let search = search(&text, account, 50, Effort::default());
    all(readers, search, async |readers, search| search::messages(readers, &search).await).await.unwrap()
}

async fn people(readers: &Readers, account: AccountId, q: &str) -> Vec<PersonHit> {
    let text = text(q);
    let search = search(&text, account, 1, Effort::default());
    all(readers, search, async |readers, search| search::people(readers, &search).await).await.unwrap()
}

async fn conversations(readers: &Readers, account: AccountId, q: &str) -> Vec<ConversationHit> {
    let text = text(q);
    let search = search(&text, account, 2, Effort::default());
    all(readers, search, async |readers, search| search::conversations(readers, &search).await).await.unwrap()
}

fn marked(segments: &[Segment]) -> String {
    let show = |segment: &Segment| match segment.hit {
        true => format!("[{}]", segment.text),
        false => segment.text.clone(),
    };
    segments.iter().map(show).collect()
}

/// A message as the oracle knows it.
#[derive(Clone)]
struct Message {
    id: MessageId,
    conversation: usize,
    words: Vec<&'static str>,
    /// `None` for the customer.
    agent: Option<UserId>,
    is_note: bool,
    has_file: bool,
    is_deleted: bool,
    recorded_at: Timestamp,
}

/// The state of a conversation as the oracle knows it.
struct State {
    opened: Opened,
    labels: Vec<&'static str>,
    assignee: Option<UserId>,
    received: u32,
    seen: u32,
}

const WORDS: [&str; 9] = ["order", "refund", "refunds", "late", "please", "ሰላም", "café", "account", "orders"];
const NAMES: [&str; 4] = ["Hana Tesfaye", "Ana Silva", "Anastasia Petrova", "Joseph"];

/// A search, in words and as the oracle checks it.
struct Asked {
    text: String,
    checks: Vec<Check>,
}

type Check = Box<dyn Fn(&Message, &State) -> bool>;

fn asked(random: &mut Random, log_begin: Timestamp, hours: u64) -> Asked {
    let mut parts: Vec<String> = Vec::new();
    let mut checks: Vec<Check> = Vec::new();
    let mut excluded = None;
    for _word in 0..random.below(3) {
        let word = *random.pick(&WORDS);
        parts.push(word.to_uppercase());
        checks.push(Box::new(move |message, _| message.words.contains(&word)));
        excluded = Some(*random.pick(&WORDS)).filter(|_| random.chance(20));
    }
    if random.chance(20) {
        let (one, two) = (*random.pick(&WORDS), *random.pick(&WORDS));
        parts.push(format!("\"{one} {two}\""));
        checks.push(Box::new(move |message, _| message.words.windows(2).any(|pair| pair == [one, two])));
    }
    if let Some(word) = excluded {
        parts.push(format!("-{word}"));
        checks.push(Box::new(move |message, _| !message.words.contains(&word)));
    }
    if random.chance(25) {
        let name = *random.pick(&["ana", "hana", "me", "jos", "nobody"]);
        parts.push(format!("from:{name}"));
        checks.push(Box::new(move |message, state| match message.agent {
            Some(agent) => (name == "me" || name == "ana") && agent == ANA,
            None => {
                let name_is = |word: &str| word.to_lowercase().starts_with(name);
                name != "me" && state.opened.name.split(' ').any(name_is)
            }
        }));
    }
    if random.chance(20) {
        parts.push("is:note".to_owned());
        checks.push(Box::new(|message, _| message.is_note));
    }
    if random.chance(20) {
        parts.push("has:attachment".to_owned());
        checks.push(Box::new(|message, _| message.has_file));
    }
    if random.chance(25) {
        parts.push("label:vip".to_owned());
        checks.push(Box::new(|_, state| state.labels.contains(&"vip")));
    }
    if random.chance(15) {
        parts.push("assignee:me is:assigned".to_owned());
        checks.push(Box::new(|_, state| state.assignee == Some(ANA)));
    }
    if random.chance(15) {
        parts.push("is:unread".to_owned());
        checks.push(Box::new(|_, state| state.received > state.seen));
    }
    for (filter, chance) in [("before", 25), ("after", 25)] {
        if random.chance(chance) {
            let at = log_begin + Duration::from_secs(3600 * random.below(hours as usize) as u64);
            parts.push(format!("{filter}:{at}"));
            checks.push(match filter {
                "before" => Box::new(move |message, _| message.recorded_at < at),
                _ => Box::new(move |message, _| message.recorded_at >= at),
            });
        }
    }
    if parts.is_empty() {
        parts.push("has:attachment".to_owned());
        checks.push(Box::new(|message, _| message.has_file));
    }
    // Once in a while the last word is being typed.
    let mut text = parts.join(" ");
    if random.chance(30) && !text.contains(':') && !text.contains('-') {
        let beginning = *random.pick(&["ord", "refu", "acc", "ሰላ", "caf"]);
        text = format!("{text} {beginning}");
        checks.push(Box::new(move |message, _| {
            message.words.iter().any(|word| word.replace('é', "e").starts_with(beginning))
        }));
    } else {
        text.push(' ');
    }
    Asked { text, checks }
}

async fn pages_of_messages_are_those_of_an_oracle_for_every_search(env: Environment) {
    let store = env.store().await;
    let mut log = Log::of(&store);
    let mut random = Random::new(41);
    log.agent(ANA, "Ana Lima");
    log.agent(BEN, "Ben Okafor");
    let mut states: Vec<State> = (0..12)
        .map(|index| {
            let name = NAMES[index % NAMES.len()];
            let opened = log.open(ACCOUNT, &format!("2519110000{index:02}"), name, None);
            State { opened, labels: Vec::new(), assignee: None, received: 0, seen: 0 }
        })
        .collect();
    let other = log.open(OTHER, "251911000099", "Ana Foreign", None);
    let mut model: Vec<Message> = Vec::new();
    log.write().await;
    let generations = env.generations();
    generations.rebuild(&store, |_| {}).await.unwrap();
    let (_, live) = generations.open_current(Default::default()).await.unwrap().unwrap();
    let mut runner = Runner::open(Arc::clone(&store), live.clone(), ReadModels::with_cache(3)).await.unwrap();
    for step in 0..400 {
        let conversation = random.below(states.len());
        let opened = states[conversation].opened.clone();
        let words: Vec<&str> = (0..1 + random.below(6)).map(|_| *random.pick(&WORDS)).collect();
        let has_file = random.chance(15);
        let mut body = Content::text(words.join(", "));
        if has_file {
            body.attachments.push(Attachment {
                content_type: ContentType::Document,
                provider_media_id: None,
                url: None,
                mime_type: None,
                file_name: None,
                sha256: None,
            });
        }
        let at = log.now();
        let mut add = |id, agent, is_note, has_file| {
            let words = words.clone();
            let is_deleted = false;
            model.push(Message {
                id,
                conversation,
                words,
                agent,
                is_note,
                has_file,
                is_deleted,
                recorded_at: at,
            });
        };
        match random.below(12) {
            0..4 => {
                add(log.received(&opened, body), None, false, has_file);
                states[conversation].received += 1;
            }
            4 | 5 => {
                let agent = *random.pick(&[ANA, BEN]);
                add(log.sent(&opened, agent, body), Some(agent), false, has_file);
            }
            6 => add(log.note(&opened, ANA, &words.join(" ")), Some(ANA), true, false),
            7 if !model.is_empty() => {
                let index = random.below(model.len());
                let message = &mut model[index];
                if message.is_note || message.is_deleted {
                    continue;
                }
                let conversation = states[message.conversation].opened.clone();
                if random.chance(50) {
                    message.words.clone_from(&words);
                    message.has_file = false;
                    let edited = MessageEdited {
                        message_id: message.id,
                        provider_message_id: None,
                        version: MessageVersion::Newest,
                        body: Content::text(words.join(" ")),
                        sent_at: at,
                    };
                    log.change(&conversation, edited);
                } else {
                    message.is_deleted = true;
                    let (message_id, provider_message_id) = (message.id, None);
                    log.change(
                        &conversation,
                        MessageRevoked { message_id, provider_message_id, sent_at: at },
                    );
                }
            }
            8 => {
                let had = states[conversation].labels.contains(&"vip");
                states[conversation].labels = if had { Vec::new() } else { vec!["vip"] };
                let labels = vec!["vip".to_owned()];
                let (added, removed) = if had { (Vec::new(), labels) } else { (labels, Vec::new()) };
                log.change(&opened, LabelsChanged { added, removed });
            }
            9 => {
                let agent = *random.pick(&[ANA, BEN]);
                states[conversation].assignee = Some(agent);
                log.change(&opened, assigned(agent));
            }
            10 => {
                states[conversation].seen = states[conversation].received;
                log.change(&opened, SeenByAgent { agent_id: ANA, received: states[conversation].received });
            }
            _ => {
                log.received(&other, body);
            }
        }
        if random.chance(30) {
            log.write().await;
            runner = runner.with_page(1 + random.below(20));
            runner.step().await.unwrap();
        }
        if step % 60 == 59 {
            // A new runner has nothing in memory, as after a kill.
            runner = Runner::open(Arc::clone(&store), live.clone(), ReadModels::with_cache(3)).await.unwrap();
        }
    }
    log.write().await;
    while !runner.step().await.unwrap() {}
    let again = env.generations();
    again.rebuild(&store, |_| {}).await.unwrap();
    let (_, rebuilt) = again.open_current(Default::default()).await.unwrap().unwrap();
    let mut hits = 0;
    for _round in 0..150 {
        let asked = asked(&mut random, START, log.count);
        let mut expected: Vec<MessageId> = model
            .iter()
            .filter(|message| !message.is_deleted)
            .filter(|message| asked.checks.iter().all(|check| check(message, &states[message.conversation])))
            .map(|message| message.id)
            .collect();
        expected.reverse();
        hits += expected.len();
        let text = text(&asked.text);
        let effort = Effort { at_once: 1 + random.below(30), steps: 1 + random.below(3) };
        for db in [&live, &rebuilt] {
            let search = search(&text, ACCOUNT, 1 + random.below(8), effort);
            let found =
                all(db.readers(), search, async |readers, search| search::messages(readers, &search).await);
            let found: Vec<_> = found.await.unwrap().into_iter().map(|hit| hit.id).collect();
            assert_eq!(found, expected, "{:?}", asked.text);
        }
    }
    assert!(hits > 1_000, "{hits} hits are too few for this test");
}

fn assigned(agent: UserId) -> Assigned {
    Assigned {
        assignee_id: Some(agent),
        assignee_name: None,
        team_id: None,
        strategy: Some(AssignStrategy::Claimed),
        route_by: None,
        assigned_by: Some(agent),
        reason: None,
        decision: None,
        offer_id: None,
        overridden: None,
    }
}

async fn every_language_is_searched_and_its_hits_are_marked(env: Environment) {
    let store = env.store().await;
    let mut log = Log::of(&store);
    let conversation = log.open(ACCOUNT, "251911000001", "Hana", None);
    for words in [
        "我住在東京都，請退款",
        "คุณอยู่ที่ไหน ขอเงินคืน",
        "እንደምን አለህ ጓደኛዬ",
        "مرحبا، أين طلبي؟",
        "Où est le CAFÉ ?",
        "हिन्दी में लिखिए",
        "don't panic, it's ana@example.com",
    ] {
        log.received(&conversation, Content::text(words));
    }
    log.write().await;
    let db = rebuilt(&env, &store).await;
    for (q, expected) in [
        ("東京", "我住在[東京]都，請退款"),
        ("京都 ", "我住在東[京都]，請退款"),
        ("退", "我住在東京都，請[退]款"),
        ("ที่ไหน", "คุณอยู่[ที่ไหน] ขอเงินคืน"),
        ("ጓደኛ", "እንደምን አለህ [ጓደኛዬ]"),
        ("طلبي ", "مرحبا، أين [طلبي]؟"),
        ("cafe ", "Où est le [CAFÉ] ?"),
        ("हिन्दी ", "[हिन्दी] में लिखिए"),
        ("dont ", "[don't] panic, it's ana@example.com"),
        ("ana@example.com ", "don't panic, it's [ana@example.com]"),
    ] {
        let found = messages(db.readers(), ACCOUNT, q).await;
        let found: Vec<String> = found.iter().map(|hit| marked(&hit.excerpt)).collect();
        assert_eq!(found, [expected], "{q}");
    }
    for q in ["東都 ", "caf ", "example@ana"] {
        assert!(messages(db.readers(), ACCOUNT, q).await.is_empty(), "{q}");
    }
}

async fn people_are_found_by_beginnings_wrong_letters_and_digits(env: Environment) {
    let store = env.store().await;
    let mut log = Log::of(&store);
    for (number, name) in [
        ("251911234567", "Hana Tesfaye"),
        ("251922000000", "Anastasia Petrova"),
        ("ana@example.com", "Ána Silva"),
    ] {
        log.open(ACCOUNT, number, name, None);
    }
    log.write().await;
    let db = rebuilt(&env, &store).await;
    let expect = async |q: &str, expected: &[&str]| {
        let found = people(db.readers(), ACCOUNT, q).await;
        let names: Vec<_> =
            found.iter().map(|person| person.contact.display_name.as_deref().unwrap()).collect();
        assert_eq!(names, expected, "{q}");
    };
    expect("ana", &["Ána Silva", "Anastasia Petrova"]).await;
    expect("ANA silv", &["Ána Silva"]).await;
    expect("hanna tesfay", &["Hana Tesfaye"]).await;
    expect("anastsia", &["Anastasia Petrova"]).await;
    expect("petorva", &["Anastasia Petrova"]).await;
    expect("peter", &["Anastasia Petrova"]).await;
    expect("+251 911 234567", &["Hana Tesfaye"]).await;
    expect("0911234567", &["Hana Tesfaye"]).await;
    expect("34567", &["Hana Tesfaye"]).await;
    expect("example.com", &["Ána Silva"]).await;
    expect("joseph", &[]).await;
    expect("hana -tesfaye", &["Ána Silva", "Anastasia Petrova"]).await;
    expect("petrova -anastasia", &[]).await;
    let similar = people(db.readers(), ACCOUNT, "hanna").await;
    assert!(
        similar.iter().any(|person| person.is_similar && marked(&person.marked_name) == "[Hana] Tesfaye")
    );
    // Another name from now on.
    let seen = ContactSeen {
        identifier_id: ContactIdentifierId::of(ACCOUNT, "whatsapp", "251911234567"),
        contact_id: ContactIdentifierId::of(ACCOUNT, "whatsapp", "251911234567").own_contact(),
        channel_type: ChannelType::WhatsApp,
        identifier: "251911234567".to_owned(),
        display_name: Some("Selam Bekele".to_owned()),
    };
    log.record(ACCOUNT, &StreamId::contact(seen.identifier_id), ContactEvent::from(seen));
    log.write().await;
    let mut runner = Runner::open(Arc::clone(&store), db.clone(), ReadModels::default()).await.unwrap();
    while !runner.step().await.unwrap() {}
    expect("selam", &["Selam Bekele"]).await;
    expect("tesfaye", &[]).await;
}

async fn conversations_follow_their_subject_and_name(env: Environment) {
    let store = env.store().await;
    let mut log = Log::of(&store);
    let invoice = log.open(ACCOUNT, "251911000001", "Hana", Some("Invoice of March"));
    log.open(ACCOUNT, "251911000002", "Invoice Ltd", None);
    log.change(&invoice, Resolved { reason: None });
    log.write().await;
    let db = rebuilt(&env, &store).await;
    let found = conversations(db.readers(), ACCOUNT, "invoi").await;
    let marks: Vec<_> =
        found.iter().map(|hit| (marked(&hit.marked_name), marked(&hit.marked_subject))).collect();
    let expected = [("[Invoice] Ltd", ""), ("Hana", "[Invoice] of March")];
    assert_eq!(marks, expected.map(|(name, subject)| (name.to_owned(), subject.to_owned())));
    assert_eq!(conversations(db.readers(), ACCOUNT, "invoice is:resolved").await.len(), 1);
    assert_eq!(
        conversations(db.readers(), ACCOUNT, "is:resolved").await[0].conversation.conversation.status,
        Status::Resolved
    );
    assert_eq!(conversations(db.readers(), ACCOUNT, "from:hana").await.len(), 1);
    let (old, new) = (Some("Invoice of March".to_owned()), Some("Refund".to_owned()));
    log.change(&invoice, SubjectChanged { old, new });
    log.write().await;
    let mut runner = Runner::open(Arc::clone(&store), db.clone(), ReadModels::default()).await.unwrap();
    while !runner.step().await.unwrap() {}
    assert_eq!(conversations(db.readers(), ACCOUNT, "invoice").await.len(), 1);
    assert_eq!(conversations(db.readers(), ACCOUNT, "refund").await.len(), 1);
}

async fn nothing_of_another_account_is_found(env: Environment) {
    let store = env.store().await;
    let mut log = Log::of(&store);
    let ours = log.open(ACCOUNT, "251911000001", "Hana", Some("secret"));
    let theirs = log.open(OTHER, "251911000001", "Hana", Some("secret"));
    log.received(&ours, Content::text("a secret of ours"));
    log.received(&theirs, Content::text("a secret of theirs"));
    log.note(&theirs, ANA, "a secret note");
    log.write().await;
    let db = rebuilt(&env, &store).await;
    for account in [ACCOUNT, OTHER] {
        let own = |id: ConversationId| id == if account == ACCOUNT { ours.id } else { theirs.id };
        let found = messages(db.readers(), account, "secret").await;
        assert_eq!(found.len(), if account == ACCOUNT { 1 } else { 2 });
        assert!(found.iter().all(|hit| own(hit.conversation.id)));
        let found = conversations(db.readers(), account, "secret").await;
        assert!(found.len() == 1 && found.iter().all(|hit| own(hit.conversation.conversation.id)));
        let found = people(db.readers(), account, "hana").await;
        assert!(found.len() == 1 && found[0].contact.account_id == account);
        assert_eq!(messages(db.readers(), account, "from:hana").await.len(), 1);
    }
    assert!(messages(db.readers(), AccountId::from_u128(0xacc3), "secret").await.is_empty());
}

async fn a_page_that_filters_leave_empty_goes_on_from_its_cursor(env: Environment) {
    let store = env.store().await;
    let mut log = Log::of(&store);
    let first = log.open(ACCOUNT, "251911000001", "Hana", None);
    log.change(&first, LabelsChanged { added: vec!["vip".to_owned()], removed: Vec::new() });
    let wanted = log.received(&first, Content::text("the word"));
    let second = log.open(ACCOUNT, "251911000002", "Ana", None);
    for _message in 0..50 {
        log.received(&second, Content::text("the word"));
    }
    log.write().await;
    let db = rebuilt(&env, &store).await;
    let text = text("word label:vip");
    let mut search = search(&text, ACCOUNT, 10, Effort { at_once: 10, steps: 2 });
    let page = search::messages(db.readers(), &search).await.unwrap();
    assert!(page.rows.is_empty() && page.next.is_some(), "twenty messages with the word have no label");
    search.after = page.next;
    let found =
        all(db.readers(), search.clone(), async |readers, search| search::messages(readers, &search).await);
    assert_eq!(found.await.unwrap().iter().map(|hit| hit.id).collect::<Vec<_>>(), [wanted]);
    let people = search::people(db.readers(), &search).await;
    assert!(people.is_err(), "a cursor and a filter of messages are not those of people");
    let other: SearchText = "word".parse().unwrap();
    search.text = &other;
    let refused = search::messages(db.readers(), &search).await;
    assert!(matches!(refused, Err(SearchError::Cursor(_))), "the cursor is that of another text");
}

async fn common_words_are_found_in_every_block(env: Environment) {
    let store = env.store().await;
    let mut log = Log::of(&store);
    let conversation = log.open(ACCOUNT, "251911000001", "Hana", None);
    let rare = log.received(&conversation, Content::text("the first and rare one"));
    // More than two blocks of 32,768 messages.
    for number in 0..70_000 {
        let words = if number % 20_000 == 7 { "a marker of each block" } else { "the same again" };
        log.received(&conversation, Content::text(words));
        if number % 5_000 == 0 {
            log.write().await;
        }
    }
    log.write().await;
    let db = rebuilt(&env, &store).await;
    assert_eq!(messages(db.readers(), ACCOUNT, "marker each").await.len(), 4);
    let found = messages(db.readers(), ACCOUNT, "rare").await;
    assert_eq!(found.iter().map(|hit| hit.id).collect::<Vec<_>>(), [rare]);
    let text = text("same again");
    let page = search(&text, ACCOUNT, 10, Effort::default());
    let page = search::messages(db.readers(), &page).await.unwrap();
    assert_eq!((page.rows.len(), page.next.is_some()), (10, true));
    assert!(messages(db.readers(), ACCOUNT, "\"again same\"").await.is_empty());
}

async fn a_filter_that_names_nothing_says_what_there_is(env: Environment) {
    let store = env.store().await;
    let mut log = Log::of(&store);
    log.agent(ANA, "Ana Lima");
    for number in 0..60 {
        log.open(ACCOUNT, &format!("2519110000{number:02}"), "Hana Tesfaye", None);
    }
    log.write().await;
    let db = rebuilt(&env, &store).await;
    for (q, said) in [
        ("assignee:zoe", "names no agent"),
        ("team:zoe", "none"),
        ("channel:zoe", "whatsapp"),
        ("from:hana", "more than 50"),
        ("from:none", "write `me`"),
    ] {
        let text = text(q);
        let search = search(&text, ACCOUNT, 10, Effort::default());
        match search::messages(db.readers(), &search).await {
            Err(SearchError::Invalid(error)) => assert!(error.0.contains(said), "{q}: {error}"),
            other => panic!("{q}: {other:?}"),
        }
    }
}
