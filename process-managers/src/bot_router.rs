//! The bot router: answers each message of a customer by the account's playbook.
//!
//! It stores only its checkpoint. The answer is decided on the current state of the conversation and appended at the
//! version of that state, with ids derived from the message. So each message is answered once, also after a crash, and
//! never when an agent has taken the conversation.

mod follow;

use crate::manager::{Context, OpenError, ProcessManager};
use crate::restore::{AfterRestore, TableSet};
use commands::dry_run::ROUTER;
use follow::Follow;
use follower::{Health, Runner, RunnerError, Watch};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The process manager.
pub struct BotRouter(Runner<Follow>);

impl ProcessManager for BotRouter {
    const NAME: &'static str = "bot-router";
    const TABLES: Option<TableSet> =
        Some(TableSet { name: "bot-router", checkpoint: ROUTER, after_restore: AfterRestore::Continue });

    async fn open(context: &Context) -> Result<Self, OpenError> {
        let db = context.tables("bot-router").await?;
        let side_effects = context.side_effects(Self::NAME).await?;
        let follow = Follow::new(Arc::clone(&context.commands), side_effects);
        Ok(Self(Runner::open(context.log.clone(), db, follow).await?))
    }

    fn watch(&self) -> Option<Watch> {
        Some(self.0.watch())
    }

    async fn run(self, stop: CancellationToken, _health: Health) -> Result<(), RunnerError> {
        self.0.run(stop).await
    }
}
