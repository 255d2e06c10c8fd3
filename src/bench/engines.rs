//! The engines of one measurement: files in a folder, or a PostgreSQL database made for it.

use anyhow::{Context, ensure};
use event_schemas::Clock;
use event_store::EventStore;
use follower::Location;
use projections::generations::Generations;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The empty log and tables of one measurement.
pub struct Engines {
    folder: PathBuf,
    log: String,
    tables: String,
    /// The URL of the server's own database, and the name of the database that was created.
    made: Option<(PgConnectOptions, String)>,
}

impl Engines {
    /// Makes files in this folder or, when a PostgreSQL server is named, a database there.
    pub async fn new(folder: &Path, postgres: Option<&str>) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let Some(url) = postgres else {
            let log = format!("sqlite:{}", folder.join("events.db").display());
            let tables = format!("sqlite:{}", folder.display());
            return Ok(Self { folder: folder.to_owned(), log, tables, made: None });
        };
        let server: PgConnectOptions = url.parse()?;
        let name = format!("verbatim_bench_{}", Clock::System.fresh_id().simple());
        let mut connection = server.connect().await?;
        sqlx::raw_sql(AssertSqlSafe(format!("create database {name}"))).execute(&mut connection).await.context(
            "the bench makes a database for each measurement: the user needs the right to create databases",
        )?;
        connection.close().await?;
        let mut its = reqwest::Url::parse(url)?;
        its.set_path(&name);
        let url = its.to_string();
        Ok(Self { folder: folder.to_owned(), log: url.clone(), tables: url, made: Some((server, name)) })
    }

    pub fn are_postgres(&self) -> bool {
        self.made.is_some()
    }

    /// The folder of all other files.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The environment variables that name the engines to a server.
    pub fn urls(&self) -> [(&'static str, &str); 2] {
        [("VERBATIM_EVENT_STORE", &self.log), ("VERBATIM_READ_MODEL", &self.tables)]
    }

    pub async fn open_log(&self) -> anyhow::Result<Arc<dyn EventStore>> {
        Ok(event_store::open(&self.log, Clock::System).await?)
    }

    pub async fn open_tables(&self) -> anyhow::Result<Generations> {
        Ok(Generations::new(Location::open(&self.tables).await?))
    }

    /// A connection for a control, when the engines are on PostgreSQL.
    pub async fn connect(&self) -> anyhow::Result<PgConnection> {
        ensure!(self.are_postgres(), "these engines are files");
        Ok(self.log.parse::<PgConnectOptions>()?.disable_statement_logging().connect().await?)
    }

    /// Drops the database; the caller removes the folder.
    pub async fn remove(self) -> anyhow::Result<()> {
        let Some((server, name)) = self.made else { return Ok(()) };
        let mut connection = server.connect().await?;
        let drop = format!("drop database {name} with (force)");
        sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut connection).await?;
        Ok(connection.close().await?)
    }
}
