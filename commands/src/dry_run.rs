//! Dry runs: the messages of an account's past are answered again by a playbook, or its events are matched again with
//! automation rules, by the same rules as in live operation. Nothing is written.
//!
//! Within the span the events of the live bot are left out of the history, and the events of the playbook take their
//! place. The events of people and providers stay. So a dry run of the live rules gives the live results, and a dry run
//! of other rules assumes that people would have done the same.

mod automation;
mod report;

pub use automation::{AutomationDryRun, MatchedRule, RuleMatch};
pub use report::{Changes, DryRun, Example, Outcome, Pair, PerRule};

use crate::Commands;
use crate::execute::LoadError;
use crate::language::detect;
use crate::low_priority;
use domain::bot::Playbook;
use domain::conversation::{Answer, AnswerIds, Conversation};
use domain::{Decide, Evolve};
use event_schemas::conversation::MessageReceived;
use event_schemas::{
    AccountId, Category, ConversationEvent, ConversationId, EventId, Events, MessageEvent, Recorded,
    StreamId, Timestamp, Version,
};
use event_store::{EventStore, Filter};
use report::Counts;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The most events of the account that a span may contain.
pub const MOST_EVENTS: usize = 250_000;
const PAGE: usize = 2_000;

/// The actor whose events are left out.
pub const ROUTER: &str = "bot-router";

/// The span of a dry run. `until` is not part of it.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub from: Timestamp,
    pub until: Timestamp,
}

impl Span {
    fn contains(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }
}

/// Why a dry run has no report.
#[derive(Debug, thiserror::Error)]
pub enum DryRunError {
    #[error("the span contains more than {limit} events")]
    TooManyEvents { limit: usize },
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The task that does the work ended by itself, which only a panic in it can cause.
    #[error("the dry run panicked")]
    Panicked,
}

/// Allows two dry runs at a time, because each uses a whole processor core, and one of each account, so that an account
/// that asks for many does not delay another's.
pub struct Turns {
    running: Arc<Semaphore>,
    accounts: Mutex<HashMap<AccountId, Weak<Semaphore>>>,
}

/// While it is held, a dry run may work.
pub struct Turn {
    _permits: [OwnedSemaphorePermit; 2],
}

impl Default for Turns {
    fn default() -> Self {
        Self { running: Arc::new(Semaphore::new(2)), accounts: Mutex::default() }
    }
}

impl Turns {
    /// Waits for the account's turn, and then for one of the two places. `None` never happens: neither is closed.
    pub async fn take(&self, account: AccountId) -> Option<Turn> {
        let of_account = self.of_account(account).acquire_owned().await.ok()?;
        let running = self.running.clone().acquire_owned().await.ok()?;
        Some(Turn { _permits: [of_account, running] })
    }

    fn of_account(&self, account: AccountId) -> Arc<Semaphore> {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        accounts.retain(|_, turns| turns.strong_count() > 0);
        if let Some(turns) = accounts.get(&account).and_then(Weak::upgrade) {
            return turns;
        }
        let turns = Arc::new(Semaphore::new(1));
        accounts.insert(account, Arc::downgrade(&turns));
        turns
    }
}

/// The events of a span are applied to it one after the other.
trait Replay: Sized + Send + 'static {
    type Report;
    fn knows(&self, id: ConversationId) -> bool;
    /// Adds a conversation with its state before the span.
    fn add(&mut self, id: ConversationId, before: Conversation, outcome: Outcome);
    /// Applies an event of a conversation that was added.
    fn apply(&mut self, id: ConversationId, event: &ConversationEvent, recorded: &Recorded);
    /// `events`: the number of events of the span.
    fn report(self, span: Span, events: usize) -> Self::Report;
}

impl Commands {
    /// Answers the account's messages of a span by a playbook, and reports the differences.
    pub async fn dry_run(
        &self,
        account: AccountId,
        playbook: Arc<Playbook>,
        span: Span,
        examples: usize,
    ) -> Result<DryRun, DryRunError> {
        let replay = BotReplay::new(playbook, examples);
        self.replay(account, span, replay).await
    }

    async fn replay<R: Replay>(
        &self,
        account: AccountId,
        span: Span,
        mut replay: R,
    ) -> Result<R::Report, DryRunError> {
        let filter = Filter {
            account: Some(account),
            categories: vec![Category::Conversation],
            event_types: Vec::new(),
        };
        let log = StreamId::named("the log");
        let (mut after, mut count) = (None, 0);
        loop {
            let page = self.store.read_all(after, &filter, PAGE).await;
            let page = page.map_err(|error| LoadError::of(&log, error))?;
            let is_after_span = page.events.last().is_some_and(|last| last.recorded_at >= span.until);
            // Events before the span are in the loaded states already.
            let mut events = page.events;
            events.retain(|recorded| span.contains(recorded.recorded_at));
            load_new_conversations(&mut replay, &*self.store, &events).await?;
            count += events.len();
            if count > MOST_EVENTS {
                return Err(DryRunError::TooManyEvents { limit: MOST_EVENTS });
            }
            let replayed = low_priority::run(move || apply(&mut replay, &events).map(|()| replay)).await;
            replay = replayed.ok_or(DryRunError::Panicked)??;
            after = page.through.or(after);
            if page.at_end || is_after_span {
                return Ok(replay.report(span, count));
            }
        }
    }
}

