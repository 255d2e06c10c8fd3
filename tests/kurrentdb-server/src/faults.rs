//! The faults that the server can be given, and its configuration.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio_util::sync::CancellationToken;

/// The server's role in its cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Leader,
    FollowerOf { port: u16 },
}

/// When the connection of an append is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Before anything of it is written.
    Before,
    /// After all of it was written, without an answer.
    After,
}

struct State {
    mode: Mode,
    version: String,
    credentials: Option<String>,
    port: u16,
    cuts: Vec<(Cut, String)>,
    connections: CancellationToken,
    slow: Option<std::time::Duration>,
}

pub struct Faults {
    state: Mutex<State>,
    subscriptions: AtomicUsize,
    reads: AtomicUsize,
}

impl Faults {
    pub fn new(port: u16) -> Self {
        Self {
            state: Mutex::new(State {
                mode: Mode::Leader,
                version: "24.10.6".to_owned(),
                credentials: None,
                port,
                cuts: Vec::new(),
                connections: CancellationToken::new(),
                slow: None,
            }),
            subscriptions: AtomicUsize::new(0),
            reads: AtomicUsize::new(0),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn mode(&self) -> Mode {
        self.state().mode
    }
    pub fn set_mode(&self, mode: Mode) {
        self.state().mode = mode;
    }
    pub fn version(&self) -> String {
        self.state().version.clone()
    }
    pub fn set_version(&self, version: &str) {
        self.state().version = version.to_owned();
    }
    /// The value of the header `authorization` that a request must have; `None` when every request is accepted.
    pub fn credentials(&self) -> Option<String> {
        self.state().credentials.clone()
    }
    pub fn set_credentials(&self, header: &str) {
        self.state().credentials = Some(header.to_owned());
    }
    pub fn port(&self) -> u16 {
        self.state().port
    }
    /// Cuts all connections at the next append to a stream whose name begins with `stream`.
    pub fn cut_at_append(&self, cut: Cut, stream: &str) {
        self.state().cuts.push((cut, stream.to_owned()));
    }
    pub fn cuts_left(&self) -> usize {
        self.state().cuts.len()
    }
    /// Delays every read, and every answer of a subscription, by this time; `None` ends the delay.
    pub fn set_slow(&self, by: Option<std::time::Duration>) {
        self.state().slow = by;
    }
    /// How many subscriptions have begun.
    pub fn subscriptions(&self) -> usize {
        self.subscriptions.load(Ordering::SeqCst)
    }
    /// How many reads were requested, including subscriptions.
    pub fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }

    pub fn connections(&self) -> CancellationToken {
        self.state().connections.clone()
    }
    /// Cuts the connections that are open at present.
    pub fn cut(&self) {
        let mut state = self.state();
        state.connections.cancel();
        state.connections = CancellationToken::new();
    }

    pub(crate) fn subscribed(&self) {
        self.subscriptions.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) async fn before_reading(&self) {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.delay().await;
    }

    pub(crate) async fn delay(&self) {
        let slow = self.state().slow;
        if let Some(slow) = slow {
            tokio::time::sleep(slow).await;
        }
    }
    pub(crate) async fn before_writing(&self, stream: &str) {
        self.cut_if(Cut::Before, stream).await;
    }
    pub(crate) async fn after_writing(&self, stream: &str) {
        self.cut_if(Cut::After, stream).await;
    }

    async fn cut_if(&self, when: Cut, stream: &str) {
        let due = {
            let mut state = self.state();
            let found = state.cuts.iter().position(|(cut, name)| *cut == when && stream.starts_with(name));
            found.map(|index| state.cuts.remove(index)).is_some()
        };
        if due {
            self.cut();
            // The connection is cut, so the request gets no answer.
            std::future::pending::<()>().await;
        }
    }
}
