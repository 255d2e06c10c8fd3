//! Bulk actions: executes bulk changes step by step, and takes them back.
//!
//! Every bulk change that is not done has a [timer](follower::timers), which is due at once: each step is followed by the
//! next one, and after a restart by the one that was not recorded. The events of a step have the same ids when it is
//! repeated.

use crate::manager::{Context, OpenError, ProcessManager};
use crate::restore::{AfterRestore, TableSet};
use crate::timer_error::HandlerError;
use commands::Commands;
use domain::bulk::Rejection;
use event_schemas::bulk::{BulkStarted, BulkUndoStarted};
use event_schemas::{BulkEvent, BulkId, Category, ConversationId, Event, Timestamp, about};
use event_store::Filter;
use follower::timers::{DueTimer, Moment, TimerEffect, TimerHandler, TimerSource, TimerTable, Timers};
use follower::{DecodedEvent, FollowError, Health, RunnerError, Watch};
use futures::future::BoxFuture;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The process manager.
pub struct BulkActions(Timers<Source, StepHandler>);

impl ProcessManager for BulkActions {
    const NAME: &'static str = "bulk-actions";
    const TABLES: Option<TableSet> = Some(TableSet {
        name: "bulk_changes",
        checkpoint: <Source as TimerSource>::CHECKPOINT,
        after_restore: AfterRestore::Derive,
    });

    async fn open(context: &Context) -> Result<Self, OpenError> {
        let db = context.tables("bulk_changes").await?;
        let handler = StepHandler { commands: Arc::clone(&context.commands) };
        let clock = context.commands.clock.clone();
        Ok(Self(Timers::open(&context.log, db, clock, Source, handler).await?))
    }

    fn watch(&self) -> Option<Watch> {
        Some(self.0.watch())
    }

    async fn run(self, stop: CancellationToken, health: Health) -> Result<(), RunnerError> {
        self.0.run(stop, health).await
    }
}

struct Source;

impl TimerSource for Source {
    const NAME: &'static str = "bulk changes";
    const CHECKPOINT: &'static str = "bulk_changes";
    const TABLE: TimerTable = TimerTable { name: "bulk_changes", by_account: false };
    const PACE: Duration = Duration::from_millis(20);
    const KNOWS_TIMERS: bool = false;

    fn about(&self) -> Filter {
        Filter {
            account: None,
            categories: vec![Category::Bulk],
            event_types: about![BulkStarted, BulkUndoStarted],
        }
    }

    /// A row of these timers has the id of a bulk change in the place of a conversation's.
    fn subject_of(&self, event: &DecodedEvent) -> Option<ConversationId> {
        event.stream.as_bulk().map(|BulkId(id)| ConversationId(id))
    }

    fn effect_of(&self, event: &DecodedEvent, _has_timer: bool) -> TimerEffect {
        match &event.event {
            Event::Bulk(BulkEvent::BulkStarted(_) | BulkEvent::BulkUndoStarted(_)) => TimerEffect::Set,
            Event::Bulk(BulkEvent::BulkAdvanced(_) | BulkEvent::BulkUndoAdvanced(_))
            | Event::Conversation(_)
            | Event::Catalogue(_)
            | Event::Agent(_)
            | Event::Contact(_)
            | Event::Inbound(_)
            | Event::Log(_)
            | Event::Account(_)
            | Event::Person(_)
            | Event::ApiKey(_) => TimerEffect::None,
        }
    }

    async fn moment_of(&mut self, event: &DecodedEvent) -> Result<Moment, FollowError> {
        Ok(Moment::At(event.metadata.occurred_at))
    }
}

/// Executes the next step of a bulk change.
struct StepHandler {
    commands: Arc<Commands>,
}

impl TimerHandler for StepHandler {
    type Error = HandlerError<Rejection>;

    fn handle<'a>(
        &'a self,
        timer: &'a DueTimer,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Option<Timestamp>, HandlerError<Rejection>>> {
        Box::pin(async move {
            let has_more = self.commands.advance_bulk(BulkId(timer.id.0)).await?;
            Ok(has_more.then_some(now))
        })
    }
}