/// Loads the state at the begin of the span of conversations that are new in this page.
async fn load_new_conversations(
    replay: &mut impl Replay,
    store: &dyn EventStore,
    page: &[Recorded],
) -> Result<(), DryRunError> {
    for recorded in page {
        let Some(id) = recorded.stream.as_conversation() else { continue };
        if replay.knows(id) {
            continue;
        }
        let mut state = Conversation::default();
        let mut outcome = Outcome::default();
        let mut next = Version::FIRST;
        while next < recorded.version {
            let wanted = usize::try_from(recorded.version.0 - next.0).unwrap_or(PAGE).min(PAGE);
            let before = store.read_stream(&recorded.stream, next, wanted).await;
            let before = before.map_err(|error| LoadError::of(&recorded.stream, error))?;
            let Some(last) = before.last() else { break };
            next = last.version.next();
            for earlier in &before {
                let event = decode(earlier)?;
                state.evolve(&event, earlier.metadata.occurred_at);
                outcome.apply(&event);
            }
        }
        replay.add(id, state, outcome);
    }
    Ok(())
}

fn apply(replay: &mut impl Replay, page: &[Recorded]) -> Result<(), DryRunError> {
    for recorded in page {
        let Some(id) = recorded.stream.as_conversation() else { continue };
        replay.apply(id, &decode(recorded)?, recorded);
    }
    Ok(())
}

/// A conversation whose live bot is replaced by the playbook.
struct ReplayedConversation {
    index: usize,
    state: Conversation,
}

struct BotReplay {
    playbook: Arc<Playbook>,
    conversations: HashMap<ConversationId, ReplayedConversation>,
    counts: Counts,
}

impl BotReplay {
    fn new(playbook: Arc<Playbook>, examples: usize) -> Self {
        let counts = Counts::new(&playbook, examples);
        Self { playbook, conversations: HashMap::new(), counts }
    }
}

impl Replay for BotReplay {
    type Report = DryRun;

    fn knows(&self, id: ConversationId) -> bool {
        self.conversations.contains_key(&id)
    }

    fn add(&mut self, id: ConversationId, before: Conversation, outcome: Outcome) {
        let index = self.counts.add_conversation(id, outcome);
        self.conversations.insert(id, ReplayedConversation { index, state: before });
    }

    fn apply(&mut self, id: ConversationId, event: &ConversationEvent, recorded: &Recorded) {
        let Some(conversation) = self.conversations.get_mut(&id) else { return };
        let at = recorded.metadata.occurred_at;
        let actor = &recorded.metadata.actor;
        let live_bot = actor.name.as_deref() == Some(ROUTER) && actor.id.is_none();
        self.counts.record_live(conversation.index, event, live_bot);
        if live_bot {
            return;
        }
        conversation.state.evolve(event, at);
        self.counts.record_dry(conversation.index, event, None);
        if let ConversationEvent::Message(MessageEvent::MessageReceived(message)) = event {
            let answer = answer(&self.playbook, message, at, recorded.id);
            // A refused answer is left out, as in live operation.
            let events = answer.decide(&conversation.state, at).unwrap_or_default();
            for event in &events {
                conversation.state.evolve(event, at);
            }
            self.counts.record_answer(conversation.index, message.message_id, at, &events);
        }
    }

    fn report(self, span: Span, events: usize) -> DryRun {
        self.counts.report(span, events)
    }
}

fn answer(playbook: &Arc<Playbook>, message: &MessageReceived, at: Timestamp, cause: EventId) -> Answer {
    Answer {
        playbook: Arc::clone(playbook),
        message_id: message.message_id,
        body: message.body.clone(),
        metadata: message.metadata.clone(),
        received_at: at,
        language: if playbook.needs_language() { detect(&message.body.content) } else { None },
        ids: AnswerIds { reply: cause.into(), question: cause.into() },
        reply_window: None,
    }
}

fn decode(recorded: &Recorded) -> Result<ConversationEvent, DryRunError> {
    ConversationEvent::decode(&recorded.event_type, recorded.schema_version, &recorded.data).map_err(
        |source| LoadError::Damaged { stream: recorded.stream.to_string(), source: Box::new(source) }.into(),
    )
}
