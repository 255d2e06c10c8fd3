//! Assigning a conversation to an agent: first the agent's capacity is reserved, then the conversation is
//! assigned.
//!
//! The two streams cannot be written in one append. The reservation comes first and names the version of the
//! conversation that it was made for; the conversation is only changed at that version. When the program
//! stops in between, a reservation remains for an assignment that never came. The conversation's version
//! shows that, and the router releases it. An assignment without a reservation cannot remain.

use crate::Commands;
use crate::execute::{CommandError, Context, Decided, LoadError, Outcome, Versioned, pauses};
use domain::Decide;
use domain::agent::{EligibilityCheck, Rejection as Refused, ReleaseCapacity, ReserveCapacity, SignIn};
use domain::conversation::{Conversation, Rejection, Requester, note_override};
use event_schemas::catalogue::Queue;
use event_schemas::routing::Ineligible;
use event_schemas::{AccountId, ConversationId, StreamId, UserId};

/// How a conversation is assigned.
#[derive(Clone, Copy, Debug)]
pub struct AssignOptions {
    /// Whether capacity is reserved although the account has no queue.
    pub counts: bool,
    /// A supervisor assigns it although the agent is not eligible.
    pub forced: bool,
    /// The agent who takes it. `None` when another user or the router assigns it.
    pub taker: Option<UserId>,
}

impl AssignOptions {
    /// A requester assigns it, to themselves or to a colleague.
    pub fn by(requester: Requester) -> Self {
        Self { counts: false, forced: false, taker: requester.user }
    }
}

/// Why the conversation was not assigned.
#[derive(Debug, thiserror::Error)]
pub enum AssignError {
    #[error(transparent)]
    Conversation(#[from] CommandError<Rejection>),
    /// No capacity of the agent can be reserved for the conversation.
    #[error(transparent)]
    Agent(#[from] CommandError<Refused>),
}

impl From<LoadError> for AssignError {
    fn from(error: LoadError) -> Self {
        Self::Conversation(error.into())
    }
}

impl Commands {
    /// Whether this account has a queue: capacity is then reserved for each assignment.
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
        let _turn = self.conversations.turn::<Rejection>(&stream).await?;
        if let Some(answered) = self.conversations.answered_before::<Rejection>(&stream, context).await? {
            return Ok(answered);
        }
        let counts = options.counts || self.routes(context.account).await?;
        let mut pauses = pauses();
        loop {
            let fold = self.conversations.current(&stream).await?;
            let Some(decided) = self.conversations.decide(&fold, command, context)? else {
                return Ok(Outcome::unchanged::<Rejection>(fold)?);
            };
            let appended = match new_assignee(&fold.state, &decided.next) {
                Some(agent) => self.assign_to(id, agent, &fold, decided, context, options, counts).await?,
                None => self.conversations.append::<Rejection>(&stream, &fold, decided, context).await?,
            };
            if let Some(outcome) = appended {
                return Ok(outcome);
            }
            tokio::time::sleep(pauses.next().ok_or(CommandError::<Rejection>::Contended)?).await;
        }
    }

    /// Reserves the agent's capacity and appends the decision that assigns the conversation to the agent.
    /// `None` when the conversation has changed meanwhile: the reservation is then released.
    #[allow(clippy::too_many_arguments)]
    async fn assign_to(
        &self,
        id: ConversationId,
        user_id: UserId,
        fold: &Versioned<Conversation>,
        mut decided: Decided<Conversation>,
        context: &Context,
        options: AssignOptions,
        counts: bool,
    ) -> Result<Option<Outcome<Conversation>>, AssignError> {
        let takes_it = options.taker == Some(user_id);
        let agent_stream = StreamId::agent(user_id);
        let stream = StreamId::conversation(id);
        let agent = self.agents.current(&agent_stream).await?;
        let agent_context = Context { key: None, if_match: None, occurred_at: None, ..context.clone() };
        let agent = agent.state.in_account(context.account);
        match agent.is_registered() {
            true => {}
            false if takes_it => self.join(user_id, context.actor.name.clone(), &agent_context).await?,
            // Whether another account knows the agent is not said.
            false => return Err(CommandError::Rejected(Refused::NotRegistered).into()),
        }
        if !counts {
            let is_off = !takes_it && !agent.preferences().is_available;
            let overridden = is_off.then_some(Ineligible::Unavailable);
            if let Some(reason) = overridden.filter(|_| !options.forced) {
                return Err(CommandError::Rejected(Refused::CannotTake(reason)).into());
            }
            note_override(&mut decided.events, overridden);
            return Ok(self.conversations.append::<Rejection>(&stream, fold, decided, context).await?);
        }
        let opened = fold.state.opened().map_err(CommandError::<Rejection>::Rejected)?;
        let conversation_version = fold.version.ok_or(CommandError::<Rejection>::NotFound)?;
        let reserve = ReserveCapacity {
            account_id: context.account,
            user_id,
            conversation_id: id,
            conversation_version,
            requirements: opened.requirements(),
            check: if takes_it { EligibilityCheck::Capacity } else { EligibilityCheck::Full },
            forced: options.forced,
        };
        let overridden = reserve.ineligibility(agent, self.clock.now()).filter(|_| options.forced);
        self.agents.execute(&agent_stream, &reserve, &agent_context).await?;
        note_override(&mut decided.events, overridden);
        let outcome = self.conversations.append::<Rejection>(&stream, fold, decided, context).await;
        let is_assigned =
            matches!(&outcome, Ok(Some(outcome)) if holder(&outcome.state.state) == Some(user_id));
        // When the log did not answer it is unknown whether the assignment was written: the router checks it
        // later.
        let is_unknown = matches!(outcome, Err(CommandError::Unavailable(_)));
        if !is_assigned && !is_unknown {
            let release = ReleaseCapacity {
                account_id: context.account,
                user_id,
                conversation_id: id,
                conversation_version,
            };
            if let Err(error) = self.agents.execute(&agent_stream, &release, &agent_context).await {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(conversation = %id, agent = %user_id, error, "the router will release this reservation");
            }
        }
        Ok(outcome?)
    }

    /// Registers a user who signs in to an account, unless the account has removed them.
    pub async fn join(
        &self,
        user_id: UserId,
        name: Option<String>,
        context: &Context,
    ) -> Result<(), CommandError<Refused>> {
        let name = name.unwrap_or_else(|| user_id.to_string());
        let join = SignIn { account_id: context.account, user_id, name };
        self.agents.execute(&StreamId::agent(user_id), &join, context).await.map(|_| ())
    }
}

fn holder(conversation: &Conversation) -> Option<UserId> {
    conversation.opened().ok()?.lifecycle.holder()
}

/// The agent whom a decision newly assigns. `None` when the agent stays the same, or when the conversation
/// had not begun.
fn new_assignee(before: &Conversation, after: &Conversation) -> Option<UserId> {
    let before = before.opened().ok()?;
    holder(after).filter(|agent| before.lifecycle.holder() != Some(*agent))
}
