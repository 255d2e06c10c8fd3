//! The search in an account with a long history of messages, through HTTP.
//!
//! The words of the messages are generated: how often each occurs follows Zipf's law, as in texts of people.

use super::engines::Engines;
use super::latencies::Latencies;
use super::seed::Desk;
use super::server::Server;
use super::table::Table;
use crate::progress::ProgressLine;
use event_schemas::contact::ContactSeen;
use event_schemas::conversation::{ConversationOpened, MessageReceived};
use event_schemas::message::{ChannelType, Content, Priority};
use event_schemas::{
    Actor, Clock, ContactEvent, ContactIdentifierId, ConversationEvent, EventId, Recorded, StreamId,
    Timestamp,
};
use event_store::EventStore;
use follower::Sizes;
use follower::table::Values;
use gate::Role;
use serde_json::Map;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The number of events that are appended at once.
const BATCH: usize = 8_000;
const MESSAGES_OF_A_CONVERSATION: u64 = 20;
const WORDS_OF_A_MESSAGE: u64 = 12;
const VOCABULARY: usize = 100_000;
/// The searches of each kind that are measured.
const SEARCHES: u64 = 300;
/// The figure that each kind of search must reach, in milliseconds.
const WANTED: f64 = 50.0;

pub async fn measure(
    folder: &Path,
    postgres: Option<&str>,
    messages: u64,
    table: &mut Table,
) -> anyhow::Result<()> {
    let engines = Engines::new(&folder.join("search"), postgres).await?;
    let engine = if engines.are_postgres() { "PostgreSQL: " } else { "" };
    let clock = Clock::System;
    let desk = Desk::new(&clock);
    let store = engines.open_log().await?;
    let generations = engines.open_tables().await?;
    let events = seed(&desk, &store, &clock, messages).await?;
    let began = Instant::now();
    let mut line = ProgressLine::start("events projected");
    generations.rebuild(&store, |progress| line.show(progress.events, events)).await?;
    line.finish(events);
    let rate = events as f64 / began.elapsed().as_secs_f64();
    table.at_least(&format!("{engine}a rebuild with {messages} messages to search"), "/s", rate, 25_000.0);
    if let Some((_, db)) = generations.open_current(Sizes::small()).await? {
        const SIZE: &str = "select sum(length(block)) from message_words_data";
        const POSTGRES_SIZE: &str = "select pg_total_relation_size('message_words')";
        let size = if engines.are_postgres() { POSTGRES_SIZE } else { SIZE };
        let bytes = db.readers().fetch_one(size, Values::default()).await?.number(0)?;
        let of_each = bytes as f64 / messages as f64;
        table.at_most(&format!("{engine}the index of words, for each message"), "bytes", of_each, 500.0);
        db.close().await;
    }
    store.close().await;
    let server = Server::start(&engines, &desk).await?;
    let token = server.token(desk.agent_of(0), Role::Agent)?;
    let mut words = Words::new(7);
    for (name, kind, text) in SEARCHED {
        let mut latencies = Latencies::default();
        for number in 0..SEARCHES {
            let text: reqwest::Url = {
                let mut url: reqwest::Url = server.url("/v1/search").parse()?;
                url.query_pairs_mut()
                    .append_pair("q", &text(&mut words, messages))
                    .append_pair("kinds", kind)
                    .append_pair("limit", "20");
                url
            };
            let path = format!("{}?{}", text.path(), text.query().unwrap_or_default());
            let began = Instant::now();
            server.get(&path, &token).await?;
            // The first searches fill the caches.
            if number >= 20 {
                latencies.note(began.elapsed());
            }
        }
        let what = format!("{engine}search, {messages} messages: {name}");
        table.at_most(&format!("{what}, median"), "ms", latencies.percentile(50), WANTED);
        table.at_most(&format!("{what}, p99"), "ms", latencies.percentile(99), WANTED);
    }
    server.stop().await?;
    engines.remove().await
}

/// A kind of search: its name, what it finds, and a text of it.
type Kind = (&'static str, &'static str, fn(&mut Words, u64) -> String);

const SEARCHED: [Kind; 8] = [
    ("one of the commonest words", "messages", |words, _| format!("{} ", word(words.below(20)))),
    ("words as people write them", "messages", |words, _| {
        format!("{} {} ", word(words.rank()), word(words.rank()))
    }),
    ("a rare word", "messages", |words, _| {
        format!("{} ", word(VOCABULARY / 2 + words.below(VOCABULARY / 2)))
    }),
    ("a common word and a rare one", "messages", |words, _| {
        format!("{} {} ", word(words.below(20)), word(VOCABULARY / 2 + words.below(VOCABULARY / 2)))
    }),
    ("the beginning of a word", "messages", |words, _| word(words.rank()).chars().take(3).collect()),
    ("a phrase", "messages", |words, _| format!("\"{} {}\"", word(words.below(100)), word(words.rank()))),
    ("a word from a customer", "messages", |words, messages| {
        let customers = (messages / MESSAGES_OF_A_CONVERSATION).max(1) as usize;
        format!("from:{} {} ", Desk::phone(words.below(customers) as u64), word(words.below(20)))
    }),
    ("a name with a wrong letter", "people", |words, _| {
        let name = word(1_000 + words.below(5_000));
        format!("{}x{}", &name[..2], &name[2..])
    }),
];

