//! The server: how it is reached, whether a pooler stands before it, and what its refusals mean.

use super::statement::{Ask, Way};
use crate::{OpenError, Unavailable};
use futures::TryStreamExt;
use sqlx::postgres::{PgConnectOptions, PgRow};
use sqlx::{ConnectOptions, PgConnection, Row};
use std::time::Duration;

/// How long to wait for a connection.
const CONNECT: Duration = Duration::from_secs(3);

/// How long one statement may take: longer than a disk is slow and shorter than a caller waits.
pub const STATEMENT: Duration = Duration::from_secs(8);

/// A server that is starting is waited for so long when a log is opened.
const STARTING: Duration = Duration::from_secs(30);

pub struct Server {
    options: PgConnectOptions,
    pub way: Way,
    /// For people: which database where. Never holds a password.
    pub name: String,
}

/// One connection.
pub struct Line {
    pub connection: PgConnection,
    pub way: Way,
}

impl Server {
    /// Finds out whether the server can be reached, and how.
    pub async fn find(url: &str) -> Result<Self, OpenError> {
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
            // A pooler may refuse whoever asks for digits.
            .extra_float_digits(None);
        let name = name_of(&plain);
        let failed = |error: sqlx::Error| OpenError::Failed {
            path: name.clone(),
            reason: reason(&error),
            source: error.into(),
        };
        // A connection of one's own keeps what it is told when it is opened; a pooler refuses to be told, or
        // hands over a connection that knows nothing of it.
        let direct = plain.clone().options([("verbatim.direct", "on"), ("statement_timeout", "60s")]);
        let began = tokio::time::Instant::now();
        let (options, mut connection) = loop {
            match connect(&direct).await {
                Ok(connection) => break (direct, connection),
                Err(error) if code(&error) == Some("57P03") && began.elapsed() < STARTING => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                Err(error) if is_about_startup(&error) => {
                    let connection = connect(&plain).await.map_err(failed)?;
                    break (plain, connection);
                }
                Err(error) => return Err(failed(error)),
            }
        };
        let told: Option<String> = sqlx::raw_sql("select current_setting('verbatim.direct', true)")
            .fetch_one(&mut connection)
            .await
            .and_then(|row| row.try_get(0))
            .map_err(failed)?;
        let way = if told.as_deref() == Some("on") { Way::Prepared } else { Way::InFull };
        Ok(Self { options, way, name })
    }

    pub async fn connect(&self) -> Result<Line, sqlx::Error> {
        Ok(Line { connection: connect(&self.options).await?, way: self.way })
    }

    /// Whether what one connection is told stays with it.
    pub fn is_direct(&self) -> bool {
        self.way == Way::Prepared
    }

    pub fn options(&self) -> &PgConnectOptions {
        &self.options
    }
}

async fn connect(options: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    in_time(CONNECT, options.connect()).await
}

/// What does not come in time is as good as lost.
pub async fn in_time<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    tokio::time::timeout(limit, work)
        .await
        .unwrap_or_else(|_| Err(sqlx::Error::Io(std::io::Error::from(std::io::ErrorKind::TimedOut))))
}

impl Line {
    pub async fn all(&mut self, ask: &Ask<'_>) -> Result<Vec<PgRow>, sqlx::Error> {
        in_time(STATEMENT, ask.rows(&mut self.connection, self.way)?.try_collect()).await
    }

    pub async fn one(&mut self, ask: &Ask<'_>) -> Result<PgRow, sqlx::Error> {
        self.all(ask).await?.pop().ok_or(sqlx::Error::RowNotFound)
    }
}

fn name_of(options: &PgConnectOptions) -> String {
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

/// A pooler does not take what a server takes when a connection is opened.
fn is_about_startup(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| error.message().contains("startup parameter"))
}

/// Whether the connection is gone, and with it the answer.
pub fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::Tls(_) => true,
        sqlx::Error::Database(_) => {
            code(error).is_some_and(|code| code.starts_with("08") || code.starts_with("57P"))
        }
        _ => false,
    }
}

/// For the operator: what stands in the way.
pub fn reason(error: &sqlx::Error) -> String {
    if let sqlx::Error::Io(error) = error {
        return match error.kind() {
            std::io::ErrorKind::ConnectionRefused => "nobody answers at that host and port".to_owned(),
            std::io::ErrorKind::TimedOut => "the server does not answer in time".to_owned(),
            std::io::ErrorKind::UnexpectedEof
            | std::io::ErrorKind::ConnectionReset
            | std::io::ErrorKind::ConnectionAborted
            | std::io::ErrorKind::BrokenPipe => "the connection to the server was cut".to_owned(),
            _ => format!("the server cannot be reached: {error}"),
        };
    }
    match code(error) {
        Some("28P01" | "28000") => {
            "the server does not let this user in; check the user and the password".to_owned()
        }
        Some("3D000") => "there is no such database; create it first".to_owned(),
        Some("42501") => "this user may not do that there; give it the right to create and write".to_owned(),
        Some("53100") => "the server's disk is full".to_owned(),
        Some("53300") => "the server has no connection to spare".to_owned(),
        Some("57P03") => "the server is starting or stopping".to_owned(),
        Some("57P01" | "57P02") => "the server has cut the connection".to_owned(),
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
