//! The bot: the time of its rules per message, and the speed of a dry run over the log.
//!
//! The control of the rules searches the message, in lower case, for each keyword of each rule separately, and checks
//! the characters around it.

use super::median;
use super::seed::Desk;
use super::table::Table;
use commands::Commands;
use commands::dry_run::Span;
use domain::bot::{Facts, IncomingMessage, Memory, Playbook};
use event_schemas::bot::{BotActions, BotConditions, BotRule, BotSettings, BotTrigger, MatchMode, TimeRange};
use event_schemas::message::ChannelType;
use event_schemas::{BotRuleId, Clock, MessageId, Timestamp};
use providers::{Providers, Timeouts};
use serde_json::Map;
use std::collections::BTreeSet;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const RULES: u128 = 200;
const TIMES: u32 = 2_000;
const CONVERSATIONS: u64 = 40_000;

const MESSAGES: [&str; 6] = [
    "Hello, my order 4711 has not arrived yet. Where is it?",
    "I would like my money back, please: the jacket does not fit and the zip is broken.",
    "ገንዘቤን መልሱልኝ፣ እባክዎ። ትዕዛዜ እስካሁን አልደረሰም።",
    "Guten Tag, ich möchte meine Straße ändern: GROSSE GASSE statt große Gasse, und wann kommt das Paket?",
    "ok thanks",
    "I have written three times now and nobody has answered. I paid for express delivery on Monday, the \
     parcel was handed to the wrong house, the courier said he would come back and did not, and now the \
     tracking page says that it was returned to you. I do not want another parcel, I want a refund of the \
     price and of the delivery, and I want to know by when I have it. My order number is A-20311.",
];

/// Rules of three keywords each, a phrase among them; every eighth only at night, every fifth on some channels.
fn rules() -> Vec<BotRule> {
    (0..RULES)
        .map(|n| BotRule {
            id: BotRuleId::from_u128(n + 1),
            name: format!("Rule {n}"),
            priority: i32::try_from(n).unwrap_or_default(),
            is_active: true,
            trigger_type: BotTrigger::Keyword,
            conditions: BotConditions {
                keywords: Some(vec![
                    format!("article {n}"),
                    format!("straße{n}"),
                    ["broken zip", "wrong parcel", "late order", "ትዕዛዝ"][n as usize % 4].to_owned(),
                ]),
                match_mode: if n % 4 == 3 { MatchMode::All } else { MatchMode::Any },
                channels: (n % 5 == 0).then(|| vec![ChannelType::WhatsApp, ChannelType::Telegram]),
                time_range: (n % 8 == 0).then(|| TimeRange {
                    start: "18:00".to_owned(),
                    end: "08:00".to_owned(),
                    tz: "Africa/Addis_Ababa".to_owned(),
                }),
                ..BotConditions::default()
            },
            actions: BotActions { reply_text: Some("Hello".to_owned()), ..BotActions::default() },
            run_once: false,
        })
        .collect()
}

pub async fn measure(folder: &Path, rounds: usize, table: &mut Table) -> anyhow::Result<()> {
    let rules = rules();
    let clock = Clock::System;
    let account = Desk::new(&clock).account;
    let playbook = Playbook::compile(&rules, [], &BotSettings::usual(account), |_| None)?;
    let (mut ours, mut plain) = (Vec::new(), Vec::new());
    for _ in 0..rounds.max(1) {
        ours.push(micros(TIMES, |message| usize::from(!evaluate(&playbook, message).is_empty())));
        plain.push(micros(TIMES / 20, |message| run_control(&rules, message)));
    }
    let (ours, plain) = (median(ours), median(plain));
    table.at_most("200 bot rules against a message", "µs", ours, 50.0);
    table.within("the same, beside looking for each keyword by itself", "µs", ours, plain, 1.0);
    let long = MESSAGES[5].repeat(8);
    let began = Instant::now();
    for _ in 0..TIMES {
        black_box(evaluate(&playbook, &long).len());
    }
    let longest = began.elapsed().as_secs_f64() * 1e6 / f64::from(TIMES);
    table.at_most(&format!("200 bot rules against {} letters", long.len()), "µs", longest, 1_000.0);
    dry_run(folder, playbook, table).await
}

fn micros(times: u32, mut run: impl FnMut(&str) -> usize) -> f64 {
    let began = Instant::now();
    for _ in 0..times {
        for message in MESSAGES {
            black_box(run(black_box(message)));
        }
    }
    began.elapsed().as_secs_f64() * 1e6 / f64::from(times) / MESSAGES.len() as f64
}

fn evaluate(playbook: &Playbook, text: &str) -> Vec<BotRuleId> {
    let (metadata, memory) = (Map::new(), Memory::default());
    let message = IncomingMessage {
        message_id: MessageId::from_u128(1),
        text,
        metadata: &metadata,
        at: Timestamp::from_secs(1_795_222_800),
    };
    let facts = Facts {
        channel_type: ChannelType::WhatsApp,
        labels: BTreeSet::new(),
        language: None,
        is_first: true,
        memory: &memory,
    };
    playbook.evaluate(&message, &facts).iter().map(|fit| fit.rule.id).collect()
}

fn run_control(rules: &[BotRule], text: &str) -> usize {
    let fits = |rule: &&BotRule| {
        let mut keywords = rule.conditions.keywords.iter().flatten().map(|word| has(text, word));
        match rule.conditions.match_mode {
            MatchMode::Any => keywords.any(|found| found),
            MatchMode::All => keywords.all(|found| found),
        }
    };
    rules.iter().filter(fits).count()
}

fn has(text: &str, word: &str) -> bool {
    let (text, word) = (text.to_lowercase(), word.to_lowercase());
    text.match_indices(&word).any(|(at, _)| {
        let letter = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
        !letter(text[..at].chars().next_back()) && !letter(text[at + word.len()..].chars().next())
    })
}

/// A dry run over the whole log.
async fn dry_run(folder: &Path, playbook: Playbook, table: &mut Table) -> anyhow::Result<()> {
    let clock = Clock::System;
    let data = folder.join("bots");
    std::fs::create_dir_all(&data)?;
    let url = format!("sqlite:{}", data.join("events.db").display());
    let store = event_store::open(&url, clock.clone()).await?;
    let desk = Desk::new(&clock);
    desk.seed(&store, &clock, CONVERSATIONS, CONVERSATIONS / 10).await?;
    let providers = Providers::new([], Timeouts::default(), clock.clone())?;
    let commands = Commands::new(Arc::clone(&store), Arc::new(providers), clock.clone());
    let now = clock.now();
    let span = Span { from: now - Duration::from_secs(366 * 24 * 3600), until: now };
    let began = Instant::now();
    let report = commands.dry_run(desk.account, Arc::new(playbook), span, 5).await?;
    let a_minute = report.events as f64 / began.elapsed().as_secs_f64() * 60.0;
    table.at_least("a dry run of 200 rules, events a minute", "/min", a_minute, 1_000_000.0);
    store.close().await;
    Ok(())
}
