//! Executes the router's actions as commands.

use super::router_context;
use crate::past::SideEffects;
use commands::Commands;
use commands::assignment::{AssignError, AssignOptions};
use commands::execute::{CommandError, Context, LoadError};
use domain::Decide;
use domain::agent::Requirements;
use domain::agent::{EligibilityCheck, ReleaseCapacity, ReserveCapacity};
use domain::conversation::{
    Conversation, DropAssignment, Enqueue, ExpireOffer, MakeOffer, Rejection, ReturnToQueue, RouteTo, Send,
    Sender, TimeOut,
};
use domain::past::Trigger;
use domain::routing::RoutingAction;
use event_schemas::message::{ChannelType, Content, SenderType};
use event_schemas::placeholders::PlaceholderValues;
use event_schemas::{
    AccountId, ConversationId, EventId, OfferId, Position, StreamId, UserId, Version, placeholders,
};
use std::error::Error;
use std::time::Duration;

/// The reason why an action was not executed.
pub(super) enum Failure {
    /// The action was planned from a state that has changed.
    Rejected(&'static str),
    /// The log cannot be used.
    Internal(Box<dyn Error + std::marker::Send + Sync>),
}

impl<R: Error + std::marker::Send + Sync + 'static> From<CommandError<R>> for Failure {
    fn from(error: CommandError<R>) -> Self {
        match error {
            CommandError::Rejected(_) => Self::Rejected("it was rejected"),
            CommandError::VersionMismatch { .. } => Self::Rejected("the version has changed"),
            CommandError::Contended => Self::Rejected("it conflicted with other writers"),
            CommandError::NotFound => Self::Rejected("it does not exist"),
            CommandError::KeyReused => Self::Rejected("it was done before"),
            error @ (CommandError::Unavailable(_) | CommandError::Damaged { .. }) => {
                Self::Internal(Box::new(error))
            }
        }
    }
}

impl From<AssignError> for Failure {
    fn from(error: AssignError) -> Self {
        match error {
            AssignError::Conversation(error) => error.into(),
            AssignError::Agent(error) => error.into(),
        }
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        Self::Internal(Box::new(error))
    }
}

/// Executes the action, and returns the position of the last event that was appended. `None` when none was.
pub(super) async fn execute(
    commands: &Commands,
    side_effects: &SideEffects,
    account: AccountId,
    action: &RoutingAction,
) -> Result<Option<Position>, Failure> {
    let routed = Routed { commands, account };
    match action {
        RoutingAction::Assign { conversation, version, agent, team, strategy, decision, lead } => {
            let command = RouteTo {
                assignee: commands.assignee(account, *agent).await?,
                team_id: *team,
                strategy: *strategy,
                decision: decision.clone(),
                lead: *lead,
            };
            let context = routed.at(*conversation, *version, "assign").await?;
            let options = AssignOptions { counts: true, forced: false, taker: None };
            Ok(commands.assign(*conversation, &command, &context, options).await?.position)
        }
        RoutingAction::Offer { conversation, version, agents, team, strategy, until, decision, lead } => {
            let context = routed.at(*conversation, *version, "offer").await?;
            let command = MakeOffer {
                offer_id: OfferId(EventId::caused(account, &name(*conversation, *version, "offer"), 0).0),
                agents: agents.clone(),
                team_id: *team,
                strategy: *strategy,
                until: *until,
                decision: decision.clone(),
                lead: *lead,
            };
            routed.execute(*conversation, &command, &context).await
        }
        RoutingAction::ExpireOffer { conversation, version, offer } => {
            let context = routed.at(*conversation, *version, "lapse").await?;
            routed.execute(*conversation, &ExpireOffer { offer_id: *offer }, &context).await
        }
        RoutingAction::Queue {
            conversation,
            version,
            team,
            position,
            queued_since,
            decision,
            lead,
            announcement,
            wait,
        } => {
            let reason = match decision {
                Some(_) => "no agent can take it now",
                None => "agents take from this queue themselves",
            };
            let command = Enqueue {
                team_id: *team,
                position: *position,
                reason: reason.to_owned(),
                decision: decision.clone(),
                lead: *lead,
            };
            let context = routed.at(*conversation, *version, "queue").await?;
            let queued = routed.execute(*conversation, &command, &context).await?;
            if let Some(text) = announcement
                && side_effects.withheld(Trigger::Moment(*queued_since)).is_none()
            {
                let state = commands.conversations.cached(&StreamId::conversation(*conversation)).await?;
                let text = state.state.opened().ok().and_then(|opened| {
                    filled_announcement(text, *position, *wait, &opened.placeholder_values(None))
                });
                if let Some(text) = text {
                    routed.announce(*conversation, *version, text).await?;
                }
            }
            Ok(queued)
        }
        RoutingAction::Overflow { conversation, version, overflow } => {
            let context = routed.at(*conversation, *version, "overflow").await?;
            routed.execute(*conversation, overflow, &context).await
        }
        RoutingAction::TimeOut { conversation, version, team, overflow } => {
            let context = routed.at(*conversation, *version, "time-out").await?;
            let command = TimeOut { team_id: *team, overflow: overflow.clone() };
            routed.execute(*conversation, &command, &context).await
        }
        RoutingAction::ReturnToQueue { conversation, version, agent } => {
            let context = routed.at(*conversation, *version, "give-back").await?;
            routed.execute(*conversation, &ReturnToQueue { agent: *agent }, &context).await
        }
        RoutingAction::Drop { conversation, version, agent } => {
            let context = routed.at(*conversation, *version, "drop").await?;
            routed.execute(*conversation, &DropAssignment { assignee: *agent }, &context).await
        }
        RoutingAction::Count { conversation, version, agent } => {
            routed.count(*conversation, *version, *agent).await
        }
        RoutingAction::Release { conversation, reserved_at, agent } => {
            let command = ReleaseCapacity {
                account_id: account,
                user_id: *agent,
                conversation_id: *conversation,
                conversation_version: *reserved_at,
            };
            // The same capacity can be reserved and released several times, so this command has no idempotency key.
            let context = Context { key: None, ..routed.at(*conversation, *reserved_at, "free").await? };
            let context = Context { if_match: None, ..context };
            Ok(commands.agents.execute(&StreamId::agent(*agent), &command, &context).await?.position)
        }
    }
}

