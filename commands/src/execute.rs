//! The execution of commands: load the state, decide, append at the loaded version; on a conflict load the
//! new events and decide again.

mod context;
mod errors;

pub use context::Context;
pub use errors::{CommandError, LoadError};

use crate::joint_append::{End, Joint, JointAppends, Share};
use crate::turns::{self, Turns};
use backon::{BackoffBuilder, ExponentialBuilder};
use domain::{Decide, Evolve};
use event_schemas::{
    AccountId, Clock, ConversationEvent, EventId, Events, MessageEvent, Metadata, NewEvent, Position,
    Recorded, StreamId, Timestamp, Version,
};
use event_store::{AppendError, EventStore, Expected, Unavailable};
use quick_cache::sync::Cache;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The pauses before a decision is made again because another process was faster: between 1 and 100 ms, for
/// ten seconds in all. They are random, so that two processes do not conflict again.
pub(crate) fn pauses() -> impl Iterator<Item = Duration> {
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(1))
        .with_max_delay(Duration::from_millis(50))
        .without_max_times()
        .with_total_delay(Some(Duration::from_secs(10)))
        .with_jitter()
        .build()
}

/// The number of events that are read at once when an aggregate is loaded.
const PAGE: usize = 1000;
/// The most streams with a time of their last check for `recent`: catalogues, of which each account has a
/// few.
const RECENT_CHECKS: usize = 1_024;
/// The greatest age of a [recent](Aggregates::recent) state: for so long it can lack events of other
/// processes.
const RECENT: Duration = Duration::from_secs(1);

/// The right to decide on an aggregate's stream. What was decided before it is appended.
pub(crate) type Turn<S> = turns::Turn<Option<Joint<S>>>;

/// An aggregate of the write side.
pub trait Aggregate: Evolve {
    /// Whether the aggregate belongs to this account. A stream without events belongs to every account.
    fn belongs_to(&self, account: AccountId) -> bool;
    /// The id that an event has by its content. `None` when it has none.
    fn natural_id(_event: &Self::Event) -> Option<EventId> {
        None
    }
}

impl Aggregate for domain::conversation::Conversation {
    fn belongs_to(&self, account: AccountId) -> bool {
        self.opened().map_or(true, |conversation| conversation.account_id == account)
    }

    fn natural_id(event: &ConversationEvent) -> Option<EventId> {
        use ConversationEvent as E;
        match event {
            E::Message(MessageEvent::MessageReceived(message)) => Some(EventId(message.message_id.0)),
            E::Message(MessageEvent::MessageSent(message)) => Some(EventId(message.message_id.0)),
            E::Message(MessageEvent::NoteAdded(note)) => Some(EventId(note.message_id.0)),
            E::Message(
                MessageEvent::MessageEdited(_)
                | MessageEvent::MessageRevoked(_)
                | MessageEvent::ReactionChanged(_)
                | MessageEvent::NoticeReceived(_),
            )
            | E::Delivery(_)
            | E::Lifecycle(_)
            | E::Assignment(_)
            | E::Routing(_)
            | E::Sla(_)
            | E::Bot(_)
            | E::Automation(_)
            | E::Schedule(_)
            | E::Details(_) => None,
        }
    }
}

/// The name of a catalogue's stream contains the account.
impl<T: domain::catalogue::CatalogueItem> Aggregate for domain::catalogue::Catalogue<T> {
    fn belongs_to(&self, _: AccountId) -> bool {
        true
    }
}

/// The name of an identifier's stream is derived from the account.
impl Aggregate for domain::contact::IdentifierState {
    fn belongs_to(&self, _: AccountId) -> bool {
        true
    }
}

/// An agent does not belong to one account. The rules of the agent decide which commands an account may send.
impl Aggregate for domain::agent::Person {
    fn belongs_to(&self, _: AccountId) -> bool {
        true
    }
}

/// The name of an account's stream is its id.
impl Aggregate for domain::account::Account {
    fn belongs_to(&self, _: AccountId) -> bool {
        true
    }
}

/// The name of a key's stream is its id, which the account's stream has given out.
impl Aggregate for domain::account::ApiKeyUse {
    fn belongs_to(&self, _: AccountId) -> bool {
        true
    }
}

