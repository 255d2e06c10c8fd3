//! The agent router: finds agents for conversations that need one.
//!
//! It folds the log into a [`RoutingState`], plans actions from it, and executes them: it first reserves the agent's
//! capacity, then assigns the conversation (see `commands::assignment`). It plans again only after it has read the
//! events that it appended. Two routers, a restart or a crash at any moment repeat no action: a rejected command was
//! planned from a state that has changed, and the change is in the log.
//!
//! The state is kept in tables with a checkpoint, so a start reads only the events since then. The tables hold what
//! follows from the log alone; see [`kept`].
//!
//! The router does not fold the conversations of accounts that never configured routing. When an account does so for the
//! first time, the router reads that account's conversations from the beginning of the log.

mod execute;
mod kept;
#[cfg(test)]
mod tests;

use crate::manager::{Context as ManagerContext, OpenError, ProcessManager};
use crate::past::SideEffects;
use crate::restore::{AfterRestore, TableSet};
use commands::Commands;
use commands::execute::{CommandError, Context};
use domain::agent::{ExpirePresence, Rejection};
use domain::routing::AccountRouting;
use event_schemas::{
    AccountId, Actor, AgentEvent, Category, Clock, Event, EventId, Position, Recorded, StreamId, Timestamp,
    UserId,
};
use event_store::Filter;
use execute::{Failure, execute};
use follower::runner::{Chain, CheckpointEvent};
use follower::{DecodedLog, Health, RunnerError, Watch};
use futures::{StreamExt, stream};
use kept::{Folded, Kept, KeptError};
use std::collections::BTreeSet;
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

const PAGE: usize = 1_000;
/// The number of actions that are executed concurrently. Their appends share commits.
const TOGETHER: usize = 64;
/// The longest sleep between two rounds: business hours begin, and agents become inactive, without an event.
const LONGEST_SLEEP: Duration = Duration::from_millis(250);
/// The longest sleep when a test moves the clock.
const MANUAL_SLEEP: Duration = Duration::from_millis(5);
/// How long to wait before a retry when the log cannot be used.
const RETRY: Duration = Duration::from_millis(500);
/// How long to wait after a rejected action, so that an action that is rejected repeatedly does not use all the CPU.
const AFTER_REJECTION: Duration = Duration::from_millis(20);

/// How often the state is kept while events arrive. After a crash the events since then are read again.
const KEEP_EVERY: Duration = Duration::from_secs(1);
/// The state is kept at the latest after this many events.
const MOST_UNKEPT: u64 = 20_000;

/// The process manager.
pub struct AgentRouter {
    commands: Arc<Commands>,
    side_effects: SideEffects,
    log: DecodedLog,
    kept: Kept,
    /// `None` before the state was loaded from the tables.
    folded: Option<Folded>,
    kept_at: Instant,
    /// The position up to which the log was read.
    after: Option<Position>,
    page: usize,
    /// The position of the last event that the router appended. It plans again when it has read this event.
    last_appended: Option<Position>,
}

impl ProcessManager for AgentRouter {
    const NAME: &'static str = "agent-router";
    const TABLES: Option<TableSet> =
        Some(TableSet { name: kept::NAME, checkpoint: kept::NAME, after_restore: AfterRestore::Derive });

    async fn open(context: &ManagerContext) -> Result<Self, OpenError> {
        Ok(Self {
            commands: Arc::clone(&context.commands),
            side_effects: context.side_effects(Self::NAME).await?,
            log: context.log.clone(),
            kept: Kept::open(context.tables(kept::NAME).await?).await?,
            folded: None,
            kept_at: Instant::now(),
            after: None,
            page: PAGE,
            last_appended: None,
        })
    }

    fn watch(&self) -> Option<Watch> {
        None
    }

    async fn run(mut self, stop: CancellationToken, health: Health) -> Result<(), RunnerError> {
        let mut waiter = self.log.store().waiter();
        while !stop.is_cancelled() {
            // An append after this line ends the wait below.
            waiter.changed.mark_unchanged();
            let rest = match self.round(&stop).await {
                Ok(rest) => {
                    health.clear_error();
                    rest
                }
                Err(error) => {
                    let error = &*error as &dyn Error;
                    tracing::warn!(error, "conversations cannot be routed; trying again");
                    health.set_error(Chain(error).to_string());
                    Rest::Sleep(RETRY)
                }
            };
            match rest {
                Rest::None => {}
                Rest::Sleep(pause) => {
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = tokio::time::sleep(pause) => {}
                    }
                }
                Rest::UntilAppended(longest) => {
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = waiter.wait() => {}
                        () = tokio::time::sleep(longest) => {}
                    }
                }
            }
        }
        if let Err(error) = self.keep().await {
            let error = &error as &dyn Error;
            tracing::warn!(
                error,
                "the router's state was not kept; the events of the last second are read again"
            );
        }
        Ok(())
    }
}

