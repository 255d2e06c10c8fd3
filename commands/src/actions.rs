//! The actions of a macro or an automation rule, with the data that they need from the account's catalogues.

use crate::Commands;
use crate::execute::{Context, LoadError};
use domain::conversation::{ActionList, Opened, Rejection, Requester, Sender, Step};
use event_schemas::automation::Action;
use event_schemas::catalogue::{CannedResponse, Team};
use event_schemas::{UserId, WebhookId};

impl Commands {
    /// Prepares a list of actions. The ids of its messages and webhooks are derived from `context`, so that a
    /// repeated run has the same ids.
    pub async fn action_list(
        &self,
        actions: &[Action],
        context: &Context,
        conversation: &Opened,
        by: Requester,
        (sender, author): (Sender, UserId),
    ) -> Result<ActionList, LoadError> {
        let channel = self.channel(conversation.account_id, conversation.channel_id).await?;
        let sends = channel.is_some_and(|channel| channel.is_enabled);
        let teams = self.catalogue::<Team>(context.account).current().await?;
        let mut steps = Vec::with_capacity(actions.len());
        for (index, action) in actions.iter().enumerate() {
            let assignee = match action {
                Action::AssignAgent { agent_id } => Some(self.assignee(context.account, *agent_id).await?),
                Action::Reply { .. }
                | Action::AssignTeam { .. }
                | Action::Unassign { .. }
                | Action::Route { .. }
                | Action::AddLabels { .. }
                | Action::RemoveLabels { .. }
                | Action::SetPriority { .. }
                | Action::Note { .. }
                | Action::Snooze { .. }
                | Action::Resolve { .. }
                | Action::Reopen { .. }
                | Action::Webhook { .. } => None,
            };
            let refused = match action {
                Action::Reply { .. } => (!sends).then_some(Rejection::ChannelOff),
                Action::AssignTeam { team_id } | Action::Route { team_id: Some(team_id), .. } => {
                    teams.state.get(*team_id).is_none().then_some(Rejection::NoSuchTeam)
                }
                Action::Route { team_id: None, .. }
                | Action::AssignAgent { .. }
                | Action::Unassign { .. }
                | Action::AddLabels { .. }
                | Action::RemoveLabels { .. }
                | Action::SetPriority { .. }
                | Action::Note { .. }
                | Action::Snooze { .. }
                | Action::Resolve { .. }
                | Action::Reopen { .. }
                | Action::Webhook { .. } => None,
            };
            steps.push(Step {
                action: action.clone(),
                message_id: context.further_message_id(&self.clock, &format!("action/{index}")),
                webhook_id: WebhookId(context.further_message_id(&self.clock, &format!("webhook/{index}")).0),
                text: self.reply_text(action, context).await?,
                assignee,
                obstacle: None,
                refused,
            });
        }
        let reply_window = self.providers.reply_window(conversation.channel_type, sender.sender_type);
        let automatic_limit = self.automatic_limit(context.account).await?;
        Ok(ActionList { steps, by, sender, author, reply_window, automatic_limit })
    }

    /// The text of a reply, with its placeholders. `None` when the action is no reply, or the canned response
    /// was retired.
    async fn reply_text(&self, action: &Action, context: &Context) -> Result<Option<String>, LoadError> {
        match action {
            Action::Reply { text: Some(text), .. } => Ok(Some(text.clone())),
            Action::Reply { canned_response_id: Some(id), .. } => {
                let responses = self.catalogue::<CannedResponse>(context.account).current().await?;
                Ok(responses.state.get(*id).map(|response| response.content.clone()))
            }
            Action::Reply { text: None, canned_response_id: None }
            | Action::AssignTeam { .. }
            | Action::AssignAgent { .. }
            | Action::Unassign { .. }
            | Action::Route { .. }
            | Action::AddLabels { .. }
            | Action::RemoveLabels { .. }
            | Action::SetPriority { .. }
            | Action::Note { .. }
            | Action::Snooze { .. }
            | Action::Resolve { .. }
            | Action::Reopen { .. }
            | Action::Webhook { .. } => Ok(None),
        }
    }
}
