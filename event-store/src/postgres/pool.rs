//! A pool of a few connections for readers.
//!
//! A connection is returned without a query that tests it, because such a query costs as much as most of the
//! reads. When a connection turns out to be lost, it is replaced and the read is repeated; reads may be.

use super::server::{Connection, STATEMENT_TIMEOUT, Server, is_lost, unavailable, with_timeout};
use super::statement::Statement;
use crate::{ReadError, Unavailable};
use futures::TryStreamExt;
use sqlx::postgres::PgRow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// How many reads run at once.
const CONNECTIONS: usize = 8;

/// How long a read waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// How often a read is tried while connections are lost.
const TRIES: usize = 4;

/// If a read has taken longer than this, it is tried only once more, because the server does not answer at all.
const RETRY_LIMIT: Duration = Duration::from_secs(2);

pub struct Pool {
    server: Arc<Server>,
    idle: Mutex<Vec<Connection>>,
    permits: Semaphore,
}

impl Pool {
    pub fn new(server: Arc<Server>) -> Self {
        Self { server, idle: Mutex::new(Vec::new()), permits: Semaphore::new(CONNECTIONS) }
    }

    /// Every row of an answer, decoded as it arrives.
    pub async fn read<T>(
        &self,
        statement: &Statement<'_>,
        decode: fn(&PgRow) -> Result<T, ReadError>,
    ) -> Result<Vec<T>, ReadError> {
        let permit = tokio::time::timeout(ACQUIRE_TIMEOUT, self.permits.acquire()).await;
        let _permit = permit
            .map_err(|_| Unavailable::because("too many reads wait for a connection"))?
            .map_err(|_| Unavailable::because("it is closed"))?;
        let began = Instant::now();
        for _ in 1..TRIES {
            match self.attempt(statement, decode).await {
                Err(error) if is_lost(&error) && began.elapsed() > RETRY_LIMIT => break,
                Err(error) if is_lost(&error) => tokio::time::sleep(Duration::from_millis(20)).await,
                done => return done.map_err(unavailable)?,
            }
        }
        self.attempt(statement, decode).await.map_err(unavailable)?
    }

    async fn attempt<T>(
        &self,
        statement: &Statement<'_>,
        decode: fn(&PgRow) -> Result<T, ReadError>,
    ) -> Result<Result<Vec<T>, ReadError>, sqlx::Error> {
        let idle = self.idle().pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => self.server.connect().await?,
        };
        let answer = with_timeout(STATEMENT_TIMEOUT, collect(&mut connection, statement, decode)).await;
        match &answer {
            Ok(_) => self.idle().push(connection),
            // When one connection is lost, the others usually are too.
            Err(error) if is_lost(error) => self.idle().clear(),
            Err(_) => {}
        }
        answer
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Refuses further reads and closes the idle connections.
    pub fn close(&self) {
        self.permits.close();
        self.idle().clear();
    }
}

async fn collect<T>(
    connection: &mut Connection,
    statement: &Statement<'_>,
    decode: fn(&PgRow) -> Result<T, ReadError>,
) -> Result<Result<Vec<T>, ReadError>, sqlx::Error> {
    let mut rows = statement.rows(&mut connection.inner, connection.protocol)?;
    let mut read = Vec::new();
    let mut damaged = None;
    // All rows are read, also after a damaged one, because the connection is used again.
    while let Some(row) = rows.try_next().await? {
        match decode(&row) {
            Ok(event) => read.push(event),
            Err(error) => damaged = damaged.or(Some(error)),
        }
    }
    Ok(damaged.map_or(Ok(read), Err))
}
