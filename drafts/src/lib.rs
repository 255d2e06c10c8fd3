//! Drafts: what an agent has written and not sent, so that it is there again in another browser and after a restart.
//!
//! A draft was never said. It is in tables of its own, not in the log: in no event, stream, export or webhook. Only its
//! author reads it, it is overwritten and removed without a trace, and it ends after a time without a change.

mod http;
pub mod problem;

pub use http::{Conversations, router};

use event_schemas::{AccountId, Clock, ConversationId, MessageId, Timestamp, UserId, Version};
use follower::db::AssertSqlSafe;
use follower::table::{Columns, Row, Values};
use follower::{Db, DbError, Location, LocationError, Sizes};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

/// The most drafts that an agent has in an account.
pub const MOST_DRAFTS: i64 = 500;
/// How often drafts that have ended are removed.
const SWEEP: Duration = Duration::from_secs(3600);
/// How often a write is tried again when another one of the same draft comes first.
const ATTEMPTS: usize = 10;

const TABLES: &str = "
create table if not exists drafts (
    account_id      bytea   not null,
    user_id         bytea   not null,
    conversation_id bytea   not null,
    content         text    not null,
    is_private      boolean not null,
    in_reply_to     bytea,
    seen            text,
    updated_at      bigint  not null,
    version         bigint  not null,
    primary key (account_id, user_id, conversation_id)
);
create index if not exists drafts_by_age on drafts (updated_at);
";

follower::table! {
    /// A draft of an agent in a conversation.
    pub struct DraftRow in "drafts" key (account_id: AccountId, user_id: UserId, conversation_id: ConversationId) {
        content: String,
        /// Whether the text is a note.
        is_private: bool,
        in_reply_to: Option<MessageId>,
        /// The cursor of the newest message that its author had seen when it was begun.
        seen: Option<String>,
        updated_at: Timestamp,
        /// Grows with each change, also after the draft was removed and written again.
        version: Version,
    }
}

/// The agent whose draft it is, and its only reader.
#[derive(Clone, Copy, Debug)]
pub struct Author {
    pub account: AccountId,
    pub user: UserId,
}

/// The text that an agent has written.
#[derive(Clone, Debug)]
pub struct NewDraft {
    pub content: String,
    pub is_private: bool,
    pub in_reply_to: Option<MessageId>,
    pub seen: Option<String>,
}

