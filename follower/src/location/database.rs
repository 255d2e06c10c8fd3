//! A PostgreSQL database with Verbatim's tables: the check whether it can be reached and used, and the schema `verbatim`
//! that marks it as Verbatim's.

use crate::db::DbError;
use event_store::advisory_locks;
use sqlx::AssertSqlSafe;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgConnection, Row};
use std::time::Duration;

/// The oldest supported version of PostgreSQL.
const OLDEST: i32 = 150_000;

/// The script of the schema `verbatim`.
const SCHEMA: &str = include_str!("../../../migrations/read-models/postgres.sql");

/// A database of Verbatim. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Database {
    options: PgConnectOptions,
    /// Connections for the schema `verbatim`: the generation in use and the leases.
    pool: PgPool,
}

/// The reason why a database is not used. Nothing is written to it.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("the URL of the read models is invalid: {0}")]
    Url(String),
    #[error("no PostgreSQL server answers at {server}: start it, or correct --read-model")]
    NoServer {
        server: String,
        #[source]
        source: DbError,
    },
    #[error("PostgreSQL at {server} rejects the user '{user}': correct user and password in --read-model")]
    UserRejected {
        server: String,
        user: String,
        #[source]
        source: DbError,
    },
    #[error(
        "PostgreSQL at {server} has no database '{database}': create it with `createdb {database}`, or correct --read-model"
    )]
    NoDatabase { server: String, database: String },
    #[error(
        "PostgreSQL at {server} is version {version}, and Verbatim needs 15 or newer: name a newer one in --read-model"
    )]
    TooOld { server: String, version: String },
    #[error(
        "the connection pooler at {server} rejects `search_path`: name the server itself in --read-model, or a pooler in session mode that accepts `options`"
    )]
    Pooler { server: String },
    #[error(
        "the database '{database}' has another program's tables ({found}): name a database for Verbatim alone in --read-model"
    )]
    AnotherPrograms { database: String, found: String },
    #[error(
        "the database '{database}' was set up by a newer version of Verbatim (layout {layout}): use that version or another database"
    )]
    Newer { database: String, layout: i64 },
    #[error(
        "'{user}' may not create schemas in the database '{database}': run `grant create on database {database} to {user}`"
    )]
    NoRights { database: String, user: String },
    #[error("the database at {server} cannot be used")]
    Unusable {
        server: String,
        #[source]
        source: DbError,
    },
}

/// The layout of the schema `verbatim`.
const LAYOUT: i64 = 1;

impl Database {
    /// Checks the database, and creates the schema `verbatim` when the database is empty.
    pub(super) async fn open(url: &str) -> Result<Self, Refused> {
        let options: PgConnectOptions =
            url.parse().map_err(|error: DbError| Refused::Url(error.to_string()))?;
        let options = options.application_name("verbatim").disable_statement_logging();
        let database = Self { pool: pool(2).connect_lazy_with(options.clone()), options };
        // With the same options as every later connection, so that an unsuitable pooler is detected here.
        let options = database.options.clone().options([("search_path", "verbatim")]);
        let mut connection = options.connect().await.map_err(|error| database.refused(error))?;
        let prepared = database.prepare(&mut connection).await;
        // The check is complete, so an error while closing does not matter.
        let _closed = connection.close().await;
        prepared?;
        Ok(database)
    }

    pub fn options(&self) -> &PgConnectOptions {
        &self.options
    }

    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    pub(super) async fn check(&self) -> Result<(), DbError> {
        sqlx::query("select 1").execute(&self.pool).await.map(|_| ())
    }

    async fn prepare(&self, connection: &mut PgConnection) -> Result<(), Refused> {
        let version: String = sqlx::query("show server_version_num")
            .fetch_one(&mut *connection)
            .await
            .and_then(|row| row.try_get(0))
            .map_err(|error| self.refused(error))?;
        if version.parse::<i32>().is_ok_and(|version| version < OLDEST) {
            return Err(Refused::TooOld { server: self.server(), version });
        }
        if self.is_prepared(connection).await? {
            return Ok(());
        }
        // The statements are one transaction. Of processes that start together one runs them after the other.
        let script = format!("select pg_advisory_xact_lock({});\n{SCHEMA}", advisory_locks::DATABASE);
        sqlx::raw_sql(AssertSqlSafe(script))
            .execute(connection)
            .await
            .map_err(|error| self.refused(error))?;
        Ok(())
    }

    /// Returns true when the database has the schema `verbatim`, and false when it is empty. Any other database is
    /// another program's, which is an error.
    async fn is_prepared(&self, connection: &mut PgConnection) -> Result<bool, Refused> {
        let found = sqlx::query(
            "select to_regclass('verbatim.about') is not null, to_regnamespace('verbatim') is not null",
        )
        .fetch_one(&mut *connection)
        .await
        .and_then(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
        let (about, schema): (bool, bool) = found.map_err(|error| self.refused(error))?;
        if about {
            let layout = sqlx::query("select value from verbatim.about where name = 'layout'")
                .fetch_optional(&mut *connection)
                .await
                .and_then(|row| row.map(|row| row.try_get::<i64, _>(0)).transpose());
            return match layout {
                Ok(Some(LAYOUT)) => Ok(true),
                Ok(Some(layout)) if layout > LAYOUT => Err(Refused::Newer { database: self.name(), layout }),
                Ok(_) => Err(self.another_programs("verbatim.about")),
                Err(error) => Err(self.refused(error)),
            };
        }
        if schema {
            return Err(self.another_programs("the schema verbatim"));
        }
        const FOREIGN_TABLE: &str = "select n.nspname || '.' || c.relname from pg_class c
            join pg_namespace n on n.oid = c.relnamespace
            where c.relkind in ('r', 'p') and n.nspname not like 'verbatim%'
              and n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema'
              and not exists (select 1 from pg_depend d
                  where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
            order by 1 limit 1";
        let foreign = sqlx::query(FOREIGN_TABLE)
            .fetch_optional(&mut *connection)
            .await
            .and_then(|row| row.map(|row| row.try_get::<String, _>(0)).transpose());
        match foreign {
            Ok(None) => Ok(false),
            Ok(Some(table)) => Err(self.another_programs(&table)),
            Err(error) => Err(self.refused(error)),
        }
    }

    fn another_programs(&self, found: &str) -> Refused {
        Refused::AnotherPrograms { database: self.name(), found: found.to_owned() }
    }

    /// The reason that the server's error gives.
    fn refused(&self, error: DbError) -> Refused {
        let server = self.server();
        let user = self.options.get_username().to_owned();
        let code = error.as_database_error().and_then(|error| error.code()).map(|code| code.into_owned());
        match (code.as_deref(), error) {
            (None, source @ (DbError::Io(_) | DbError::Tls(_) | DbError::PoolTimedOut)) => {
                Refused::NoServer { server, source }
            }
            (Some("28P01" | "28000"), source) => Refused::UserRejected { server, user, source },
            (Some("3D000"), _) => Refused::NoDatabase { server, database: self.name() },
            (Some("08P01"), _) => Refused::Pooler { server },
            (Some("42501"), _) => Refused::NoRights { database: self.name(), user },
            (_, source) => Refused::Unusable { server, source },
        }
    }

    fn server(&self) -> String {
        format!("{}:{}", self.options.get_host(), self.options.get_port())
    }

    fn name(&self) -> String {
        self.options.get_database().unwrap_or_else(|| self.options.get_username()).to_owned()
    }
}

/// A pool whose `acquire` fails after 3 s without a server, so that the caller can retry.
pub fn pool(connections: u32) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(3))
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
}
