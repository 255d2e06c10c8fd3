//! Automation: puts what happens to the account's rules, and has the conversation decide what follows.
//!
//! It keeps nothing but how far it has come. A rule acts once for each cause: what it does is appended in one
//! go, under ids named after the cause and the rule, so that a retry, a crash or a second process writes
//! nothing twice. What it does itself sets off nothing, and the rules are those that were in force when the
//! cause was recorded: a rule looks at nothing that was before it.

mod cause;
mod follow;
mod run;

pub(crate) use run::{RuleRun, run};

use commands::Commands;
use follow::Follow;
use follower::{Db, Runner, RunnerError, Watch};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Who does what rules say, as events name it.
pub const AUTOMATION: &str = "automation";

/// The process manager.
pub struct Automation {
    runner: Runner<Follow>,
}

impl Automation {
    /// Takes up where it left off. `db` is the process managers' own; other tables may be in it.
    pub async fn open(commands: Arc<Commands>, db: Db) -> Result<Self, RunnerError> {
        let runner = Runner::open(Arc::clone(&commands.store), db, Follow::new(commands)).await?;
        Ok(Self { runner })
    }

    /// How far the log has been followed.
    pub fn watch(&self) -> Watch {
        self.runner.watch()
    }

    /// Acts until told to stop. Ends early only when an event cannot be read.
    pub async fn run(self, stop: CancellationToken) -> Result<(), RunnerError> {
        self.runner.run(stop).await
    }
}
