//! Bulk changes: how they are started, executed step by step, and taken back.
//!
//! Each conversation is changed by the usual commands, with one correlation id. The ids of its events are derived from the
//! bulk change and the conversation, so that a step that is repeated changes nothing.

use crate::Commands;
use crate::assignment::{AssignError, AssignOptions};
use crate::execute::{CommandError, Context, LoadError, Outcome};
use crate::undo::UndoError;
use domain::bulk::{Advance, Bulk, Progress, Rejection, Running, Start, StartUndo};
use domain::conversation::{Rejection as Refused, Requester, RunBulk, Sender};
use event_schemas::automation::Action;
use event_schemas::bulk::{BulkRefusal, BulkStarted, BulkUndoStarted};
use event_schemas::message::SenderType;
use event_schemas::{
    AccountId, Actor, ActorType, BulkId, Category, ConversationId, EventId, StreamId, UserId,
};
use futures::future::BoxFuture;
use futures::{StreamExt, TryStreamExt, stream};
use std::time::Duration;

/// How many bulk changes an account can start in each [`PERIOD`]. Their ids are derived from the period and a number below
/// this, so that more cannot be started, whatever the number of processes.
pub const MOST_IN_A_PERIOD: u32 = 20;
pub const PERIOD: Duration = Duration::from_secs(600);
/// The conversations of one step.
const STEP: usize = 50;
/// The conversations that are changed concurrently.
const CONCURRENCY: usize = 8;

/// A bulk change to be started.
#[derive(Clone, Debug)]
pub struct NewBulk {
    pub actions: Vec<Action>,
    pub conversation_ids: Vec<ConversationId>,
    pub by: Requester,
}

/// Why a bulk change was not started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the account has started {MOST_IN_A_PERIOD} bulk changes in {} minutes", PERIOD.as_secs() / 60)]
    TooMany { retry_after: Duration },
    #[error(transparent)]
    Command(#[from] CommandError<Rejection>),
}

impl From<LoadError> for StartError {
    fn from(error: LoadError) -> Self {
        Self::Command(error.into())
    }
}

/// The outcome for one conversation.
enum Change {
    Changed,
    AsWanted,
    Refused(String),
}

impl Commands {
    pub async fn start_bulk(&self, new: &NewBulk, context: &Context) -> Result<Outcome<Bulk>, StartError> {
        let before = self.bulks.stream_of_key(context).await?;
        if let Some(stream) = before.filter(|stream| stream.category() == Some(Category::Bulk)) {
            let answered = self.bulks.answered_before::<Rejection>(&stream, context).await?;
            return Ok(answered.ok_or(CommandError::NotFound)?);
        }
        let (now, period) = (self.clock.now().as_micros(), PERIOD.as_micros() as i64);
        for number in 0..MOST_IN_A_PERIOD {
            let bulk_id = BulkId::of(context.account, now.div_euclid(period), number);
            let start = Start(BulkStarted {
                bulk_id,
                account_id: context.account,
                started_by: context.actor.clone(),
                may_take_over: new.by.may_take_over,
                actions: new.actions.clone(),
                conversation_ids: new.conversation_ids.clone(),
            });
            let context = Context { correlation_id: bulk_id.0, if_match: None, ..context.clone() };
            match self.bulks.execute(&StreamId::bulk(bulk_id), &start, &context).await {
                Err(CommandError::Rejected(Rejection::Started)) => {}
                outcome => return Ok(outcome?),
            }
        }
        Err(StartError::TooMany {
            retry_after: Duration::from_micros((period - now.rem_euclid(period)) as u64),
        })
    }

    /// Begins to take back what a bulk change has changed.
    pub async fn undo_bulk(
        &self,
        id: BulkId,
        by: Requester,
        context: &Context,
    ) -> Result<Outcome<Bulk>, CommandError<Rejection>> {
        let started_by = context.actor.clone();
        let undo = StartUndo(BulkUndoStarted { bulk_id: id, started_by, may_take_over: by.may_take_over });
        let context = Context { correlation_id: id.0, ..context.clone() };
        self.bulks.execute(&StreamId::bulk(id), &undo, &context).await
    }

    /// Changes the next conversations of a bulk change, or takes their changes back. Returns whether more are to be done.
    pub async fn advance_bulk(&self, id: BulkId) -> Result<bool, CommandError<Rejection>> {
        let bulk_stream = StreamId::bulk(id);
        let bulk = self.bulks.current(&bulk_stream).await?;
        let Ok(running) = bulk.state.started() else { return Ok(false) };
        if running.is_done() {
            return Ok(false);
        }
        let undo = running.undo.as_ref();
        let from = undo.map_or(running.changes.done, |undo| undo.progress.done);
        let done = (from + STEP).min(running.total());
        let mut progress = Progress { done, ..Progress::default() };
        let ids = &running.started.conversation_ids[from..done];
        let mut changes: Vec<BoxFuture<'_, _>> = Vec::with_capacity(ids.len());
        for id in ids {
            changes.push(Box::pin(self.advance_one(running, *id)));
        }
        let changes: Vec<_> = stream::iter(changes).buffered(CONCURRENCY).try_collect().await?;
        for (conversation_id, change) in changes {
            match change {
                Change::Changed => progress.changed += 1,
                Change::AsWanted => {}
                Change::Refused(reason) => progress.refused.push(BulkRefusal { conversation_id, reason }),
            }
        }
        let context = Context::of(running.started.account_id, Actor::system("bulk"), id.0);
        let outcome = self.bulks.execute(&bulk_stream, &Advance { from, progress }, &context).await?;
        Ok(outcome.state.state.started().is_ok_and(|running| !running.is_done()))
    }

