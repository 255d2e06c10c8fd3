//! Real conversations: every customer turn is sent as a signed webhook, and an agent answers at each gap.
//! Every message is in its conversation once and in order, and the counts equal those of the files.
//!
//! The test plays the development part of each domain; with `VERBATIM_REAL_WORDS=all` it plays all of the
//! 93,261 turns except the 67 empty ones. The conversations are MultiDoGO's (CDLA-Permissive-1.0), expected
//! beside the project. When they are missing, the test prints that and uses a sample of its own.

use crate::fake_whatsapp::FakeWhatsApp;
use crate::program::{
    Account, Engine, Program, WhatsApp, conversation_of, engine, not_run, text_message, webhook,
};
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

/// The messages of one customer by turn number. The agent answers where the numbers have a gap.
type Turns = BTreeMap<u32, String>;

#[tokio::test(flavor = "multi_thread")]
async fn every_real_message_arrives_in_its_conversation_in_order_and_once() {
    let conversations = if engine() == Engine::KurrentDb {
        not_run("real words on KurrentDB: the test server is too small for all of them; a sample is played");
        sample()
    } else {
        real_conversations().unwrap_or_else(|| {
            println!("the real conversations are missing; a sample is used");
            sample()
        })
    };
    let expected_messages: usize = conversations.iter().map(BTreeMap::len).sum();
    let expected_answers: usize = conversations.iter().map(answer_count).sum();
    println!(
        "{} conversations, {expected_messages} turns of customers, {expected_answers} answers",
        conversations.len()
    );

    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let provider = FakeWhatsApp::start().await;
    let account = program.account();
    let whatsapp = account.whatsapp(&provider.base_url).await;
    stream::iter(conversations.iter().enumerate())
        .for_each_concurrent(16, |(number, turns)| play(&account, &whatsapp, number, turns))
        .await;

    let log = crate::kill::whole_log(&account.admin).await;
    let count =
        |name: &str| log.iter().filter(|event| event["type"].as_str().unwrap().contains(name)).count();
    assert_eq!(count(".ConversationOpened."), conversations.len());
    assert_eq!(count(".MessageReceived."), expected_messages);
    assert_eq!(count(".MessageSent."), expected_answers);
    for (number, turns) in conversations.iter().enumerate() {
        let id = conversation_of(&account.admin, &phone(number)).await;
        let actual: Vec<String> = all_messages(&account, &id, message_count(turns)).await;
        let expected: Vec<String> = turns.values().cloned().collect();
        assert_eq!(actual, expected, "conversation {number}");
    }
}

fn phone(number: usize) -> String {
    format!("2519{number:08}")
}

fn answer_count(turns: &Turns) -> usize {
    let numbers: Vec<u32> = turns.keys().copied().collect();
    numbers.windows(2).filter(|pair| pair[1] > pair[0] + 1).count()
}

fn message_count(turns: &Turns) -> usize {
    turns.len() + answer_count(turns)
}

async fn play(account: &Account<'_>, whatsapp: &WhatsApp, number: usize, turns: &Turns) {
    let phone = phone(number);
    let mut last = None;
    let mut id = None;
    for (turn, text) in turns {
        if last.is_some_and(|last: u32| *turn > last + 1) {
            let id: &String = match &id {
                Some(id) => id,
                None => id.insert(conversation_of(&account.admin, &phone).await),
            };
            let path = format!("/v1/conversations/{id}/messages");
            account.admin.post(&path, json!({ "content": format!("Let me see. ({turn})") })).await;
        }
        let message = text_message(&phone, &format!("wamid.{number}.{turn}"), text);
        whatsapp.post_ok(&webhook(&[message], &[])).await;
        last = Some(*turn);
    }
}

/// The customer's messages, oldest first, once the read model has the whole conversation.
async fn all_messages(account: &Account<'_>, id: &str, count: usize) -> Vec<String> {
    account
        .admin
        .get_until(&format!("/v1/conversations/{id}"), |a| a["message_count"].as_u64() == Some(count as u64))
        .await;
    let mut rows: Vec<Value> = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = account.admin.get(&format!("/v1/conversations/{id}/messages?limit=200{cursor}")).await;
        // Each page is sorted oldest first, and the next page is older.
        let newer = std::mem::replace(&mut rows, page["data"].as_array().unwrap().clone());
        rows.extend(newer);
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&before={next}"),
            None => break,
        }
    }
    assert_eq!(rows.len(), count);
    rows.iter()
        .filter(|row| row["sender_type"] == "contact")
        .map(|row| row["content"].as_str().unwrap().to_owned())
        .collect()
}

fn real_conversations() -> Option<Vec<Turns>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/multidogo");
    let all = std::env::var("VERBATIM_REAL_WORDS").is_ok_and(|value| value == "all");
    let mut conversations = Vec::new();
    for domain in ["airline", "fastfood", "finance", "insurance", "media", "software"] {
        let mut found: BTreeMap<String, Turns> = BTreeMap::new();
        for part in ["train", "dev"] {
            let path = folder.join(format!("{domain}.{part}.tsv.gz"));
            if all || part == "dev" {
                read_turns(&path, &mut found)?;
            }
        }
        conversations.extend(found.into_values());
    }
    Some(conversations)
}

fn read_turns(path: &Path, found: &mut BTreeMap<String, Turns>) -> Option<()> {
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).ok()?).read_to_string(&mut text).ok()?;
    let mut rows = csv::ReaderBuilder::new().delimiter(b'\t').from_reader(text.as_bytes());
    for row in rows.records() {
        let row = row.expect("a row");
        // A customer cannot send an empty message.
        if row[3].trim().is_empty() {
            continue;
        }
        found
            .entry(row[0].to_owned())
            .or_default()
            // One of the files writes whole numbers with a decimal point.
            .insert(row[1].parse::<f64>().expect("a turn number") as u32, row[3].to_owned());
    }
    Some(())
}

fn sample() -> Vec<Turns> {
    let lines =
        ["My order is late", "It was due on Monday", "Number 40-1187", "Thanks\nfor\nlooking", "Bye 👋"];
    (0..30)
        .map(|number| {
            lines
                .iter()
                .enumerate()
                .map(|(turn, words)| (turn as u32 * (1 + number % 3), format!("{words} ({number})")))
                .collect()
        })
        .collect()
}
