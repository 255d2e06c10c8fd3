//! Leases: only one process holds a lease and does its work, and another one takes it over when that process ends.
//!
//! In a folder a lease is a lock on a file, which the operating system releases at once when the process ends. In
//! PostgreSQL it is a row that is valid for [`GOOD_FOR`] by the server's clock and is renewed every [`RENEW`]. When the
//! session that wrote it has ended, the lease is free at once. So another process takes over within [`TRY`] of the
//! process's end, and within [`GOOD_FOR`] plus [`TRY`] when its machine or network fails.
//!
//! A lease avoids duplicate work. Should two processes ever work at the same time, the compare-and-set of the
//! checkpoints prevents wrong writes.

use crate::location::{Database, Location, LocationError};
use crate::runner::Chain;
use sqlx::postgres::PgPool;
use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// How long a lease is valid without being renewed.
pub const GOOD_FOR: Duration = Duration::from_secs(10);
/// How often it is renewed.
pub const RENEW: Duration = Duration::from_secs(3);
/// How often a process that waits for a lease tries to take it.
pub const TRY: Duration = Duration::from_millis(500);
/// A holder that could not renew its lease for this long stops working. It is shorter than [`GOOD_FOR`], so that the
/// holder stops before another process begins.
const RENEWAL_TIMEOUT: Duration = Duration::from_secs(8);

/// The leases in one location.
#[derive(Clone, Debug)]
pub struct Leases {
    location: Location,
}

/// The right of this process to do a kind of work. Dropping it releases the lease.
pub struct Lease {
    name: &'static str,
    lost: CancellationToken,
    kind: Kind,
}

enum Kind {
    /// Closing the file releases the lock.
    File(#[expect(dead_code, reason = "held, not used")] File),
    Row {
        row: Row,
        _renewing: AbortOnDropHandle<()>,
    },
}

impl Leases {
    pub fn new(location: Location) -> Self {
        Self { location }
    }

    /// Takes the lease. `None` when another process holds it.
    pub async fn try_take(&self, name: &'static str) -> Result<Option<Lease>, LocationError> {
        self.request(name).try_take().await
    }

    fn request(&self, name: &'static str) -> LeaseRequest<'_> {
        match &self.location {
            Location::Folder(folder) => LeaseRequest::File(folder, name),
            Location::Postgres(database) => LeaseRequest::Row(Row::new(database, name)),
        }
    }

    /// Waits for the lease. `None` when `stop` is cancelled.
    pub async fn take(&self, name: &'static str, stop: &CancellationToken) -> Option<Lease> {
        self.take_after(name, stop, || {}).await
    }

    /// Waits for the lease, and calls `on_held_by_another` after each attempt that finds it held by another process.
    /// `None` when `stop` is cancelled.
    pub async fn take_after(
        &self,
        name: &'static str,
        stop: &CancellationToken,
        on_held_by_another: impl Fn(),
    ) -> Option<Lease> {
        let request = self.request(name);
        let mut logged = false;
        while !stop.is_cancelled() {
            match request.try_take().await {
                Ok(Some(lease)) => return Some(lease),
                Ok(None) => {
                    on_held_by_another();
                    if !logged {
                        tracing::info!(lease = name, "another process holds the lease; waiting for it");
                        logged = true;
                    }
                }
                Err(error) => {
                    tracing::warn!(lease = name, error = %Chain(&error), "the lease cannot be requested; trying again");
                }
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(TRY) => {}
            }
        }
        None
    }
}

/// A request for a lease, which is repeated until the lease is free.
enum LeaseRequest<'l> {
    File(&'l Path, &'static str),
    Row(Row),
}

impl LeaseRequest<'_> {
    async fn try_take(&self) -> Result<Option<Lease>, LocationError> {
        let lost = CancellationToken::new();
        let (name, kind) = match self {
            Self::File(folder, name) => (*name, lock(folder, name)?.map(Kind::File)),
            Self::Row(row) => {
                let taken = row.take().await?;
                let held = taken.then(|| {
                    let renewing = tokio::spawn(row.clone().renew(lost.clone()));
                    Kind::Row { row: row.clone(), _renewing: AbortOnDropHandle::new(renewing) }
                });
                (row.name, held)
            }
        };
        metrics::gauge!("verbatim_lease_held", "lease" => name).set(if kind.is_some() { 1.0 } else { 0.0 });
        Ok(kind.map(|kind| Lease { name, lost, kind }))
    }
}

