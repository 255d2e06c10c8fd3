//! One attempt to deliver a webhook: look up its state in the log, send the request, record the result.

use super::Settings;
use super::source::PendingWebhook;
use crate::past::SideEffects;
use crate::record::record;
use commands::Commands;
use commands::credentials::{self, Unopenable};
use commands::execute::Context;
use domain::conversation::{Opened, RecordWebhook, WebhookEnd};
use domain::past::{Trigger, WhyPast};
use event_schemas::automation::{AutomationRule, Macro};
use event_schemas::catalogue::Secret;
use event_schemas::conversation::WebhookRequested;
use event_schemas::{AccountId, ActionEvent, CloudEvent, ConversationEvent, Event, Recorded, StreamId};
use follower::outbox::{Attempt, Dispatcher, Outcome, RETRY, RetryReason};
use futures::future::BoxFuture;
use providers::outgoing_webhook::{WebhookError, WebhookRequest};
use serde_json::{Value, json};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The longest wait that a receiver can request.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3600);

/// The commands and settings of an attempt.
pub(super) struct WebhookContext {
    pub commands: Arc<Commands>,
    pub settings: Settings,
    pub side_effects: SideEffects,
}

/// The state of a webhook in the log before an attempt.
enum WebhookState {
    /// The end of the webhook is in the log already.
    Ended,
    /// The webhook can never be delivered.
    Undeliverable {
        cause: Recorded,
        code: &'static str,
        reason: String,
    },
    Ready {
        cause: Recorded,
        request: WebhookRequest,
    },
}

impl Dispatcher<PendingWebhook> for WebhookContext {
    fn attempt<'a>(
        &'a self,
        pending: &'a PendingWebhook,
        stop: &'a CancellationToken,
    ) -> BoxFuture<'a, Attempt> {
        Box::pin(async move {
            let outcome = match self.lookup(pending).await {
                Ok(WebhookState::Ended) => Outcome::Over,
                Ok(WebhookState::Undeliverable { cause, code, reason }) => {
                    let end = WebhookEnd::Failed { code: code.to_owned(), reason };
                    // The claim has counted an attempt, but it is not made.
                    self.record(pending, &cause, end, pending.attempts.saturating_sub(1), stop).await
                }
                Ok(WebhookState::Ready { cause, request }) => {
                    self.call(pending, &cause, &request, stop).await
                }
                // It is reported already.
                Err(error) if error.is::<Unopenable>() => {
                    let at = self.commands.clock.now() + credentials::RETRY;
                    Outcome::Retry { reason: RetryReason::NotTried, at }
                }
                Err(error) => {
                    tracing::warn!(
                        webhook_id = %pending.webhook_id,
                        error = &*error as &dyn Error,
                        "internal error, webhook postponed"
                    );
                    let at = self.commands.clock.now() + RETRY;
                    Outcome::Retry { reason: RetryReason::NotTried, at }
                }
            };
            outcome.into()
        })
    }
}

impl WebhookContext {
    async fn lookup(&self, pending: &PendingWebhook) -> Result<WebhookState, Box<dyn Error + Send + Sync>> {
        let commands = &self.commands;
        let stream = StreamId::conversation(pending.conversation_id);
        let (cause, loaded) =
            futures::join!(commands.store.find(pending.event_id), commands.conversations.current(&stream));
        let (Some(cause), loaded) = (cause?, loaded?) else { return Ok(WebhookState::Ended) };
        let Ok(conversation) = loaded.state.opened() else { return Ok(WebhookState::Ended) };
        let Ok(Event::Conversation(ConversationEvent::Automation(ActionEvent::WebhookRequested(requested)))) =
            Event::read(&cause)
        else {
            return Ok(WebhookState::Ended);
        };
        if !conversation.automation.awaits(pending.webhook_id) {
            return Ok(WebhookState::Ended);
        }
        let trigger = Trigger::Event { at: cause.metadata.occurred_at, position: cause.position };
        if let Some(why) = self.side_effects.withheld(trigger) {
            let (code, reason) = match why {
                WhyPast::TooOld => ("too_old", "the time limit of webhooks has passed"),
                WhyPast::LogMoved => ("log_moved", "the log was moved before the webhook was delivered"),
            };
            return Ok(WebhookState::Undeliverable { cause, code, reason: reason.to_owned() });
        }
        let Some((by, secret)) = self.origin(pending.account_id, &requested).await? else {
            let reason = "the macro or rule that requested it does not exist any more".to_owned();
            return Ok(WebhookState::Undeliverable { cause, code: "no_secret", reason });
        };
        // Only an event of this conversation is sent: the receiver must not get an event of another account.
        let triggering_event = match requested.event_id {
            Some(event) => {
                commands.store.find(event).await?.filter(|triggering_event| triggering_event.stream == stream)
            }
            None => None,
        };
        let body = json!({
            "event": CloudEvent::of(triggering_event.as_ref().unwrap_or(&cause), &self.settings.schemas_url),
            "conversation": summary(conversation),
            "by": by,
        });
        let request = WebhookRequest {
            id: pending.webhook_id,
            url: requested.url,
            secret,
            body: body.to_string().into_bytes(),
        };
        Ok(WebhookState::Ready { cause, request })
    }

