//! The agent router: finds agents for conversations that want one.
//!
//! It follows the log into a [`RoutingState`], which is nothing but a fold of it, asks what is to be done, and does
//! it: a place on the agent's desk first, then the word in the conversation (see `commands::assignment`). It
//! never decides again before it has read back what it wrote. Two routers, a restart or a crash at any moment
//! give nobody anything twice: whatever is refused was decided on something that had changed, and the change
//! is in the log.
//!
//! Conversations of accounts that never said how conversations find agents are none of its business: it
//! neither reads nor remembers them. When an account says so for the first time, the log is read anew.

mod execute;

use crate::Health;
use commands::Commands;
use commands::execute::{CommandError, Context};
use domain::agent::{ExpirePresence, Rejection};
use domain::routing::{AccountRouting, RoutingState};
use event_schemas::{
    AccountId, Actor, AgentEvent, Category, Clock, Event, EventId, Position, Recorded, StreamId, Timestamp,
    UserId,
};
use event_store::{Filter, ReadError};
use execute::{Hitch, execute};
use futures::{StreamExt, stream};
use std::collections::BTreeSet;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const PAGE: usize = 1_000;
/// How many moves are carried out at the same time: their commits are shared.
const TOGETHER: usize = 64;
/// The longest it sleeps without looking: hours begin, and silences last.
const LONGEST_SLEEP: Duration = Duration::from_millis(250);
/// How often it looks when a test moves the clock.
const MANUAL_SLEEP: Duration = Duration::from_millis(5);
/// How long it waits when the log cannot be used.
const TROUBLE: Duration = Duration::from_millis(500);
/// How long it waits after a refusal, so that what it does not understand does not keep it busy.
const REFUSED: Duration = Duration::from_millis(20);

/// The process manager.
pub struct AgentRouter {
    commands: Arc<Commands>,
    floor: RoutingState,
    /// The accounts that say, or once said, how conversations find agents.
    routing: BTreeSet<AccountId>,
    after: Option<Position>,
    /// What it wrote itself is not decided on before it has come back.
    read_back: Option<Position>,
}

impl AgentRouter {
    pub fn new(commands: Arc<Commands>) -> Self {
        Self {
            commands,
            floor: RoutingState::default(),
            routing: BTreeSet::new(),
            after: None,
            read_back: None,
        }
    }

