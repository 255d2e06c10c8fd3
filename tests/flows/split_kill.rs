//! The split services, PostgreSQL and NATS under load, with one of them killed at random moments: the log is
//! complete, the tables equal a rebuild, and the JetStream stream equals the log.

use crate::fake_whatsapp::FakeWhatsApp;
use crate::load::{
    Load, LoadAccount, SeededRandom, assert_log_complete, assert_sent_once, until_tables_caught_up,
};
use crate::program::{Program, conversation_of, has_delivery_state, run_on};
use crate::publication::published_events;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use test_engines::{Nats, Postgres};

const KILLS: usize = 50;
/// A generous limit, because many servers and services share one busy machine.
const READY_TIMEOUT: Duration = Duration::from_secs(180);

/// The processes. Services of which only one works at a time have a second process on standby.
const PARTS: [&str; 7] = [
    "command-api",
    "command-api",
    "query-api",
    "projections",
    "projections",
    "process-managers",
    "process-managers",
];

/// The engines that all processes depend on.
const ENGINES: [&str; 2] = ["PostgreSQL", "NATS"];

/// Restarts the processes that have exited, as a service supervisor does: a process that starts while the
/// database is unreachable logs it and exits.
fn supervise(processes: &mut [Program]) {
    for process in processes {
        if process.has_exited() {
            process.respawn();
        }
    }
}

async fn until_ready(processes: &mut [Program], which: usize) {
    let began = Instant::now();
    while !processes[which].is_ready().await {
        assert!(began.elapsed() < READY_TIMEOUT, "{}: {}", PARTS[which], processes[which].log());
        supervise(processes);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_kills_of_processes_and_engines_lose_and_duplicate_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (postgres, nats) = (Postgres::start().await, Nats::start().await);
    let url = postgres.database().await;
    let engines = vec![("VERBATIM_EVENT_STORE", url.clone()), ("VERBATIM_READ_MODEL", url)];
    let nats_url = nats.url();
    // A short window, so that the server's own deduplication does not help.
    let options = ["--nats", &nats_url, "--nats-duplicate-window", "1", "--public-url", "http://desk"];
    let mut processes: Vec<Program> =
        PARTS.iter().map(|part| Program::spawn_on(engines.clone(), part, &data, &options)).collect();
    for which in 0..PARTS.len() {
        until_ready(&mut processes, which).await;
    }
    let provider = FakeWhatsApp::start().await;
    let (commands, queries) = ([&processes[0], &processes[1]], [&processes[2]]);
    let mut accounts = Vec::new();
    for number in 0..2 {
        accounts.push(LoadAccount::set_up(number, &commands, &queries, &provider).await);
    }

    let mut random = SeededRandom::from_environment();
    let mut killed: BTreeMap<&str, usize> = BTreeMap::new();
    let load = Load::start(accounts);
    for _ in 0..KILLS {
        let victim = random.below(PARTS.len() + ENGINES.len());
        // One kill in four may hit a process that is still starting.
        if victim < PARTS.len() && random.below(4) > 0 {
            until_ready(&mut processes, victim).await;
        }
        let (began, target) = (Instant::now(), load.acknowledged() + 1 + random.below(40));
        while load.acknowledged() < target {
            assert!(began.elapsed() < READY_TIMEOUT, "{} of {target} are acknowledged", load.acknowledged());
            supervise(&mut processes);
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        match victim.checked_sub(PARTS.len()) {
            None => {
                processes[victim].kill().await;
                processes[victim].respawn();
            }
            Some(0) => {
                postgres.kill();
                postgres.resume().await;
            }
            Some(_) => {
                nats.kill();
                nats.resume().await;
            }
        }
        let all: Vec<_> = PARTS.iter().chain(&ENGINES).collect();
        *killed.entry(all[victim]).or_default() += 1;
    }
    eprintln!("killed: {killed:?}");
    for which in 0..PARTS.len() {
        until_ready(&mut processes, which).await;
    }
    let (accounts, acknowledged) = load.finish().await;

    // Afterwards a new conversation goes through every service, up to the provider.
    for account in &accounts {
        let phone = format!("4917{}", &account.id[..4]);
        account.whatsapp[0].customer_writes(&phone, &format!("wamid.{phone}.0"), "Is anybody there?").await;
        let id = conversation_of(&account.readers[0], &phone).await;
        account.writers[1]
            .post(&format!("/v1/conversations/{id}/messages"), json!({ "content": "We are" }))
            .await;
        account.readers[0]
            .get_until(&format!("/v1/conversations/{id}/messages"), |a| has_delivery_state(a, "dispatched"))
            .await;
    }
    assert_sent_once(&provider);
    // The processes that write to the log stop.
    for which in [0, 1, 5, 6] {
        assert_eq!(processes[which].stop().await.code(), Some(0), "{}", processes[which].log());
    }
    let mut logs = Vec::new();
    for account in &accounts {
        let log = assert_log_complete(account, &acknowledged).await;
        until_tables_caught_up(&account.readers[0], &log).await;
        logs.push((format!("/accounts/{}", account.id), log));
    }
    let (began, whole) = (Instant::now(), logs.iter().map(|(_, log)| log.len()).sum());
    let mut published = published_events(&nats).await;
    while published.len() < whole {
        assert!(began.elapsed() < READY_TIMEOUT, "{} of {whole} are published", published.len());
        tokio::time::sleep(Duration::from_millis(200)).await;
        published = published_events(&nats).await;
    }
    assert_eq!(published.len(), whole, "more events are published than the log has");
    for (account, log) in logs {
        let of_account: Vec<_> =
            published.iter().filter(|event| event["source"] == account.as_str()).cloned().collect();
        assert!(of_account == log, "the published events of {account} are not those of the log");
    }
    let (equal, output) = run_on(&engines, &data, &["verify"]).await;
    assert!(equal, "{output}");
}
