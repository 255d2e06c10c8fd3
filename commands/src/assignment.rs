//! Assigning a conversation to an agent: first the agent's capacity is reserved, then the conversation is
//! assigned.
//!
//! The two streams cannot be written in one append. The reservation is written first and contains the version
//! of the conversation; the conversation is changed only at that version. So when the process stops between
//! the two appends, there is a reservation without an assignment, never an assignment without a reservation.
//! The router recognises such a reservation by the conversation's version, and releases it.

use crate::Commands;
use crate::execute::{CommandError, Context, LoadError, Outcome, Versioned};
use domain::agent::{EligibilityCheck, Register, Rejection as Refused, ReleaseCapacity, ReserveCapacity};
use domain::conversation::{Conversation, Forced, Rejection};
use domain::{Decide, Evolve};
use event_schemas::catalogue::Queue;
use event_schemas::{AccountId, ConversationId, StreamId, UserId, Version};
use std::sync::Arc;

/// How often an assignment is tried again because the conversation changed meanwhile.
const TRIES: usize = 8;

/// How a conversation is assigned.
#[derive(Clone, Copy, Debug)]
pub struct AssignOptions {
    /// Whether capacity is reserved also in an account without a queue.
    pub counts: bool,
    /// Whether a supervisor assigns the conversation although the agent is not eligible.
    pub forced: bool,
    /// The agent who takes it. `None` when another user or the router assigns it.
    pub taker: Option<UserId>,
}

impl AssignOptions {
    /// The options of an agent who assigns a conversation or takes it.
    pub fn by(agent: UserId) -> Self {
        Self { counts: false, forced: false, taker: Some(agent) }
    }
}

/// Why the conversation was not assigned.
#[derive(Debug, thiserror::Error)]
pub enum AssignError {
    #[error(transparent)]
    Conversation(#[from] CommandError<Rejection>),
    /// The agent cannot reserve the conversation.
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
    /// Whether the account has a queue: then capacity is reserved for every assignment.
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
            // The command assigns no new agent at this version, and may assign one at another.
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
        let agent_stream = StreamId::agent(user_id);
        let stream = StreamId::conversation(id);
        let agent = self.agents.current(&agent_stream).await?;
        let is_other_accounts = agent.state.is_registered() && !agent.state.is_known_to(context.account);
        if is_other_accounts && !takes_it {
            return Err(CommandError::Rejected(Refused::OtherAccounts).into());
        }
        if !counts {
            return Ok(self.conversations.execute(&stream, command, pinned).await?);
        }
        let agent_context = Context { key: None, if_match: None, occurred_at: None, ..context.clone() };
        if takes_it && !agent.state.is_known_to(context.account) {
            self.join(user_id, context.actor.name.clone(), &agent_context).await?;
        }
        let opened = fold.state.opened().map_err(CommandError::Rejected)?;
        let reserve = ReserveCapacity {
            account_id: context.account,
            user_id,
            conversation_id: id,
            conversation_version: new_assignee.version,
            requirements: opened.requirements(),
            check: if takes_it { EligibilityCheck::Capacity } else { EligibilityCheck::Full },
            forced: options.forced,
        };
        let overridden = reserve.ineligibility(&agent.state, self.clock.now()).filter(|_| options.forced);
        self.agents.execute(&agent_stream, &reserve, &agent_context).await?;
        let forced_command = Forced { command, overridden };
        let outcome = self.conversations.execute(&stream, &forced_command, pinned).await;
        let is_assigned = outcome.as_ref().is_ok_and(|outcome| {
            outcome.state.state.opened().is_ok_and(|opened| opened.lifecycle.holder() == Some(user_id))
        });
        // When the log did not answer it is unknown whether the assignment was written: the router checks it
        // later.
        let is_unknown = matches!(outcome, Err(CommandError::Unavailable(_)));
        if !is_assigned && !is_unknown {
            let release = ReleaseCapacity {
                account_id: context.account,
                user_id,
                conversation_id: id,
                conversation_version: new_assignee.version,
            };
            if let Err(error) = self.agents.execute(&agent_stream, &release, &agent_context).await {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(conversation = %id, agent = %user_id, error, "reserved capacity could not be released; the router will release it");
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