    /// Routes until told to stop.
    pub async fn run(mut self, stop: CancellationToken, health: Health) {
        let mut waiter = self.commands.store.waiter();
        while !stop.is_cancelled() {
            // Whatever is appended from here on wakes the wait below.
            waiter.changed.mark_unchanged();
            let rest = match self.round(&stop).await {
                Ok(rest) => {
                    health.well();
                    rest
                }
                Err(error) => {
                    tracing::warn!(error = &*error, "the agent router tries again");
                    health.troubled(format!("the agent router: {error}"));
                    Rest::Just(TROUBLE)
                }
            };
            match rest {
                Rest::None => {}
                Rest::Just(pause) => {
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = tokio::time::sleep(pause) => {}
                    }
                }
                Rest::UntilSomethingHappens(longest) => {
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = waiter.wait() => {}
                        () = tokio::time::sleep(longest) => {}
                    }
                }
            }
        }
    }

    /// Reads what is new and does what is to be done about it.
    async fn round(&mut self, stop: &CancellationToken) -> Result<Rest, Box<dyn Error + Send + Sync>> {
        self.catch_up(stop).await?;
        if self.read_back.is_some_and(|written| self.after.is_none_or(|after| after < written)) {
            return Ok(Rest::UntilSomethingHappens(REFUSED));
        }
        let now = self.commands.clock.now();
        let lapsed = self.lapse(now).await?;
        let moves = self.floor.plan(now, self.chance());
        if moves.is_empty() {
            return Ok(if lapsed { Rest::None } else { Rest::UntilSomethingHappens(self.sleep(now)) });
        }
        let commands = &self.commands;
        let carried: Vec<_> = stream::iter(moves)
            .map(|(account, step)| async move {
                let outcome = execute(commands, account, &step).await;
                (account, step, outcome)
            })
            .buffer_unordered(TOGETHER)
            .collect()
            .await;
        let mut rest = Rest::None;
        let mut trouble = None;
        for (account, step, outcome) in carried {
            match outcome {
                Ok(position) => self.read_back = self.read_back.max(position),
                Err(hitch) => {
                    self.floor.again(account, &step);
                    rest = Rest::Just(REFUSED);
                    match hitch {
                        Hitch::Refused(reason) => {
                            let conversation = step.conversation();
                            tracing::debug!(%conversation, reason, "a move was refused and is decided again");
                        }
                        Hitch::Trouble(error) => trouble = Some(error),
                    }
                }
            }
        }
        trouble.map_or(Ok(rest), Err)
    }

    async fn catch_up(&mut self, stop: &CancellationToken) -> Result<(), ReadError> {
        let mut known = self.routing.len();
        loop {
            let page = self.commands.store.read_recent(self.after, &self.filter(), PAGE).await?;
            for recorded in &page.events {
                self.apply(recorded);
            }
            self.after = page.through.or(self.after);
            if page.at_end && self.routing.len() > known {
                // Their conversations were passed over so far.
                (self.floor, self.after, known) = (RoutingState::default(), None, self.routing.len());
            } else if page.at_end || stop.is_cancelled() {
                return Ok(());
            }
        }
    }

    fn filter(&self) -> Filter {
        let mut categories = vec![Category::Catalogue, Category::Agent];
        if !self.routing.is_empty() {
            categories.push(Category::Conversation);
        }
        Filter::categories(categories)
    }

    fn apply(&mut self, recorded: &Recorded) {
        let (account, at) = (recorded.metadata.account_id, recorded.metadata.occurred_at);
        let conversation = recorded.stream.as_conversation();
        if conversation.is_some() && !self.routing.contains(&account) {
            return;
        }
        match Event::read(recorded) {
            Ok(Event::Conversation(event)) => {
                if let Some(id) = conversation {
                    self.floor.apply_conversation(account, id, recorded.version, &event, at);
                }
            }
            Ok(Event::Catalogue(event)) => {
                self.floor.apply_catalogue(account, &event, at);
                if self.floor.desk(account).is_some_and(AccountRouting::finds_agents) {
                    self.routing.insert(account);
                }
            }
            Ok(Event::Agent(event)) => self.floor.apply_agent(user_of(&event), &event, at),
            Ok(Event::Contact(_) | Event::Inbound(_)) => {}
            // What this version cannot read it cannot route by; the read models say so to the operator.
            Err(error) => tracing::error!(
                stream = %recorded.stream,
                error = &error as &dyn Error,
                "an event is passed over by the agent router"
            ),
        }
    }

    /// Says of agents who have been silent for too long that they are away, or have gone.
    async fn lapse(&self, now: Timestamp) -> Result<bool, CommandError<Rejection>> {
        let mut any = false;
        for (user_id, account, at) in self.floor.silent(now) {
            let command = ExpirePresence { user_id, timeouts: self.commands.presence_timeouts };
            let context = because(account, format!("silence/{user_id}/{}", at.as_micros()));
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
        self.floor.next_moment().map_or(longest, |moment| moment.since(now).min(longest))
    }

    fn chance(&self) -> u64 {
        self.commands.clock.event_id().as_uuid().as_u64_pair().1
    }
}

/// What follows a round.
enum Rest {
    None,
    Just(Duration),
    UntilSomethingHappens(Duration),
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

/// Verbatim itself. What has the same key is done once.
fn because(account: AccountId, key: String) -> Context {
    Context {
        account,
        actor: Actor::system("agent-router"),
        correlation_id: EventId::caused(account, &key, 0).0,
        causation_id: None,
        traceparent: None,
        occurred_at: None,
        key: Some(format!("agent-router:{key}")),
        if_match: None,
    }
}