impl Aggregate for domain::bulk::Bulk {
    fn belongs_to(&self, account: AccountId) -> bool {
        self.started().map_or(true, |running| running.started.account_id == account)
    }
}

/// A person's password and sessions belong to no account.
impl Aggregate for domain::person::SignInState {
    fn belongs_to(&self, _: AccountId) -> bool {
        true
    }
}

/// The result of a command.
#[derive(Clone, Debug)]
pub struct Outcome<S> {
    pub state: Arc<Versioned<S>>,
    /// The stream's version after the command.
    pub version: Version,
    /// The position of its last event. `None` when nothing had to be appended.
    pub position: Option<Position>,
    /// Whether this call appended events, and not an earlier one with the same key.
    pub wrote: bool,
}

/// An aggregate's state, and the version of its last event.
#[derive(Clone, Debug, Default)]
pub struct Versioned<S> {
    pub state: S,
    /// `None` when the stream has no event.
    pub version: Option<Version>,
}

impl<S> Outcome<S> {
    /// The outcome of a command that changes nothing. A stream without events has none.
    pub(crate) fn unchanged<R: std::error::Error + 'static>(
        fold: Arc<Versioned<S>>,
    ) -> Result<Self, CommandError<R>> {
        let version = fold.version.ok_or(CommandError::NotFound)?;
        Ok(Self { state: fold, version, position: None, wrote: false })
    }
}

/// From where a state is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Read {
    Cached,
    /// From the log, with the events of other processes.
    Log,
}

/// A command's decision, not yet appended.
pub(crate) struct Decided<S: Evolve> {
    pub events: Vec<S::Event>,
    /// The state after these events.
    pub next: S,
    /// When they occurred.
    at: Timestamp,
}

/// The aggregates of one kind: loads and caches their states, and executes commands on them.
pub struct Aggregates<S: Aggregate> {
    store: Arc<dyn EventStore>,
    clock: Clock,
    folds: Arc<Cache<StreamId, Arc<Versioned<S>>>>,
    joint: JointAppends<S>,
    /// When the log was last read for `recent`, and whether the stream had begun.
    recent_checks: Cache<StreamId, (Instant, bool)>,
}

impl<S: Aggregate> Aggregates<S> {
    /// `capacity` is the number of states that are cached.
    pub fn new(store: Arc<dyn EventStore>, clock: Clock, capacity: usize) -> Self {
        let folds = Arc::new(Cache::new(capacity));
        let joint =
            JointAppends { store: Arc::clone(&store), turns: Turns::default(), folds: Arc::clone(&folds) };
        Self { store, clock, folds, joint, recent_checks: Cache::new(RECENT_CHECKS) }
    }

    pub(crate) async fn read(&self, stream: &StreamId, read: Read) -> Result<Arc<Versioned<S>>, LoadError> {
        match read {
            Read::Cached => self.cached(stream).await,
            Read::Log => self.current(stream).await,
        }
    }

    /// The cached state of a stream, or else the state of the whole stream. It can lag behind another
    /// process.
    pub async fn cached(&self, stream: &StreamId) -> Result<Arc<Versioned<S>>, LoadError> {
        match self.folds.get(stream) {
            Some(fold) => Ok(fold),
            None => self.current(stream).await,
        }
    }

    /// A state that is at most one second old, with all events that this process has written since. It is
    /// for streams
    /// that rarely change and are needed for every message.
    pub async fn recent(&self, stream: &StreamId) -> Result<Arc<Versioned<S>>, LoadError> {
        if let Some((asked, begun)) = self.recent_checks.get(stream)
            && asked.elapsed() < RECENT
        {
            match self.folds.get(stream) {
                Some(fold) => return Ok(fold),
                None if !begun => return Ok(Arc::default()),
                None => {}
            }
        }
        let asked = Instant::now();
        let fold = self.current(stream).await?;
        self.recent_checks.insert(stream.clone(), (asked, fold.version.is_some()));
        Ok(fold)
    }

    /// Searches the [recent](Self::recent) state and, when nothing is found, the [current](Self::current)
    /// one, because
    /// another process may have just written it.
    pub async fn find_recent<T>(
        &self,
        stream: &StreamId,
        look: impl Fn(&S) -> Option<T>,
    ) -> Result<Option<T>, LoadError> {
        match look(&self.recent(stream).await?.state) {
            Some(found) => Ok(Some(found)),
            None => Ok(look(&self.current(stream).await?.state)),
        }
    }

