//! The stock Socket.IO client in a process of its own, which a test drives (`tests/realtime/client.js`).

use crate::program::{DEADLINE, Person, not_run};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Instant;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::Notify;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/realtime");

/// The description of the events, which each event that a client gets must match.
static DESCRIPTION: LazyLock<PathBuf> = LazyLock::new(|| {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("asyncapi-{}.json", std::process::id()));
    let contracts = [contracts::conversation_service::NAMESPACE];
    let description = realtime::asyncapi::description("0", "http://127.0.0.1", &contracts);
    std::fs::write(&file, description.to_string()).expect("a file");
    file
});

/// The programs in JavaScript, and the packages that they need.
pub fn script(name: &str) -> PathBuf {
    Path::new(FOLDER).join(name)
}

/// Whether Node and the client's packages are installed, which `scripts/test` does. Records the test as not run
/// otherwise.
pub fn has_node() -> bool {
    let has = |package: &str| Path::new(FOLDER).join("node_modules").join(package).exists();
    let installed = has("socket.io-client");
    assert!(!installed || has("ajv"), "a package is missing: run `npm ci --prefix tests/realtime`");
    if !installed {
        not_run("pushes to the stock Socket.IO client: `npm ci --prefix tests/realtime` has not run");
    }
    installed
}

/// A client. Its process ends when this is dropped.
pub struct SocketClient {
    _process: Child,
    input: ChildStdin,
    lines: Arc<Lines>,
    asked: u64,
}

#[derive(Default)]
struct Lines {
    all: Mutex<Vec<Value>>,
    more: Notify,
}

impl SocketClient {
    /// A client of `/agents` with this person's token.
    pub fn of(person: &Person, base: &str, transports: &[&str]) -> Self {
        Self::start(&json!({
            "url": format!("{base}/agents"),
            "auth": { "token": person.token },
            "transports": transports,
        }))
    }

    pub fn start(options: &Value) -> Self {
        let mut options = options.clone();
        options["description"] = json!(*DESCRIPTION);
        let mut process = Command::new("node")
            .arg(script("client.js"))
            .arg(options.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("node starts");
        let input = process.stdin.take().expect("an input");
        let output = BufReader::new(process.stdout.take().expect("an output"));
        let lines = Arc::<Lines>::default();
        let read = lines.clone();
        tokio::spawn(async move {
            let mut output = output.lines();
            while let Ok(Some(line)) = output.next_line().await {
                let line = serde_json::from_str(&line).expect("a line of JSON");
                read.all.lock().unwrap().push(line);
                read.more.notify_waiters();
            }
        });
        Self { _process: process, input, lines, asked: 0 }
    }

    fn assert_described(&self) {
        let all = self.lines.all.lock().unwrap_or_else(PoisonError::into_inner);
        let wrong: Vec<&Value> = all.iter().filter(|line| line["is"] == "undescribed").take(5).collect();
        assert!(wrong.is_empty(), "not as described: {wrong:#?}");
    }

    /// All that happened until now.
    pub fn lines(&self) -> Vec<Value> {
        self.lines.all.lock().unwrap().clone()
    }

    /// How much happened until now.
    pub fn count(&self) -> usize {
        self.lines.all.lock().unwrap().len()
    }

    /// The arguments of all events with this name.
    pub fn events(&self, name: &str) -> Vec<Value> {
        let of_name =
            |line: &Value| (line["is"] == "event" && line["name"] == name).then(|| line["args"].clone());
        self.lines.all.lock().unwrap().iter().filter_map(of_name).collect()
    }

    /// The names of all events that came.
    pub fn names(&self) -> Vec<String> {
        let name = |line: &Value| line["name"].as_str().map(str::to_owned);
        self.lines.all.lock().unwrap().iter().filter_map(name).collect()
    }

    /// Waits until something that `is_expected` accepts has happened, and returns it.
    pub async fn until(&self, what: &str, is_expected: impl Fn(&Value) -> bool) -> Value {
        self.until_after(0, what, is_expected).await
    }

    /// Waits for it after the first lines.
    pub async fn until_after(&self, lines: usize, what: &str, is_expected: impl Fn(&Value) -> bool) -> Value {
        self.until_nth(lines, 1, what, is_expected).await
    }

    /// Waits until it has happened so many times.
    pub async fn until_count(&self, what: &str, times: usize, is_expected: impl Fn(&Value) -> bool) -> Value {
        self.until_nth(0, times, what, is_expected).await
    }

    /// Waits until it has happened so many times after the first lines.
    pub async fn until_nth(
        &self,
        lines: usize,
        times: usize,
        what: &str,
        is_expected: impl Fn(&Value) -> bool,
    ) -> Value {
        let began = Instant::now();
        let (mut read, mut found) = (lines, 0);
        loop {
            let more = self.lines.more.notified();
            for line in &self.lines.all.lock().unwrap()[read..] {
                read += 1;
                found += usize::from(is_expected(line));
                if found == times {
                    return line.clone();
                }
            }
            self.assert_described();
            let left = (DEADLINE * 2).saturating_sub(began.elapsed());
            let all = self.lines();
            assert!(!left.is_zero(), "{what}: never, only {:#?}", &all[all.len().saturating_sub(50)..]);
            // A line can come between the look and the wait.
            let _time = tokio::time::timeout(left.min(std::time::Duration::from_millis(50)), more).await;
        }
    }

    /// Waits for an event with this name, and returns its object.
    pub async fn until_event(&self, name: &str, is_expected: impl Fn(&Value) -> bool) -> Value {
        let matches =
            |line: &Value| line["is"] == "event" && line["name"] == name && is_expected(&line["args"][0]);
        self.until(name, matches).await["args"][0].clone()
    }

    /// Waits until the client has connected this many times, and returns the last time.
    pub async fn until_connected(&self, times: usize) -> Value {
        self.until_count("a connect", times, |line| line["is"] == "connect").await
    }

    /// Makes the client do something.
    pub async fn act(&mut self, action: Value) {
        self.input.write_all(format!("{action}\n").as_bytes()).await.expect("the client lives");
    }

    /// Sends an event, and returns what the server answers.
    pub async fn ask(&mut self, name: &str, argument: Value) -> Value {
        self.asked += 1;
        let number = self.asked;
        self.act(json!({ "do": "emit", "event": [name, argument], "number": number })).await;
        let answer = self.until(name, |line| line["is"] == "ack" && line["number"] == number).await;
        answer["answer"].clone()
    }
}

impl Drop for SocketClient {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.assert_described();
        }
    }
}
