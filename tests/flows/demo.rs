//! The demonstration, as a new user starts it.

use crate::program::{binary, free_port};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

#[test]
fn the_demonstration_prints_each_push() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let shown = Command::new(binary())
        .args(["demo", "--once", "--watch", "--listen", &format!("127.0.0.1:{port}"), "--data"])
        .arg(folder.path().join("data"))
        .output()
        .unwrap();
    let (text, errors) = (String::from_utf8(shown.stdout).unwrap(), String::from_utf8_lossy(&shown.stderr));
    assert!(shown.status.success(), "{text}\n{errors}");

    let mut lines: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in text.lines() {
        let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
        lines.entry(name).or_default().push(rest.trim());
    }
    assert_eq!(lines["conversation:new"].len(), 30, "{text}");
    // The first message came before the client joined the conversation, the others came as they were written.
    for message in [
        "Hanna Tesfaye, contact: I want a refund for the blue kettle, it leaks.",
        "Hanna Tesfaye, agent: Thank you. The refund is on its way and will show in three days.",
        "Hanna Tesfaye, agent: Second leaking kettle of batch 40 this week.",
    ] {
        let times = lines["conversation:message"].iter().filter(|line| **line == message).count();
        assert_eq!(times, 1, "{message}: {text}");
    }
    let last = lines["conversation:updated"].iter().rfind(|line| line.starts_with("Hanna Tesfaye: "));
    assert_eq!(last, Some(&"Hanna Tesfaye: resolved, Ana, high, messages: 5"), "{text}");
    for name in ["conversation:message:updated", "inbox:counts", "sync"] {
        assert!(lines.contains_key(name), "{name}: {text}");
    }
    assert!(text.contains("30 of 30 conversations played."), "{text}");
}

#[test]
fn the_demonstration_goes_on_playing() {
    let folder = tempfile::tempdir().unwrap();
    let address = format!("127.0.0.1:{}", free_port());
    let program = Command::new(binary())
        .args(["demo", "--watch", "--listen", &address, "--data"])
        .arg(folder.path().join("data"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut program = Stopped(program);
    let mut lines = BufReader::new(program.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.starts_with("The customers write on")));
    // The first three customers begin, and their agents answer each in its conversation.
    let mut after = lines.filter(|line| line.starts_with("conversation:message "));
    assert!(after.any(|line| line.contains("Mikael Lindqvist, contact: Hi, can I change the delivery")));
    assert!(after.any(|line| line.contains("Mikael Lindqvist, agent: Yes, it has not left yet.")));
}

/// A program that is killed when the test ends, also by a failure.
struct Stopped(Child);

impl Drop for Stopped {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}
