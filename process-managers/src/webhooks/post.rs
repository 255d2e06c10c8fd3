//! One webhook, one call: look at what the log says, tell the other program, write down what came of it.

use super::table::Pending;
use super::{Post, TROUBLE};
use commands::execute::{CommandError, Context};
use domain::conversation::{Opened, RecordWebhook, WebhookEnd};
use event_schemas::automation::{AutomationRule, Macro};
use event_schemas::catalogue::Secret;
use event_schemas::conversation::WebhookRequested;
use event_schemas::{AccountId, ActionEvent, CloudEvent, ConversationEvent, Event, Recorded, StreamId};
use providers::outgoing_webhook::{Call, CallError};
use serde_json::{Value, json};
use std::error::Error;
use std::time::Duration;

/// The longest that is waited because a program asks for it.
const LONGEST_PATIENCE: Duration = Duration::from_secs(24 * 3600);

/// What the log says of a webhook before it is told.
enum Prospect {
    /// The log tells its end already.
    Settled,
    /// It can never be told.
    Hopeless {
        because: Recorded,
        code: &'static str,
        reason: String,
    },
    Ready {
        because: Recorded,
        call: Call,
    },
}

type Trouble = Box<dyn Error + Send + Sync>;

impl Post {
    /// Tells it, once. Whatever comes of it is in the log or in the table afterwards.
    pub(super) async fn tell(&self, pending: &Pending) {
        let told = match self.look(pending).await {
            Ok(Prospect::Settled) => self.table.remove(pending.webhook_id).await.map_err(Trouble::from),
            Ok(Prospect::Hopeless { because, code, reason }) => {
                let end = WebhookEnd::Failed { code: code.to_owned(), reason };
                self.record(pending, &because, end, pending.attempts).await
            }
            Ok(Prospect::Ready { because, call }) => self.call(pending, &because, &call).await,
            Err(error) => Err(error),
        };
        if let Err(error) = told {
            tracing::warn!(
                webhook_id = %pending.webhook_id,
                error = &*error as &dyn Error,
                "a webhook waits: something in the house stands in the way"
            );
            let at = self.commands.clock.now() + TROUBLE;
            // Where even the table cannot be written it stays due, and is tried again at once.
            if let Err(error) = self.table.put_back(pending.webhook_id, pending.attempts, at).await {
                tracing::warn!(
                    webhook_id = %pending.webhook_id,
                    error = &error as &dyn Error,
                    "the webhooks' table cannot be written"
                );
                tokio::time::sleep(TROUBLE).await;
            }
        }
    }

    async fn look(&self, pending: &Pending) -> Result<Prospect, Trouble> {
        let commands = &self.commands;
        let stream = StreamId::conversation(pending.conversation_id);
        let (because, fold) =
            futures::join!(commands.store.find(pending.event_id), commands.conversations.current(&stream));
        let (Some(because), fold) = (because?, fold?) else { return Ok(Prospect::Settled) };
        let Ok(conversation) = fold.state.opened() else { return Ok(Prospect::Settled) };
        let Ok(Event::Conversation(ConversationEvent::Automation(ActionEvent::WebhookRequested(requested)))) =
            Event::read(&because)
        else {
            return Ok(Prospect::Settled);
        };
        if !conversation.automation.awaits(pending.webhook_id) {
            return Ok(Prospect::Settled);
        }
        let Some((by, secret)) = self.origin(pending.account_id, &requested).await? else {
            let reason = "the macro or rule that wanted it is gone".to_owned();
            return Ok(Prospect::Hopeless { because, code: "no_secret", reason });
        };
        // A conversation's own: what another account's event says is nobody's business here.
        let cause = match requested.event_id {
            Some(event) => commands.store.find(event).await?.filter(|cause| cause.stream == stream),
            None => None,
        };
        let body = json!({
            "event": CloudEvent::of(cause.as_ref().unwrap_or(&because), &self.settings.schemas_url),
            "conversation": summary(conversation),
            "by": by,
        });
        let call =
            Call { id: pending.webhook_id, url: requested.url, secret, body: body.to_string().into_bytes() };
        Ok(Prospect::Ready { because, call })
    }

