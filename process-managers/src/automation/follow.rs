//! The projection that matches events with rules: the causes of one conversation one after the other, different
//! conversations concurrently.

use super::cause::causes;
use super::run::{RuleRun, run};
use crate::or_skip::OrSkip;
use crate::past::SideEffects;
use commands::Commands;
use commands::execute::CommandError;
use domain::Evolve;
use domain::automation::Rules;
use domain::catalogue::AutomationRules;
use domain::conversation::Rejection;
use domain::past::Trigger;
use event_schemas::automation::{AutomationRule, AutomationRuleDefined, AutomationRuleRetired};
use event_schemas::conversation::{
    Assigned, BotEngaged, Closed, ConversationOpened, DisplayNameChanged, Expired, HandoffRequested,
    LabelsChanged, MarkedPending, MessageReceived, MessageSent, PriorityChanged, Reopened, Resolved,
    SlaBreached, SlaWarned, SubjectChanged, Unassigned,
};
use event_schemas::{
    AccountId, Category, ConversationEvent, Event, MessageEvent, Position, StreamId, Timestamp, about,
};
use event_store::Filter;
use follower::{DecodedEvent, FollowError, Projection, Tx};
use futures::future::BoxFuture;
use futures::{StreamExt, TryStreamExt, stream};
use std::collections::HashMap;
use std::sync::Arc;

/// The number of conversations that are handled concurrently. Their appends share commits.
const TOGETHER: usize = 64;

pub(super) struct Follow {
    commands: Arc<Commands>,
    side_effects: SideEffects,
    /// The rules of each account at the checkpoint.
    rules: HashMap<AccountId, AccountRules>,
}

struct AccountRules {
    catalogue: AutomationRules,
    /// `None` when the catalogue has changed since they were compiled.
    compiled: Option<Arc<Rules>>,
}

/// The events of one conversation in a page, in their order.
struct ConversationBatch<'p> {
    rules: Arc<Rules>,
    events: Vec<&'p DecodedEvent>,
}

impl Follow {
    pub(super) fn new(commands: Arc<Commands>, side_effects: SideEffects) -> Self {
        Self { commands, side_effects, rules: HashMap::new() }
    }

    /// The account's rules just before a position in the log.
    async fn rules(&mut self, account: AccountId, before: Position) -> Result<Arc<Rules>, FollowError> {
        if !self.rules.contains_key(&account) {
            let catalogue = self.commands.catalogue::<AutomationRule>(account).before(before).await;
            let catalogue = catalogue.or_skip(&account, "the account's automation rules do not run")?;
            let catalogue = catalogue.map(|catalogue| catalogue.state).unwrap_or_default();
            self.rules.insert(account, AccountRules { catalogue, compiled: None });
        }
        let rules = self
            .rules
            .entry(account)
            .or_insert_with(|| AccountRules { catalogue: AutomationRules::default(), compiled: None });
        let compiled = match &rules.compiled {
            Some(compiled) => Arc::clone(compiled),
            None => Arc::new(Rules::compile(rules.catalogue.iter()).unwrap_or_else(|error| {
                let error = &error as &dyn std::error::Error;
                tracing::error!(%account, error, "the account's automation rules do not run");
                Rules::default()
            })),
        };
        rules.compiled = Some(Arc::clone(&compiled));
        Ok(compiled)
    }

    /// Matches the events of a page with the rules that are defined now.
    async fn run_rules(&mut self, page: &[&DecodedEvent]) -> Result<(), FollowError> {
        let mut batches: Vec<ConversationBatch<'_>> = Vec::new();
        let mut indexes: HashMap<&StreamId, usize> = HashMap::new();
        for event in page {
            let rules = self.rules(event.metadata.account_id, event.position).await?;
            let trigger = Trigger::Event { at: said_at(event), position: event.position };
            if rules.is_empty()
                || self.side_effects.history.repeats(event)
                || self.side_effects.withheld(trigger).is_some()
            {
                continue;
            }
            let index = *indexes.entry(&event.stream).or_insert_with(|| {
                batches.push(ConversationBatch { rules, events: Vec::new() });
                batches.len() - 1
            });
            batches[index].events.push(event);
        }
        let commands = &self.commands;
        let mut runs: Vec<BoxFuture<'_, Result<(), FollowError>>> = Vec::with_capacity(batches.len());
        for batch in batches {
            runs.push(Box::pin(batch.run(commands)));
        }
        stream::iter(runs).buffer_unordered(TOGETHER).try_collect::<()>().await
    }
}

