//! Automation: matches what happens with the account's rules, and has the conversation decide what follows.
//!
//! It keeps nothing but its checkpoint. A rule acts once for each cause: what it does is appended in one go, under ids
//! named after the cause and the rule, so that a retry, a crash or a second process appends nothing twice. What
//! automation does itself causes no rule to act. A cause is matched with the rules that were in force when it was
//! recorded: a rule never acts on a cause that is older than the rule.

mod cause;
mod follow;
mod run;

pub(crate) use run::{RuleRun, run};

use crate::manager::{Context, OpenError, ProcessManager};
use follow::Follow;
use follower::{Health, Runner, RunnerError, Watch};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The actor of what rules do, as events name it.
const AUTOMATION: &str = "automation";

/// The process manager.
pub struct Automation(Runner<Follow>);

impl ProcessManager for Automation {
    const NAME: &'static str = "automation";

    async fn open(context: &Context) -> Result<Self, OpenError> {
        let db = context.tables("automation").await?;
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
