//! The pages' tests: scripts in `ui/tests` that work in Chromium, and say what they want to happen outside of it.

#![allow(clippy::unwrap_used)]

use crate::program::{DEADLINE, not_run};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};

pub const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/ui");

/// The oldest Node that the pages' packages take (`engines` in ui/package.json).
const OLDEST_NODE: (u32, u32) = (20, 19);

fn chromium() -> PathBuf {
    std::env::var_os("CHROMIUM").map_or_else(|| PathBuf::from("/usr/bin/chromium"), PathBuf::from)
}

fn node_version() -> Option<(u32, u32)> {
    let output = Command::new("node").arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let mut numbers = text.trim().strip_prefix('v')?.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// Whether the pages' packages are installed, which `scripts/test` does, and Node can run them. Records the test as not
/// run otherwise.
pub fn has_packages(what: &str) -> bool {
    if !Path::new(FOLDER).join("node_modules/vite").exists() {
        not_run(&format!("{what}: `npm ci --prefix ui` has not run"));
        return false;
    }
    let is_new_enough = node_version().is_some_and(|version| version >= OLDEST_NODE);
    if !is_new_enough {
        not_run(&format!("{what}: Node {}.{} or newer is not installed", OLDEST_NODE.0, OLDEST_NODE.1));
    }
    is_new_enough
}

/// Whether Chromium and the pages' packages are installed. Records the test as not run otherwise.
pub fn has_browser(what: &str) -> bool {
    if !has_packages(what) {
        return false;
    }
    let exists = chromium().exists();
    if !exists {
        not_run(&format!("{what}: Chromium is not installed"));
    }
    exists
}

/// A running script of `ui/tests`.
pub struct Browser {
    script: Child,
    input: ChildStdin,
    wishes: Lines<BufReader<ChildStdout>>,
    granted: Vec<String>,
}

impl Browser {
    /// Starts the script with these arguments. A folder for its screenshots is the last one, if the environment names it.
    pub fn start(script: &str, arguments: &[&str]) -> Self {
        let mut script = tokio::process::Command::new("node")
            .arg(format!("tests/{script}"))
            .args(arguments)
            .args(std::env::var_os("VERBATIM_TEST_SCREENSHOTS"))
            .current_dir(FOLDER)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let input = script.stdin.take().unwrap();
        let wishes = BufReader::new(script.stdout.take().unwrap()).lines();
        Self { script, input, wishes, granted: Vec::new() }
    }

    /// The next thing that the script wants to happen, or `None` when it has ended.
    pub async fn wish(&mut self) -> Option<String> {
        let wish = tokio::time::timeout(DEADLINE * 6, self.wishes.next_line()).await.unwrap().unwrap();
        self.granted.extend(wish.clone());
        wish
    }

    /// Lets the script go on.
    pub async fn granted(&mut self) {
        self.answer("").await;
    }

    /// Lets the script go on with this text.
    pub async fn answer(&mut self, text: &str) {
        self.input.write_all(format!("{text}\n").as_bytes()).await.ok();
    }

    /// Fails the test unless the script ended well, with `done` as its last word.
    pub async fn assert_done(mut self) {
        let succeeded = self.script.wait().await.unwrap().success();
        assert!(succeeded, "the pages' test failed after {:?}", self.granted);
        assert_eq!(self.granted.last().map(String::as_str), Some("done"));
    }
}
