//! Outgoing webhooks: sends the webhooks that macros and automation rules request, and appends the results to the log.
//!
//! It is an [outbox](follower::outbox) whose queues are the hosts, so that a receiver that is slow or unavailable delays
//! no other. A receiver may get a webhook twice, when its response is lost or the process ends before the result is
//! recorded; it recognises the repetition by the webhook's id.

mod dispatch;
mod source;

use crate::Schedule;
use crate::manager::{Context, OpenError, ProcessManager};
use crate::restore::{AfterRestore, TableSet};
use dispatch::WebhookContext;
use follower::outbox::{JobSource, Limits, Outbox};
use follower::{Health, RunnerError, Watch};
use providers::outgoing_webhook::WebhookClient;
use source::Source;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The number of concurrent requests to all hosts.
const IN_TOTAL: usize = 64;

/// The settings of outgoing webhooks.
#[derive(Clone, Debug)]
pub struct Settings {
    pub client: WebhookClient,
    pub schedule: Schedule,
    /// The number of concurrent requests to one host.
    pub per_host: usize,
    /// The base URL of the events' schemas, which the requests name.
    pub schemas_url: String,
}

impl Settings {
    pub fn of(client: WebhookClient, schemas_url: String) -> Self {
        Self { client, schedule: default_schedule(), per_host: 4, schemas_url }
    }
}

/// A schedule that lasts most of a day.
pub fn default_schedule() -> Schedule {
    Schedule { first: Duration::from_secs(5), longest: Duration::from_secs(3600), attempts: 20 }
}

/// The process manager.
pub struct OutgoingWebhooks(Outbox<Source, WebhookContext>);

impl ProcessManager for OutgoingWebhooks {
    const NAME: &'static str = "outgoing-webhooks";
    const TABLES: Option<TableSet> = Some(TableSet {
        name: "webhooks",
        checkpoint: <Source as JobSource>::CHECKPOINT,
        after_restore: AfterRestore::KeepJobs { table: "outgoing_webhooks", event: "event_id" },
    });

    async fn open(context: &Context) -> Result<Self, OpenError> {
        let db = context.tables("webhooks").await?;
        let (commands, settings) = (&context.commands, context.settings.outgoing_webhooks.clone());
        // A receiver reports a delivery only in its response, so there is no later report to wait for.
        let grace = Duration::ZERO;
        let limits = Limits { per_queue: settings.per_host, in_total: Some(IN_TOTAL), grace };
        let side_effects = context.side_effects(Self::NAME).await?;
        let webhooks = WebhookContext { commands: Arc::clone(commands), settings, side_effects };
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