/// Why a draft was not written or removed.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error("the draft has another version")]
    VersionMismatch { current: Option<Version> },
    #[error("an agent has at most {MOST_DRAFTS} drafts")]
    TooMany,
    #[error("the draft is written by too many at the same time")]
    Contended,
    #[error("the drafts cannot be opened")]
    Location(#[from] LocationError),
    #[error("the drafts cannot be read or written")]
    Db(#[from] DbError),
}

/// All drafts. Cheap to clone.
#[derive(Clone)]
pub struct Drafts {
    location: Location,
    opened: Arc<OnceCell<Db>>,
    clock: Clock,
    /// How long a draft is kept without a change.
    kept_for: Duration,
}

impl Drafts {
    /// The drafts in this location. Their tables are opened when they are first used.
    pub fn new(location: Location, clock: Clock, kept_for: Duration) -> Self {
        Self { location, opened: Arc::default(), clock, kept_for }
    }

    async fn db(&self) -> Result<&Db, LocationError> {
        self.opened.get_or_try_init(|| self.location.tables("drafts", Sizes::small(), TABLES)).await
    }

    /// The drafts of an agent, the newest first.
    ///
    /// # Errors
    ///
    /// The tables cannot be read.
    pub async fn of_author(&self, author: Author) -> Result<Vec<DraftRow>, WriteError> {
        let rest = "where account_id = $1 and user_id = $2 order by updated_at desc, conversation_id";
        let values = Values::default().with(&author.account).with(&author.user);
        let sql = AssertSqlSafe(format!("{} {rest}", select()));
        let rows = self.db().await?.readers().fetch_all(sql, values).await?;
        Ok(rows.iter().map(DraftRow::take).collect::<Result<_, _>>()?)
    }

    /// The draft of an agent in a conversation. `None` when there is none.
    ///
    /// # Errors
    ///
    /// The tables cannot be read.
    pub async fn find(
        &self,
        author: Author,
        conversation: ConversationId,
    ) -> Result<Option<DraftRow>, WriteError> {
        let sql = AssertSqlSafe(format!("{} {KEY}", select()));
        let row = self.db().await?.readers().fetch_optional(sql, key(author, conversation)).await?;
        Ok(row.as_ref().map(DraftRow::take).transpose()?)
    }

    /// Writes a draft. `expected` is the version that it must have; without it the last writer wins.
    ///
    /// # Errors
    ///
    /// It has another version, the agent has too many drafts, or the tables cannot be written.
    pub async fn put(
        &self,
        author: Author,
        conversation: ConversationId,
        draft: &NewDraft,
        expected: Option<Version>,
    ) -> Result<DraftRow, WriteError> {
        for _ in 0..ATTEMPTS {
            let before = self.find(author, conversation).await?;
            check_version(before.as_ref(), expected)?;
            let now = self.clock.now();
            let next = before.as_ref().map_or(Version(0), |before| before.version.next());
            let row = DraftRow {
                account_id: author.account,
                user_id: author.user,
                conversation_id: conversation,
                content: draft.content.clone(),
                is_private: draft.is_private,
                in_reply_to: draft.in_reply_to,
                seen: draft.seen.clone(),
                updated_at: now,
                version: next.max(Version(now.as_micros().unsigned_abs())),
            };
            if self.write(&row, before.map(|before| before.version)).await? {
                return Ok(row);
            }
        }
        Err(WriteError::Contended)
    }

    /// Writes the row, if the draft still has this version. Answers whether it did.
    async fn write(&self, row: &DraftRow, before: Option<Version>) -> Result<bool, WriteError> {
        const CHANGE: &str = "update drafts set content = $4, is_private = $5, in_reply_to = $6, seen = $7,
            updated_at = $8, version = $9
            where account_id = $1 and user_id = $2 and conversation_id = $3 and version = $10";
        const ADD: &str = "insert into drafts (account_id, user_id, conversation_id, content, is_private,
            in_reply_to, seen, updated_at, version) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            on conflict (account_id, user_id, conversation_id) do nothing";
        const COUNT: &str = "select count(*) from drafts where account_id = $1 and user_id = $2";
        let db = self.db().await?;
        let mut values = Values::default();
        row.put(&mut values);
        let mut tx = db.begin().await?;
        let written = match before {
            Some(before) => tx.execute(CHANGE, values.with(&before)).await?,
            None => {
                let author = Values::default().with(&row.account_id).with(&row.user_id);
                let count: i64 = Columns::of(&tx.fetch_one(COUNT, author).await?).take()?;
                if count >= MOST_DRAFTS {
                    tx.rollback().await?;
                    return Err(WriteError::TooMany);
                }
                tx.execute(ADD, values).await?
            }
        };
        tx.commit().await?;
        // A draft is kept also when the machine loses its power.
        db.make_durable().await?;
        Ok(written > 0)
    }

    /// Removes a draft. It is no error when there is none.
    ///
    /// # Errors
    ///
    /// It has another version than `expected`, or the tables cannot be written.
    pub async fn remove(
        &self,
        author: Author,
        conversation: ConversationId,
        expected: Option<Version>,
    ) -> Result<(), WriteError> {
        const REMOVE: &str = "delete from drafts
            where account_id = $1 and user_id = $2 and conversation_id = $3 and version = $4";
        for _ in 0..ATTEMPTS {
            let Some(before) = self.find(author, conversation).await? else { return Ok(()) };
            check_version(Some(&before), expected)?;
            let mut tx = self.db().await?.begin().await?;
            let removed = tx.execute(REMOVE, key(author, conversation).with(&before.version)).await?;
            tx.commit().await?;
            if removed > 0 {
                return Ok(());
            }
        }
        Err(WriteError::Contended)
    }

    /// Removes the drafts that were not changed for too long.
    async fn remove_old(&self) -> Result<u64, WriteError> {
        let before =
            self.clock.now().as_micros() - i64::try_from(self.kept_for.as_micros()).unwrap_or(i64::MAX);
        let mut tx = self.db().await?.begin().await?;
        let values = Values::default().with(&before);
        let removed = tx.execute("delete from drafts where updated_at < $1", values).await?;
        tx.commit().await?;
        Ok(removed)
    }

    /// Removes drafts that have ended, until `stop` is cancelled.
    pub async fn remove_old_ones(self, stop: CancellationToken) {
        loop {
            match self.remove_old().await {
                Ok(0) => {}
                Ok(removed) => tracing::info!(removed, "old drafts were removed"),
                Err(error) => {
                    tracing::warn!(error = &error as &dyn Error, "old drafts cannot be removed now");
                }
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(SWEEP) => {}
            }
        }
        if let Some(db) = self.opened.get() {
            db.close().await;
        }
    }
}

const KEY: &str = "where account_id = $1 and user_id = $2 and conversation_id = $3";

fn key(author: Author, conversation: ConversationId) -> Values {
    Values::default().with(&author.account).with(&author.user).with(&conversation)
}

fn select() -> String {
    format!("select {} from drafts", DraftRow::COLUMNS.join(", "))
}

fn check_version(before: Option<&DraftRow>, expected: Option<Version>) -> Result<(), WriteError> {
    let current = before.map(|before| before.version);
    match expected {
        Some(_) if current != expected => Err(WriteError::VersionMismatch { current }),
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