impl AgentRouter {
    /// Reads new events, plans actions and executes them.
    async fn round(&mut self, stop: &CancellationToken) -> Result<Rest, Box<dyn Error + Send + Sync>> {
        self.catch_up(stop).await?;
        let Some(Folded { state, .. }) = &mut self.folded else { return Ok(Rest::None) };
        if self.last_appended.is_some_and(|written| self.after.is_none_or(|after| after < written)) {
            return Ok(Rest::UntilAppended(AFTER_REJECTION));
        }
        let now = self.commands.clock.now();
        let expired = expire_presence(&self.commands, state.expired_presences(now)).await?;
        let actions = state.plan(now, random(&self.commands.clock));
        if actions.is_empty() {
            let rest = Rest::UntilAppended(sleep(&self.commands.clock, state.next_moment(), now));
            return Ok(if expired { Rest::None } else { rest });
        }
        let (commands, side_effects) = (&self.commands, &self.side_effects);
        let executed: Vec<_> = stream::iter(actions)
            .map(|(account, action)| async move {
                let outcome = execute(commands, side_effects, account, &action).await;
                (account, action, outcome)
            })
            .buffer_unordered(TOGETHER)
            .collect()
            .await;
        let mut rest = Rest::None;
        let mut internal_error = None;
        for (account, action, outcome) in executed {
            match outcome {
                Ok(position) => self.last_appended = self.last_appended.max(position),
                Err(failure) => {
                    state.retry(account, &action);
                    rest = Rest::Sleep(AFTER_REJECTION);
                    match failure {
                        Failure::Rejected(reason) => {
                            let conversation_id = action.conversation();
                            tracing::debug!(%conversation_id, reason, "an action was rejected and is planned again");
                        }
                        Failure::Internal(error) => internal_error = Some(error),
                    }
                }
            }
        }
        internal_error.map_or(Ok(rest), Err)
    }

    /// Reads the log to its end, and keeps the state when it is time to.
    async fn catch_up(&mut self, stop: &CancellationToken) -> Result<(), KeptError> {
        let mut folded = match self.folded.take() {
            Some(folded) => folded,
            None => {
                let folded = self.kept.load(&**self.log.store()).await?;
                self.after = folded.last.map(|(position, _)| position);
                folded
            }
        };
        loop {
            let page = match self.log.store().read_recent(self.after, &filter(&folded), self.page).await {
                Ok(page) => page,
                Err(error) => {
                    self.folded = Some(folded);
                    return Err(error.into());
                }
            };
            let mut new_accounts = BTreeSet::new();
            for recorded in page.events {
                folded.last = Some((recorded.position, CheckpointEvent::from(&recorded)));
                folded.unkept += 1;
                self.apply(&mut folded, recorded, &mut new_accounts);
            }
            self.after = page.through.or(self.after);
            for account in new_accounts {
                // An error drops the state, which has only a part of the account, and it is loaded again.
                self.read_conversations(&mut folded, account).await?;
            }
            let is_time = self.kept_at.elapsed() >= KEEP_EVERY || folded.unkept >= MOST_UNKEPT;
            if folded.unkept > 0 && is_time && !self.try_keep(&mut folded).await {
                return Ok(());
            }
            if page.at_end || stop.is_cancelled() {
                self.folded = Some(folded);
                return Ok(());
            }
        }
    }

    /// Keeps the state. Returns false when it must be loaded again. Conversations are routed also while the tables
    /// cannot be written: then a start reads more of the log.
    async fn try_keep(&mut self, folded: &mut Folded) -> bool {
        self.kept_at = Instant::now();
        match self.kept.store(folded).await {
            Ok(true) => true,
            Ok(false) => {
                tracing::info!("another router has kept its state; this one continues from there");
                false
            }
            Err(error) => {
                let error = &error as &dyn Error;
                tracing::warn!(error, "the router's state cannot be kept; trying again");
                true
            }
        }
    }

    /// Keeps the state now.
    async fn keep(&mut self) -> Result<(), KeptError> {
        if let Some(folded) = &mut self.folded
            && folded.unkept > 0
        {
            self.kept.store(folded).await?;
        }
        Ok(())
    }

