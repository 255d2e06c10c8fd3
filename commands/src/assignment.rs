//! Assigning a conversation to an agent: first the agent's capacity is reserved, then the conversation is assigned.
//!
//! The two streams cannot be written at once. The place comes first and names the version of the conversation
//! that it was taken for; the conversation is only changed at that version. So what is left when everything
//! stops in between is a place for an assignment that never came, which can be told from the conversation's
//! version and is taken back by the router, and never an assignment without a reservation.

use crate::Commands;
use crate::execute::{CommandError, Context, LoadError, Outcome, Versioned};
use domain::agent::{EligibilityCheck, Register, Rejection as Refused, ReleaseCapacity, ReserveCapacity};
use domain::conversation::{Conversation, Forced, Rejection};
use domain::{Decide, Evolve};
use event_schemas::catalogue::Queue;
use event_schemas::{AccountId, ConversationId, StreamId, UserId, Version};
use std::sync::Arc;

/// How often it is tried again because the conversation moved meanwhile.
const TRIES: usize = 8;

/// How a conversation is assigned.
#[derive(Clone, Copy, Debug)]
pub struct AssignOptions {
    /// Whether places count whatever the account has said about routing.
    pub counts: bool,
    /// A supervisor has it so, whatever there is to be said against it.
    pub insists: bool,
    /// The agent who takes it. `None` when another user or the router assigns it.
    pub taker: Option<UserId>,
}

impl AssignOptions {
    /// As an agent gives it, or takes it.
    pub fn by(agent: UserId) -> Self {
        Self { counts: false, insists: false, taker: Some(agent) }
    }
}

/// Why the conversation was not assigned.
#[derive(Debug, thiserror::Error)]
pub enum AssignError {
    #[error(transparent)]
    Conversation(#[from] CommandError<Rejection>),
    /// The agent cannot take it.
    #[error(transparent)]
    Agent(#[from] CommandError<Refused>),
}

impl From<LoadError> for AssignError {
    fn from(error: LoadError) -> Self {
        Self::Conversation(error.into())
    }
}

/// The agent whom a command would assign.
struct NewAssignee {
    agent: UserId,
    version: Version,
}

impl Commands {
    /// Whether this account has said how conversations find agents: then places count.
    pub async fn routes(&self, account: AccountId) -> Result<bool, LoadError> {
        let queues = self.catalogue::<Queue>(account).current().await?;
        Ok(queues.state.iter().next().is_some())
    }

    /// Executes a command that may assign the conversation.
    pub async fn assign<C>(
        &self,
        id: ConversationId,
        command: &C,
        context: &Context,
        options: AssignOptions,
    ) -> Result<Outcome<Conversation>, AssignError>
    where
        C: Decide<Conversation, Rejection = Rejection>,
    {
        let stream = StreamId::conversation(id);
        let counts = options.counts || self.routes(context.account).await?;
        for _ in 0..TRIES {
            let fold = self.conversations.current(&stream).await?;
            let new_assignee = self.new_assignee(&fold, command, context);
            // At this version it makes nobody's; at another it might.
            let version = new_assignee.as_ref().map(|new_assignee| new_assignee.version).or(fold.version);
            let pinned = Context { if_match: context.if_match.or(version), ..context.clone() };
            let outcome = match new_assignee {
                Some(new_assignee) => {
                    self.assign_to(id, &new_assignee, &fold, command, (context, &pinned), options, counts)
                        .await
                }
                None => {
                    self.conversations.execute(&stream, command, &pinned).await.map_err(AssignError::from)
                }
            };
            match outcome {
                Err(AssignError::Conversation(CommandError::VersionMismatch { .. }))
                    if context.if_match.is_none() => {}
                decided => return decided,
            }
        }
        Err(AssignError::Conversation(CommandError::Contended))
    }

    fn new_assignee<C>(
        &self,
        fold: &Arc<Versioned<Conversation>>,
        command: &C,
        context: &Context,
    ) -> Option<NewAssignee>
    where
        C: Decide<Conversation, Rejection = Rejection>,
    {
        let before = fold.state.opened().ok().filter(|opened| opened.account_id == context.account)?;
        let now = self.clock.now();
        let events = command.decide(&fold.state, now).ok()?;
        let mut after = fold.state.clone();
        events.iter().for_each(|event| after.evolve(event, now));
        let agent = after.opened().ok()?.lifecycle.holder()?;
        let version = fold.version?;
        (before.lifecycle.holder() != Some(agent)).then_some(NewAssignee { agent, version })
    }

    #[allow(clippy::too_many_arguments)]
    async fn assign_to<C>(
        &self,
        id: ConversationId,
        new_assignee: &NewAssignee,
        fold: &Versioned<Conversation>,
        command: &C,
        (context, pinned): (&Context, &Context),
        options: AssignOptions,
        counts: bool,
    ) -> Result<Outcome<Conversation>, AssignError>
    where
        C: Decide<Conversation, Rejection = Rejection>,
    {
        let user_id = new_assignee.agent;
        let takes_it = options.taker == Some(user_id);
        let desk = StreamId::agent(user_id);
        let stream = StreamId::conversation(id);
        let agent = self.agents.current(&desk).await?;
        let is_somebody_elses =
            agent.state.is_known_to_anybody() && !agent.state.is_known_to(context.account);
        if is_somebody_elses && !takes_it {
            return Err(CommandError::Rejected(Refused::SomebodyElses).into());
        }
        if !counts {
            return Ok(self.conversations.execute(&stream, command, pinned).await?);
        }
        let own = Context { key: None, if_match: None, occurred_at: None, ..context.clone() };
        if takes_it && !agent.state.is_known_to(context.account) {
            self.join(user_id, context.actor.name.clone(), &own).await?;
        }
        let opened = fold.state.opened().map_err(CommandError::Rejected)?;
        let take = ReserveCapacity {
            account_id: context.account,
            user_id,
            conversation_id: id,
            conversation_version: new_assignee.version,
            requirements: opened.requirements(),
            check: if takes_it { EligibilityCheck::Capacity } else { EligibilityCheck::Full },
            insists: options.insists,
        };
        let overridden = take.ineligibility(&agent.state, self.clock.now()).filter(|_| options.insists);
        self.agents.execute(&desk, &take, &own).await?;
        let insisted = Forced { command, overridden };
        let outcome = self.conversations.execute(&stream, &insisted, pinned).await;
        let is_theirs = outcome.as_ref().is_ok_and(|outcome| {
            outcome.state.state.opened().is_ok_and(|opened| opened.lifecycle.holder() == Some(user_id))
        });
        // Whether it was written is not known when the log does not answer: the router will see.
        let is_unknown = matches!(outcome, Err(CommandError::Unavailable(_)));
        if !is_theirs && !is_unknown {
            let free = ReleaseCapacity {
                account_id: context.account,
                user_id,
                conversation_id: id,
                conversation_version: new_assignee.version,
            };
            if let Err(error) = self.agents.execute(&desk, &free, &own).await {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(conversation = %id, agent = %user_id, error, "a place is left to the router to free");
            }
        }
        Ok(outcome?)
    }

    /// Registers a user who signs in to an account.
    pub async fn join(
        &self,
        user_id: UserId,
        name: Option<String>,
        context: &Context,
    ) -> Result<(), CommandError<Refused>> {
        let join = Register {
            account_id: context.account,
            user_id,
            name: name.unwrap_or_else(|| user_id.to_string()),
            email: None,
            is_self: true,
        };
        self.agents.execute(&StreamId::agent(user_id), &join, context).await.map(|_| ())
    }
}
