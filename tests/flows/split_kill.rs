//! The split services, PostgreSQL and NATS, any of which is killed at a random moment while the desk is busy:
//! the log is complete, the tables equal a rebuild, and what JetStream has is what the log has.

use crate::fake_whatsapp::FakeWhatsApp;
use crate::load::{Chance, Desk, Load, log_holds, nobody_was_told_twice, tables_hold};
use crate::program::{Program, conversation_of, has_come, run_on};
use crate::publication::told;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use test_engines::{Nats, Postgres};

const KILLS: usize = 50;
/// So many servers and services on a busy machine take their time.
const PATIENCE: Duration = Duration::from_secs(180);

/// Of those of which only one works there is another that waits.
const PARTS: [&str; 7] = [
    "command-api",
    "command-api",
    "query-api",
    "projections",
    "projections",
    "process-managers",
    "process-managers",
];

/// What they all lean on.
const ENGINES: [&str; 2] = ["PostgreSQL", "NATS"];

/// Starts again what came to an end by itself, as whoever supervises services does: a process that starts
/// while the database is away says so and ends.
fn supervise(processes: &mut [Program]) {
    for process in processes {
        if process.has_ended() {
            process.begin_again();
        }
    }
}

async fn until_ready(processes: &mut [Program], which: usize) {
    let began = Instant::now();
    while !processes[which].is_ready().await {
        assert!(began.elapsed() < PATIENCE, "{}: {}", PARTS[which], processes[which].log());
        supervise(processes);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whichever_process_is_killed_fifty_times_nothing_is_lost_and_nothing_is_doubled() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (postgres, nats) = (Postgres::start().await, Nats::start().await);
    let url = postgres.database().await;
    let engines = vec![("VERBATIM_EVENT_STORE", url.clone()), ("VERBATIM_READ_MODEL", url)];
    let nats_url = nats.url();
    // Where the server's own memory of what it has cannot help.
    let options = ["--nats", &nats_url, "--nats-duplicate-window", "1", "--public-url", "http://desk"];
    let mut processes: Vec<Program> =
        PARTS.iter().map(|part| Program::begin_on(engines.clone(), part, &data, &options)).collect();
    for which in 0..PARTS.len() {
        until_ready(&mut processes, which).await;
    }
    let provider = FakeWhatsApp::start().await;
    let (commands, queries) = ([&processes[0], &processes[1]], [&processes[2]]);
    let mut desks = Vec::new();
    for number in 0..2 {
        desks.push(Desk::open(number, &commands, &queries, &provider).await);
    }

    let mut chance = Chance::begin();
    let mut killed: BTreeMap<&str, usize> = BTreeMap::new();
    let load = Load::start(desks);
    for _ in 0..KILLS {
        let victim = chance.below(PARTS.len() + ENGINES.len());
        // One in four is struck again while it starts.
        if victim < PARTS.len() && chance.below(4) > 0 {
            until_ready(&mut processes, victim).await;
        }
        let (began, enough) = (Instant::now(), load.acknowledged() + 1 + chance.below(40));
        while load.acknowledged() < enough {
            assert!(began.elapsed() < PATIENCE, "{} of {enough} are acknowledged", load.acknowledged());
            supervise(&mut processes);
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        match victim.checked_sub(PARTS.len()) {
            None => {
                processes[victim].kill().await;
                processes[victim].begin_again();
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
    let (desks, acknowledged) = load.end().await;

    // By itself it does again what it is there for, to the end of the way.
    for desk in &desks {
        let phone = format!("4917{}", &desk.account[..4]);
        desk.whatsapp[0].says(&phone, &format!("wamid.{phone}.0"), "Is anybody there?").await;
        let id = conversation_of(&desk.readers[0], &phone).await;
        desk.writers[1]
            .post(&format!("/v1/conversations/{id}/messages"), json!({ "content": "We are" }))
            .await;
        desk.readers[0]
            .get_until(&format!("/v1/conversations/{id}/messages"), |a| has_come(a, "dispatched"))
            .await;
    }
    nobody_was_told_twice(&provider);
    // Whoever writes to the log, stops.
    for which in [0, 1, 5, 6] {
        assert_eq!(processes[which].stop().await.code(), Some(0), "{}", processes[which].log());
    }
    let mut logs = Vec::new();
    for desk in &desks {
        let log = log_holds(desk, &acknowledged).await;
        tables_hold(&desk.readers[0], &log).await;
        logs.push((format!("/accounts/{}", desk.account), log));
    }
    let (began, whole) = (Instant::now(), logs.iter().map(|(_, log)| log.len()).sum());
    let mut published = told(&nats).await;
    while published.len() < whole {
        assert!(began.elapsed() < PATIENCE, "{} of {whole} are published", published.len());
        tokio::time::sleep(Duration::from_millis(200)).await;
        published = told(&nats).await;
    }
    assert_eq!(published.len(), whole, "more is published than there is");
    for (account, log) in logs {
        let of_account: Vec<_> =
            published.iter().filter(|event| event["source"] == account.as_str()).cloned().collect();
        assert!(of_account == log, "what is published of {account} is not what is in the log");
    }
    let (equal, said) = run_on(&engines, &data, &["verify"]).await;
    assert!(equal, "{said}");
}
