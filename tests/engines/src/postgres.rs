//! A PostgreSQL server.

use crate::supervised::{Supervised, signal};
use crate::{SOON, free_port, installed};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;
use tokio::sync::OnceCell;

/// The environment variable that names a running server by the URL of its superuser.
const SHARED: &str = "VERBATIM_TEST_POSTGRES";

const USER: &str = "postgres";
const PASSWORD: &str = "a password that only tests know";
const PASSWORD_IN_A_URL: &str = "a%20password%20that%20only%20tests%20know";

/// A PostgreSQL server, durable as in production. Every connection needs the password.
pub struct Postgres {
    /// The superuser's URL without a database's name at its end.
    base: String,
    /// `None` when the server was started by another program, which also stops it.
    server: Option<Server>,
}

struct Server {
    program: Supervised,
    port: u16,
}

impl Postgres {
    /// Starts a server that the test may stop, kill and start again.
    pub async fn start() -> Self {
        Self::start_with(|_| Vec::new()).await
    }

    /// Starts such a server with the environment variables that `variables` gives for its data folder.
    pub async fn start_with(variables: impl Fn(&Path) -> Vec<(&'static str, String)>) -> Self {
        let folder = Supervised::folder("postgres");
        initialise(&folder);
        let port = free_port();
        let variables = variables(&folder.join("data"));
        let variables = variables.into_iter().map(|(name, value)| format!("{name}={value}"));
        let command = [
            binary("postgres").display().to_string(),
            "-D".to_owned(),
            folder.join("data").display().to_string(),
        ];
        let settings = [
            format!("port={port}"),
            "listen_addresses=127.0.0.1".to_owned(),
            format!("unix_socket_directories={}", folder.display()),
            "max_connections=300".to_owned(),
            "shared_buffers=128MB".to_owned(),
            "max_wal_size=2GB".to_owned(),
            "fsync=on".to_owned(),
            "synchronous_commit=on".to_owned(),
        ];
        let settings = settings.into_iter().flat_map(|setting| ["-c".to_owned(), setting]);
        let program = ["env".to_owned()].into_iter().chain(variables).chain(command).chain(settings);
        let program = Supervised::start(folder, "QUIT", program.collect());
        let base = format!("postgres://{USER}:{PASSWORD_IN_A_URL}@127.0.0.1:{port}");
        let postgres = Self { base, server: Some(Server { program, port }) };
        postgres.wait_until_ready().await;
        postgres
    }

    /// A server for tests that only need a database: the one that `VERBATIM_TEST_POSTGRES` names, else one server
    /// for all tests of this process.
    pub async fn shared() -> &'static Self {
        static SERVER: OnceCell<Postgres> = OnceCell::const_new();
        SERVER
            .get_or_init(|| async {
                let Ok(url) = std::env::var(SHARED) else { return Self::start().await };
                let url = url.trim_end_matches('/');
                let after_scheme = url.find("://").map_or(0, |at| at + 3);
                let base = url[after_scheme..].find('/').map_or(url, |at| &url[..after_scheme + at]);
                Self { base: base.to_owned(), server: None }
            })
            .await
    }

    /// Creates an empty database and returns its URL.
    pub async fn database(&self) -> String {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let mut connection = self.connect().await.expect("a connection");
        let name = format!("test_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        for sql in [format!("drop database if exists {name}"), format!("create database {name}")] {
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.expect("a new database");
        }
        connection.close().await.expect("a clean end");
        self.url(&name)
    }

    /// Drops the database of this URL and creates it again, empty.
    pub async fn recreate(&self, url: &str) {
        let name = url.rsplit('/').next().expect("a database's name");
        let mut connection = self.connect().await.expect("a connection");
        for sql in [format!("drop database {name} with (force)"), format!("create database {name}")] {
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.expect("an empty database");
        }
        connection.close().await.expect("a clean end");
    }

    /// The path of one of PostgreSQL's programs.
    pub fn program(name: &str) -> PathBuf {
        binary(name)
    }

    /// The superuser's URL of a database.
    pub fn url(&self, database: &str) -> String {
        format!("{}/{database}", self.base)
    }

    pub fn port(&self) -> u16 {
        self.server().port
    }

    /// The server's output.
    pub fn log(&self) -> String {
        self.server().program.log()
    }

    /// Stops the server in its fast mode: connections are cut, and a checkpoint is written.
    pub fn stop(&self) {
        self.server().program.signal("INT");
        self.wait_until_ended();
    }

    /// Stops the server in its immediate mode: no checkpoint is written, and the next start recovers from the
    /// write-ahead log.
    pub fn stop_at_once(&self) {
        self.server().program.signal("QUIT");
        self.wait_until_ended();
    }

    /// Kills all of the server's processes.
    pub fn kill(&self) {
        let program = &self.server().program;
        if let Some(id) = program.id() {
            // The parent first, so that it cannot react to the end of its children.
            signal("KILL", &[id]);
            signal("KILL", &children(program.path(), id));
        }
        self.wait_until_ended();
    }

    /// Starts the server again, on the same port, with its files.
    pub async fn resume(&self) {
        self.server().program.resume();
        self.wait_until_ready().await;
    }