    /// The present state of a stream, from the log.
    pub async fn current(&self, stream: &StreamId) -> Result<Arc<Versioned<S>>, LoadError> {
        let remembered = self.folds.get(stream).unwrap_or_default();
        self.catch_up(stream, remembered).await
    }

    /// The state of a stream just before a position in the log, from its first event.
    pub async fn before(&self, stream: &StreamId, position: Position) -> Result<Versioned<S>, LoadError> {
        let mut fold = Versioned::<S>::default();
        loop {
            let from = fold.version.map_or(Version::FIRST, Version::next);
            let page = self.store.read_stream(stream, from, PAGE).await;
            let page = page.map_err(|error| LoadError::of(stream, error))?;
            for recorded in page.iter().take_while(|recorded| recorded.position < position) {
                evolve(&mut fold, stream, recorded)?;
            }
            match page.last() {
                Some(last) if page.len() == PAGE && last.position < position => {}
                Some(_) | None => return Ok(fold),
            }
        }
    }

    /// A state of a stream that includes at least this event, which was read elsewhere. When only this
    /// event is missing
    /// in the cached state, the log is not read.
    pub async fn at_least(
        &self,
        stream: &StreamId,
        version: Version,
        event: &S::Event,
        occurred_at: Timestamp,
    ) -> Result<Arc<Versioned<S>>, LoadError> {
        let Some(mut fold) = self.folds.get(stream) else { return self.current(stream).await };
        if fold.version >= Some(version) {
            return Ok(fold);
        }
        if fold.version.map_or(Version::FIRST, Version::next) != version {
            return self.current(stream).await;
        }
        let folded = Arc::make_mut(&mut fold);
        folded.state.evolve(event, occurred_at);
        folded.version = Some(version);
        remember(&self.folds, stream, &fold);
        Ok(fold)
    }

    async fn catch_up(
        &self,
        stream: &StreamId,
        fold: Arc<Versioned<S>>,
    ) -> Result<Arc<Versioned<S>>, LoadError> {
        let fold = self.advance(stream, fold, Version(u64::MAX)).await?;
        if fold.version.is_some() {
            self.folds.insert(stream.clone(), Arc::clone(&fold));
        }
        Ok(fold)
    }

    /// The state after the event of this version, which the stream has.
    async fn as_of(&self, stream: &StreamId, version: Version) -> Result<Arc<Versioned<S>>, LoadError> {
        let present = self.current(stream).await?;
        if present.version <= Some(version) {
            return Ok(present);
        }
        self.advance(stream, Arc::default(), version).await
    }

    /// A state with the further events of the stream, up to the one of this version.
    async fn advance(
        &self,
        stream: &StreamId,
        mut fold: Arc<Versioned<S>>,
        until: Version,
    ) -> Result<Arc<Versioned<S>>, LoadError> {
        loop {
            let from = fold.version.map_or(Version::FIRST, Version::next);
            let page = self
                .store
                .read_stream(stream, from, PAGE)
                .await
                .map_err(|error| LoadError::of(stream, error))?;
            let complete = page.len() < PAGE || page.last().is_some_and(|last| last.version >= until);
            if !page.is_empty() {
                let folded = Arc::make_mut(&mut fold);
                for recorded in page.iter().filter(|recorded| recorded.version <= until) {
                    evolve(folded, stream, recorded)?;
                }
            }
            if complete {
                return Ok(fold);
            }
        }
    }

    /// Executes a command on an aggregate, and appends its events.
    pub async fn execute<C: Decide<S>>(
        &self,
        stream: &StreamId,
        command: &C,
        context: &Context,
    ) -> Result<Outcome<S>, CommandError<C::Rejection>> {
        self.execute_from(None, stream, command, context).await
    }

    /// Executes a command on a state that the caller has just loaded. The request has no key.
    pub(crate) async fn execute_on<C: Decide<S>>(
        &self,
        fold: Arc<Versioned<S>>,
        stream: &StreamId,
        command: &C,
        context: &Context,
    ) -> Result<Outcome<S>, CommandError<C::Rejection>> {
        self.execute_from(Some(fold), stream, command, context).await
    }

