//! A view of the tables at one moment and at a known checkpoint.
//!
//! The transaction begins with the statement that reads the checkpoint, in one call of the engine. It ends after the
//! view is dropped, and no request waits for its end.

use super::{DbError, DbRow, Engine, Readers, Tx};
use event_schemas::Position;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, MutexGuard};

/// The tables as they were at one moment: all its statements see the same rows, whatever is written meanwhile.
pub struct ReadView {
    readers: Readers,
    position: Option<Position>,
}

impl ReadView {
    pub(super) fn of(tx: Tx, checkpoint: Option<&DbRow>) -> Result<Self, DbError> {
        let engine = tx.engine();
        let open = Mutex::new(Open { tx: Some(tx), has_failed: false });
        let readers = Readers::View(Arc::new(ViewTx { open, engine }));
        let position = match checkpoint {
            Some(row) => Some(Position::new(row.number(0)? as u64, row.number(1)? as u64)),
            None => None,
        };
        Ok(Self { readers, position })
    }

    /// The connection of the view. Its statements run one after the other.
    pub fn readers(&self) -> &Readers {
        &self.readers
    }

    /// The position of the last event in the tables at this moment. `None` when no event is in them.
    pub fn position(&self) -> Option<Position> {
        self.position
    }
}

/// The statement that begins a view.
pub(super) fn begin(begin: &str, checkpoint: &str) -> String {
    format!("{begin}; select commit_position, prepare_position from checkpoints where name = '{checkpoint}'")
}

/// The transaction of a view.
pub struct ViewTx {
    open: Mutex<Open>,
    engine: Engine,
}

pub(super) struct Open {
    /// `None` when it has ended.
    tx: Option<Tx>,
    /// Whether a statement failed. The connection is not used again then.
    has_failed: bool,
}

impl ViewTx {
    /// The transaction, once its last statement has ended.
    pub(super) async fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().await
    }

    pub(super) fn engine(&self) -> Engine {
        self.engine
    }
}

impl Open {
    pub(super) fn tx(&mut self) -> Result<&mut Tx, DbError> {
        self.tx.as_mut().ok_or(DbError::PoolClosed)
    }

    /// Notes the result of a statement.
    pub(super) fn checked<T>(&mut self, result: Result<T, DbError>) -> Result<T, DbError> {
        self.has_failed |= result.is_err();
        result
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let Some(tx) = self.tx.take_if(|_| !self.has_failed) else { return };
        // Without a runtime, at the end of the process, the connection is closed.
        let Ok(runtime) = Handle::try_current() else { return };
        runtime.spawn(async move {
            if let Err(error) = tx.rollback().await {
                tracing::debug!(%error, "a view of the tables did not end; its connection is closed");
            }
        });
    }
}
