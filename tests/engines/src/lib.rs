//! Real servers for tests: each listens on loopback, on a free port, has a folder of its own, and ends with its
//! test.
//!
//! A failure here fails the test, so it is a panic.

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

/// How long a test waits for something that usually happens soon, on a busy machine.
pub const SOON: Duration = Duration::from_secs(60);

/// A port on which no program listens at present.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// The path of an installed program, found on `PATH` or in one of the folders; `None` when it is not installed.
pub fn installed(program: &str, folders: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(folders.iter().map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}
