//! The example of `docs/realtime.md`: it is type-checked, keeps its copy of an inbox while the process is killed, and
//! its rule gives the same copy in whatever order pushes come.

use crate::fake_whatsapp::FakeWhatsApp;
use crate::program::{DEADLINE, Person, Program};
use crate::socket_client::{has_node, script};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};

const DOCUMENT: &str = include_str!("../../docs/realtime.md");

/// Compiles the example of the document in this folder. Returns the module.
fn compiled(folder: &Path) -> PathBuf {
    let (_, rest) = DOCUMENT.split_once("```ts\n").expect("an example");
    let (example, _) = rest.split_once("```").expect("its end");
    let packages = script("node_modules");
    std::fs::write(folder.join("inbox.ts"), example).unwrap();
    std::fs::write(folder.join("package.json"), r#"{ "type": "module" }"#).unwrap();
    std::os::unix::fs::symlink(&packages, folder.join("node_modules")).unwrap();
    let checked = Command::new("node")
        .arg(packages.join("typescript/bin/tsc"))
        .args(["--strict", "--target", "es2022", "--module", "nodenext", "inbox.ts"])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
    folder.join("inbox.js")
}

#[test]
fn the_rule_gives_a_fresh_fetch_in_any_order_repetition_and_cut_of_pushes() {
    if !has_node() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let module = compiled(folder.path());
    let checked = Command::new("node").arg(script("rule.js")).arg(module).arg("2000").output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}

/// The example, running.
struct Copy {
    _process: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Copy {
    fn start(module: &Path, base: &str, person: &Person) -> Self {
        let mut process = tokio::process::Command::new("node")
            .arg(script("copy.js"))
            .arg(module)
            .args([base, &person.token])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let input = process.stdin.take().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { _process: process, input, output }
    }

    async fn ask(&mut self, line: &str) -> Value {
        self.input.write_all(format!("{line}\n").as_bytes()).await.unwrap();
        let answer = self.output.next_line().await.unwrap().expect("the example lives");
        serde_json::from_str(&answer).unwrap()
    }

    /// Waits until the copy equals a fresh fetch that `is_expected` accepts. Returns what the example says and the rows.
    async fn until_equal(&mut self, person: &Person, is_expected: impl Fn(&Value) -> bool) -> (Value, Value) {
        let began = Instant::now();
        loop {
            let mut fetched = person.get("/v1/conversations?limit=200").await["data"].take();
            fetched.as_array_mut().unwrap().sort_by_key(|row| row["id"].to_string());
            let copy = self.ask("copy").await;
            if is_expected(&fetched) && copy["rows"] == fetched {
                return (copy, fetched);
            }
            assert!(began.elapsed() < DEADLINE * 2, "the copy is {copy:#}\nand a fetch {fetched:#}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Waits until the provider has taken the agent's message, so that nothing changes any more.
async fn until_dispatched(person: &Person, conversation: &str) {
    let began = Instant::now();
    loop {
        let messages = person.get(&format!("{conversation}/messages")).await;
        let mut messages = messages["data"].as_array().unwrap().iter();
        if messages.any(|message| message["delivery"]["state"] == "dispatched") {
            return;
        }
        assert!(began.elapsed() < DEADLINE, "the message was not dispatched");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_keeps_its_copy_of_the_inbox_while_the_process_is_killed() {
    if !has_node() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let module = compiled(folder.path());
    let mut program = Program::serve(&folder.path().join("data")).await;
    let provider = FakeWhatsApp::start().await;
    let (ana, whatsapp) = {
        let account = program.account();
        (account.person("agent", "Ana"), account.whatsapp(&provider.base_url).await)
    };
    for customer in ["1", "2"] {
        whatsapp.customer_writes(customer, &format!("wamid.{customer}"), "Hello").await;
    }
    let mut copy = Copy::start(&module, &program.base, &ana);
    let (said, rows) = copy.until_equal(&ana, |rows| rows.as_array().unwrap().len() == 2).await;
    assert_eq!((&said["connects"], &rows[0]["unread_count"]), (&json!(1), &json!(1)));
    copy.ask("begin").await;

    program.kill().await;
    program.restart().await;
    let answered = format!("/v1/conversations/{}", rows[0]["id"].as_str().unwrap());
    ana.post(&format!("{answered}/assign"), json!({})).await;
    ana.post(&format!("{answered}/messages"), json!({ "content": "Hi" })).await;
    for number in 0..20 {
        let customer = (number % 5 + 1).to_string();
        whatsapp.customer_writes(&customer, &format!("wamid.again.{number}"), &number.to_string()).await;
    }
    let path = format!("/v1/conversations/{}", rows[1]["id"].as_str().unwrap());
    ana.post(&format!("{path}/seen"), json!({})).await;
    ana.patch(&path, json!({ "status": "resolved" })).await;
    until_dispatched(&ana, &answered).await;
    let is_expected = |fetched: &Value| {
        let fetched = fetched.as_array().unwrap();
        let of = |row: &Value| fetched.iter().find(|fetched| fetched["id"] == row["id"]).unwrap().clone();
        let (answered, resolved) = (of(&rows[0]), of(&rows[1]));
        let unread = [&answered, &resolved].map(|row| row["unread_count"].as_u64());
        fetched.len() == 5 && unread == [Some(4), Some(0)] && resolved["status"] == "resolved"
    };
    let (said, fetched) = copy.until_equal(&ana, is_expected).await;
    assert!(said["connects"].as_u64() > Some(1) && said["recovered"] == true, "{said}");
    let pushes = copy.ask(&fetched.to_string()).await;
    assert!(pushes["pushes"].as_u64() > Some(20), "{pushes}");
}