/// When the event happened; for a customer's message, when it was said.
fn said_at(event: &DecodedEvent) -> Timestamp {
    let at = event.metadata.occurred_at;
    match &event.event {
        Event::Conversation(ConversationEvent::Message(MessageEvent::MessageReceived(message))) => {
            at.min(message.sent_at)
        }
        Event::Conversation(_)
        | Event::Catalogue(_)
        | Event::Agent(_)
        | Event::Contact(_)
        | Event::Inbound(_)
        | Event::Log(_)
        | Event::Account(_)
        | Event::Person(_)
        | Event::ApiKey(_)
        | Event::Bulk(_) => at,
    }
}

impl ConversationBatch<'_> {
    async fn run(self, commands: &Commands) -> Result<(), FollowError> {
        for event in self.events {
            let Some(conversation) = event.stream.as_conversation() else { continue };
            for (cause, name) in causes(event) {
                for (index, rule) in self.rules.on(cause.event) {
                    let rule_run = RuleRun {
                        account: event.metadata.account_id,
                        conversation,
                        rules: &self.rules,
                        index,
                        cause: &cause,
                        name: &name,
                        correlation_id: Some(event.metadata.correlation_id),
                        causation_id: cause.event_id,
                        traceparent: event.metadata.traceparent.clone(),
                    };
                    // When the page is projected again, the ids of the events show which runs are done already.
                    let ran = run_if_it_matches(commands, &rule_run, event).await;
                    let subject = format_args!("rule {} in {}", rule.id, event.stream);
                    if ran.or_skip(&subject, "an automation rule cannot act")? == Some(true) {
                        metrics::counter!("verbatim_automation_runs_total").increment(1);
                    }
                }
            }
        }
        Ok(())
    }
}

/// Matches the rule with the cached conversation first, because most rules do not match and then the log need not be
/// read.
async fn run_if_it_matches(
    commands: &Commands,
    rule_run: &RuleRun<'_>,
    event: &DecodedEvent,
) -> Result<bool, CommandError<Rejection>> {
    let Event::Conversation(of_conversation) = &event.event else { return Ok(false) };
    let (stream, version, at) = (&event.stream, event.version, event.metadata.occurred_at);
    let loaded = commands.conversations.at_least(stream, version, of_conversation, at).await?;
    let matches = match (loaded.state.opened(), rule_run.rules.get(rule_run.index)) {
        (Ok(conversation), Some(rule)) => rule_run.rules.fits(rule, rule_run.cause, &conversation.facts()),
        (Err(_), _) | (_, None) => false,
    };
    if !matches {
        return Ok(false);
    }
    run(commands, rule_run).await
}

/// The events that can be causes, and the changes of the rules.
fn about() -> Filter {
    Filter {
        account: None,
        categories: vec![Category::Conversation, Category::Catalogue],
        event_types: about![
            ConversationOpened,
            MessageReceived,
            MessageSent,
            BotEngaged,
            HandoffRequested,
            Assigned,
            Unassigned,
            MarkedPending,
            Resolved,
            Reopened,
            Closed,
            Expired,
            PriorityChanged,
            LabelsChanged,
            SubjectChanged,
            DisplayNameChanged,
            SlaWarned,
            SlaBreached,
            AutomationRuleDefined,
            AutomationRuleRetired,
        ],
    }
}

impl Projection for Follow {
    fn name(&self) -> &'static str {
        super::AUTOMATION
    }

    fn filter(&self) -> Filter {
        about()
    }

    /// Matches the page with the rules. It writes no tables, because its events in the log are named after their cause.
    /// Events before a change of the rules are matched with the rules before it.
    async fn prepare(&mut self, page: &[Arc<DecodedEvent>]) -> Result<bool, FollowError> {
        let mut before = Vec::new();
        for event in page {
            match &event.event {
                Event::Catalogue(change) => {
                    self.run_rules(&before).await?;
                    before.clear();
                    if let Some(rules) = self.rules.get_mut(&event.metadata.account_id) {
                        rules.catalogue.evolve(change, event.metadata.occurred_at);
                        rules.compiled = None;
                    }
                }
                Event::Conversation(_) => before.push(&**event),
                Event::Agent(_)
                | Event::Contact(_)
                | Event::Inbound(_)
                | Event::Log(_)
                | Event::Account(_)
                | Event::Person(_)
                | Event::ApiKey(_)
                | Event::Bulk(_) => {}
            }
        }
        self.run_rules(&before).await?;
        Ok(false)
    }

    async fn project(&mut self, _: &[Arc<DecodedEvent>], _: &mut Tx) -> Result<(), FollowError> {
        Ok(())
    }

    fn reset(&mut self) {
        self.rules.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::conversation_events;

    #[test]
    fn every_event_that_is_a_cause_is_read() {
        let read = about().event_types;
        for (name, event) in conversation_events() {
            assert_eq!(read.iter().any(|wanted| wanted == name), !causes(&event).is_empty(), "{name}");
        }
    }
}