/// The word of this rank, of syllables.
fn word(rank: usize) -> String {
    const CONSONANTS: &[u8; 16] = b"bdfghjklmnprstvz";
    const VOWELS: &[u8; 5] = b"aeiou";
    let (mut rest, mut word) = (rank + 80, String::new());
    while rest > 0 {
        let syllable = rest % 80;
        word.push(char::from(CONSONANTS[syllable / 5]));
        word.push(char::from(VOWELS[syllable % 5]));
        rest /= 80;
    }
    word
}

/// Pseudo-random words whose frequency is inverse to their rank.
struct Words {
    state: u64,
    /// The sum of the frequencies up to each rank.
    sums: Vec<f64>,
}

impl Words {
    fn new(seed: u64) -> Self {
        let mut sum = 0.0;
        let sums = (1..=VOCABULARY).map(|rank| {
            sum += 1.0 / rank as f64;
            sum
        });
        Self { state: seed | 1, sums: sums.collect() }
    }

    fn next(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    fn rank(&mut self) -> usize {
        let total = self.sums.last().copied().unwrap_or(1.0);
        let at = (self.next() >> 11) as f64 / (1_u64 << 53) as f64 * total;
        self.sums.partition_point(|sum| *sum < at).min(VOCABULARY - 1)
    }

    fn text(&mut self, count: u64) -> String {
        (0..count).map(|_| word(self.rank())).collect::<Vec<_>>().join(" ")
    }
}

/// Appends the conversations with so many messages in all. Returns the number of events.
async fn seed(desk: &Desk, store: &Arc<dyn EventStore>, clock: &Clock, messages: u64) -> anyhow::Result<u64> {
    let mut line = ProgressLine::start("events written");
    let conversations = messages.div_ceil(MESSAGES_OF_A_CONVERSATION);
    let (began, _) = desk.period(clock, conversations);
    let mut words = Words::new(3);
    let mut events = desk.settings(began).to_vec();
    let (mut written, mut left) = (0, messages);
    let mut writing = tokio::spawn(async { anyhow::Ok(()) });
    for customer in 0..conversations {
        let at = began + super::seed::INTERVAL * u32::try_from(customer).unwrap_or(u32::MAX);
        let count = left.min(MESSAGES_OF_A_CONVERSATION);
        left -= count;
        add_conversation(desk, &mut events, &mut words, customer, count, at);
        if events.len() >= BATCH || customer + 1 == conversations {
            let batch = std::mem::take(&mut events);
            written += batch.len() as u64;
            writing.await??;
            let store = Arc::clone(store);
            writing = tokio::spawn(async move {
                store.import(batch).await?;
                Ok(())
            });
            line.show(written, 0);
        }
    }
    writing.await??;
    line.finish(written);
    Ok(written)
}

fn add_conversation(
    desk: &Desk,
    events: &mut Vec<Recorded>,
    words: &mut Words,
    customer: u64,
    messages: u64,
    at: Timestamp,
) {
    let phone = Desk::phone(customer);
    let name = format!("{} {}", word(1_000 + customer as usize % 5_000), word(words.below(VOCABULARY)));
    let identifier_id = ContactIdentifierId::of(desk.account, "whatsapp", &phone);
    let contact_id = identifier_id.own_contact();
    let seen = ContactSeen {
        identifier_id,
        contact_id,
        channel_type: ChannelType::WhatsApp,
        identifier: phone.clone(),
        display_name: Some(name.clone()),
    };
    let contact = StreamId::contact(identifier_id);
    events.push(desk.recorded(&contact, 0, &ContactEvent::from(seen), Actor::contact(), at));
    let conversation_id = desk.conversation(customer);
    let stream = StreamId::conversation(conversation_id);
    let opened = ConversationOpened {
        conversation_id,
        account_id: desk.account,
        channel_id: desk.channel,
        channel_type: ChannelType::WhatsApp,
        contact_id,
        contact_identifier: phone,
        display_name: Some(name),
        ordinal: 0,
        subject: None,
        priority: Priority::Normal,
        language: None,
        metadata: Map::new(),
    };
    events.push(desk.recorded(&stream, 0, &ConversationEvent::from(opened), Actor::contact(), at));
    for number in 0..messages {
        let provider_id = format!("wamid.words.{customer}.{number}");
        let at = at + Duration::from_secs(number);
        let received = MessageReceived {
            message_id: EventId::reported(desk.channel, &provider_id, "received").into(),
            provider_message_id: Some(provider_id),
            body: Content::text(words.text(WORDS_OF_A_MESSAGE)),
            reply_to: None,
            sent_at: at,
            metadata: Map::new(),
        };
        let event = ConversationEvent::from(received);
        events.push(desk.recorded(&stream, 1 + number, &event, Actor::contact(), at));
    }
}
