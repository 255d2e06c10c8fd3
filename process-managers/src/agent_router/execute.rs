//! An action of the router becomes commands.

use super::because;
use commands::Commands;
use commands::assignment::{AssignError, AssignOptions};
use commands::execute::{CommandError, Context, LoadError};
use domain::Decide;
use domain::agent::Requirements;
use domain::agent::{EligibilityCheck, ReleaseCapacity, ReserveCapacity};
use domain::conversation::{
    Conversation, DropAssignment, Enqueue, ExpireOffer, MakeOffer, Overflow, Rejection, ReturnToQueue,
    RouteTo, Send, Sender,
};
use domain::routing::RoutingAction;
use event_schemas::message::{ChannelType, Content, SenderType};
use event_schemas::{
    AccountId, ConversationId, EventId, OfferId, Position, StreamId, UserId, Version, placeholders,
};
use std::error::Error;
use std::time::Duration;

/// Why an action was not executed.
pub(super) enum Failure {
    /// The action was decided on something that has changed.
    Refused(&'static str),
    /// The log cannot be used.
    Trouble(Box<dyn Error + std::marker::Send + Sync>),
}

impl<R: Error + std::marker::Send + Sync + 'static> From<CommandError<R>> for Failure {
    fn from(error: CommandError<R>) -> Self {
        match error {
            CommandError::Rejected(_) => Self::Refused("it was rejected"),
            CommandError::VersionMismatch { .. } => Self::Refused("the version has changed"),
            CommandError::Contended => Self::Refused("other writers were faster"),
            CommandError::NotFound => Self::Refused("it does not exist"),
            CommandError::KeyReused => Self::Refused("it was done before"),
            trouble @ (CommandError::Unavailable(_) | CommandError::Damaged { .. }) => {
                Self::Trouble(Box::new(trouble))
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
        Self::Trouble(Box::new(error))
    }
}

/// Executes the action, and returns the position of what was appended. `None` when nothing was.
pub(super) async fn execute(
    commands: &Commands,
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
            let context = routed.at(*conversation, *version, "assign");
            let options = AssignOptions { counts: true, insists: false, taker: None };
            Ok(commands.assign(*conversation, &command, &context, options).await?.position)
        }
        RoutingAction::Offer { conversation, version, agents, team, strategy, until, decision, lead } => {
            let context = routed.at(*conversation, *version, "offer");
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
        RoutingAction::Lapse { conversation, version, offer } => {
            let context = routed.at(*conversation, *version, "lapse");
            routed.execute(*conversation, &ExpireOffer { offer_id: *offer }, &context).await
        }
        RoutingAction::Queue {
            conversation,
            version,
            team,
            position,
            decision,
            lead,
            announcement,
            wait,
            ..
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
            let context = routed.at(*conversation, *version, "queue");
            let queued = routed.execute(*conversation, &command, &context).await?;
            if let Some(text) = announcement {
                let text = filled_announcement(text, *position, *wait);
                routed.announce(*conversation, *version, text).await?;
            }
            Ok(queued)
        }
        RoutingAction::Overflow { conversation, version, to, strategy, route_by } => {
            let context = routed.at(*conversation, *version, "overflow");
            let command = Overflow { to: *to, strategy: *strategy, route_by: *route_by };
            routed.execute(*conversation, &command, &context).await
        }
        RoutingAction::ReturnToQueue { conversation, version, agent } => {
            let context = routed.at(*conversation, *version, "give-back");
            routed.execute(*conversation, &ReturnToQueue { agent: *agent }, &context).await
        }
        RoutingAction::Drop { conversation, version, agent } => {
            let context = routed.at(*conversation, *version, "drop");
            routed.execute(*conversation, &DropAssignment { assignee: *agent }, &context).await
        }
        RoutingAction::Count { conversation, version, agent } => {
            routed.count(*conversation, *version, *agent).await
        }
        RoutingAction::Free { conversation, place, agent } => {
            let command = ReleaseCapacity {
                account_id: account,
                user_id: *agent,
                conversation_id: *conversation,
                conversation_version: *place,
            };
            // The same capacity can be reserved and released again: the command decides by its content, not by its key.
            let context = Context { key: None, ..routed.at(*conversation, *place, "free") };
            let context = Context { if_match: None, ..context };
            Ok(commands.agents.execute(&StreamId::agent(*agent), &command, &context).await?.position)
        }
    }
}

fn name(conversation: ConversationId, version: Version, what: &str) -> String {
    format!("{what}/{conversation}/{version}")
}

/// The text of a queue's announcement with `{{position}}` and `{{wait_minutes}}` filled: whole minutes, at least one,
/// or `a few` when it is not known how long conversations wait.
fn filled_announcement(text: &str, position: u32, wait: Option<Duration>) -> String {
    placeholders::fill(text, |name| match name {
        "position" => Some(position.to_string()),
        "wait_minutes" => Some(match wait {
            Some(wait) => wait.as_secs().div_ceil(60).max(1).to_string(),
            None => "a few".to_owned(),
        }),
        _ => None,
    })
}

struct Routed<'a> {
    commands: &'a Commands,
    account: AccountId,
}

impl Routed<'_> {
    /// The context of a command that is executed once, at this version or not at all.
    fn at(&self, conversation: ConversationId, version: Version, what: &str) -> Context {
        let context = because(self.account, name(conversation, version, what));
        Context { if_match: Some(version), ..context }
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

    /// Reserves capacity for a conversation that is assigned to the agent already, without a check.
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
            insists: false,
        };
        let context = self.at(conversation, version, "count");
        let context = Context { key: None, if_match: None, ..context };
        Ok(self.commands.agents.execute(&StreamId::agent(agent), &command, &context).await?.position)
    }

    /// Tells the customer how long it may take. A refusal of the conversation is ignored.
    async fn announce(&self, id: ConversationId, version: Version, text: String) -> Result<(), Failure> {
        let context = because(self.account, name(id, version, "announce"));
        let command = Send {
            message_id: context.message_id(&self.commands.clock),
            sender: Sender { sender_type: SenderType::System, id: None, name: None },
            body: Content::text(text),
            template: None,
            in_reply_to: None,
            metadata: Default::default(),
            reply_window: None,
            handoff: None,
        };
        match self.execute(id, &command, &context).await {
            Ok(_) | Err(Failure::Refused(_)) => Ok(()),
            Err(trouble) => Err(trouble),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_announcement_says_the_position_and_the_wait_in_whole_minutes() {
        let text = "You are number {{position}}: about {{ wait_minutes }} minutes, {{contact_name}}.";
        for (seconds, minutes) in [(0, "1"), (60, "1"), (61, "2"), (600, "10")] {
            let filled = filled_announcement(text, 3, Some(Duration::from_secs(seconds)));
            assert_eq!(filled, format!("You are number 3: about {minutes} minutes, {{{{contact_name}}}}."));
        }
    }

    #[test]
    fn an_announcement_says_a_few_minutes_when_the_wait_is_not_known() {
        assert_eq!(filled_announcement("{{wait_minutes}} minutes", 1, None), "a few minutes");
    }
}