impl Lease {
    /// Returns when another process holds the lease or may hold it.
    pub async fn lost(&self) {
        self.lost.cancelled().await;
    }

    pub fn is_lost(&self) -> bool {
        self.lost.is_cancelled()
    }

    /// Releases the lease, so that another process can take it at once.
    pub async fn release(self) {
        if let Kind::Row { row, .. } = &self.kind
            && let Err(error) = row.release().await
        {
            // The lease expires without it.
            tracing::debug!(lease = self.name, %error, "the lease could not be released");
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        metrics::gauge!("verbatim_lease_held", "lease" => self.name).set(0.0);
    }
}

fn lock(folder: &Path, name: &str) -> Result<Option<File>, LocationError> {
    std::fs::create_dir_all(folder)?;
    let path = folder.join(format!("{name}.lock"));
    let file = File::options().create(true).truncate(false).write(true).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// A lease in PostgreSQL: its row, and the session by which the server sees that this process lives.
#[derive(Clone)]
struct Row {
    name: &'static str,
    holder: String,
    session: PgPool,
}

impl Row {
    fn new(database: &Database, name: &'static str) -> Self {
        let holder = format!("process {} {}", std::process::id(), event_schemas::Clock::System.fresh_id());
        let session = crate::location::pool(1).connect_lazy_with(database.options().clone());
        Self { name, holder, session }
    }

    /// Takes or renews the lease by the server's clock. Returns false when another process holds it.
    async fn take(&self) -> Result<bool, sqlx::Error> {
        // A user without the right to see when another session began still sees that the session exists.
        const TAKE: &str = "insert into verbatim.leases as l
                (name, holder, backend, backend_start, taken_at, until_at)
            select $1, $2, pid, backend_start, clock_timestamp(), clock_timestamp() + interval '10 seconds'
            from pg_stat_activity where pid = pg_backend_pid()
            on conflict (name) do update set holder = excluded.holder, backend = excluded.backend,
                backend_start = excluded.backend_start, until_at = excluded.until_at,
                taken_at = case when l.holder = excluded.holder then l.taken_at else excluded.taken_at end
            where l.holder = excluded.holder or l.until_at < clock_timestamp()
               or not exists (select 1 from pg_stat_activity a where a.pid = l.backend
                              and (a.backend_start is null or a.backend_start = l.backend_start))";
        let done = sqlx::query(TAKE).bind(self.name).bind(&self.holder).execute(&self.session).await?;
        Ok(done.rows_affected() == 1)
    }

    async fn renew(self, lost: CancellationToken) {
        let (mut renewed, mut wait) = (Instant::now(), RENEW);
        loop {
            tokio::time::sleep(wait.min(RENEWAL_TIMEOUT.saturating_sub(renewed.elapsed()))).await;
            let requested = Instant::now();
            let timeout = RENEWAL_TIMEOUT.saturating_sub(renewed.elapsed());
            match tokio::time::timeout(timeout, self.take()).await {
                Ok(Ok(true)) => (renewed, wait) = (requested, RENEW),
                Ok(Ok(false)) | Err(_) => break,
                Ok(Err(error)) => {
                    tracing::warn!(lease = self.name, %error, "the lease could not be renewed");
                    wait = TRY;
                }
            }
        }
        tracing::warn!(lease = self.name, "the lease is lost");
        lost.cancel();
    }

    async fn release(&self) -> Result<(), sqlx::Error> {
        const RELEASE: &str = "delete from verbatim.leases where name = $1 and holder = $2";
        sqlx::query(RELEASE).bind(self.name).bind(&self.holder).execute(&self.session).await.map(|_| ())
    }
}