    /// Starts the server again when it has ended by itself, as after a full disk.
    pub async fn resume_if_ended(&self) {
        let program = &self.server().program;
        let began = Instant::now();
        while self.connect().await.is_err() {
            if !program.id().is_some_and(is_running) {
                program.stop();
                program.resume();
            }
            assert!(began.elapsed() < SOON, "the server does not start; its log:\n{}", self.log());
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }

    pub async fn restart(&self) {
        self.stop();
        self.resume().await;
    }

    /// Cuts every connection except its own.
    pub async fn cut_connections(&self) {
        let mut connection = self.connect().await.expect("a connection");
        sqlx::query(
            "select pg_terminate_backend(pid) from pg_stat_activity \
             where backend_type = 'client backend' and pid <> pg_backend_pid()",
        )
        .execute(&mut connection)
        .await
        .expect("connections cut");
        connection.close().await.expect("a clean end");
    }

    /// Runs SQL as the superuser, in a database of this server.
    pub async fn sql(url: &str, sql: &str) {
        let options: PgConnectOptions = url.parse().expect("a URL");
        let mut connection = options.disable_statement_logging().connect().await.expect("a connection");
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.expect("SQL");
        connection.close().await.expect("a clean end");
    }

    /// Suspends every process of the server, as a disk does that does not answer. They continue when the returned
    /// value is dropped.
    pub fn freeze(&self) -> Frozen {
        let program = &self.server().program;
        let id = program.id().expect("a running server");
        // First the one that starts the others, so that none begins after they were listed.
        signal("STOP", &[id]);
        let mut ids = children(program.path(), id);
        signal("STOP", &ids);
        ids.push(id);
        Frozen(ids)
    }

    fn server(&self) -> &Server {
        self.server.as_ref().expect("a server that this test has started")
    }

    /// Waits until the processes have ended.
    fn wait_until_ended(&self) {
        let program = &self.server().program;
        let began = Instant::now();
        let mut ids: Vec<u32> = program.id().into_iter().collect();
        ids.extend(ids.first().map(|id| children(program.path(), *id)).unwrap_or_default());
        while ids.iter().any(|id| is_running(*id)) {
            assert!(began.elapsed() < SOON, "the server does not end; its log:\n{}", program.log());
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        program.stop();
    }

    async fn wait_until_ready(&self) {
        let began = Instant::now();
        while let Err(error) = self.connect().await {
            assert!(began.elapsed() < SOON, "the server is not ready: {error}; its log:\n{}", self.log());
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        let options: PgConnectOptions = self.url("postgres").parse()?;
        options.disable_statement_logging().connect().await
    }
}

/// Suspended processes, which continue when this is dropped.
pub struct Frozen(Vec<u32>);

impl Drop for Frozen {
    fn drop(&mut self) {
        signal("CONT", &self.0);
    }
}

fn initialise(folder: &Path) {
    let password = folder.join("password");
    std::fs::write(&password, PASSWORD).expect("a password file");
    let mut initdb = Supervised::command(folder, binary("initdb"));
    initdb.args(["--auth=scram-sha-256", "--no-sync", "--encoding=UTF8", "--locale=C", "-U", USER]);
    let output = initdb
        .arg("--pwfile")
        .arg(&password)
        .arg("-D")
        .arg(folder.join("data"))
        .stdin(Stdio::null())
        .output()
        .expect("initdb runs");
    assert!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
}

fn binary(program: &str) -> PathBuf {
    let versions: Vec<String> =
        (15..30).rev().map(|version| format!("/usr/lib/postgresql/{version}/bin")).collect();
    let folders: Vec<&str> = versions.iter().map(String::as_str).collect();
    installed(program, &folders)
        .unwrap_or_else(|| panic!("{program} of PostgreSQL 15 or newer is not installed"))
}

/// The server's other processes, found by their working folder: each leads a session of its own, and they may
/// outlive the parent that started them.
fn children(folder: &Path, parent: u32) -> Vec<u32> {
    let data = folder.join("data");
    let mut ids = Vec::new();
    for entry in std::fs::read_dir("/proc").expect("processes").flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let ours = std::fs::read_link(entry.path().join("cwd")).is_ok_and(|place| place == data);
        if ours && id != parent {
            ids.push(id);
        }
    }
    ids
}

/// Whether the process exists and is not a zombie.
fn is_running(id: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().next()).is_some_and(|state| state != "Z")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Pgbouncer;
    use sqlx::Row;

    async fn one(url: &str) -> Result<i32, sqlx::Error> {
        let mut connection = url.parse::<PgConnectOptions>()?.extra_float_digits(None).connect().await?;
        sqlx::query("select one from here").persistent(false).fetch_one(&mut connection).await?.try_get(0)
    }

    #[tokio::test]
    async fn a_server_keeps_committed_rows_through_a_stop_and_a_kill() {
        let postgres = Postgres::start().await;
        let url = postgres.database().await;
        let mut connection = url.parse::<PgConnectOptions>().unwrap().connect().await.unwrap();
        sqlx::raw_sql("create table here as select 1 as one").execute(&mut connection).await.unwrap();
        let pgbouncer = Pgbouncer::start(&url, 2).await;
        assert_eq!(one(&pgbouncer.through(&url)).await.unwrap(), 1);
        postgres.restart().await;
        assert_eq!(one(&url).await.unwrap(), 1);
        postgres.kill();
        assert!(one(&url).await.is_err());
        postgres.resume().await;
        assert_eq!(one(&url).await.unwrap(), 1);
        assert!(one(&url.replace("tests", "strangers")).await.is_err());
        assert!(one(&postgres.database().await).await.is_err());
        let folder = postgres.server().program.path().to_owned();
        drop(postgres);
        assert!(!folder.exists());
    }
}
