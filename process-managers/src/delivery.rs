//! Outbound delivery: sends the messages of conversations to the providers, and appends the results to the log.
//!
//! It is an [outbox](follower::outbox) whose queues are the channels. The messages of one conversation are sent one
//! after the other; a channel whose provider is slow or unavailable delays no other channel. A message whose attempt was
//! in progress when the process ended, or whose response never arrived, waits for a status webhook before it is sent
//! again.

mod attempt;
mod source;

pub use source::OutgoingMessage;

use crate::manager::{Context, OpenError, ProcessManager};
use crate::restore::{AfterRestore, TableSet};
use attempt::DeliveryContext;
use event_schemas::Timestamp;
use follower::outbox::{JobSource, JobTable, Limits, Outbox, Schedule};
use follower::{Health, RunnerError, Watch};
use source::Source;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The settings of retries.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    pub schedule: Schedule,
    /// The age after which a message is not sent any more, counted from `MessageSent`: after a restore, last month's
    /// answers must not be sent.
    pub give_up_after: Duration,
    /// How long to wait for a status webhook when it is not known whether the provider accepted a message.
    pub grace: Duration,
    /// The number of concurrent requests of one channel.
    pub per_channel: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            schedule: Schedule::default(),
            give_up_after: Duration::from_secs(24 * 3600),
            grace: Duration::from_secs(120),
            per_channel: 16,
        }
    }
}

impl Settings {
    fn is_too_late(&self, message: &OutgoingMessage, at: Timestamp) -> bool {
        message.attempts > self.schedule.attempts || at > message.queued_at + self.give_up_after
    }
}

/// The process manager.
pub struct Delivery(Outbox<Source, DeliveryContext>);

impl Delivery {
    /// The messages whose end is not in the log.
    pub fn outbox(&self) -> JobTable<OutgoingMessage> {
        self.0.table()
    }
}

impl ProcessManager for Delivery {
    const NAME: &'static str = "outbound-delivery";
    const TABLES: Option<TableSet> = Some(TableSet {
        name: "process-managers",
        checkpoint: <Source as JobSource>::CHECKPOINT,
        after_restore: AfterRestore::KeepJobs { table: "outbox", event: "message_id" },
    });

    async fn open(context: &Context) -> Result<Self, OpenError> {
        let db = context.tables("process-managers").await?;
        let (commands, settings) = (&context.commands, context.settings.delivery);
        let limits = Limits { per_queue: settings.per_channel, in_total: None, grace: settings.grace };
        let source = Source::new(Arc::clone(commands), context.history);
        let side_effects = context.side_effects(Self::NAME).await?;
        let delivery = DeliveryContext { commands: Arc::clone(commands), settings, side_effects };
        let clock = commands.clock.clone();
        Ok(Self(Outbox::open(&context.log, db, clock, limits, source, delivery).await?))
    }

    fn watch(&self) -> Option<Watch> {
        Some(self.0.watch())
    }

    async fn run(self, stop: CancellationToken, health: Health) -> Result<(), RunnerError> {
        self.0.run(stop, health).await
    }
}