    /// Folds the conversations of an account that is new to routing, up to the position up to which the log was read.
    async fn read_conversations(&self, folded: &mut Folded, account: AccountId) -> Result<(), KeptError> {
        let filter = Filter { account: Some(account), ..Filter::categories([Category::Conversation]) };
        folded.state.forget_conversations(account);
        folded.routing_accounts.insert(account);
        let mut after = None;
        loop {
            let page = self.log.store().read_all(after, &filter, self.page).await?;
            for recorded in page.events {
                if Some(recorded.position) > self.after {
                    return Ok(());
                }
                self.apply(folded, recorded, &mut BTreeSet::new());
            }
            after = page.through.or(after);
            if page.at_end || after >= self.after {
                return Ok(());
            }
        }
    }

    /// Folds an event. An account that becomes new to routing is added to `new_accounts`.
    fn apply(&self, folded: &mut Folded, recorded: Recorded, new_accounts: &mut BTreeSet<AccountId>) {
        let (account, at) = (recorded.metadata.account_id, recorded.metadata.occurred_at);
        let (stream, version) = (recorded.stream.clone(), recorded.version);
        let conversation = stream.as_conversation();
        if conversation.is_some() && !folded.routing_accounts.contains(&account) {
            return;
        }
        let decoded = match self.log.decode(recorded) {
            Ok(Some(decoded)) => decoded,
            Ok(None) => return,
            // An event that this version cannot read is skipped here; the read models stop and report it.
            Err(error) => {
                let error = &error as &dyn Error;
                tracing::error!(%stream, error, "the agent router skips an event that it cannot read");
                return;
            }
        };
        match &decoded.event {
            Event::Conversation(event) => {
                if let Some(id) = conversation {
                    folded.state.apply_conversation(account, id, version, event, at);
                }
            }
            Event::Catalogue(event) => {
                folded.state.apply_catalogue(account, event, at);
                let finds_agents = folded.state.account(account).is_some_and(AccountRouting::finds_agents);
                if finds_agents && !folded.routing_accounts.contains(&account) {
                    new_accounts.insert(account);
                }
            }
            Event::Agent(event) => folded.state.apply_agent(user_of(event), event, at),
            Event::Contact(_)
            | Event::Inbound(_)
            | Event::Log(_)
            | Event::Account(_)
            | Event::Person(_)
            | Event::ApiKey(_)
            | Event::Bulk(_) => {}
        }
    }
}

fn filter(folded: &Folded) -> Filter {
    let mut categories = vec![Category::Catalogue, Category::Agent];
    if !folded.routing_accounts.is_empty() {
        categories.push(Category::Conversation);
    }
    Filter::categories(categories)
}

/// Sets agents who have been inactive for too long to away or offline. Returns whether an event was appended.
async fn expire_presence(
    commands: &Commands,
    expired: Vec<(UserId, AccountId, Timestamp)>,
) -> Result<bool, CommandError<Rejection>> {
    let mut any = false;
    for (user_id, account, at) in expired {
        let command = ExpirePresence { account_id: account, user_id, timeouts: commands.presence_timeouts };
        let cause = commands.last_presence_change(account, user_id).await?;
        let context = router_context(account, format!("silence/{user_id}/{}", at.as_micros()), cause);
        match commands.agents.execute(&StreamId::agent(user_id), &command, &context).await {
            Ok(outcome) => any |= outcome.wrote,
            Err(CommandError::Contended | CommandError::Rejected(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(any)
}

fn sleep(clock: &Clock, next: Option<Timestamp>, now: Timestamp) -> Duration {
    let longest = match clock {
        Clock::System => LONGEST_SLEEP,
        Clock::Manual(_) => MANUAL_SLEEP,
    };
    next.map_or(longest, |moment| moment.since(now).min(longest))
}

/// The random number by which the plan chooses among equal candidates.
fn random(clock: &Clock) -> u64 {
    clock.event_id().as_uuid().as_u64_pair().1
}

/// The next step after a round.
enum Rest {
    None,
    Sleep(Duration),
    /// Until an event is appended, but not longer than this.
    UntilAppended(Duration),
}

fn user_of(event: &AgentEvent) -> UserId {
    match event {
        AgentEvent::AgentRegistered(event) => event.user_id,
        AgentEvent::PreferencesChanged(event) => event.user_id,
        AgentEvent::WentOnline(event) => event.user_id,
        AgentEvent::WentAway(event) => event.user_id,
        AgentEvent::WentOffline(event) => event.user_id,
        AgentEvent::CapacityReserved(event) => event.user_id,
        AgentEvent::CapacityReleased(event) => event.user_id,
        AgentEvent::AgentRemoved(event) => event.user_id,
    }
}

/// The context of a command of the router itself. Commands with the same key are executed once.
fn router_context(account: AccountId, key: String, cause: Option<EventId>) -> Context {
    Context {
        causation_id: cause,
        key: Some(format!("agent-router:{key}")),
        ..Context::of(account, Actor::system("agent-router"), EventId::caused(account, &key, 0).0)
    }
}
