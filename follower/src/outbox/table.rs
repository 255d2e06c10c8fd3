//! The table of an outbox: a row for each job whose end is not in the log.

use crate::db::{AssertSqlSafe, Db, DbError, DbRow, Tx, Value};
use crate::table::{Column, Columns, Row, UnknownValue, Values, columns_of};
use event_schemas::Timestamp;
use std::fmt::Display;
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;

/// A job and its columns. Its row also has the columns `state`, `attempts` and `next_attempt_at`. The key is the job's
/// id.
pub trait Job: Row {
    type Id: Column + Copy + Eq + Ord + Hash + Display + Send + Sync + 'static;
    type Queue: Column + Clone + Eq + Hash + Display + Send + Sync + 'static;
    /// The column of the queue.
    const QUEUE: &'static str;
    /// `None` when the order of jobs does not matter.
    const ORDER: Option<Order>;

    fn id(&self) -> Self::Id;
    fn queue(&self) -> Self::Queue;
}

/// Among jobs with the same value in the column `within`, only the one with the lowest value in the column `by` is
/// attempted.
#[derive(Clone, Copy, Debug)]
pub struct Order {
    pub within: &'static str,
    pub by: &'static str,
}

/// The state of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobState {
    /// The next attempt is not made yet.
    Waiting,
    /// An attempt is in progress, or was when the process ended.
    Attempting,
    /// It is not known whether the other system accepted the job.
    Unknown,
}

impl JobState {
    fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Attempting => "attempting",
            Self::Unknown => "unknown",
        }
    }
}

impl Column for JobState {
    const NOTHING: Value = Value::NoText;
    fn value(&self) -> Value {
        Value::Text(self.as_str().to_owned())
    }
    fn take(row: &DbRow, index: usize) -> Result<Self, DbError> {
        let word = row.text(index)?;
        let known =
            [Self::Waiting, Self::Attempting, Self::Unknown].into_iter().find(|state| state.as_str() == word);
        known.ok_or_else(|| DbError::ColumnDecode {
            index: index.to_string(),
            source: Box::new(UnknownValue(word.to_owned())),
        })
    }
}

/// The reason why a job is attempted again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryReason {
    /// The other system did not accept the job.
    Refused,
    /// It is not known whether the other system accepted the job.
    Unknown,
    /// No attempt was made, because the log or another part of this program is unavailable. It is not counted.
    NotTried,
}

/// The table. Cheap to clone.
pub struct JobTable<J> {
    db: Db,
    statements: Arc<Statements>,
    job: PhantomData<fn() -> J>,
}

impl<J> Clone for JobTable<J> {
    fn clone(&self) -> Self {
        Self { db: self.db.clone(), statements: Arc::clone(&self.statements), job: PhantomData }
    }
}

struct Statements {
    insert: Arc<str>,
    remove: Arc<str>,
    count: Arc<str>,
    recover: Arc<str>,
    queues: Arc<str>,
    claim: Arc<str>,
    next_due: Arc<str>,
    reschedule: Arc<str>,
}

impl Statements {
    fn of<J: Job>() -> Self {
        let (table, columns, queue, id) = (J::TABLE, columns_of::<J>(), J::QUEUE, J::KEY[0]);
        let parameters: Vec<_> = (1..=J::COLUMNS.len()).map(|number| format!("${number}")).collect();
        let is_first = match J::ORDER {
            Some(Order { within, by }) => format!(
                "and not exists (select 1 from {table} earlier
                    where earlier.{within} = job.{within} and earlier.{by} < job.{by})"
            ),
            None => String::new(),
        };
        Self {
            insert: format!(
                "insert into {table} ({columns}) values ({}) on conflict ({id}) do nothing",
                parameters.join(", ")
            )
            .into(),
            remove: format!("delete from {table} where {id} = $1 returning {queue}").into(),
            count: format!("select count(*) from {table}").into(),
            recover: format!(
                "update {table} set state = 'unknown', next_attempt_at = $1 where state = 'attempting'"
            )
            .into(),
            queues: format!("select distinct {queue} from {table}").into(),
            // The state is checked again outside the subquery: of two concurrent claims on PostgreSQL, the second one
            // sees the row as the first one changed it, but does not evaluate the subquery again.
            claim: format!(
                "update {table} set state = 'attempting', attempts = attempts + 1
                where state <> 'attempting' and {id} in (
                    select job.{id} from {table} job
                    where job.{queue} = $1 and job.state <> 'attempting' and job.next_attempt_at <= $2
                    {is_first}
                    order by job.next_attempt_at limit 0 + $3)
                returning {columns}"
            )
            .into(),
            next_due: format!(
                "select job.next_attempt_at from {table} job
                where job.{queue} = $1 and job.state <> 'attempting'
                {is_first}
                order by job.next_attempt_at limit 1"
            )
            .into(),
            reschedule: format!(
                "update {table} set state = $2, next_attempt_at = $3, attempts = attempts - $4 where {id} = $1"
            )
            .into(),
        }
    }
}

