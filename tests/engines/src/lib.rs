//! Real engines for tests: each on loopback, on a free port, with a folder of its own, and gone when its
//! test is.
//!
//! A failure here is a test's failure, and so a panic.

mod nats;
mod pgbouncer;
mod postgres;
mod supervised;

pub use nats::{FrozenNats, Nats};
pub use pgbouncer::Pgbouncer;
pub use postgres::Postgres;
pub use supervised::Supervised;

use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Duration;

/// How long anything that should happen soon may take on a busy machine.
pub const SOON: Duration = Duration::from_secs(60);

/// A port that nobody listens on just now.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// Where a program is, if it is installed: on the path, or in one of these folders.
pub fn installed(program: &str, folders: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(folders.iter().map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}
