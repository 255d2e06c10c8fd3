//! The example of a consumer in Python, run as its documentation says.

use crate::fixture::{Fixture, PUBLIC_URL, until};
use event_schemas::CloudEvent;
use publication::{Settings, StreamSettings};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use test_engines::Nats;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A Python with nats-py: the configured one, or else that of the tests, or else that of the system.
fn python() -> PathBuf {
    let named = std::env::var_os("VERBATIM_TEST_PYTHON").map(PathBuf::from);
    let own = root().join("target/test-venv/bin/python3");
    let candidates = [named, Some(own), Some(PathBuf::from("python3"))];
    let has_it = |python: &PathBuf| {
        let asked = Command::new(python).args(["-c", "import nats"]).stderr(Stdio::null()).status();
        asked.is_ok_and(|status| status.success())
    };
    candidates.into_iter().flatten().find(has_it).expect("a Python 3 with nats-py, from PyPI")
}

async fn consume(fixture: &Fixture, durable: &str, more: &[&str]) -> Vec<Value> {
    consume_from(&fixture.nats.url(), durable, more).await
}

async fn consume_from(server: &str, durable: &str, more: &[&str]) -> Vec<Value> {
    let output = tokio::process::Command::new(python())
        .arg(root().join("docs/examples/consume.py"))
        .args(["--server", server, "--durable", durable])
        .args(more)
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_in_python_reads_the_log_and_resumes() {
    let fixture = Fixture::new().await;
    fixture.append_messages(60).await;
    let _publisher = fixture.publish();
    fixture.wait_for_sequence(60).await;
    let mut read = consume(&fixture, "reporting", &["--count", "25"]).await;
    assert_eq!(read.len(), 25);
    fixture.append_messages(40).await;
    fixture.wait_for_sequence(100).await;
    read.extend(consume(&fixture, "reporting", &["--until-quiet", "--patience", "1"]).await);
    let log = fixture.log().await;
    let document =
        |event| serde_json::to_value(CloudEvent::of(event, &format!("{PUBLIC_URL}/schemas"))).unwrap();
    let wanted: Vec<Value> = log.iter().map(document).collect();
    assert_eq!(read, wanted);

    // Another consumer, of one account's messages.
    let account = log[0].metadata.account_id;
    let subject = format!("verbatim.{account}.conversation.MessageReceived");
    let theirs =
        consume(&fixture, "archive", &["--subject", &subject, "--until-quiet", "--patience", "1"]).await;
    let source = format!("/accounts/{account}");
    assert_eq!(theirs, wanted.into_iter().filter(|event| event["source"] == source).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deployments_users_have_the_rights_they_need() {
    let nats = Nats::reserved();
    let deployed = std::fs::read_to_string(root().join("deploy/nats.conf")).unwrap();
    let store = nats.folder().join("jetstream");
    let here = deployed
        .replace("port: 4222", &format!("listen: \"127.0.0.1:{}\"", nats.port()))
        .replace("http: 8222\n", "")
        .replace("/data", &store.display().to_string())
        .replace("$NATS_PASSWORD", "\"1\"")
        .replace("$NATS_READER_PASSWORD", "\"2\"");
    std::fs::write(nats.folder().join("nats.conf"), here).unwrap();
    nats.resume().await;
    let fixture = Fixture::with(nats).await;
    fixture.append_messages(10).await;
    let url = |login: &str| fixture.nats.url().replace("nats://", &format!("nats://{login}@"));
    let settings = Settings::new(&url("verbatim:1"), StreamSettings::default(), PUBLIC_URL).unwrap();
    let publisher = fixture.publish_with(settings);
    let end = fixture.store.end().await.unwrap();
    until("everything is published", || async { publisher.publication.published() == end }).await;
    let read = consume_from(&url("reader:2"), "reporting", &["--count", "10"]).await;
    assert_eq!(read.len(), 10);
    let reader = async_nats::ConnectOptions::with_user_and_password("reader".to_owned(), "2".to_owned());
    let reader = async_nats::jetstream::new(reader.connect(fixture.nats.url()).await.unwrap());
    let published = reader.publish("verbatim.intruder", "boo".into()).await.unwrap();
    assert!(published.await.is_err());
}
