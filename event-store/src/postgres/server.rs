//! The server: how it is reached, whether a pooler is in between, and what its errors mean.

use super::statement::{Protocol, Statement};
use crate::{OpenError, Unavailable};
use futures::TryStreamExt;
use sqlx::postgres::{PgConnectOptions, PgRow};
use sqlx::{ConnectOptions, PgConnection, Row};
use std::time::Duration;

/// How long to wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// How long one statement may take: longer than a slow disk needs, and shorter than a caller waits.
pub const STATEMENT_TIMEOUT: Duration = Duration::from_secs(8);

/// How long the opening of a log waits for a server that is starting.
const STARTUP_TIMEOUT: Duration = Duration::from_secs(30);

pub struct Server {
    options: PgConnectOptions,
    pub protocol: Protocol,
    /// The database, its host and its port, for messages. It never holds a password.
    pub name: String,
}

/// One connection.
pub struct Connection {
    pub inner: PgConnection,
    pub protocol: Protocol,
}

impl Server {
    /// Connects once, to find out whether the server can be reached and by which protocol.
    pub async fn probe(url: &str) -> Result<Self, OpenError> {
        let plain: PgConnectOptions = url
            .parse::<PgConnectOptions>()
            .map_err(|error| OpenError::Failed {
                path: "the event log's database".to_owned(),
                reason: "its URL cannot be read; it looks like postgres://user:password@host:5432/database"
                    .to_owned(),
                source: error.into(),
            })?
            .disable_statement_logging()
            .application_name("verbatim event log")
            // A pooler may refuse this startup parameter.
            .extra_float_digits(None);
        let name = display_name(&plain);
        let failed = |error: sqlx::Error| OpenError::Failed {
            path: name.clone(),
            reason: reason(&error),
            source: error.into(),
        };
        // A direct connection keeps the settings it is opened with. A pooler refuses them, or gives out a
        // connection of its own that does not have them.
        let direct = plain.clone().options([("verbatim.direct", "on"), ("statement_timeout", "60s")]);
        let began = tokio::time::Instant::now();
        let (options, mut connection) = loop {
            match connect(&direct).await {
                Ok(connection) => break (direct, connection),
                Err(error) if code(&error) == Some("57P03") && began.elapsed() < STARTUP_TIMEOUT => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                Err(error) if refuses_startup_parameter(&error) => {
                    let connection = connect(&plain).await.map_err(failed)?;
                    break (plain, connection);
                }
                Err(error) => return Err(failed(error)),
            }
        };
        let direct_setting: Option<String> = sqlx::raw_sql("select current_setting('verbatim.direct', true)")
            .fetch_one(&mut connection)
            .await
            .and_then(|row| row.try_get(0))
            .map_err(failed)?;
        let protocol =
            if direct_setting.as_deref() == Some("on") { Protocol::Prepared } else { Protocol::Simple };
        Ok(Self { options, protocol, name })
    }

    pub async fn connect(&self) -> Result<Connection, sqlx::Error> {
        Ok(Connection { inner: connect(&self.options).await?, protocol: self.protocol })
    }

    /// Whether no pooler is in between, so that a connection keeps its settings and prepared statements.
    pub fn is_direct(&self) -> bool {
        self.protocol == Protocol::Prepared
    }

    pub fn options(&self) -> &PgConnectOptions {
        &self.options
    }
}

async fn connect(options: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    with_timeout(CONNECT_TIMEOUT, options.connect()).await
}

/// Limits the time of `work`. A result that does not arrive in time counts as a lost connection.
pub async fn with_timeout<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    tokio::time::timeout(limit, work)
        .await
        .unwrap_or_else(|_| Err(sqlx::Error::Io(std::io::Error::from(std::io::ErrorKind::TimedOut))))
}

impl Connection {
    pub async fn fetch_all(&mut self, statement: &Statement<'_>) -> Result<Vec<PgRow>, sqlx::Error> {
        with_timeout(STATEMENT_TIMEOUT, statement.rows(&mut self.inner, self.protocol)?.try_collect()).await
    }

    pub async fn fetch_one(&mut self, statement: &Statement<'_>) -> Result<PgRow, sqlx::Error> {
        self.fetch_all(statement).await?.pop().ok_or(sqlx::Error::RowNotFound)
    }
}

fn display_name(options: &PgConnectOptions) -> String {
    let database = options.get_database().unwrap_or(options.get_username());
    match options.get_socket() {
        Some(socket) => format!("the database '{database}' at {}", socket.display()),
        None => format!("the database '{database}' at {}:{}", options.get_host(), options.get_port()),
    }
}

pub fn code(error: &sqlx::Error) -> Option<&str> {
    let error = error.as_database_error()?;
    Some(error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>()?.code())
}

/// Whether a pooler refused a setting that a server accepts when a connection is opened.
fn refuses_startup_parameter(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| error.message().contains("startup parameter"))
}

/// Whether the connection is lost, and with it the result of the statement.
pub fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::Tls(_) => true,
        sqlx::Error::Database(_) => {
            code(error).is_some_and(|code| code.starts_with("08") || code.starts_with("57P"))
        }
        _ => false,
    }
}

/// The cause of an error, for the operator.
pub fn reason(error: &sqlx::Error) -> String {
    if let sqlx::Error::Io(error) = error {
        return match error.kind() {
            std::io::ErrorKind::ConnectionRefused => "no server answers at that host and port".to_owned(),
            std::io::ErrorKind::TimedOut => "the server does not answer in time".to_owned(),
            std::io::ErrorKind::UnexpectedEof
            | std::io::ErrorKind::ConnectionReset
            | std::io::ErrorKind::ConnectionAborted
            | std::io::ErrorKind::BrokenPipe => "the connection to the server was lost".to_owned(),
            _ => format!("the server cannot be reached: {error}"),
        };
    }
    match code(error) {
        Some("28P01" | "28000") => "the server rejects this user; check the user and the password".to_owned(),
        Some("3D000") => "there is no such database; create it first".to_owned(),
        Some("42501") => "this user lacks the rights; grant it the right to create and write".to_owned(),
        Some("53100") => "the server's disk is full".to_owned(),
        Some("53300") => "the server has no free connection".to_owned(),
        Some("57P03") => "the server is starting or stopping".to_owned(),
        Some("57P01" | "57P02") => "the server closed the connection".to_owned(),
        Some("25006") => "the server is read-only".to_owned(),
        Some("58030") => "the server's disk failed".to_owned(),
        Some("57014") => "the server took too long".to_owned(),
        _ => match error.as_database_error() {
            Some(error) => error.message().to_owned(),
            None => error.to_string(),
        },
    }
}

pub fn unavailable(error: sqlx::Error) -> Unavailable {
    Unavailable { reason: reason(&error), source: Some(Box::new(error)) }
}
