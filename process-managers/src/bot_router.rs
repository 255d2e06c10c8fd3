//! The bot router: has each message of a customer answered by the account's playbook, and appends what follows.
//!
//! It keeps nothing but its checkpoint. What follows from a message is decided on the conversation as it is, appended
//! at the version it was decided on, and named after the message: however often a message is read, after a crash too,
//! it is answered once, and never when an agent has taken the conversation.

mod follow;

use crate::manager::{Context, OpenError, ProcessManager};
use follow::Follow;
use follower::{Health, Runner, RunnerError, Watch};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The process manager.
pub struct BotRouter(Runner<Follow>);

impl ProcessManager for BotRouter {
    const NAME: &'static str = "bot-router";

    async fn open(context: &Context) -> Result<Self, OpenError> {
        let db = context.tables("bot-router").await?;
        let follow = Follow::new(Arc::clone(&context.commands));
        Ok(Self(Runner::open(context.log.clone(), db, follow).await?))
    }

    fn watch(&self) -> Option<Watch> {
        Some(self.0.watch())
    }

    async fn run(self, stop: CancellationToken, _health: Health) -> Result<(), RunnerError> {
        self.0.run(stop).await
    }
}
