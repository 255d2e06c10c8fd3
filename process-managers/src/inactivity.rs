//! Silences: conversations expire when nobody says anything for too long, resolved ones close, and what the
//! bot leaves lying goes to people.
//!
//! It has an [appointment](crate::timers) with every conversation that is not over, at the first moment
//! at which anything can be due. What is said meanwhile only makes it later, so it is found out when that
//! moment comes.

mod follow;

use crate::Health;
use crate::timers::{Attended, Due, TROUBLE, Table, TimerHandler, Timers, table_of};
use commands::Commands;
use commands::execute::{CommandError, Context};
use domain::conversation::EndInactivity;
use event_schemas::{StreamId, Timestamp};
use follow::Follow;
use follower::{Db, RunnerError, Watch};
use futures::FutureExt;
use futures::future::BoxFuture;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

const INACTIVITY: Table = table_of!("silences");

/// The process manager.
pub struct Inactivity(Timers<Follow, Listener>);

impl Inactivity {
    /// Takes up where it left off. `db` is the process managers' own; other tables may be in it.
    pub async fn open(commands: Arc<Commands>, db: Db) -> Result<Self, RunnerError> {
        let follow = |waker| Follow::new(Arc::clone(&commands), waker);
        let listener = Listener { commands: Arc::clone(&commands) };
        Timers::open(&commands, db, INACTIVITY, follow, listener).await.map(Self)
    }

    /// How far the log has been followed.
    pub fn watch(&self) -> Watch {
        self.0.watch()
    }

    /// Listens until told to stop. Ends early only when an event cannot be read.
    pub async fn run(self, stop: CancellationToken, health: Health) -> Result<(), RunnerError> {
        self.0.run(stop, health).await
    }
}

/// Asks the conversations whose silence may have lasted too long.
struct Listener {
    commands: Arc<Commands>,
}

impl TimerHandler for Listener {
    const NAME: &'static str = "listener for silences";

    fn attend<'a>(&'a self, due: &'a Due, now: Timestamp) -> BoxFuture<'a, Attended> {
        self.end(due, now).boxed()
    }
}

impl Listener {
    /// Ends the silence if it has lasted too long, and answers when to look again.
    async fn end(&self, due: &Due, now: Timestamp) -> Attended {
        let stream = StreamId::conversation(due.id);
        let conversations = &self.commands.conversations;
        let (timeouts, playbook) = self.commands.timeouts(due.account).await?;
        let mut fold = conversations.current(&stream).await?;
        // One end may be the beginning of another silence: a handed over conversation may expire too.
        for _ in 0..3 {
            let Ok(conversation) = fold.state.opened() else { return Ok(None) };
            let Some((at, end)) = conversation.silence_ends(&timeouts) else { return Ok(None) };
            if at > now {
                return Ok(Some(at));
            }
            let provider = self.commands.providers.of(conversation.channel_type);
            let key = format!("{}/silence/{}/{}", due.id, end.as_str(), at.as_micros());
            let context = Context::in_time(due.account, "silence", key, at);
            let command = EndInactivity {
                timeouts: timeouts.clone(),
                playbook: Arc::clone(&playbook),
                message_id: context.further_message_id(&self.commands.clock, "told"),
                reply_window: provider.and_then(|provider| provider.reply_window()),
            };
            match conversations.execute(&stream, &command, &context).await {
                // What it waits for next is told by what comes by in the log, too.
                Ok(outcome) => fold = outcome.state,
                // It went on meanwhile.
                Err(CommandError::Rejected(_)) => return Ok(Some(now + TROUBLE)),
                Err(error) => return Err(error),
            }
        }
        Ok(Some(now + TROUBLE))
    }
}
