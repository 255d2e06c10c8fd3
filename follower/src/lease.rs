//! Leases: of what only one process may do, exactly one does it, and another takes over when it dies.
//!
//! In a folder a lease is a lock on a file, which the operating system lets go of the moment the process
//! ends. In PostgreSQL it is a row that is good for [`GOOD_FOR`] by the server's clock and is renewed every
//! [`RENEW`]; when the session that wrote it is gone, it is free at once. So another process takes over
//! within [`TRY`] of a process's end, and within [`GOOD_FOR`] and [`TRY`] when its machine or network is
//! lost without a word.
//!
//! A lease keeps work from being done twice in vain. That nothing is written wrongly, should two ever work
//! at the same time, is the checkpoints' compare-and-set.

use crate::location::{Database, Location, LocationError};
use crate::runner::Chain;
use sqlx::postgres::PgPool;
use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// How long a lease lasts that is not renewed.
pub const GOOD_FOR: Duration = Duration::from_secs(10);
/// How often it is renewed.
pub const RENEW: Duration = Duration::from_secs(3);
/// How often who waits for it tries.
pub const TRY: Duration = Duration::from_millis(500);
/// A holder that could not renew its lease for so long stops working, before another process may begin.
const TOO_LONG: Duration = Duration::from_secs(8);

/// The leases of one place.
#[derive(Clone, Debug)]
pub struct Leases {
    place: Location,
}

/// Something that only this process may do.
pub struct Lease {
    name: &'static str,
    lost: CancellationToken,
    kind: Kind,
}

enum Kind {
    /// The lock goes with the file.
    File(#[expect(dead_code, reason = "held, not used")] File),
    Row {
        row: Row,
        _renewing: AbortOnDropHandle<()>,
    },
}

impl Leases {
    pub fn new(place: Location) -> Self {
        Self { place }
    }

    /// Takes the lease if it is free.
    pub async fn try_take(&self, name: &'static str) -> Result<Option<Lease>, LocationError> {
        self.wanted(name).try_take().await
    }

    fn wanted(&self, name: &'static str) -> Wanted<'_> {
        match &self.place {
            Location::Folder(folder) => Wanted::File(folder, name),
            Location::Postgres(database) => Wanted::Row(Row::new(database, name)),
        }
    }

    /// Waits for the lease. `None` when the process is to stop.
    pub async fn take(&self, name: &'static str, stop: &CancellationToken) -> Option<Lease> {
        self.take_after(name, stop, || {}).await
    }

    /// Waits for the lease, and calls `is_anothers` each time that another process has it.
    pub async fn take_after(
        &self,
        name: &'static str,
        stop: &CancellationToken,
        is_anothers: impl Fn(),
    ) -> Option<Lease> {
        let wanted = self.wanted(name);
        let mut said = false;
        while !stop.is_cancelled() {
            match wanted.try_take().await {
                Ok(Some(lease)) => return Some(lease),
                Ok(None) => {
                    is_anothers();
                    if !said {
                        tracing::info!(lease = name, "another process holds the lease; waiting for it");
                        said = true;
                    }
                }
                Err(error) => {
                    tracing::warn!(lease = name, error = %Chain(&error), "the lease cannot be asked for; trying again");
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

/// A lease that is asked for, until it is free.
enum Wanted<'l> {
    File(&'l Path, &'static str),
    Row(Row),
}

impl Wanted<'_> {
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
    /// Returns when the lease is another's, or may be.
    pub async fn lost(&self) {
        self.lost.cancelled().await;
    }

    pub fn is_lost(&self) -> bool {
        self.lost.is_cancelled()
    }

    /// Lets another process take over at once.
    pub async fn release(self) {
        if let Kind::Row { row, .. } = &self.kind
            && let Err(error) = row.give_back().await
        {
            // It runs out by itself.
            tracing::debug!(lease = self.name, %error, "the lease could not be given back");
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

/// A lease in PostgreSQL: its row, and the session that stands for this process.
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

    /// Takes or renews it, by the server's clock. False: it is another's.
    async fn take(&self) -> Result<bool, sqlx::Error> {
        // Whoever may not see when a session began sees at least that there is one.
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
            tokio::time::sleep(wait.min(TOO_LONG.saturating_sub(renewed.elapsed()))).await;
            let asked = Instant::now();
            let patience = TOO_LONG.saturating_sub(renewed.elapsed());
            match tokio::time::timeout(patience, self.take()).await {
                Ok(Ok(true)) => (renewed, wait) = (asked, RENEW),
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

    async fn give_back(&self) -> Result<(), sqlx::Error> {
        const BACK: &str = "delete from verbatim.leases where name = $1 and holder = $2";
        sqlx::query(BACK).bind(self.name).bind(&self.holder).execute(&self.session).await.map(|_| ())
    }
}