    /// Who wants it told, and what it is signed with.
    async fn origin(
        &self,
        account: AccountId,
        requested: &WebhookRequested,
    ) -> Result<Option<(Value, Secret)>, Trouble> {
        let commands = &self.commands;
        if let Some(id) = requested.rule_id {
            let rules = commands.catalogue::<AutomationRule>(account).current().await?;
            return Ok(rules.state.get(id).and_then(|rule| {
                let by = json!({ "type": "automation_rule", "id": id, "name": rule.name });
                Some((by, rule.webhook_secret.clone()?))
            }));
        }
        let Some(id) = requested.macro_id else { return Ok(None) };
        let macros = commands.catalogue::<Macro>(account).current().await?;
        Ok(macros.state.get(id).and_then(|list| {
            let by = json!({ "type": "macro", "id": id, "name": list.name });
            Some((by, list.webhook_secret.clone()?))
        }))
    }

    async fn call(&self, pending: &Pending, because: &Recorded, call: &Call) -> Result<(), Trouble> {
        let attempts = pending.attempts + 1;
        let answer = self.settings.caller.call(call, self.commands.clock.now()).await;
        let outcome = match &answer {
            Ok(_) => "delivered",
            Err(CallError::TryAgain { .. }) => "try_again",
            Err(CallError::GiveUp { .. }) => "refused",
        };
        metrics::counter!("verbatim_webhook_attempts_total", "outcome" => outcome).increment(1);
        match answer {
            Ok(status) => self.record(pending, because, WebhookEnd::Delivered { status }, attempts).await,
            Err(CallError::GiveUp { code, reason }) => {
                let end = WebhookEnd::Failed { code: code.to_owned(), reason };
                self.record(pending, because, end, attempts).await
            }
            Err(CallError::TryAgain { after, reason }) => {
                let seed = pending.webhook_id.0.as_u64_pair().1;
                match self.settings.schedule.wait_after(attempts, seed) {
                    Some(wait) => {
                        let wait = wait.max(after.unwrap_or_default().min(LONGEST_PATIENCE));
                        let at = self.commands.clock.now() + wait;
                        Ok(self.table.put_back(pending.webhook_id, attempts, at).await?)
                    }
                    None => {
                        let end = WebhookEnd::Failed { code: "gave_up".to_owned(), reason };
                        self.record(pending, because, end, attempts).await
                    }
                }
            }
        }
    }

    /// Writes the end into the log; the table learns of it from there.
    async fn record(
        &self,
        pending: &Pending,
        because: &Recorded,
        end: WebhookEnd,
        attempts: u32,
    ) -> Result<(), Trouble> {
        let stream = StreamId::conversation(pending.conversation_id);
        let context = Context::because_of(because, "webhooks");
        let report = RecordWebhook { webhook_id: pending.webhook_id, end, attempts };
        match self.commands.conversations.execute(&stream, &report, &context).await {
            // Until it comes by in the log it is not to be told again.
            Ok(_) => Ok(self.table.remove(pending.webhook_id).await?),
            Err(error @ (CommandError::Unavailable(_) | CommandError::Contended)) => Err(error.into()),
            Err(
                error @ (CommandError::Rejected(_)
                | CommandError::NotFound
                | CommandError::VersionMismatch { .. }
                | CommandError::KeyReused
                | CommandError::Damaged { .. }),
            ) => {
                tracing::error!(
                    webhook_id = %pending.webhook_id,
                    error = &error as &dyn Error,
                    "the log does not take what became of a webhook"
                );
                Ok(self.table.remove(pending.webhook_id).await?)
            }
        }
    }
}

/// The conversation as it stands when it is told.
fn summary(conversation: &Opened) -> Value {
    let lifecycle = &conversation.lifecycle;
    json!({
        "id": conversation.id,
        "channel_id": conversation.channel_id,
        "channel_type": conversation.channel_type,
        "contact_id": conversation.contact_id,
        "contact_identifier": conversation.contact_identifier,
        "display_name": conversation.display_name,
        "status": lifecycle.status,
        "priority": conversation.priority,
        "subject": conversation.subject,
        "labels": conversation.labels,
        "assignee_id": lifecycle.assignee_id,
        "assignee_name": lifecycle.assignee_name,
        "team_id": lifecycle.team_id,
        "snoozed_until": lifecycle.snoozed_until,
        "unanswered_since": conversation.unanswered_since,
    })
}
