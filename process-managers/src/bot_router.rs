//! The bot router: puts each message of a customer's to the account's playbook, and writes down what
//! follows.
//!
//! It keeps nothing but how far it has come. What follows from a message is decided on the conversation as
//! it is, appended at the version it was decided on, and named after the message: however often a message is
//! put to it, after a crash too, it is answered once, and never when a person has taken the conversation.

mod follow;

use commands::Commands;
use follow::Follow;
use follower::{Db, Runner, RunnerError, Watch};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The process manager.
pub struct BotRouter {
    runner: Runner<Follow>,
}

impl BotRouter {
    /// Takes up where it left off. `db` is the process managers' own; other tables may be in it.
    pub async fn open(commands: Arc<Commands>, db: Db) -> Result<Self, RunnerError> {
        let runner = Runner::open(Arc::clone(&commands.store), db, Follow::new(commands)).await?;
        Ok(Self { runner })
    }

    /// How far the log has been followed.
    pub fn watch(&self) -> Watch {
        self.runner.watch()
    }

    /// Answers until told to stop. Ends early only when an event cannot be read.
    pub async fn run(self, stop: CancellationToken) -> Result<(), RunnerError> {
        self.runner.run(stop).await
    }
}
