//! A full disk: requests get a clear 503, no acknowledged message is lost, and the program recovers by
//! itself. (`event-store`, which can inject faults into the engine, tests that a read-only file has the same
//! effect.)

use crate::fake_whatsapp::FakeWhatsApp;
use crate::kill::whole_log;
use crate::program::{
    Engine, Program, conversation_of, engine, has_delivery_state, not_run, read, run, text_message, webhook,
};
use reqwest::StatusCode;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

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