    /// Changes one conversation, or takes its change back.
    async fn advance_one(
        &self,
        running: &Running,
        id: ConversationId,
    ) -> Result<(ConversationId, Change), CommandError<Rejection>> {
        let change = match &running.undo {
            None => self.change_one(running, id).await,
            Some(undo) => self.undo_one(running, &undo.started, id).await,
        };
        match change {
            // One conversation that cannot be read keeps no other from being changed.
            Err(error @ CommandError::Damaged { .. }) => Ok((id, Change::Refused(error.to_string()))),
            other => other.map(|change| (id, change)),
        }
    }

    async fn change_one(
        &self,
        running: &Running,
        id: ConversationId,
    ) -> Result<Change, CommandError<Rejection>> {
        let BulkStarted { bulk_id, account_id, started_by, may_take_over, actions, .. } = &running.started;
        let context = Context {
            key: Some(key(*bulk_id, id)),
            ..Context::of(*account_id, started_by.clone(), bulk_id.0)
        };
        let conversation = self.conversations.current(&StreamId::conversation(id)).await?;
        let opened = conversation.state.opened().ok().filter(|opened| opened.account_id == *account_id);
        let Some(opened) = opened else { return Ok(Change::Refused(Refused::NotOpened.to_string())) };
        let by = requester(started_by, *may_take_over);
        let author = UserId(started_by.id.unwrap_or_default());
        let sender_type = if by.user.is_some() { SenderType::Agent } else { SenderType::System };
        let sender = Sender { sender_type, id: Some(author), name: started_by.name.clone() };
        let list = self.action_list(actions, &context, opened, by, (sender, author)).await?;
        let command = RunBulk { bulk_id: *bulk_id, list };
        match self.assign(id, &command, &context, AssignOptions::by(by)).await {
            Ok(outcome) if outcome.wrote || self.was_changed(*account_id, *bulk_id, id).await? => {
                Ok(Change::Changed)
            }
            Ok(_) => Ok(Change::AsWanted),
            Err(error) => refused(error),
        }
    }

    async fn undo_one(
        &self,
        running: &Running,
        undo: &BulkUndoStarted,
        id: ConversationId,
    ) -> Result<Change, CommandError<Rejection>> {
        let BulkStarted { bulk_id, account_id, .. } = running.started;
        let context = Context {
            key: Some(format!("{}/undo", key(bulk_id, id))),
            ..Context::of(account_id, undo.started_by.clone(), bulk_id.0)
        };
        if !self.was_changed(account_id, bulk_id, id).await? {
            return Ok(Change::AsWanted);
        }
        let stream = StreamId::conversation(id);
        match self.conversations.answered_before::<Refused>(&stream, &context).await {
            Ok(Some(_)) => return Ok(Change::Changed),
            Ok(None) => {}
            Err(error) => return refused(error.into()),
        }
        let by = requester(&undo.started_by, undo.may_take_over);
        match self.undo(id, first_event(account_id, bulk_id, id), by, &context).await {
            Ok(_) => Ok(Change::Changed),
            Err(UndoError::Assign(error)) => refused(error),
            Err(UndoError::NoSuchEvent) => Ok(Change::AsWanted),
            Err(UndoError::Impossible { obstacle, .. }) => Ok(Change::Refused(obstacle.to_string())),
        }
    }

    async fn was_changed(
        &self,
        account: AccountId,
        bulk: BulkId,
        id: ConversationId,
    ) -> Result<bool, LoadError> {
        let first = self.store.find(first_event(account, bulk, id)).await;
        let first = first.map_err(|error| LoadError::of(&StreamId::conversation(id), error))?;
        Ok(first.is_some())
    }
}

/// The key of the command on one conversation. The ids of events derive from it: never change it.
fn key(bulk: BulkId, id: ConversationId) -> String {
    format!("bulk/{bulk}/{id}")
}

/// The event with which the changes of a conversation begin.
fn first_event(account: AccountId, bulk: BulkId, id: ConversationId) -> EventId {
    EventId::caused(account, &key(bulk, id), 0)
}

fn requester(actor: &Actor, may_take_over: bool) -> Requester {
    let user = actor.id.filter(|_| actor.actor_type == ActorType::User).map(UserId);
    Requester { user, may_take_over }
}

/// A refusal is about the conversation alone. The step is repeated when the log cannot be read or written.
fn refused(error: AssignError) -> Result<Change, CommandError<Rejection>> {
    let other = match error {
        AssignError::Conversation(CommandError::Rejected(Refused::CannotDo { because, .. })) => {
            return Ok(Change::Refused(because.to_string()));
        }
        AssignError::Conversation(CommandError::Rejected(rejection)) => {
            return Ok(Change::Refused(rejection.to_string()));
        }
        AssignError::Agent(CommandError::Rejected(rejection)) => {
            return Ok(Change::Refused(rejection.to_string()));
        }
        AssignError::Conversation(error) => error.unless_rejected(),
        AssignError::Agent(error) => error.unless_rejected(),
    };
    match other {
        Ok(()) => Ok(Change::AsWanted),
        Err(error @ (CommandError::Unavailable(_) | CommandError::Contended)) => Err(error),
        Err(error) => Ok(Change::Refused(error.to_string())),
    }
}