    async fn execute_from<C: Decide<S>>(
        &self,
        loaded: Option<Arc<Versioned<S>>>,
        stream: &StreamId,
        command: &C,
        context: &Context,
    ) -> Result<Outcome<S>, CommandError<C::Rejection>> {
        // A caller with a loaded state has no key.
        let answered = async || match loaded {
            None => self.answered_before(stream, context).await,
            Some(_) => Ok(None),
        };
        let mut pauses = pauses();
        let (mut is_outdated, mut is_repetition) = (false, false);
        loop {
            let mut turn = self.joint.turns.of(stream).await.ok_or(CommandError::Contended)?;
            if turn.as_ref().is_some_and(|joint| is_repetition || joint.is_full()) {
                self.joint.append_waiting(&mut turn, stream).await;
            }
            if let Some(answered) = answered().await? {
                return Ok(answered);
            }
            let mut base = match turn.as_ref() {
                Some(joint) => Arc::clone(&joint.last),
                None if is_outdated => self.current(stream).await?,
                None => self.newest(stream, loaded.as_ref()).await?,
            };
            let may_join = !is_repetition && (turn.is_some() || turn.others_wait());
            let share = if may_join { self.join(&mut turn, &base, stream, command, context) } else { None };
            let Some(share) = share else {
                if self.joint.append_waiting(&mut turn, stream).await {
                    // The same request may have been among them.
                    if let Some(answered) = answered().await? {
                        return Ok(answered);
                    }
                    base = self.newest(stream, loaded.as_ref()).await?;
                }
                return self.execute_in(&turn, base, stream, command, context).await;
            };
            drop(turn);
            let (state, version) = (Arc::clone(&share.state), share.version);
            match share.end().await {
                End::Appended(position) => {
                    return Ok(Outcome { state, version, position: Some(position), wrote: true });
                }
                End::Conflict => {
                    tokio::time::sleep(pauses.next().ok_or(CommandError::Contended)?).await;
                    is_outdated = true;
                }
                End::PartlyRecorded => is_repetition = true,
                End::Unavailable(cause) => {
                    let reason = cause.reason.clone();
                    return Err(Unavailable { reason, source: Some(Box::new(cause)) }.into());
                }
            }
        }
    }

    /// Adds the command's decision to those that are appended together. `None` when it cannot be: it is refused or
    /// changes nothing, which only an append proves, or it repeats another one of them.
    fn join<C: Decide<S>>(
        &self,
        turn: &mut Turn<S>,
        base: &Arc<Versioned<S>>,
        stream: &StreamId,
        command: &C,
        context: &Context,
    ) -> Option<Share<S>> {
        let decided = self.decide(base, command, context).ok()??;
        let events = self.new_events(&decided, context);
        self.joint.join(turn, stream, base, events, decided.next)
    }

    /// The newest of the cached state and one that was loaded before.
    async fn newest(
        &self,
        stream: &StreamId,
        loaded: Option<&Arc<Versioned<S>>>,
    ) -> Result<Arc<Versioned<S>>, LoadError> {
        match loaded {
            // The callers before this one may have appended events meanwhile.
            Some(loaded) => {
                let newer = self.folds.get(stream).filter(|known| known.version > loaded.version);
                Ok(newer.unwrap_or_else(|| Arc::clone(loaded)))
            }
            None => self.cached(stream).await,
        }
    }

    async fn execute_in<C: Decide<S>>(
        &self,
        _turn: &Turn<S>,
        mut fold: Arc<Versioned<S>>,
        stream: &StreamId,
        command: &C,
        context: &Context,
    ) -> Result<Outcome<S>, CommandError<C::Rejection>> {
        let mut fresh = false;
        let mut pauses = pauses();
        loop {
            let decision = self.decide(&fold, command, context);
            // Only an append proves that the state was the latest: a rejection, or a decision
            // that changes nothing,
            // counts only after the log was read.
            let decided = match decision {
                Ok(Some(decided)) => decided,
                Err(CommandError::NotFound) => return Err(CommandError::NotFound),
                _ if !fresh => {
                    fold = self.current(stream).await?;
                    fresh = true;
                    continue;
                }
                Ok(None) => return Outcome::unchanged(fold),
                Err(refusal) => return Err(refusal),
            };
            match self.append(stream, &fold, decided, context).await? {
                Some(outcome) => return Ok(outcome),
                None => {
                    tokio::time::sleep(pauses.next().ok_or(CommandError::Contended)?).await;
                    fold = self.current(stream).await?;
                    fresh = true;
                }
            }
        }
    }

