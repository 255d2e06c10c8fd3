//! Unanswered: runs the automation rules for customers who have waited too long for an answer.
//!
//! Every conversation whose customer waits has a [timer](follower::timers), which is due at the earliest moment at which
//! a rule can apply. A rule runs once while a customer waits: its events are named after the rule and the moment since
//! which the customer has waited.

mod source;

use crate::automation::{RuleRun, run};
use crate::manager::{Context, OpenError, ProcessManager};
use crate::past::SideEffects;
use crate::restore::{AfterRestore, TableSet};
use crate::timer_error::HandlerError;
use commands::{Commands, event_of};
use domain::automation::Cause;
use domain::past::Trigger;
use event_schemas::automation::AutomationEvent;
use event_schemas::{StreamId, Timestamp};
use follower::timers::{DueTimer, TimerHandler, TimerSource, Timers};
use follower::{Health, RunnerError, Watch};
use futures::future::BoxFuture;
use source::Source;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The process manager.
pub struct Unanswered(Timers<Source, UnansweredHandler>);

impl ProcessManager for Unanswered {
    const NAME: &'static str = "unanswered";
    const TABLES: Option<TableSet> = Some(TableSet {
        name: "waiting",
        checkpoint: <Source as TimerSource>::CHECKPOINT,
        after_restore: AfterRestore::Derive,
    });

    async fn open(context: &Context) -> Result<Self, OpenError> {
        let db = context.tables("waiting").await?;
        let commands = &context.commands;
        let source = Source::new(Arc::clone(commands));
        let side_effects = context.side_effects(Self::NAME).await?;
        let handler = UnansweredHandler { commands: Arc::clone(commands), side_effects };
        Ok(Self(Timers::open(&context.log, db, commands.clock.clone(), source, handler).await?))
    }

    fn watch(&self) -> Option<Watch> {
        Some(self.0.watch())
    }

    async fn run(self, stop: CancellationToken, health: Health) -> Result<(), RunnerError> {
        self.0.run(stop, health).await
    }
}

/// Runs the rules for customers who wait.
struct UnansweredHandler {
    commands: Arc<Commands>,
    side_effects: SideEffects,
}

impl TimerHandler for UnansweredHandler {
    type Error = HandlerError;

    fn handle<'a>(
        &'a self,
        timer: &'a DueTimer,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Option<Timestamp>, HandlerError>> {
        Box::pin(self.run_rules(timer, now))
    }
}

impl UnansweredHandler {
    /// Runs the rules that are due, and returns the moment of the next one. `None` when there is none.
    async fn run_rules(&self, timer: &DueTimer, now: Timestamp) -> Result<Option<Timestamp>, HandlerError> {
        let stream = StreamId::conversation(timer.id);
        let rules = self.commands.automation_rules_of(timer.account).await?;
        let loaded = self.commands.conversations.current(&stream).await?;
        let waiting = || rules.on(AutomationEvent::WaitingLongerThan);
        let Some(unanswered) = loaded.state.opened().ok().and_then(|opened| opened.clocks.unanswered())
        else {
            // The follower removes the timer when it reads the answer. It does not when the answer was reported as
            // failed and is delivered after all: then a later message of the customer is found at the next check.
            return Ok(waiting().filter_map(|(_, rule)| rule.waiting).min().map(|shortest| now + shortest));
        };
        let since = unanswered.since;
        // The ids of the events derive from this name. Never change it: rules would run again.
        let name = format!("{}/waiting/{}", timer.id, since.as_micros());
        let mut next = None;
        for (index, rule) in waiting() {
            let Some(due_at) = rule.waiting.map(|waiting| since + waiting) else { continue };
            if due_at > now {
                next = next.into_iter().chain([due_at]).min();
                continue;
            }
            if self.side_effects.withheld(Trigger::Moment(due_at)).is_some() {
                continue;
            }
            let cause = Cause {
                event: AutomationEvent::WaitingLongerThan,
                event_id: None,
                at: due_at,
                by_itself: false,
                text: String::new(),
                sla_metric: None,
                unanswered_since: Some(since),
            };
            let rule_run = RuleRun {
                causation_id: Some(event_of(unanswered.message_id)),
                account: timer.account,
                conversation: timer.id,
                rules: &rules,
                index,
                cause: &cause,
                name: &name,
                correlation_id: None,
                traceparent: None,
            };
            if run(&self.commands, &rule_run).await? {
                metrics::counter!("verbatim_automation_runs_total").increment(1);
            }
        }
        Ok(next)
    }
}
