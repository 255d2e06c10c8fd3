//! Dry runs: an account's history is put to a playbook as its messages were when they
//! came, by the same policy that runs live. Nothing is written.
//!
//! Within the span what the live bot did is left out of the history, and what the playbook does is put in
//! its place; what people and providers did stays as it was. So rules that are the live ones find
//! themselves again, and others are told as if people had done the same.

mod report;

pub use report::{Changes, DryRun, Example, Outcome, Pair, PerRule};

use crate::Commands;
use crate::execute::LoadError;
use crate::language::detect;
use domain::bot::Playbook;
use domain::conversation::{Answer, AnswerIds, Conversation};
use domain::{Decide, Evolve};
use event_schemas::conversation::MessageReceived;
use event_schemas::{
    AccountId, Category, ConversationEvent, ConversationId, EventId, Events, MessageEvent, Recorded,
    StreamId, Timestamp, Version,
};
use event_store::{EventStore, Filter};
use report::Tally;
use std::collections::HashMap;
use std::sync::Arc;

/// How many of the account's events a span may hold.
pub const MOST_EVENTS: usize = 250_000;
const PAGE: usize = 2_000;

/// The actor whose acts are left out.
pub const ROUTER: &str = "bot-router";

/// From when until when; the end is not part of it.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub from: Timestamp,
    pub until: Timestamp,
}

impl Span {
    fn holds(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum DryRunError {
    #[error("the span holds more than {limit} events")]
    TooMuch { limit: usize },
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The task that does the work ended by itself, which only a panic in it can cause.
    #[error("the dry run panicked")]
    BrokeOff,
}

impl Commands {
    /// Puts the account's messages of a span to a playbook.
    pub async fn dry_run(
        &self,
        account: AccountId,
        playbook: Arc<Playbook>,
        span: Span,
        examples: usize,
    ) -> Result<DryRun, DryRunError> {
        let filter = Filter {
            account: Some(account),
            categories: vec![Category::Conversation],
            event_types: Vec::new(),
        };
        let log = StreamId::named("the log");
        let mut replay = Replay::new(playbook, span, examples);
        let mut after = None;
        loop {
            let page = self.store.read_all(after, &filter, PAGE).await;
            let page = page.map_err(|error| LoadError::of(&log, error))?;
            let over = page.events.last().is_some_and(|last| last.recorded_at >= span.until);
            replay.begin_what_is_new(&*self.store, &page.events).await?;
            let events = page.events;
            // Folding is work for a processor: requests go on meanwhile.
            replay = tokio::task::spawn_blocking(move || replay.take(events).map(|()| replay))
                .await
                .map_err(|_| DryRunError::BrokeOff)??;
            after = page.through.or(after);
            if page.at_end || over {
                return Ok(replay.tally.report(span));
            }
        }
    }
}

/// A conversation with the live bot left out and the playbook put in.
struct Story {
    place: usize,
    state: Conversation,
}

struct Replay {
    playbook: Arc<Playbook>,
    span: Span,
    stories: HashMap<ConversationId, Story>,
    tally: Tally,
}

impl Replay {
    fn new(playbook: Arc<Playbook>, span: Span, examples: usize) -> Self {
        let tally = Tally::new(&playbook, examples);
        Self { playbook, span, stories: HashMap::new(), tally }
    }

    /// Reads the beginnings of conversations that were there before the span.
    async fn begin_what_is_new(
        &mut self,
        store: &dyn EventStore,
        page: &[Recorded],
    ) -> Result<(), DryRunError> {
        for recorded in page {
            let Some(id) = recorded.stream.as_conversation() else { continue };
            if !self.span.holds(recorded.recorded_at) || self.stories.contains_key(&id) {
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
                    outcome.happened(&event);
                }
            }
            let place = self.tally.meet(id, outcome);
            self.stories.insert(id, Story { place, state });
        }
        Ok(())
    }

    fn take(&mut self, page: Vec<Recorded>) -> Result<(), DryRunError> {
        for recorded in &page {
            let Some(id) = recorded.stream.as_conversation() else { continue };
            // What was there before the span is in the beginnings already.
            if !self.span.holds(recorded.recorded_at) {
                continue;
            }
            self.tally.events += 1;
            if self.tally.events > MOST_EVENTS {
                return Err(DryRunError::TooMuch { limit: MOST_EVENTS });
            }
            let Some(story) = self.stories.get_mut(&id) else { continue };
            let (event, at) = (decode(recorded)?, recorded.metadata.occurred_at);
            let live_bot = recorded.metadata.actor.name.as_deref() == Some(ROUTER)
                && recorded.metadata.actor.id.is_none();
            self.tally.did(story.place, &event, live_bot);
            if live_bot {
                continue;
            }
            story.state.evolve(&event, at);
            self.tally.would(story.place, &event, None);
            if let ConversationEvent::Message(MessageEvent::MessageReceived(message)) = &event {
                let answer = ask(&self.playbook, message, at, recorded.id);
                // A dry run is never refused: what cannot be said is left out, as live.
                let events = answer.decide(&story.state, at).unwrap_or_default();
                for event in &events {
                    story.state.evolve(event, at);
                }
                self.tally.answered(story.place, message.message_id, at, &events);
            }
        }
        Ok(())
    }
}

fn ask(playbook: &Arc<Playbook>, message: &MessageReceived, at: Timestamp, cause: EventId) -> Answer {
    Answer {
        playbook: Arc::clone(playbook),
        message_id: message.message_id,
        body: message.body.clone(),
        metadata: message.metadata.clone(),
        received_at: at,
        language: if playbook.asks_for_language() { detect(&message.body.content) } else { None },
        ids: AnswerIds { reply: cause.into(), question: cause.into() },
        reply_window: None,
    }
}

fn decode(recorded: &Recorded) -> Result<ConversationEvent, DryRunError> {
    ConversationEvent::decode(&recorded.event_type, recorded.schema_version, &recorded.data).map_err(
        |source| LoadError::Damaged { stream: recorded.stream.to_string(), source: Box::new(source) }.into(),
    )
}
