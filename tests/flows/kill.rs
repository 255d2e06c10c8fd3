//! SIGKILL at random moments under load: every acknowledged message is in the log once, and the tables equal
//! a rebuild.

use crate::fake_whatsapp::FakeWhatsApp;
use crate::program::{Program, read, run, text_message, webhook};
use reqwest::StatusCode;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Mutex;

const KILLS: usize = 50;
const CUSTOMERS: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn fifty_kills_lose_nothing_acknowledged_and_duplicate_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut program = Program::serve(&data).await;
    let provider = FakeWhatsApp::start().await;
    let account_id = program.account().id;
    let (whatsapp, admin, ana) = {
        let account = crate::program::Account::new(&program, &account_id);
        (account.whatsapp(&provider.base_url).await, account.admin.clone(), account.person("agent", "Ana"))
    };
    let finished = Arc::new(AtomicBool::new(false));
    let acknowledged: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let answers: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let sent = Arc::new(AtomicUsize::new(0));

    // Each customer writes one message after the other. Each message is delivered again until it is
    // acknowledged, as the provider does. An agent answers some of them.
    let customers: Vec<_> = (0..CUSTOMERS)
        .map(|customer| {
            let (whatsapp, ana) = (whatsapp.clone(), ana.clone());
            let (finished, acknowledged, answers, sent) =
                (finished.clone(), acknowledged.clone(), answers.clone(), sent.clone());
            tokio::spawn(async move {
                let mut number = 0;
                while !finished.load(Ordering::Relaxed) {
                    let id = format!("wamid.{customer}.{number}");
                    let phone = format!("2519110000{customer}");
                    let body = webhook(&[text_message(&phone, &id, &format!("{customer}/{number}"))], &[]);
                    let taken =
                        whatsapp.post(&body).await.is_ok_and(|answer| answer.status() == StatusCode::OK);
                    if !taken {
                        tokio::time::sleep(Duration::from_millis(5)).await;
                        continue;
                    }
                    acknowledged.lock().await.insert(id);
                    sent.fetch_add(1, Ordering::Relaxed);
                    if number % 5 == 4 {
                        answer(&ana, &phone, &format!("key-{customer}-{number}"), &answers).await;
                    }
                    number += 1;
                }
            })
        })
        .collect();

    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..KILLS {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        tokio::time::sleep(Duration::from_millis(20 + random % 180)).await;
        program.kill().await;
        program.restart().await;
    }
    finished.store(true, Ordering::Relaxed);
    for customer in customers {
        customer.await.unwrap();
    }

    // Every acknowledged message is in the log, once, in its order.
    let acknowledged = acknowledged.lock().await.clone();
    assert!(acknowledged.len() > KILLS, "the load produced too few messages: {}", acknowledged.len());
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    let mut last_of_customer: BTreeMap<String, usize> = BTreeMap::new();
    let mut keys: BTreeMap<String, usize> = BTreeMap::new();
    for event in whole_log(&admin).await {
        if event["type"].as_str().is_some_and(|name| name.contains(".MessageSent.")) {
            *keys.entry(event["data"]["content"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        let Some(id) = event["data"]["provider_message_id"].as_str() else { continue };
        if !event["type"].as_str().is_some_and(|name| name.contains(".MessageReceived.")) {
            continue;
        }
        *found.entry(id.to_owned()).or_default() += 1;
        let (customer, number) = id.trim_start_matches("wamid.").split_once('.').unwrap();
        let number: usize = number.parse().unwrap();
        let last = last_of_customer.insert(customer.to_owned(), number);
        assert!(last.is_none_or(|last| last < number), "{id} came after {last:?}");
    }
    for id in &acknowledged {
        assert_eq!(found.get(id), Some(&1), "{id}");
    }
    assert!(found.values().all(|times| *times == 1), "a message is in the log twice");
    for key in answers.lock().await.iter() {
        assert_eq!(keys.get(key), Some(&1), "{key}");
    }

    // The provider received no more distinct messages than the log has answers.
    let mut by_callback: BTreeMap<String, usize> = BTreeMap::new();
    for taken in provider.taken() {
        *by_callback
            .entry(taken.body["biz_opaque_callback_data"].as_str().unwrap().to_owned())
            .or_default() += 1;
    }
    assert!(by_callback.len() <= keys.len());

    assert_eq!(program.stop().await.code(), Some(0));
    let (equal, output) = run(&data, &["verify"]).await;
    assert!(equal, "{output}");
}

async fn answer(ana: &crate::program::Person, phone: &str, key: &str, answers: &Mutex<BTreeSet<String>>) {
    let found = ana.request(reqwest::Method::GET, "/v1/conversations?limit=50&sort=last_message_at:desc");
    let Ok(found) = found.send().await else { return };
    let (_, inbox) = read(found).await;
    let Some(id) = inbox["data"].as_array().and_then(|rows| {
        rows.iter().find(|row| row["contact_identifier"] == phone).and_then(|row| row["id"].as_str())
    }) else {
        return;
    };
    // With the same key the command can be repeated until it succeeds.
    for _ in 0..200 {
        let sent = ana
            .request(reqwest::Method::POST, &format!("/v1/conversations/{id}/messages"))
            .header("Idempotency-Key", key)
            .json(&serde_json::json!({ "content": key }))
            .send()
            .await;
        if sent.is_ok_and(|sent| sent.status().is_success()) {
            answers.lock().await.insert(key.to_owned());
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

pub async fn whole_log(person: &crate::program::Person) -> Vec<Value> {
    let mut events: Vec<Value> = Vec::new();
    loop {
        let after = events.last().map(|event| format!("&after={}", event["position"].as_str().unwrap()));
        let page = person
            .request(reqwest::Method::GET, &format!("/v1/events?limit=1000{}", after.unwrap_or_default()))
            .header("Accept", "application/x-ndjson")
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        let more: Vec<Value> = page.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        if more.is_empty() {
            return events;
        }
        events.extend(more);
    }
}
