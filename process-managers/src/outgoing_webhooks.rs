//! Outgoing webhooks: call other programs as macros and automation rules demand, and write into the log what became
//! of each call.
//!
//! It is an [outbox](follower::outbox) whose queues are the hosts, so that a program that is slow or down delays no
//! other. A program may be called twice, when its answer is lost or the process ends before the answer is recorded;
//! it knows the second call by the webhook's id.

mod dispatch;
mod source;

use crate::Schedule;
use crate::manager::{Context, OpenError, ProcessManager};
use dispatch::WebhookContext;
use follower::outbox::{Limits, Outbox};
use follower::{Health, RunnerError, Watch};
use providers::outgoing_webhook::Caller;
use source::Source;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How many calls may be under way in all.
const IN_TOTAL: usize = 64;

/// How other programs are called.
#[derive(Clone, Debug)]
pub struct Settings {
    pub caller: Caller,
    pub schedule: Schedule,
    /// How many calls to one host may be under way.
    pub per_host: usize,
    /// The URL of the events' schemas, which calls name.
    pub schemas_url: String,
}

impl Settings {
    pub fn of(caller: Caller, schemas_url: String) -> Self {
        Self { caller, schedule: usual_schedule(), per_host: 4, schemas_url }
    }
}

/// Most of a day in all.
pub fn usual_schedule() -> Schedule {
    Schedule { first: Duration::from_secs(5), longest: Duration::from_secs(3600), attempts: 20 }
}

/// The process manager.
pub struct OutgoingWebhooks(Outbox<Source, WebhookContext>);

impl ProcessManager for OutgoingWebhooks {
    const NAME: &'static str = "outgoing-webhooks";

    async fn open(context: &Context) -> Result<Self, OpenError> {
        let db = context.tables("webhooks").await?;
        let (commands, settings) = (&context.commands, context.settings.outgoing_webhooks.clone());
        // No program tells by other ways that it took a call, so that there is nothing to wait for.
        let grace = Duration::ZERO;
        let limits = Limits { per_queue: settings.per_host, in_total: Some(IN_TOTAL), grace };
        let webhooks = WebhookContext { commands: Arc::clone(commands), settings };
        let clock = commands.clock.clone();
        Ok(Self(Outbox::open(&context.log, db, clock, limits, Source, webhooks).await?))
    }

    fn watch(&self) -> Option<Watch> {
        Some(self.0.watch())
    }

    async fn run(self, stop: CancellationToken, health: Health) -> Result<(), RunnerError> {
        self.0.run(stop, health).await
    }
}
