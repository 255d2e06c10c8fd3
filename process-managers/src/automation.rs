//! Automation: matches events with the account's rules and executes the actions of the matching rules.
//!
//! It stores only its checkpoint. A rule runs once for each cause: its events are appended together, with ids derived
//! from the cause and the rule, so that a retry, a crash or a second process appends none of them twice. Events that
//! automation appended are no causes. A cause is matched with the rules that were defined when it was recorded: a rule
//! never runs on a cause that is older than the rule.

mod cause;
mod follow;
mod run;

pub(crate) use run::{RuleRun, run};

use crate::manager::{Context, OpenError, ProcessManager};
use crate::restore::{AfterRestore, TableSet};
use commands::AUTOMATION;
use follow::Follow;
use follower::{Health, Runner, RunnerError, Watch};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The process manager.
pub struct Automation(Runner<Follow>);

impl ProcessManager for Automation {
    const NAME: &'static str = "automation";
    const TABLES: Option<TableSet> =
        Some(TableSet { name: "automation", checkpoint: AUTOMATION, after_restore: AfterRestore::Continue });

    async fn open(context: &Context) -> Result<Self, OpenError> {
        let db = context.tables("automation").await?;
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
