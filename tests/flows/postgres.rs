//! PostgreSQL fails while the program runs: clients get a clear 503 with `Retry-After`, the health check
//! names the unreachable engine, nothing acknowledged is lost, and all services resume by themselves.
//!
//! With `VERBATIM_LONG_FAULTS=1` the faults that last seconds last a minute.

use crate::desk::{Desk, times, until_sent};
use crate::fake_whatsapp::FakeWhatsApp;
use crate::faulty_disk::FaultyDisk;
use crate::kill::whole_log;
use crate::load::{Load, LoadAccount, Side, assert_log_complete, assert_sent_once, until_tables_caught_up};
use crate::program::{DEADLINE, Program, conversation_of, not_run, run_on};
use reqwest::StatusCode;
use std::time::{Duration, Instant};
use test_engines::Postgres;

/// The length of a timed fault.
fn fault_duration() -> Duration {
    let long = std::env::var_os("VERBATIM_LONG_FAULTS").is_some();
    Duration::from_secs(if long { 60 } else { 4 })
}

/// The four services as processes, and a simulated provider.
struct Services {
    folder: tempfile::TempDir,
    engines: Vec<(&'static str, String)>,
    commands: Program,
    queries: Program,
    projections: Program,
    managers: Program,
    provider: FakeWhatsApp,
}

impl Services {
    /// Starts the services with the log in the database `log` and all tables in the database `tables`.
    async fn start(log: &str, tables: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let engines =
            vec![("VERBATIM_EVENT_STORE", log.to_owned()), ("VERBATIM_READ_MODEL", tables.to_owned())];
        let begin = |part| Program::spawn_on(engines.clone(), part, &data, &[]);
        let services = Self {
            commands: begin("command-api"),
            queries: begin("query-api"),
            projections: begin("projections"),
            managers: begin("process-managers"),
            provider: FakeWhatsApp::start().await,
            engines,
            folder,
        };
        services.until_ready().await;
        services
    }

    async fn load_account(&self) -> LoadAccount {
        LoadAccount::set_up(0, &[&self.commands], &[&self.queries], &self.provider).await
    }

    async fn until_ready(&self) {
        for program in [&self.commands, &self.queries, &self.projections, &self.managers] {
            program.until_ready().await;
        }
    }

