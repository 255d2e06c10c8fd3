//! The tables in which the router keeps its state, with the checkpoint of the last event that is folded in it.
//!
//! They follow from the log alone. When they are missing, belong to another version of the fold or to another log, or
//! cannot be read, they are cleared, and the state is folded from the beginning of the log again.

use domain::routing::{FOLD, Part, RoutingState};
use event_schemas::{AccountId, ConversationId, Position, UserId};
use event_store::{EventStore, ReadError};
use follower::db::{Engine, Tx};
use follower::runner::{Checkpoint, CheckpointEvent};
use follower::table::{Columns, Values};
use follower::{Db, DbError};
use futures::TryStreamExt;
use std::collections::BTreeSet;
use uuid::Uuid;

pub(super) const NAME: &str = "agent-router";

const SCRIPT: &str = include_str!("../../../migrations/process-managers/routing.sql");

/// The kinds of row.
mod kind {
    /// The version of the fold.
    pub const FOLD: i64 = 0;
    /// An account whose conversations are folded.
    pub const ROUTING_ACCOUNT: i64 = 1;
    pub const AGENT: i64 = 2;
    pub const CATALOGUES: i64 = 3;
    pub const TURNS: i64 = 4;
    pub const CONVERSATION: i64 = 5;
}

/// The tables could not be read or written.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeptError {
    #[error("the router's tables cannot be used")]
    Db(#[from] DbError),
    #[error("the log cannot be read")]
    Log(#[from] ReadError),
    #[error("a part of the routing state cannot be written")]
    Part(#[from] serde_json::Error),
}

/// The state as it is folded from the log.
#[derive(Default)]
pub(super) struct Folded {
    pub state: RoutingState,
    /// The accounts that have, or had, a configuration of routing. Only their conversations are folded.
    pub routing_accounts: BTreeSet<AccountId>,
    /// The last event that is folded.
    pub last: Option<(Position, CheckpointEvent)>,
    /// The number of events that were folded since the state was kept.
    pub unkept: u64,
}

pub(super) struct Kept {
    db: Db,
    checkpoint: Checkpoint,
}

impl Kept {
    pub async fn open(db: Db) -> Result<Self, DbError> {
        db.run(SCRIPT).await?;
        Checkpoint::prepare(&db).await?;
        Ok(Self { db, checkpoint: Checkpoint::default() })
    }

    /// The state as it was kept last, or the empty state when none is kept that this program can use.
    pub async fn load(&mut self, store: &dyn EventStore) -> Result<Folded, KeptError> {
        self.checkpoint = Checkpoint::read(&self.db, NAME).await?;
        if self.checkpoint.position.is_none() {
            return Ok(Folded::default());
        }
        let unusable = match self.checkpoint.compare(NAME, store).await? {
            Some(older) => older.to_string(),
            None => match self.read().await? {
                Ok(folded) => return Ok(folded),
                Err(reason) => reason,
            },
        };
        tracing::warn!(reason = unusable, "the router's state is folded from the beginning of the log");
        self.clear().await?;
        Ok(Folded::default())
    }

    /// Reads all rows. The inner error is the reason why they cannot be used.
    async fn read(&self) -> Result<Result<Folded, String>, DbError> {
        let mut folded =
            Folded { last: self.checkpoint.position.zip(self.checkpoint.event), ..Folded::default() };
        let mut fold = None;
        let mut tx = self.db.snapshot().await?;
        {
            let mut rows = tx.fetch("select kind, account_id, id, state from routing_parts");
            while let Some(row) = rows.try_next().await? {
                let mut columns = Columns::of(&row);
                let (kind, account, id): (i64, Uuid, Uuid) =
                    (columns.take()?, columns.take()?, columns.take()?);
                let state: String = columns.take()?;
                let part = match kind {
                    kind::FOLD => {
                        fold = state.parse().ok();
                        continue;
                    }
                    kind::ROUTING_ACCOUNT => {
                        folded.routing_accounts.insert(AccountId(account));
                        continue;
                    }
                    kind::AGENT => Part::Agent(UserId(id)),
                    kind::CATALOGUES => Part::Catalogues(AccountId(account)),
                    kind::TURNS => Part::Turns(AccountId(account)),
                    kind::CONVERSATION => Part::Conversation(AccountId(account), ConversationId(id)),
                    unknown => return Ok(Err(format!("a row has the unknown kind {unknown}"))),
                };
                if let Err(error) = folded.state.restore(part, &state) {
                    // The text of the error could quote the row.
                    return Ok(Err(format!("{part:?} cannot be read ({:?})", error.classify())));
                }
            }
        }
        tx.rollback().await?;
        if fold != Some(FOLD) {
            return Ok(Err(format!("it was folded by version {fold:?} of the fold, and this one is {FOLD}")));
        }
        if folded.last.is_none() {
            return Ok(Err("its checkpoint has no event".to_owned()));
        }
        Ok(Ok(folded))
    }

    async fn clear(&mut self) -> Result<(), DbError> {
        let mut tx = self.db.begin().await?;
        tx.execute("delete from routing_parts", Values::default()).await?;
        let name = Values::default().with(&NAME.to_owned());
        tx.execute("delete from checkpoints where name = $1", name).await?;
        tx.commit().await?;
        self.checkpoint = Checkpoint::default();
        Ok(())
    }

    /// Keeps all changes and the checkpoint in one transaction. Returns false, and writes nothing, when another router
    /// has written meanwhile: then the state must be loaded again.
    pub async fn store(&mut self, folded: &mut Folded) -> Result<bool, KeptError> {
        let Some((position, event)) = folded.last else { return Ok(true) };
        let parts = folded.state.changed_parts()?;
        let next = self.checkpoint.moved_to(position, folded.unkept, Some(event));
        let mut tx = self.db.begin().await?;
        if !next.replace(self.checkpoint, NAME, &mut tx).await? {
            return Ok(false);
        }
        let nil = Uuid::nil();
        let mut set = vec![(kind::FOLD, nil, nil, FOLD.to_string())];
        set.extend(
            folded
                .routing_accounts
                .iter()
                .map(|account| (kind::ROUTING_ACCOUNT, account.0, nil, String::new())),
        );
        let mut gone = Vec::new();
        for (part, state) in parts {
            let (kind, account, id) = match part {
                Part::Agent(user) => (kind::AGENT, nil, user.0),
                Part::Catalogues(account) => (kind::CATALOGUES, account.0, nil),
                Part::Turns(account) => (kind::TURNS, account.0, nil),
                Part::Conversation(account, id) => (kind::CONVERSATION, account.0, id.0),
            };
            match state {
                Some(state) => set.push((kind, account, id, state)),
                None => gone.push((kind, account, id)),
            }
        }
        put(&mut tx, &set).await?;
        remove(&mut tx, &gone).await?;
        if !tx.commit_claimed().await? {
            return Ok(false);
        }
        self.checkpoint = next;
        folded.state.changes_are_kept();
        folded.unkept = 0;
        Ok(true)
    }
}

async fn put(tx: &mut Tx, mut rows: &[(i64, Uuid, Uuid, String)]) -> Result<(), DbError> {
    let engine: Engine = tx.engine();
    while !rows.is_empty() {
        let (_, size) = engine.pick(rows.len());
        let (these, others) = rows.split_at(size);
        rows = others;
        let mut values = Values::for_rows(engine, size, 4);
        for (kind, account, id, state) in these {
            values.put(kind).put(account).put(id).put(state);
        }
        let text = format!(
            "insert into routing_parts (kind, account_id, id, state) {} \
             on conflict (kind, account_id, id) do update set state = excluded.state",
            engine.rows(size, 4)
        );
        tx.write(text.into(), values).await?;
    }
    Ok(())
}

async fn remove(tx: &mut Tx, mut rows: &[(i64, Uuid, Uuid)]) -> Result<(), DbError> {
    let engine = tx.engine();
    while !rows.is_empty() {
        let (_, size) = engine.pick(rows.len());
        let (these, others) = rows.split_at(size);
        rows = others;
        let mut values = Values::for_rows(engine, size, 3);
        for (kind, account, id) in these {
            values.put(kind).put(account).put(id);
        }
        let text =
            format!("delete from routing_parts where {}", engine.among(&["kind", "account_id", "id"], size));
        tx.write(text.into(), values).await?;
    }
    Ok(())
}