fn sql(statement: &Arc<str>) -> AssertSqlSafe<Arc<str>> {
    AssertSqlSafe(Arc::clone(statement))
}

impl<J: Job> JobTable<J> {
    /// Opens the table. The script must say `if not exists`. `db` may have other tables too.
    pub async fn open(db: Db, script: &str) -> Result<Self, DbError> {
        db.run(script).await?;
        Ok(Self { db, statements: Arc::new(Statements::of::<J>()), job: PhantomData })
    }

    pub(super) fn db(&self) -> &Db {
        &self.db
    }

    /// The number of jobs.
    pub async fn len(&self) -> Result<u64, DbError> {
        let row = self.db.readers().fetch_one(sql(&self.statements.count), Values::default()).await?;
        Ok(Columns::of(&row).take::<i64>()?.unsigned_abs())
    }

    pub async fn is_empty(&self) -> Result<bool, DbError> {
        Ok(self.len().await? == 0)
    }

    pub(super) async fn insert(&self, tx: &mut Tx, job: &J) -> Result<(), DbError> {
        let mut values = Values::default();
        job.put(&mut values);
        tx.execute(sql(&self.statements.insert), values).await.map(|_| ())
    }

    /// Removes a job. Returns its queue, or `None` when there was no such job.
    pub(super) async fn remove_in(&self, tx: &mut Tx, id: J::Id) -> Result<Option<J::Queue>, DbError> {
        let row = tx.fetch_optional(sql(&self.statements.remove), Values::default().with(&id)).await?;
        row.map(|row| Columns::of(&row).take()).transpose()
    }

    pub(super) async fn remove(&self, id: J::Id) -> Result<(), DbError> {
        let mut tx = self.db.begin().await?;
        self.remove_in(&mut tx, id).await?;
        tx.commit().await
    }

    /// Schedules the jobs whose attempt was in progress when the process ended. Returns their number.
    pub(super) async fn recover(&self, try_again_at: Timestamp) -> Result<u64, DbError> {
        let mut tx = self.db.begin().await?;
        let recovered =
            tx.execute(sql(&self.statements.recover), Values::default().with(&try_again_at)).await?;
        tx.commit().await?;
        Ok(recovered)
    }

    /// The queues that have jobs.
    pub(super) async fn queues(&self) -> Result<Vec<J::Queue>, DbError> {
        let rows = self.db.readers().fetch_all(sql(&self.statements.queues), Values::default()).await?;
        rows.iter().map(|row| Columns::of(row).take()).collect()
    }

    /// Claims up to `limit` jobs that are due. Their state is [`JobState::Attempting`] until they are rescheduled or
    /// removed.
    pub(super) async fn claim(
        &self,
        queue: &J::Queue,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<J>, DbError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let values = Values::default().with(queue).with(&now).with(&limit);
        let mut tx = self.db.begin().await?;
        let rows = tx.fetch_all(sql(&self.statements.claim), values).await?;
        tx.commit().await?;
        rows.iter().map(J::take).collect()
    }

    /// The time at which the queue's next job is due. `None` when every job of the queue is being attempted.
    pub(super) async fn next_due(&self, queue: &J::Queue) -> Result<Option<Timestamp>, DbError> {
        let values = Values::default().with(queue);
        let row = self.db.readers().fetch_optional(sql(&self.statements.next_due), values).await?;
        row.map(|row| Columns::of(&row).take()).transpose()
    }

    pub(super) async fn reschedule(
        &self,
        id: J::Id,
        reason: RetryReason,
        at: Timestamp,
    ) -> Result<(), DbError> {
        let (state, not_counted) = match reason {
            RetryReason::Refused => (JobState::Waiting, 0),
            RetryReason::Unknown => (JobState::Unknown, 0),
            RetryReason::NotTried => (JobState::Waiting, 1),
        };
        let values = Values::default().with(&id).with(&state).with(&at).with(&i64::from(not_counted));
        let mut tx = self.db.begin().await?;
        tx.execute(sql(&self.statements.reschedule), values).await?;
        tx.commit().await
    }
}
