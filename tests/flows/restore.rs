//! The log is restored from an older backup: this is refused with a sentence that says what to do, and
//! `verbatim restore-check` puts tables and followers right. Nothing is sent twice.

use crate::desk::{Desk, times, until_sent};
use crate::fake_whatsapp::{Behaviour, FakeWhatsApp};
use crate::kill::whole_log;
use crate::program::{
    DEADLINE, Engine, Program, conversation_of, engine, has_delivery_state, not_run, run, run_on,
};
use crate::publication::published_events;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use test_engines::{Nats, Postgres};

/// A way to back up the log alone while the program runs, and to put it back while no process runs.
enum Backup {
    Sqlite { data: PathBuf, copy: PathBuf },
    Postgres { server: &'static Postgres, log: String, dump: PathBuf },
}

fn succeeds(command: &mut Command) {
    let output = command.output().expect("the command runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

impl Backup {
    async fn make(&self) {
        match self {
            Self::Sqlite { data, copy } => {
                let script = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('vacuum into ?', [sys.argv[2]])";
                succeeds(Command::new("python3").args(["-c", script]).arg(data.join("events.db")).arg(copy));
            }
            Self::Postgres { log, dump, .. } => {
                succeeds(Command::new(Postgres::program("pg_dump")).args(["-Fc", "-d", log, "-f"]).arg(dump));
            }
        }
    }

    async fn restore(&self) {
        match self {
            Self::Sqlite { data, copy } => {
                for suffix in ["", "-wal", "-shm"] {
                    std::fs::remove_file(data.join(format!("events.db{suffix}"))).ok();
                }
                std::fs::copy(copy, data.join("events.db")).expect("the copy is put back");
            }
            Self::Postgres { server, log, dump } => {
                server.recreate(log).await;
                succeeds(Command::new(Postgres::program("pg_restore")).args(["-d", log]).arg(dump));
            }
        }
    }
}

async fn a_log_older_than_its_tables_is_put_right(
    backup: Backup,
    engines: Vec<(&'static str, String)>,
    data: &Path,
) {
    let (provider, slow) = (FakeWhatsApp::start().await, FakeWhatsApp::start().await);
    let options = ["--delivery-backoff-ms", "100"];
    let mut program = Program::spawn_on(engines.clone(), "serve", data, &options);
    program.until_ready().await;
    let desk = Desk::open(&program, &provider, &slow).await;
    let Desk { whatsapp, ana, .. } = &desk;

    // Before the backup: one answer is sent, and two wait because their providers are down.
    whatsapp.customer_writes("100", "wamid.100", "Hello").await;
    let sent = desk.answer("100", "Sent before").await;
    ana.get_until(&sent, |a| has_delivery_state(a, "dispatched")).await;
    provider.behave(Behaviour::Down(503));
    slow.behave(Behaviour::Down(503));
    whatsapp.customer_writes("200", "wamid.200", "Hello").await;
    desk.answer("200", "Waits at the backup").await;
    desk.slow.customer_writes("300", "wamid.300", "Hello").await;
    desk.answer("300", "Waits until the restore").await;
    whatsapp.customer_writes("400", "wamid.400", "Nobody answers").await;
    conversation_of(ana, "400").await;
    backup.make().await;

    // After it: the lost part of the log.
    provider.behave(Behaviour::Accept);
    until_sent(&provider, "200", "Waits at the backup").await;
    until_sent(&provider, "400", "Sorry.").await;
    whatsapp.customer_writes("500", "wamid.500", "What are your hours?").await;
    until_sent(&provider, "500", "We open at nine.").await;
    whatsapp.customer_writes("100", "wamid.101", "I want a refund").await;
    until_sent(&provider, "100", "We look into it.").await;
    desk.slow.customer_writes("600", "wamid.600", "Hello").await;
    desk.answer("600", "Lost before it was sent").await;
    assert_eq!(program.stop().await.code(), Some(0));
    let before = provider.taken().len();
    backup.restore().await;

    // The program does not start, and says what to do.
    let (started, output) = run_on(&engines, data, &["serve", "--listen", "127.0.0.1:0"]).await;
    assert!(!started && output.contains("run `verbatim restore-check`"), "{output}");
    let (agree, output) = run_on(&engines, data, &["restore-check"]).await;
    assert!(!agree && output.contains("restore-check --repair"), "{output}");
    let (repaired, output) = run_on(&engines, data, &["restore-check", "--repair"]).await;
    assert!(repaired, "{output}");
    let (agree, output) = run_on(&engines, data, &["restore-check"]).await;
    assert!(agree && output.contains("is ahead of it"), "{output}");

    // Everything works again, and nothing that was sent is sent again.
    slow.behave(Behaviour::Accept);
    program.restart().await;
    until_sent(&slow, "300", "Waits until the restore").await;
    whatsapp.customer_writes("700", "wamid.700", "Your hours?").await;
    until_sent(&provider, "700", "We open at nine.").await;
    let sent = desk.answer("100", "Sent after").await;
    ana.get_until(&sent, |a| has_delivery_state(a, "dispatched")).await;
    until_sent(&provider, "700", "Sorry.").await;
    // The breach whose event was lost is recorded again, and the customer gets no second message.
    let late = conversation_of(ana, "400").await;
    ana.get_until(&format!("/v1/conversations/{late}"), |a| a["sla_state"] == "breached").await;
    let taken = provider.taken();
    let new: Vec<_> =
        taken[before..].iter().map(|taken| (taken.to().to_owned(), taken.text().to_owned())).collect();
    let is_new = |(to, text): &(String, String)| to == "700" || (to == "100" && text == "Sent after");
    assert!(new.iter().all(is_new), "sent again: {new:?}");
    assert_eq!(times(&slow, "300", "Waits until the restore"), 1);
    assert_eq!(times(&slow, "600", "Lost before it was sent"), 0);
    assert_eq!(program.stop().await.code(), Some(0));
    let (equal, output) = run_on(&engines, data, &["verify"]).await;
    assert!(equal, "{output}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_file_is_put_right_and_nothing_is_sent_twice() {
    if engine() != Engine::Sqlite {
        return not_run(&format!("restore on {:?}: this test is about SQLite's file", engine()));
    }
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let backup = Backup::Sqlite { data: data.clone(), copy: folder.path().join("backup.db") };
    a_log_older_than_its_tables_is_put_right(backup, Vec::new(), &data).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_database_is_put_right_and_nothing_is_sent_twice() {
    let server = Postgres::shared().await;
    let (log, tables) = (server.database().await, server.database().await);
    let folder = tempfile::tempdir().unwrap();
    let engines = vec![("VERBATIM_EVENT_STORE", log.clone()), ("VERBATIM_READ_MODEL", tables)];
    let backup = Backup::Postgres { server, log, dump: folder.path().join("log.dump") };
    a_log_older_than_its_tables_is_put_right(backup, engines, &folder.path().join("data")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_deleted_while_the_program_runs_takes_no_message() {
    if engine() != Engine::Sqlite {
        return not_run(&format!("deleted log on {:?}: this test is about SQLite's file", engine()));
    }
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut program = Program::serve(&data).await;
    let account = program.account();
    let whatsapp = account.whatsapp("http://127.0.0.1:9").await;
    let ana = account.person("agent", "Ana");
    whatsapp.customer_writes("100", "wamid.1", "Hello").await;
    conversation_of(&ana, "100").await;
    let aside = folder.path().join("aside.db");
    std::fs::rename(data.join("events.db"), &aside).unwrap();
    let body =
        crate::program::webhook(&[crate::program::text_message("100", "wamid.2", "Into nothing")], &[]);
    let answer = whatsapp.post(&body).await.unwrap();
    assert_eq!(answer.status(), reqwest::StatusCode::SERVICE_UNAVAILABLE);
    let (status, checks) = program.checks().await;
    assert_eq!(status, reqwest::StatusCode::SERVICE_UNAVAILABLE);
    let reason = checks["event-log"].as_str().unwrap();
    assert!(
        reason.contains("events.db was deleted or replaced") && reason.contains("restore-check"),
        "{reason}"
    );
    program.kill().await;
    // Without the file the program would begin an empty log beside the tables of the lost one.
    let (started, output) = run(&data, &["serve", "--listen", "127.0.0.1:0"]).await;
    assert!(!started && output.contains("the log is empty"), "{output}");
    for suffix in ["-wal", "-shm"] {
        std::fs::remove_file(data.join(format!("events.db{suffix}"))).ok();
    }
    std::fs::rename(&aside, data.join("events.db")).unwrap();
    let (started, output) = run(&data, &["serve", "--listen", "127.0.0.1:0"]).await;
    assert!(!started && output.contains("restore-check"), "the write-ahead log is lost: {output}");
}

/// The tables come from the same backup as the log, or are lost: then no table knows what was sent since.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_restore_of_everything_or_of_the_log_alone_what_waited_is_dropped() {
    if engine() != Engine::Sqlite {
        return not_run(&format!("restored folder on {:?}: this test is about SQLite's files", engine()));
    }
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let provider = FakeWhatsApp::start().await;
    let nats = Nats::start().await;
    let url = nats.url();
    let mut program = Program::serve_with(&data, &["--delivery-backoff-ms", "100", "--nats", &url]).await;
    let desk = Desk::open(&program, &provider, &provider).await;
    provider.behave(Behaviour::Down(503));
    desk.whatsapp.customer_writes("100", "wamid.1", "Hello").await;
    desk.answer("100", "Waits at the backup").await;
    desk.whatsapp.customer_writes("200", "wamid.2", "What are your hours?").await;
    let answered = conversation_of(&desk.ana, "200").await;
    let messages = format!("/v1/conversations/{answered}/messages");
    desk.ana.get_until(&messages, |a| a["data"].as_array().is_some_and(|rows| rows.len() == 2)).await;
    assert_eq!(program.stop().await.code(), Some(0));
    let copy = folder.path().join("copy");
    succeeds(Command::new("cp").arg("-r").arg(&data).arg(&copy));
    provider.behave(Behaviour::Accept);
    program.restart().await;
    until_sent(&provider, "100", "Waits at the backup").await;
    until_sent(&provider, "200", "We open at nine.").await;
    until_sent(&provider, "200", "Sorry.").await;
    for (number, keeps_tables) in [true, false].into_iter().enumerate() {
        assert_eq!(program.stop().await.code(), Some(0));
        std::fs::remove_dir_all(&data).unwrap();
        succeeds(Command::new("cp").arg("-r").arg(&copy).arg(&data));
        for entry in std::fs::read_dir(&data).unwrap().flatten() {
            let is_kept = ["events.db", "credentials.key"].iter().any(|name| entry.file_name() == *name);
            if !keeps_tables && !is_kept {
                std::fs::remove_file(entry.path()).unwrap();
            }
        }
        let before = provider.how_many_taken();
        // The stream alone knows that the log is older.
        let (started, output) = run(&data, &["serve", "--listen", "127.0.0.1:0", "--nats", &url]).await;
        assert!(!started && output.contains("older than the stream VERBATIM"), "{output}");
        let repair = ["restore-check", "--repair", "--drop-waiting", "--nats", &url];
        let (repaired, output) = run(&data, &repair).await;
        assert!(repaired, "{output}");
        let published = published_events(&nats).await.len();
        program.restart().await;
        let customer = format!("30{number}");
        desk.whatsapp.customer_writes(&customer, &format!("wamid.3{number}"), "Your hours?").await;
        until_sent(&provider, &customer, "We open at nine.").await;
        until_sent(&provider, &customer, "Sorry.").await;
        let again: Vec<_> = provider.taken()[before..].iter().map(|taken| taken.to().to_owned()).collect();
        assert!(again.iter().all(|to| *to == customer), "sent again: {again:?}");
        let began = Instant::now();
        let (mut log, mut events) = (whole_log(&desk.admin).await, published_events(&nats).await);
        while events.last().map(|event| &event["id"]) != log.last().map(|event| &event["id"]) {
            assert!(began.elapsed() < DEADLINE, "the log is not published");
            tokio::time::sleep(Duration::from_millis(20)).await;
            (log, events) = (whole_log(&desk.admin).await, published_events(&nats).await);
        }
        let new = &events[published..];
        assert_eq!(new, &log[log.len() - new.len()..], "the new events, and they alone");
    }
}
