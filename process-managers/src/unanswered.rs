//! Unanswered: rules on customers whom nobody has answered for too long.
//!
//! It has an [appointment](crate::timers) with every conversation whose customer waits, at the first
//! moment at which a rule's time can be over. A rule acts once in a waiting: what it does is named after the
//! rule and the moment at which the waiting began.

mod follow;

use crate::Health;
use crate::automation::{RuleRun, run};
use crate::timers::{Attended, Due, Table, TimerHandler, Timers, table_of};
use commands::Commands;
use domain::automation::Cause;
use event_schemas::automation::AutomationEvent;
use event_schemas::{StreamId, Timestamp};
use follow::Follow;
use follower::{Db, RunnerError, Watch};
use futures::FutureExt;
use futures::future::BoxFuture;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

const WAITING: Table = table_of!("waiting");

/// The process manager.
pub struct Unanswered(Timers<Follow, Attendant>);

impl Unanswered {
    /// Takes up where it left off. `db` is the process managers' own; other tables may be in it.
    pub async fn open(commands: Arc<Commands>, db: Db) -> Result<Self, RunnerError> {
        let follow = |waker| Follow::new(Arc::clone(&commands), waker);
        let attendant = Attendant { commands: Arc::clone(&commands) };
        Timers::open(&commands, db, WAITING, follow, attendant).await.map(Self)
    }

    /// How far the log has been followed.
    pub fn watch(&self) -> Watch {
        self.0.watch()
    }

    /// Attends until told to stop. Ends early only when an event cannot be read.
    pub async fn run(self, stop: CancellationToken, health: Health) -> Result<(), RunnerError> {
        self.0.run(stop, health).await
    }
}

/// Asks the conversations whose customers wait.
struct Attendant {
    commands: Arc<Commands>,
}

impl TimerHandler for Attendant {
    const NAME: &'static str = "attendant of those who wait";

    fn attend<'a>(&'a self, due: &'a Due, now: Timestamp) -> BoxFuture<'a, Attended> {
        self.look(due, now).boxed()
    }
}

impl Attendant {
    /// Has the rules act whose time is over, and answers when the next one's is.
    async fn look(&self, due: &Due, now: Timestamp) -> Attended {
        let stream = StreamId::conversation(due.id);
        let rules = self.commands.automation_rules_of(due.account).await?;
        let fold = self.commands.conversations.current(&stream).await?;
        let Some(since) = fold.state.opened().ok().and_then(|opened| opened.unanswered_since) else {
            return Ok(None);
        };
        let name = format!("{}/waiting/{}", due.id, since.as_micros());
        let mut next = None;
        for (place, rule) in rules.on(AutomationEvent::WaitingLongerThan) {
            let Some(over) = rule.waiting.map(|waiting| since + waiting) else { continue };
            if over > now {
                next = next.into_iter().chain([over]).min();
                continue;
            }
            let cause = Cause {
                event: AutomationEvent::WaitingLongerThan,
                event_id: None,
                at: over,
                by_itself: false,
                text: String::new(),
                sla_metric: None,
                unanswered_since: Some(since),
            };
            let deed = RuleRun {
                account: due.account,
                conversation: due.id,
                rules: &rules,
                place,
                cause: &cause,
                name: &name,
                correlation_id: None,
                traceparent: None,
            };
            if run(&self.commands, &deed).await? {
                metrics::counter!("verbatim_automation_runs_total").increment(1);
            }
        }
        Ok(next)
    }
}
