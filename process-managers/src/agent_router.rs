//! The agent router: finds agents for conversations that need one.
//!
//! It folds the log into a [`RoutingState`], plans actions from it, and executes them: it first reserves the agent's
//! capacity, then assigns the conversation (see `commands::assignment`). It plans again only after it has read the
//! events that it appended. Two routers, a restart or a crash at any moment repeat no action: a rejected command was
//! planned from a state that has changed, and the change is in the log.
//!
//! It does not read the conversations of accounts that never configured routing. When an account does so for the first
//! time, the router reads the log from its beginning.

mod execute;

use crate::manager::{Context as ManagerContext, OpenError, ProcessManager};
use crate::past::SideEffects;
use crate::restore::TableSet;
use commands::Commands;
use commands::execute::{CommandError, Context};
use domain::agent::{ExpirePresence, Rejection};
use domain::routing::{AccountRouting, RoutingState};
use event_schemas::{
    AccountId, Actor, AgentEvent, Category, Clock, Event, EventId, Position, Recorded, StreamId, Timestamp,
    UserId,
};
use event_store::{Filter, ReadError};
use execute::{Failure, execute};
use follower::runner::Chain;
use follower::{DecodedLog, Health, RunnerError, Watch};
use futures::{StreamExt, stream};
use std::collections::BTreeSet;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
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

/// The process manager.
pub struct AgentRouter {
    commands: Arc<Commands>,
    side_effects: SideEffects,
    log: DecodedLog,
    state: RoutingState,
    /// The accounts that have, or had, a configuration of routing.
    routing_accounts: BTreeSet<AccountId>,
    after: Option<Position>,
    /// The position of the last event that the router appended. It plans again when it has read this event.
    last_appended: Option<Position>,
}

impl ProcessManager for AgentRouter {
    const NAME: &'static str = "agent-router";
    const TABLES: Option<TableSet> = None;

    async fn open(context: &ManagerContext) -> Result<Self, OpenError> {
        Ok(Self {
            commands: Arc::clone(&context.commands),
            side_effects: context.side_effects(Self::NAME).await?,
            log: context.log.clone(),
            state: RoutingState::default(),
            routing_accounts: BTreeSet::new(),
            after: None,
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
        Ok(())
    }
}

impl AgentRouter {
    /// Reads new events, plans actions and executes them.
    async fn round(&mut self, stop: &CancellationToken) -> Result<Rest, Box<dyn Error + Send + Sync>> {
        self.catch_up(stop).await?;
        if self.last_appended.is_some_and(|written| self.after.is_none_or(|after| after < written)) {
            return Ok(Rest::UntilAppended(AFTER_REJECTION));
        }
        let now = self.commands.clock.now();
        let expired = self.expire_presence(now).await?;
        let actions = self.state.plan(now, self.random());
        if actions.is_empty() {
            return Ok(if expired { Rest::None } else { Rest::UntilAppended(self.sleep(now)) });
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
                    self.state.retry(account, &action);
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

    /// Reads the log to its end.
    async fn catch_up(&mut self, stop: &CancellationToken) -> Result<(), ReadError> {
        let mut known = self.routing_accounts.len();
        loop {
            let page = self.log.store().read_recent(self.after, &self.filter(), PAGE).await?;
            for recorded in page.events {
                self.apply(recorded);
            }
            self.after = page.through.or(self.after);
            if page.at_end && self.routing_accounts.len() > known {
                // The conversations of the new accounts were skipped so far.
                (self.state, self.after, known) =
                    (RoutingState::default(), None, self.routing_accounts.len());
            } else if page.at_end || stop.is_cancelled() {
                return Ok(());
            }
        }
    }

    fn filter(&self) -> Filter {
        let mut categories = vec![Category::Catalogue, Category::Agent];
        if !self.routing_accounts.is_empty() {
            categories.push(Category::Conversation);
        }
        Filter::categories(categories)
    }

    fn apply(&mut self, recorded: Recorded) {
        let (account, at) = (recorded.metadata.account_id, recorded.metadata.occurred_at);
        let (stream, version) = (recorded.stream.clone(), recorded.version);
        let conversation = stream.as_conversation();
        if conversation.is_some() && !self.routing_accounts.contains(&account) {
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
                    self.state.apply_conversation(account, id, version, event, at);
                }
            }
            Event::Catalogue(event) => {
                self.state.apply_catalogue(account, event, at);
                if self.state.account(account).is_some_and(AccountRouting::finds_agents) {
                    self.routing_accounts.insert(account);
                }
            }
            Event::Agent(event) => self.state.apply_agent(user_of(event), event, at),
            Event::Contact(_) | Event::Inbound(_) | Event::Log(_) => {}
        }
    }

    /// Sets agents who have been inactive for too long to away or offline. Returns whether an event was appended.
    async fn expire_presence(&self, now: Timestamp) -> Result<bool, CommandError<Rejection>> {
        let mut any = false;
        for (user_id, account, at) in self.state.expired_presences(now) {
            let command = ExpirePresence { user_id, timeouts: self.commands.presence_timeouts };
            let cause = self.commands.last_presence_change(user_id).await?;
            let context = router_context(account, format!("silence/{user_id}/{}", at.as_micros()), cause);
            match self.commands.agents.execute(&StreamId::agent(user_id), &command, &context).await {
                Ok(outcome) => any |= outcome.wrote,
                Err(CommandError::Contended | CommandError::Rejected(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(any)
    }

    fn sleep(&self, now: Timestamp) -> Duration {
        let longest = match self.commands.clock {
            Clock::System => LONGEST_SLEEP,
            Clock::Manual(_) => MANUAL_SLEEP,
        };
        self.state.next_moment().map_or(longest, |moment| moment.since(now).min(longest))
    }

    /// The random number by which the plan chooses among equal candidates.
    fn random(&self) -> u64 {
        self.commands.clock.event_id().as_uuid().as_u64_pair().1
    }
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
    }
}

/// The context of a command of the router itself. Commands with the same key are executed once.
fn router_context(account: AccountId, key: String, cause: Option<EventId>) -> Context {
    Context {
        account,
        actor: Actor::system("agent-router"),
        correlation_id: EventId::caused(account, &key, 0).0,
        causation_id: cause,
        traceparent: None,
        occurred_at: None,
        key: Some(format!("agent-router:{key}")),
        request: None,
        if_match: None,
    }
}
