//! PgBouncer in transaction mode: each transaction may use another connection of the server.

use crate::supervised::Supervised;
use crate::{SOON, free_port, installed};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// A pooler in front of a server.
pub struct Pgbouncer {
    program: Supervised,
    port: u16,
}

impl Pgbouncer {
    /// Starts a pooler for the server that a URL names, with at most `connections` connections to each database.
    pub async fn start(url: &str, connections: u32) -> Self {
        let folder = Supervised::folder("pgbouncer");
        let (server, port) = (Server::of(url), free_port());
        let file = |name: &str| folder.join(name).display().to_string();
        let settings = format!(
            "[databases]\n* = host={} port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nauth_type = scram-sha-256\nauth_file = {}\n\
             pool_mode = transaction\ndefault_pool_size = {connections}\nmax_client_conn = 1000\n",
            server.host,
            server.port,
            file("users")
        );
        std::fs::write(file("settings"), settings).expect("a settings file");
        let user = format!("\"{}\" \"{}\"\n", server.user, server.password);
        std::fs::write(file("users"), user).expect("a file of users");
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

    /// The URL of the same database through the pooler.
    pub fn through(&self, url: &str) -> String {
        let server = Server::of(url);
        url.replacen(&format!("@{}:{}/", server.host, server.port), &format!("@127.0.0.1:{}/", self.port), 1)
    }
}

/// The parts of `postgres://user:password@host:port/…`.
struct Server {
    user: String,
    password: String,
    host: String,
    port: String,
}

impl Server {
    fn of(url: &str) -> Self {
        let parts = || {
            let (who, rest) = url.split_once("://")?.1.split_once('@')?;
            let (user, password) = who.split_once(':')?;
            let (host, port) = rest.split_once('/').map_or(rest, |(place, _)| place).split_once(':')?;
            Some(Self {
                user: unescaped(user),
                password: unescaped(password),
                host: host.to_owned(),
                port: port.to_owned(),
            })
        };
        parts().unwrap_or_else(|| panic!("{url} is not postgres://user:password@host:port/database"))
    }
}

/// A part of a URL without its escapes.
fn unescaped(escaped: &str) -> String {
    let mut parts = escaped.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let code = part.get(..2).and_then(|code| u8::from_str_radix(code, 16).ok());
        bytes.push(code.unwrap_or_else(|| panic!("'{escaped}' is not part of a URL")));
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).expect("UTF-8")
}
