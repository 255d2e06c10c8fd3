//! PostgreSQL failing under the running program: whoever asks hears in clear words that it cannot be just
//! now and when to come again, health says which engine is away, nothing acknowledged is lost, and all of it
//! goes on by itself.
//!
//! `VERBATIM_LONG_FAULTS=1` lets what lasts seconds last a minute.

use crate::fake_whatsapp::FakeWhatsApp;
use crate::kill::whole_log;
use crate::load::{Desk, Load, Side, log_holds, nobody_was_told_twice, tables_hold};
use crate::program::{Program, SOON, conversation_of, run_on};
use reqwest::StatusCode;
use std::time::{Duration, Instant};
use test_engines::Postgres;

/// How long a fault lasts that has a length.
fn a_while() -> Duration {
    let long = std::env::var_os("VERBATIM_LONG_FAULTS").is_some();
    Duration::from_secs(if long { 60 } else { 4 })
}

/// The four services.
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
    /// With the log in one database and all tables in another, or in the same.
    async fn start(log: &str, tables: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let engines =
            vec![("VERBATIM_EVENT_STORE", log.to_owned()), ("VERBATIM_READ_MODEL", tables.to_owned())];
        let begin = |part| Program::begin_on(engines.clone(), part, &data, &[]);
        let services = Self {
            commands: begin("command-api"),
            queries: begin("query-api"),
            projections: begin("projections"),
            managers: begin("process-managers"),
            provider: FakeWhatsApp::start().await,
            engines,
            folder,
        };
        services.are_well().await;
        services
    }

    async fn desk(&self) -> Desk {
        Desk::open(0, &[&self.commands], &[&self.queries], &self.provider).await
    }

    async fn are_well(&self) {
        for program in [&self.commands, &self.queries, &self.projections, &self.managers] {
            program.ready().await;
        }
    }

    /// Whoever is on duty sees which engines are away, and that the others are not.
    async fn health_says(&self, program: &Program, away: &[&str]) {
        let began = Instant::now();
        loop {
            let (status, checks) = program.checks().await;
            let troubled: Vec<_> =
                checks.as_object().unwrap().iter().filter(|(_, word)| *word != "ok").collect();
            if troubled.iter().map(|(name, _)| name.as_str()).eq(away.iter().copied()) {
                let ready = if away.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
                assert_eq!(status, ready);
                return;
            }
            assert!(began.elapsed() < SOON * 3, "{away:?} should be away, and this is said: {checks:#}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Everything acknowledged is there, once, and the tables say the same.
    async fn end(mut self, load: Load) {
        self.are_well().await;
        let (desks, told) = load.end().await;
        assert_eq!(told.broken_off, 0, "no process was killed, and every request has an answer");
        for program in [&mut self.commands, &mut self.managers] {
            assert_eq!(program.stop().await.code(), Some(0), "{}", program.log());
        }
        nobody_was_told_twice(&self.provider);
        let log = log_holds(&desks[0], &told).await;
        tables_hold(&desks[0].readers[0], &log).await;
        for program in [&mut self.queries, &mut self.projections] {
            assert_eq!(program.stop().await.code(), Some(0), "{}", program.log());
        }
        let (equal, said) = run_on(&self.engines, &self.folder.path().join("data"), &["verify"]).await;
        assert!(equal, "{said}");
    }
}

const BOTH: [&str; 2] = ["event-log", "read-models"];

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_restarted_is_found_again_by_every_service() {
    let postgres = Postgres::start().await;
    let url = postgres.database().await;
    let services = Services::start(&url, &url).await;
    let load = Load::start(vec![services.desk().await]);
    for stop in [Postgres::stop, Postgres::stop_at_once] {
        load.goes_on(60).await;
        stop(&postgres);
        load.is_refused(Side::Commands).await;
        load.is_refused(Side::Queries).await;
        services.health_says(&services.commands, &BOTH[..1]).await;
        services.health_says(&services.queries, &BOTH).await;
        postgres.resume().await;
        load.goes_on(60).await;
        // And so quickly that hardly anybody notices.
        stop(&postgres);
        postgres.resume().await;
    }
    load.goes_on(60).await;
    services.end(load).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_cut_again_and_again_are_opened_again() {
    let postgres = Postgres::start().await;
    let url = postgres.database().await;
    let services = Services::start(&url, &url).await;
    let load = Load::start(vec![services.desk().await]);
    for _ in 0..30 {
        load.goes_on(15).await;
        postgres.cut_connections().await;
    }
    load.goes_on(60).await;
    services.end(load).await;
}

/// As a disk or a machine does that answers nothing for a while, and then goes on as if nothing had been.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stands_still_is_told_of_and_waited_for() {
    let postgres = Postgres::start().await;
    let url = postgres.database().await;
    let services = Services::start(&url, &url).await;
    let load = Load::start(vec![services.desk().await]);
    load.goes_on(60).await;
    let (frozen, began) = (postgres.freeze(), Instant::now());
    services.health_says(&services.commands, &BOTH[..1]).await;
    services.health_says(&services.queries, &BOTH).await;
    load.is_refused(Side::Commands).await;
    load.is_refused(Side::Queries).await;
    tokio::time::sleep_until((began + a_while()).into()).await;
    drop(frozen);
    load.goes_on(60).await;
    services.end(load).await;
}

/// `commit_delay` lets the server wait a tenth of a second before each flush of its log, as one does whose
/// disk takes so long: every commit that waits for the disk, and every other that needs the disk's turn.
/// That is slow, and no reason to refuse anything.
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_takes_a_tenth_of_a_second_for_each_flush_is_slow_and_no_more() {
    let postgres = Postgres::start().await;
    let url = postgres.database().await;
    let services = Services::start(&url, &url).await;
    let load = Load::start(vec![services.desk().await]);
    load.goes_on(60).await;
    let settle = async |setting: &str| {
        Postgres::sql(&url, &format!("alter system {setting}")).await;
        Postgres::sql(&url, "select pg_reload_conf()").await;
    };
    settle("set commit_siblings = 0").await;
    settle("set commit_delay = 100000").await;
    let (began, before) = (Instant::now(), load.acknowledged());
    load.goes_on(20).await;
    tokio::time::sleep_until((began + a_while()).into()).await;
    eprintln!("{} acknowledged in {:?}", load.acknowledged() - before, began.elapsed());
    settle("reset commit_delay").await;
    load.goes_on(60).await;
    for side in [Side::Commands, Side::Queries] {
        assert_eq!(load.refused(side), 0, "{side:?}");
    }
    services.end(load).await;
}

/// A disk that is slow to read as well holds up whatever is asked, again and again in the middle of it: the
/// server stands still four fifths of the time.
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_stalls_again_and_again_whatever_is_asked_of_it_is_slow_and_no_more() {
    let postgres = Postgres::start().await;
    let url = postgres.database().await;
    let services = Services::start(&url, &url).await;
    let load = Load::start(vec![services.desk().await]);
    load.goes_on(60).await;
    let (began, before) = (Instant::now(), load.acknowledged());
    while began.elapsed() < a_while() || load.acknowledged() < before + 20 {
        assert!(began.elapsed() < a_while() + SOON, "nothing goes on");
        let stalled = postgres.freeze();
        tokio::time::sleep(Duration::from_millis(200)).await;
        drop(stalled);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    eprintln!("{} acknowledged in {:?}", load.acknowledged() - before, began.elapsed());
    load.goes_on(60).await;
    for side in [Side::Commands, Side::Queries] {
        assert_eq!(load.refused(side), 0, "{side:?}");
    }
    services.end(load).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_only_one_of_two_servers_goes_on_without_the_other() {
    let (log, tables) = (Postgres::start().await, Postgres::start().await);
    let services = Services::start(&log.database().await, &tables.database().await).await;
    let load = Load::start(vec![services.desk().await]);
    load.goes_on(60).await;
    tables.stop();
    load.is_refused(Side::Queries).await;
    load.goes_on(60).await;
    services.health_says(&services.commands, &[]).await;
    services.health_says(&services.queries, &["read-models"]).await;
    assert_eq!(load.refused(Side::Commands), 0);
    tables.resume().await;
    load.goes_on(60).await;
    log.stop();
    load.is_refused(Side::Commands).await;
    services.health_says(&services.commands, &["event-log"]).await;
    services.health_says(&services.queries, &["event-log"]).await;
    log.resume().await;
    load.goes_on(60).await;
    services.end(load).await;
}

/// The tables' commits do not wait for the disk, because what a crash costs is projected again: at once, and
/// not only when something happens next.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_crash_costs_the_tables_is_projected_again_while_nothing_happens() {
    let (log, tables) = (Postgres::start().await, Postgres::start().await);
    let services = Services::start(&log.database().await, &tables.database().await).await;
    let desk = services.desk().await;
    for round in 0..4 {
        let phone = format!("{round}");
        desk.whatsapp[0].says(&phone, &format!("wamid.{round}"), "Hello").await;
        conversation_of(&desk.readers[0], &phone).await;
        tables.kill();
        tables.resume().await;
        tables_hold(&desk.readers[0], &whole_log(&desk.admin).await).await;
    }
    let load = Load::start(vec![desk]);
    load.goes_on(10).await;
    services.end(load).await;
}