/// The name of an action, which is the same whenever it is executed at this version.
fn name(conversation: ConversationId, version: Version, what: &str) -> String {
    format!("{what}/{conversation}/{version}")
}

/// The text of a queue's announcement with `{{position}}` and `{{wait_minutes}}` filled: whole minutes, at least one,
/// or `a few` when it is not known how long conversations wait.
///
/// The conversation's own placeholders are filled too. `None` when one has no value: such a text is not sent.
fn filled_announcement(
    text: &str,
    position: u32,
    wait: Option<Duration>,
    values: &PlaceholderValues<'_>,
) -> Option<String> {
    let filled = placeholders::fill(text, |name| match name {
        "position" => Some(position.to_string()),
        "wait_minutes" => Some(match wait {
            Some(wait) => wait.as_secs().div_ceil(60).max(1).to_string(),
            None => "a few".to_owned(),
        }),
        other => values.value_of(other),
    });
    filled.whole().ok()
}

struct Routed<'a> {
    commands: &'a Commands,
    account: AccountId,
}

impl Routed<'_> {
    /// The context of a command that is executed at most once, and only at this version.
    /// Its cause is the event of the conversation at that version.
    async fn at(
        &self,
        conversation: ConversationId,
        version: Version,
        what: &str,
    ) -> Result<Context, LoadError> {
        let cause = self.commands.event_at(&StreamId::conversation(conversation), version).await?;
        let context = router_context(self.account, name(conversation, version, what), cause);
        Ok(Context { if_match: Some(version), ..context })
    }

    async fn execute<C>(
        &self,
        id: ConversationId,
        command: &C,
        context: &Context,
    ) -> Result<Option<Position>, Failure>
    where
        C: Decide<Conversation, Rejection = Rejection>,
    {
        let outcome =
            self.commands.conversations.execute(&StreamId::conversation(id), command, context).await?;
        Ok(outcome.position)
    }

    /// Reserves the agent's capacity without a check, for a conversation that is assigned to the agent already.
    async fn count(
        &self,
        conversation: ConversationId,
        version: Version,
        agent: UserId,
    ) -> Result<Option<Position>, Failure> {
        let command = ReserveCapacity {
            account_id: self.account,
            user_id: agent,
            conversation_id: conversation,
            conversation_version: version,
            requirements: Requirements { channel_type: ChannelType::Api, topics: Vec::new(), language: None },
            check: EligibilityCheck::None,
            forced: false,
        };
        let context = self.at(conversation, version, "count").await?;
        let context = Context { key: None, if_match: None, ..context };
        Ok(self.commands.agents.execute(&StreamId::agent(agent), &command, &context).await?.position)
    }

    /// Sends the queue's announcement to the customer. A rejection by the conversation is ignored.
    async fn announce(&self, id: ConversationId, version: Version, text: String) -> Result<(), Failure> {
        let context = Context { if_match: None, ..self.at(id, version, "announce").await? };
        let command = Send {
            message_id: context.message_id(&self.commands.clock),
            sender: Sender { sender_type: SenderType::System, id: None, name: None },
            body: Content::text(text),
            template: None,
            in_reply_to: None,
            metadata: Default::default(),
            scheduled_at: None,
            reply_window: None,
            handoff: None,
            automatic_limit: Some(self.commands.automatic_limit(self.account).await?),
        };
        match self.execute(id, &command, &context).await {
            Ok(_) | Err(Failure::Rejected(_)) => Ok(()),
            Err(failure) => Err(failure),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_announcement_says_the_position_the_wait_in_whole_minutes_and_the_name() {
        let values = PlaceholderValues {
            contact_name: Some("Sara"),
            contact_identifier: "2519",
            agent_name: None,
            facts: None,
        };
        let filled = |text, wait| filled_announcement(text, 3, wait, &values);
        let text = "You are number {{position}}: about {{ wait_minutes }} minutes, {{contact_name}}.";
        for (seconds, minutes) in [(0, "1"), (60, "1"), (61, "2"), (600, "10")] {
            let announced = filled(text, Some(Duration::from_secs(seconds))).unwrap();
            assert_eq!(announced, format!("You are number 3: about {minutes} minutes, Sara."));
        }
        assert_eq!(filled("{{wait_minutes}} minutes", None).as_deref(), Some("a few minutes"));
        assert_eq!(filled("{{agent_name}} is coming", None), None);
    }
}
