//! PgBouncer in transaction mode: each transaction may meet another connection of the server.

use crate::postgres::{PASSWORD, USER};
use crate::supervised::Supervised;
use crate::{Postgres, SOON, free_port, installed};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// A pooler in front of a server.
pub struct Pgbouncer {
    program: Supervised,
    port: u16,
}

impl Pgbouncer {
    /// Starts a pooler that has so many connections to each database.
    pub async fn start(postgres: &Postgres, connections: u32) -> Self {
        let folder = Supervised::folder("pgbouncer");
        let (port, server) = (free_port(), postgres.port());
        let file = |name: &str| folder.join(name).display().to_string();
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={server}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nauth_type = scram-sha-256\nauth_file = {}\n\
             pool_mode = transaction\ndefault_pool_size = {connections}\nmax_client_conn = 1000\n",
            file("users")
        );
        std::fs::write(file("settings"), settings).expect("a settings file");
        std::fs::write(file("users"), format!("\"{USER}\" \"{PASSWORD}\"\n")).expect("a file of users");
        let binary = installed("pgbouncer", &["/usr/sbin"]).expect("pgbouncer is not installed");
        let command = vec![binary.display().to_string(), file("settings")];
        let pgbouncer = Self { program: Supervised::start(folder, "INT", command), port };
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(began.elapsed() < SOON, "the pooler is not ready; its log:\n{}", pgbouncer.program.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        pgbouncer
    }

    /// The same database through the pooler.
    pub fn through(&self, postgres: &Postgres, url: &str) -> String {
        url.replace(&format!(":{}/", postgres.port()), &format!(":{}/", self.port))
    }
}
