//! A full disk: requests get a clear 503, no acknowledged message is lost, and the program recovers by
//! itself. (`event-store`, which can inject faults into the engine, tests that a read-only file has the same
//! effect.)

use crate::desk::{Desk, times, until_sent};
use crate::fake_whatsapp::FakeWhatsApp;
use crate::faulty_disk::{FAULTS, FaultyDisk};
use crate::kill::whole_log;
use crate::load::{Load, LoadAccount, Side, assert_log_complete, assert_sent_once, until_tables_caught_up};
use crate::program::{
    DEADLINE, Engine, Program, conversation_of, engine, has_delivery_state, not_run, read, run, run_on,
    text_message, webhook,
};
use reqwest::StatusCode;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use test_engines::Nats;

/// A small file system in memory. It is unmounted when this is dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None` when this user may not mount a file system.
    fn mount(at: &Path, megabytes: u32) -> Option<Self> {
        std::fs::create_dir_all(at).expect("a folder");
        let size = format!("size={megabytes}m");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(at).status();
        mounted.is_ok_and(|status| status.success()).then(|| Self(at.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        Command::new("umount").arg("-l").arg(&self.0).status().ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_causes_503_and_writing_resumes_when_space_is_free() {
    if engine() != Engine::Sqlite {
        return not_run(&format!("disk on {:?}: only SQLite's log is on this machine's disk", engine()));
    }
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(&folder.path().join("disk"), 12) else {
        return not_run("disk: this user may not mount a small file system");
    };
    let program = Program::serve(&disk.0.join("data")).await;
    let account = program.account();
    let provider = FakeWhatsApp::start().await;
    let whatsapp = account.whatsapp(&provider.base_url).await;
    let ana = account.person("agent", "Ana");
    whatsapp.customer_writes("100", "wamid.early", "Hello").await;
    let early = conversation_of(&ana, "100").await;
    let filler = disk.0.join("filler");
    let mut acknowledged = Vec::new();
    let mut refused = 0;
    let mut full_since = None;
    let text = "All work and no play. ".repeat(150);
    for number in 0..100_000 {
        if number == 20 {
            // Another program fills the disk.
            Command::new("dd")
                .args(["if=/dev/zero", "bs=64k"])
                .arg(format!("of={}", filler.display()))
                .output()
                .expect("dd runs");
        }
        let id = format!("wamid.{number}");
        let body = webhook(&[text_message(&format!("{}", number % 7), &id, &text)], &[]);
        let (status, answer) = read(whatsapp.post(&body).await.unwrap()).await;
        match status {
            StatusCode::OK => acknowledged.push(id),
            StatusCode::SERVICE_UNAVAILABLE => {
                assert!(answer["detail"].is_string(), "{answer}");
                refused += 1;
                full_since.get_or_insert_with(Instant::now);
            }
            other => panic!("{other}: {answer}"),
        }
        // Long enough for every process manager and read model to have met the full disk.
        if refused >= 20 && full_since.is_some_and(|since| since.elapsed() > Duration::from_secs(3)) {
            break;
        }
    }
    assert!(refused >= 20, "the disk never filled up");
    std::fs::remove_file(&filler).expect("the filler is removed");
    let started = Instant::now();
    loop {
        let body = webhook(&[text_message("1", "wamid.after", "Room again")], &[]);
        if whatsapp.post(&body).await.unwrap().status() == StatusCode::OK {
            break;
        }
        assert!(started.elapsed() < crate::program::DEADLINE, "writing did not resume");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    acknowledged.push("wamid.after".to_owned());
    let log = whole_log(&account.admin).await;
    for id in acknowledged {
        let times = log.iter().filter(|event| event["data"]["provider_message_id"] == id.as_str()).count();
        assert_eq!(times, 1, "{id}");
    }
    // The inbox catches up as well.
    account
        .admin
        .get_until("/v1/conversations?sort=last_message_at:desc", |a| {
            a["data"][0]["last_message_preview"] == "Room again"
        })
        .await;
    // So do the process managers: an answer goes out, and its delivery is in the tables.
    let messages = format!("/v1/conversations/{early}/messages");
    ana.post(&messages, serde_json::json!({ "content": "Hello again" })).await;
    ana.get_until(&messages, |a| has_delivery_state(a, "dispatched")).await;
    program.until_ready().await;
    let (equal, output) = run(&disk.0.join("data"), &["verify"]).await;
    assert!(equal, "{output}");
}

/// One program meets one fault after the other, each long enough for every follower and process manager to meet it, and
/// for a deadline to pass.
#[tokio::test(flavor = "multi_thread")]
async fn everything_recovers_after_any_fault_of_the_disk() {
    if engine() != Engine::Sqlite {
        return not_run(&format!(
            "disk faults on {:?}: only SQLite's files are on this machine's disk",
            engine()
        ));
    }
    let Some(faulty) = FaultyDisk::new() else {
        return not_run("disk faults: there is no C compiler");
    };
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let nats = Nats::start().await;
    let provider = FakeWhatsApp::start().await;
    let options = ["--nats", &nats.url(), "--delivery-backoff-ms", "100"];
    let mut program = Program::spawn_on(faulty.variables(&data), "serve", &data, &options);
    program.until_ready().await;
    let desk = Desk::open(&program, &provider, &provider).await;
    let account = LoadAccount::set_up(0, &[&program], &[&program], &provider).await;
    let load = Load::start(vec![account]);
    // Each fault once for all files and once for the tables alone: then the log goes on, and the tables fall behind.
    let faults = FAULTS.into_iter().flat_map(|fault| [fault.to_owned(), format!("{fault} tables")]);
    let mut met = 0;
    for (number, fault) in faults.enumerate() {
        load.until_acknowledged(30).await;
        let early = format!("7{number}");
        desk.whatsapp.customer_writes(&early, &format!("wamid.early.{number}"), "Hello").await;
        faulty.fails(&fault);
        let refused = load.refused(Side::Commands);
        // That long the fault lasts: nothing is waited for.
        tokio::time::sleep(Duration::from_secs(4)).await;
        let spares_log = fault.starts_with("slow") || fault.ends_with("tables");
        assert!(spares_log || load.refused(Side::Commands) > refused, "{fault} was not noticed");
        faulty.works();
        let ended = Instant::now();
        load.until_acknowledged(30).await;
        program.until_ready().await;
        eprintln!("{fault}: ready again after {:?}", ended.elapsed());
        until_sent(&provider, &early, "Sorry.").await;
        eprintln!("{fault}: the alarm of the fault was raised after {:?}", ended.elapsed());
        desk.assert_works(&provider, &format!("8{number}")).await;
        eprintln!("{fault}: everything works after {:?}", ended.elapsed());
        until_published(&nats, &program).await;
        met += 1;
    }
    // A rebuild that has no room ends, and leaves nothing that takes room.
    faulty.fails("ENOSPC");
    let (rebuilt, output) = run_on(&faulty.variables(&data), &data, &["rebuild"]).await;
    assert!(!rebuilt && output.contains("the current generation is unchanged"), "{output}");
    assert!(!data.join("read-model-2.db").exists());
    faulty.works();
    let (accounts, report) = load.finish().await;
    let log = assert_log_complete(&accounts[0], &report).await;
    until_tables_caught_up(&accounts[0].readers[0], &log).await;
    assert_sent_once(&provider);
    for number in 0..met {
        assert_eq!(times(&provider, &format!("7{number}"), "Sorry."), 1);
    }
    assert_eq!(program.stop().await.code(), Some(0), "{}", program.log());
    let (equal, output) = run(&data, &["verify"]).await;
    assert!(equal, "{output}");
}

/// Waits until the stream has every event of the log.
async fn until_published(nats: &Nats, program: &Program) {
    let began = Instant::now();
    let lag = || async {
        let text = program.get("/metrics").send().await.unwrap().text().await.unwrap();
        let line = text.lines().find(|line| line.starts_with("verbatim_publication_lag_events"));
        line.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
    };
    let published = || async { nats_messages(nats).await };
    let before = published().await;
    while published().await == before || lag().await.is_none_or(|lag| lag > 100.0) {
        assert!(began.elapsed() < DEADLINE, "the log is not published");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn nats_messages(nats: &Nats) -> u64 {
    let context = async_nats::jetstream::new(async_nats::connect(nats.url()).await.unwrap());
    context.get_stream("VERBATIM").await.unwrap().cached_info().state.last_sequence
}