    /// Waits until the health check reports exactly the engines in `away` as unreachable.
    async fn until_health_reports(&self, program: &Program, away: &[&str]) {
        let began = Instant::now();
        loop {
            let (status, checks) = program.checks().await;
            let failed: Vec<_> =
                checks.as_object().unwrap().iter().filter(|(_, word)| *word != "ok").collect();
            if failed.iter().map(|(name, _)| name.as_str()).eq(away.iter().copied()) {
                let ready = if away.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
                assert_eq!(status, ready);
                return;
            }
            assert!(
                began.elapsed() < DEADLINE * 3,
                "health does not report {away:?} as unreachable: {checks:#}"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Ends the load and the services. Asserts that everything acknowledged is in the log once, and that the
    /// tables equal a rebuild.
    async fn finish(mut self, load: Load) {
        self.until_ready().await;
        let (accounts, report) = load.finish().await;
        assert_eq!(report.broken_connections, 0, "no process was killed, so every request gets a response");
        for program in [&mut self.commands, &mut self.managers] {
            assert_eq!(program.stop().await.code(), Some(0), "{}", program.log());
        }
        assert_sent_once(&self.provider);
        let log = assert_log_complete(&accounts[0], &report).await;
        until_tables_caught_up(&accounts[0].readers[0], &log).await;
        for program in [&mut self.queries, &mut self.projections] {
            assert_eq!(program.stop().await.code(), Some(0), "{}", program.log());
        }
        let (equal, output) = run_on(&self.engines, &self.folder.path().join("data"), &["verify"]).await;
        assert!(equal, "{output}");
    }
}

const BOTH_ENGINES: [&str; 2] = ["event-log", "read-models"];

#[tokio::test(flavor = "multi_thread")]
async fn every_service_reconnects_to_a_restarted_server() {
    let postgres = Postgres::start().await;
    let url = postgres.database().await;
    let services = Services::start(&url, &url).await;
    let load = Load::start(vec![services.load_account().await]);
    for stop in [Postgres::stop, Postgres::stop_at_once] {
        load.until_acknowledged(60).await;
        stop(&postgres);
        load.until_refused(Side::Commands).await;
        load.until_refused(Side::Queries).await;
        services.until_health_reports(&services.commands, &BOTH_ENGINES[..1]).await;
        services.until_health_reports(&services.queries, &BOTH_ENGINES).await;
        postgres.resume().await;
        load.until_acknowledged(60).await;
        // And a restart so short that few requests meet it.
        stop(&postgres);
        postgres.resume().await;
    }
    load.until_acknowledged(60).await;
    services.finish(load).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn services_reconnect_after_repeated_connection_losses() {
    let postgres = Postgres::start().await;
    let url = postgres.database().await;
    let services = Services::start(&url, &url).await;
    let load = Load::start(vec![services.load_account().await]);
    for _ in 0..30 {
        load.until_acknowledged(15).await;
        postgres.cut_connections().await;
    }
    load.until_acknowledged(60).await;
    services.finish(load).await;
}

/// The server stops responding for a while and then continues, as with a hung disk or machine.
#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_server_is_reported_and_services_resume_after_it() {
    let postgres = Postgres::start().await;
    let url = postgres.database().await;
    let services = Services::start(&url, &url).await;
    let load = Load::start(vec![services.load_account().await]);
    load.until_acknowledged(60).await;
    let (frozen, began) = (postgres.freeze(), Instant::now());
    services.until_health_reports(&services.commands, &BOTH_ENGINES[..1]).await;
    services.until_health_reports(&services.queries, &BOTH_ENGINES).await;
    load.until_refused(Side::Commands).await;
    load.until_refused(Side::Queries).await;
    tokio::time::sleep_until((began + fault_duration()).into()).await;
    drop(frozen);
    load.until_acknowledged(60).await;
    services.finish(load).await;
}

/// `commit_delay` makes the server wait a tenth of a second before each flush of its log, like a server with
/// a slow disk. It delays every commit that waits for a flush, and every operation that waits for that flush.
/// The requests are slow, and none is refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_with_slow_flushes_delays_requests_and_fails_none() {
    let postgres = Postgres::start().await;
    let url = postgres.database().await;
    let services = Services::start(&url, &url).await;
    let load = Load::start(vec![services.load_account().await]);
    load.until_acknowledged(60).await;
    let alter_system = async |setting: &str| {
        Postgres::sql(&url, &format!("alter system {setting}")).await;
        Postgres::sql(&url, "select pg_reload_conf()").await;
    };
    alter_system("set commit_siblings = 0").await;
    alter_system("set commit_delay = 100000").await;
    let (began, before) = (Instant::now(), load.acknowledged());
    load.until_acknowledged(20).await;
    tokio::time::sleep_until((began + fault_duration()).into()).await;
    eprintln!("{} acknowledged in {:?}", load.acknowledged() - before, began.elapsed());
    alter_system("reset commit_delay").await;
    load.until_acknowledged(60).await;
    for side in [Side::Commands, Side::Queries] {
        assert_eq!(load.refused(side), 0, "{side:?}");
    }
    services.finish(load).await;
}

/// A disk that is also slow to read delays every statement, at any point of it: the server is frozen for four
/// fifths of the time.
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_stalls_repeatedly_delays_requests_and_fails_none() {
    let postgres = Postgres::start().await;
    let url = postgres.database().await;
    let services = Services::start(&url, &url).await;
    let load = Load::start(vec![services.load_account().await]);
    load.until_acknowledged(60).await;
    let (began, before) = (Instant::now(), load.acknowledged());
    while began.elapsed() < fault_duration() || load.acknowledged() < before + 20 {
        assert!(began.elapsed() < fault_duration() + DEADLINE, "no request was acknowledged");
        let stalled = postgres.freeze();
        tokio::time::sleep(Duration::from_millis(200)).await;
        drop(stalled);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    eprintln!("{} acknowledged in {:?}", load.acknowledged() - before, began.elapsed());
    load.until_acknowledged(60).await;
    for side in [Side::Commands, Side::Queries] {
        assert_eq!(load.refused(side), 0, "{side:?}");
    }
    services.finish(load).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_need_one_of_two_servers_continue_without_the_other() {
    let (log, tables) = (Postgres::start().await, Postgres::start().await);
    let services = Services::start(&log.database().await, &tables.database().await).await;
    let load = Load::start(vec![services.load_account().await]);
    load.until_acknowledged(60).await;
    tables.stop();
    load.until_refused(Side::Queries).await;
    load.until_acknowledged(60).await;
    services.until_health_reports(&services.commands, &[]).await;
    services.until_health_reports(&services.queries, &["read-models"]).await;
    assert_eq!(load.refused(Side::Commands), 0);
    tables.resume().await;
    load.until_acknowledged(60).await;
    log.stop();
    load.until_refused(Side::Commands).await;
    services.until_health_reports(&services.commands, &["event-log"]).await;
    services.until_health_reports(&services.queries, &["event-log"]).await;
    log.resume().await;
    load.until_acknowledged(60).await;
    services.finish(load).await;
}

/// The tables' commits do not wait for the disk, because rows lost in a crash are projected again. That
/// happens at once, and not only with the next event.
#[tokio::test(flavor = "multi_thread")]
async fn rows_lost_in_a_crash_are_projected_again_without_new_events() {
    let (log, tables) = (Postgres::start().await, Postgres::start().await);
    let services = Services::start(&log.database().await, &tables.database().await).await;
    let account = services.load_account().await;
    for round in 0..4 {
        let phone = format!("{round}");
        account.whatsapp[0].customer_writes(&phone, &format!("wamid.{round}"), "Hello").await;
        conversation_of(&account.readers[0], &phone).await;
        tables.kill();
        tables.resume().await;
        until_tables_caught_up(&account.readers[0], &whole_log(&account.admin).await).await;
    }
    let load = Load::start(vec![account]);
    load.until_acknowledged(10).await;
    services.finish(load).await;
}

/// One program meets one fault of its server after the other, each long enough for every follower and process manager
/// to meet it, and for a deadline to pass.
#[tokio::test(flavor = "multi_thread")]
async fn everything_recovers_after_any_fault_of_the_server() {
    let Some(faulty) = FaultyDisk::new() else {
        return not_run("PostgreSQL's disk faults: there is no C compiler");
    };
    let postgres = Postgres::start_with(|data| faulty.variables(data)).await;
    let (log, tables) = (postgres.database().await, postgres.database().await);
    let engines = vec![("VERBATIM_EVENT_STORE", log), ("VERBATIM_READ_MODEL", tables)];
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let provider = FakeWhatsApp::start().await;
    let options = ["--delivery-backoff-ms", "100"];
    let mut program = Program::spawn_on(engines.clone(), "serve", &data, &options);
    program.until_ready().await;
    let desk = Desk::open(&program, &provider, &provider).await;
    let load = Load::start(vec![LoadAccount::set_up(0, &[&program], &[&program], &provider).await]);
    let faults = ["stopped", "killed", "frozen", "cut", "ENOSPC", "EIO", "EROFS"];
    for (number, fault) in faults.into_iter().enumerate() {
        load.until_acknowledged(30).await;
        let early = format!("7{number}");
        desk.whatsapp.customer_writes(&early, &format!("wamid.early.{number}"), "Hello").await;
        let frozen = (fault == "frozen").then(|| postgres.freeze());
        match fault {
            "stopped" => postgres.stop(),
            "killed" => postgres.kill(),
            "frozen" => {}
            "cut" => postgres.cut_connections().await,
            disk => faulty.fails(disk),
        }
        tokio::time::sleep(fault_duration()).await;
        drop(frozen);
        match fault {
            "stopped" | "killed" => postgres.resume().await,
            "frozen" | "cut" => {}
            _ => {
                faulty.works();
                postgres.resume_if_ended().await;
            }
        }
        let ended = Instant::now();
        load.until_acknowledged(30).await;
        program.until_ready().await;
        eprintln!("{fault}: ready again after {:?}", ended.elapsed());
        until_sent(&provider, &early, "Sorry.").await;
        desk.assert_works(&provider, &format!("8{number}")).await;
        eprintln!("{fault}: everything works after {:?}", ended.elapsed());
    }
    let (accounts, report) = load.finish().await;
    let log = assert_log_complete(&accounts[0], &report).await;
    until_tables_caught_up(&accounts[0].readers[0], &log).await;
    assert_sent_once(&provider);
    for number in 0..faults.len() {
        assert_eq!(times(&provider, &format!("7{number}"), "Sorry."), 1);
    }
    assert_eq!(program.stop().await.code(), Some(0), "{}", program.log());
    let (equal, output) = run_on(&engines, &data, &["verify"]).await;
    assert!(equal, "{output}");
}