    /// Waits for the caller's turn at this stream, and appends what others have decided before.
    pub(crate) async fn turn<R: std::error::Error + 'static>(
        &self,
        stream: &StreamId,
    ) -> Result<Turn<S>, CommandError<R>> {
        let mut turn = self.joint.turns.of(stream).await.ok_or(CommandError::Contended)?;
        self.joint.append_waiting(&mut turn, stream).await;
        Ok(turn)
    }

    /// Decides a command on this state, and computes the state after it. `None` when nothing has to be
    /// appended.
    pub(crate) fn decide<C: Decide<S>>(
        &self,
        fold: &Versioned<S>,
        command: &C,
        context: &Context,
    ) -> Result<Option<Decided<S>>, CommandError<C::Rejection>> {
        if !fold.state.belongs_to(context.account) {
            return Err(CommandError::NotFound);
        }
        if let Some(expected) = context.if_match
            && fold.version != Some(expected)
        {
            return Err(CommandError::VersionMismatch { expected, actual: fold.version });
        }
        let now = self.clock.now();
        let events = command.decide(&fold.state, now).map_err(CommandError::Rejected)?;
        if events.is_empty() {
            return Ok(None);
        }
        let at = context.occurred_at.unwrap_or(now);
        let mut next = fold.state.clone();
        events.iter().for_each(|event| next.evolve(event, at));
        Ok(Some(Decided { events, next, at }))
    }

    /// Appends the decision on this state. `None` when another caller was faster.
    pub(crate) async fn append<R: std::error::Error + 'static>(
        &self,
        stream: &StreamId,
        fold: &Versioned<S>,
        decided: Decided<S>,
        context: &Context,
    ) -> Result<Option<Outcome<S>>, CommandError<R>> {
        let new_events = self.new_events(&decided, context);
        let Decided { events, next, .. } = decided;
        let expected = fold.version.map_or(Expected::NoStream, Expected::Exact);
        match self.store.append(stream, expected, new_events).await {
            Ok(appended) if !appended.repeated => {
                let next = Arc::new(Versioned { state: next, version: Some(appended.version) });
                remember(&self.folds, stream, &next);
                Ok(Some(Outcome {
                    state: next,
                    version: appended.version,
                    position: Some(appended.position),
                    wrote: true,
                }))
            }
            Ok(before) => match self.answered_at_once(stream, context).await? {
                Some(answered) => Ok(Some(answered)),
                None => Ok(Some(Outcome {
                    state: self.current(stream).await?,
                    version: before.version,
                    position: Some(before.position),
                    wrote: false,
                })),
            },
            Err(AppendError::Conflict { .. }) => Ok(None),
            // Some of the events are recorded already, by another request with the same key or
            // the same message: the
            // answer is that of the other request.
            Err(AppendError::PartlyRecorded { id, stream: at_stream, version }) => {
                if let Some(answered) = self.answered_at_once(stream, context).await? {
                    return Ok(Some(answered));
                }
                let is_natural = events.iter().any(|event| S::natural_id(event) == Some(id));
                if at_stream != *stream && !is_natural {
                    return Err(CommandError::KeyReused);
                }
                let position = self
                    .store
                    .find(id)
                    .await
                    .map_err(|error| LoadError::of(stream, error))?
                    .map(|recorded| recorded.position);
                Ok(Some(Outcome { state: self.current(stream).await?, version, position, wrote: false }))
            }
            Err(AppendError::Unavailable(unavailable)) => Err(unavailable.into()),
            Err(error @ AppendError::TooMany { .. }) => {
                Err(CommandError::Damaged { stream: stream.to_string(), source: Box::new(error) })
            }
        }
    }

    fn new_events(&self, decided: &Decided<S>, context: &Context) -> Vec<NewEvent> {
        let metadata = Metadata {
            account_id: context.account,
            actor: context.actor.clone(),
            correlation_id: context.correlation_id,
            causation_id: context.causation_id,
            traceparent: context.traceparent.clone(),
            request: context.request.clone(),
            credential: context.credential,
            occurred_at: decided.at,
        };
        (0..)
            .zip(&decided.events)
            .map(|(index, event)| NewEvent::of(self.event_id(event, index, context), event, metadata.clone()))
            .collect()
    }

    fn event_id(&self, event: &S::Event, index: u32, context: &Context) -> EventId {
        match (S::natural_id(event), &context.key) {
            (Some(id), _) => id,
            (None, Some(key)) => EventId::caused(context.account, key, index),
            (None, None) => self.clock.event_id(),
        }
    }

    /// The stream that an earlier request with the same key wrote to.
    pub(crate) async fn stream_of_key(&self, context: &Context) -> Result<Option<StreamId>, LoadError> {
        let Some(key) = &context.key else { return Ok(None) };
        let first = self.store.find(EventId::caused(context.account, key, 0)).await;
        let first = first.map_err(|error| LoadError::of(&StreamId::named("the log"), error))?;
        Ok(first.map(|recorded| recorded.stream))
    }

    /// The outcome of a client's request with the same key that another process has executed meanwhile.
    async fn answered_at_once<R: std::error::Error + 'static>(
        &self,
        stream: &StreamId,
        context: &Context,
    ) -> Result<Option<Outcome<S>>, CommandError<R>> {
        if context.request.is_none() {
            return Ok(None);
        }
        self.answered_before(stream, context).await
    }

    /// The outcome of an earlier request with the same key. A client's request is answered with the state
    /// that the earlier one led to, and is refused when it is another request.
    pub async fn answered_before<R: std::error::Error + 'static>(
        &self,
        stream: &StreamId,
        context: &Context,
    ) -> Result<Option<Outcome<S>>, CommandError<R>> {
        let Some(key) = &context.key else { return Ok(None) };
        let first = self.store.find(EventId::caused(context.account, key, 0)).await;
        let Some(first) = first.map_err(|error| LoadError::of(stream, error))? else { return Ok(None) };
        if first.stream != *stream || is_of_another_request(&first, context) {
            return Err(CommandError::KeyReused);
        }
        let appended = self.store.read_stream(stream, first.version, PAGE).await;
        let appended = appended.map_err(|error| LoadError::of(stream, error))?;
        let last = (0..)
            .zip(appended)
            .take_while(|(index, event)| {
                let same_request = first.metadata.request.is_some()
                    && event.metadata.request == first.metadata.request
                    && event.metadata.correlation_id == first.metadata.correlation_id;
                event.id == EventId::caused(context.account, key, *index) || same_request
            })
            .last()
            .map_or(first, |(_, last)| last);
        let state = match context.request {
            Some(_) => self.as_of(stream, last.version).await?,
            None => self.current(stream).await?,
        };
        Ok(Some(Outcome { state, version: last.version, position: Some(last.position), wrote: false }))
    }
}

/// Caches a state, unless a newer one is cached already.
pub(crate) fn remember<S>(
    folds: &Cache<StreamId, Arc<Versioned<S>>>,
    stream: &StreamId,
    fold: &Arc<Versioned<S>>,
) {
    if folds.get(stream).is_none_or(|known| known.version < fold.version) {
        folds.insert(stream.clone(), Arc::clone(fold));
    }
}

/// Applies a stored event to the state before it.
fn evolve<S: Aggregate>(
    fold: &mut Versioned<S>,
    stream: &StreamId,
    recorded: &Recorded,
) -> Result<(), LoadError> {
    let event = S::Event::of(recorded)
        .map_err(|source| LoadError::Damaged { stream: stream.to_string(), source: Box::new(source) })?;
    fold.state.evolve(&event, recorded.metadata.occurred_at);
    fold.version = Some(recorded.version);
    Ok(())
}

/// Whether another request than this one led to an event with an id of the same key. Older events do
/// not say which request it was.
fn is_of_another_request(recorded: &Recorded, context: &Context) -> bool {
    matches!((&recorded.metadata.request, &context.request), (Some(then), Some(now)) if then != now)
}