    /// The macro or rule that requested the webhook, as JSON, and the secret that signs the request. `None` when the
    /// macro or rule does not exist any more.
    async fn origin(
        &self,
        account: AccountId,
        requested: &WebhookRequested,
    ) -> Result<Option<(Value, Secret)>, Box<dyn Error + Send + Sync>> {
        let commands = &self.commands;
        if let Some(id) = requested.rule_id {
            let rules = commands.catalogue::<AutomationRule>(account).current().await?;
            let Some(rule) = rules.state.get(id) else { return Ok(None) };
            let by = json!({ "type": "automation_rule", "id": id, "name": rule.name });
            return Ok(commands.opened_for_use(account, rule)?.webhook_secret.map(|secret| (by, secret)));
        }
        let Some(id) = requested.macro_id else { return Ok(None) };
        let macros = commands.catalogue::<Macro>(account).current().await?;
        let Some(list) = macros.state.get(id) else { return Ok(None) };
        let by = json!({ "type": "macro", "id": id, "name": list.name });
        Ok(commands.opened_for_use(account, list)?.webhook_secret.map(|secret| (by, secret)))
    }

    async fn call(
        &self,
        pending: &PendingWebhook,
        cause: &Recorded,
        request: &WebhookRequest,
        stop: &CancellationToken,
    ) -> Outcome {
        let attempts = pending.attempts;
        let answer = self.settings.client.send(request, self.commands.clock.now()).await;
        let outcome = match &answer {
            Ok(_) => "delivered",
            Err(WebhookError::TryAgain { .. }) => "try_again",
            Err(WebhookError::GiveUp { .. }) => "refused",
        };
        metrics::counter!("verbatim_webhook_attempts_total", "outcome" => outcome).increment(1);
        let end = match answer {
            Ok(status) => WebhookEnd::Delivered { status },
            Err(WebhookError::GiveUp { code, reason }) => {
                WebhookEnd::Failed { code: code.to_owned(), reason }
            }
            Err(WebhookError::TryAgain { after, reason }) => {
                let seed = pending.webhook_id.0.as_u64_pair().1;
                if let Some(wait) = self.settings.schedule.wait_after(attempts, seed) {
                    let wait = wait.max(after.unwrap_or_default().min(LONGEST_WAIT));
                    let at = self.commands.clock.now() + wait;
                    return Outcome::Retry { reason: RetryReason::Refused, at };
                }
                WebhookEnd::Failed { code: "gave_up".to_owned(), reason }
            }
        };
        self.record(pending, cause, end, attempts, stop).await
    }

    async fn record(
        &self,
        pending: &PendingWebhook,
        cause: &Recorded,
        end: WebhookEnd,
        attempts: u32,
        stop: &CancellationToken,
    ) -> Outcome {
        let stream = StreamId::conversation(pending.conversation_id);
        let context = Context::because_of(cause, "webhooks");
        let report = RecordWebhook { webhook_id: pending.webhook_id, end, attempts };
        record(&self.commands, &stream, &report, &context, &pending.webhook_id, stop).await.into()
    }
}

/// The conversation at the time of the attempt.
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
        "unanswered_since": conversation.unanswered_since(),
    })
}
