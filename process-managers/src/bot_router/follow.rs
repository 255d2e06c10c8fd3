//! The projection that answers messages: those of one conversation one after the other, different conversations
//! concurrently.

use crate::or_skip::OrSkip;
use crate::past::SideEffects;
use commands::Commands;
use commands::PLAYBOOK_CATALOGUES;
use commands::dry_run::ROUTER;
use commands::execute::{CommandError, Context};
use domain::bot::Playbook;
use domain::conversation::{Conversation, Rejection};
use domain::past::Trigger;
use event_schemas::bot::{
    BotRuleDefined, BotRuleRetired, BotSettings, BotSettingsDefined, BotSettingsRetired, HandoffRuleDefined,
    HandoffRuleRetired,
};
use event_schemas::catalogue::{CannedResponseDefined, CannedResponseRetired};
use event_schemas::conversation::MessageReceived;
use event_schemas::message::Status;
use event_schemas::{
    AccountId, Actor, Category, ConversationEvent, Event, MessageEvent, Position, StreamId, about,
};
use event_store::Filter;
use follower::{DecodedEvent, FollowError, Projection, Tx};
use futures::future::BoxFuture;
use futures::{StreamExt, TryStreamExt, stream};
use std::collections::HashMap;
use std::sync::Arc;

/// The number of conversations that are answered concurrently. Their appends share commits.
const TOGETHER: usize = 64;

pub(super) struct Follow {
    commands: Arc<Commands>,
    side_effects: SideEffects,
    /// The playbooks of the time of the messages that are answered.
    playbooks: HashMap<AccountId, Arc<Playbook>>,
}

/// The messages of one conversation in a page, in their order.
struct ConversationBatch<'p> {
    stream: &'p StreamId,
    account: AccountId,
    playbook: Arc<Playbook>,
    messages: Vec<(&'p DecodedEvent, &'p MessageReceived)>,
}

impl Follow {
    pub(super) fn new(commands: Arc<Commands>, side_effects: SideEffects) -> Self {
        Self { commands, side_effects, playbooks: HashMap::new() }
    }

    /// The account's playbook just before a position in the log.
    async fn playbook(&mut self, account: AccountId, before: Position) -> Result<Arc<Playbook>, FollowError> {
        if let Some(playbook) = self.playbooks.get(&account) {
            return Ok(Arc::clone(playbook));
        }
        let playbook = self.commands.playbook_before(account, before).await;
        let playbook = match playbook.or_skip(&account, "the account's bot does not answer")? {
            Some(playbook) => playbook,
            None => {
                let blank = Playbook::compile([], [], &BotSettings::usual(account), |_| None);
                Arc::new(blank.map_err(|error| FollowError::Refused(Box::new(error)))?)
            }
        };
        self.playbooks.insert(account, Arc::clone(&playbook));
        Ok(playbook)
    }

    /// Answers the messages of a page, between which no rule has changed.
    async fn answer(&mut self, page: &[&DecodedEvent]) -> Result<(), FollowError> {
        let mut batches: Vec<ConversationBatch<'_>> = Vec::new();
        let mut indexes: HashMap<&StreamId, usize> = HashMap::new();
        for event in page {
            let Event::Conversation(ConversationEvent::Message(MessageEvent::MessageReceived(message))) =
                &event.event
            else {
                continue;
            };
            // A message that was said long ago is not answered, however late it was received.
            let at = event.metadata.occurred_at.min(message.sent_at);
            if self.side_effects.withheld(Trigger::Event { at, position: event.position }).is_some() {
                continue;
            }
            let account = event.metadata.account_id;
            let index = match indexes.get(&event.stream) {
                Some(index) => *index,
                None => {
                    let playbook = self.playbook(account, event.position).await?;
                    batches.push(ConversationBatch {
                        stream: &event.stream,
                        account,
                        playbook,
                        messages: Vec::new(),
                    });
                    indexes.insert(&event.stream, batches.len() - 1);
                    batches.len() - 1
                }
            };
            batches[index].messages.push((*event, message));
        }
        let commands = &self.commands;
        let mut answers: Vec<BoxFuture<'_, Result<(), FollowError>>> = Vec::with_capacity(batches.len());
        for batch in batches {
            answers.push(Box::pin(batch.answer(commands)));
        }
        stream::iter(answers).buffer_unordered(TOGETHER).try_collect::<()>().await
    }
}

impl ConversationBatch<'_> {
    async fn answer(self, commands: &Commands) -> Result<(), FollowError> {
        for (event, message) in &self.messages {
            let answered = self.answer_one(commands, event, message).await;
            answered.or_skip(self.stream, "the bot cannot answer a message")?;
        }
        Ok(())
    }

    async fn answer_one(
        &self,
        commands: &Commands,
        event: &DecodedEvent,
        message: &MessageReceived,
    ) -> Result<(), CommandError<Rejection>> {
        let Event::Conversation(of_conversation) = &event.event else { return Ok(()) };
        let at = event.metadata.occurred_at;
        let loaded = commands.conversations.at_least(self.stream, event.version, of_conversation, at).await?;
        if !self.may_concern(&loaded.state) {
            return Ok(());
        }
        let context = self.context_of(event);
        let playbook = Arc::clone(&self.playbook);
        let outcome = commands.answer_as_bot(self.stream, playbook, message, at, &context).await?;
        if outcome.wrote {
            metrics::counter!("verbatim_bot_answers_total").increment(1);
        }
        Ok(())
    }

    /// Whether the bot may have to answer. A bot without rules sends nothing, unless another program is the
    /// conversation's bot; then the log need not be read.
    fn may_concern(&self, conversation: &Conversation) -> bool {
        !self.playbook.is_empty()
            || conversation
                .opened()
                .is_ok_and(|opened| opened.lifecycle.status == Status::Bot || opened.bot.has_answered())
    }

    /// The context of the answer to a message.
    fn context_of(&self, cause: &DecodedEvent) -> Context {
        Context {
            causation_id: Some(cause.id),
            traceparent: cause.metadata.traceparent.clone(),
            key: Some(format!("{ROUTER}:{}", cause.id)),
            ..Context::of(self.account, Actor::system(ROUTER), cause.metadata.correlation_id)
        }
    }
}

impl Projection for Follow {
    fn name(&self) -> &'static str {
        ROUTER
    }

    /// Messages, and the events that change a playbook.
    fn filter(&self) -> Filter {
        Filter {
            account: None,
            categories: vec![Category::Conversation, Category::Catalogue],
            event_types: about![
                MessageReceived,
                BotRuleDefined,
                BotRuleRetired,
                HandoffRuleDefined,
                HandoffRuleRetired,
                BotSettingsDefined,
                BotSettingsRetired,
                CannedResponseDefined,
                CannedResponseRetired,
            ],
        }
    }

    /// Answers the messages of a page. It writes no tables, because its events in the log are named after the message.
    /// Messages before a change of the rules are answered by the rules before it.
    async fn prepare(&mut self, page: &[Arc<DecodedEvent>]) -> Result<bool, FollowError> {
        let mut before = Vec::new();
        for event in page {
            match &event.event {
                Event::Catalogue(change) if PLAYBOOK_CATALOGUES.contains(&change.kind()) => {
                    self.answer(&before).await?;
                    before.clear();
                    self.playbooks.remove(&event.metadata.account_id);
                }
                Event::Conversation(_) => before.push(&**event),
                Event::Catalogue(_)
                | Event::Agent(_)
                | Event::Contact(_)
                | Event::Inbound(_)
                | Event::Log(_)
                | Event::Account(_)
                | Event::Person(_)
                | Event::ApiKey(_)
                | Event::Bulk(_) => {}
            }
        }
        self.answer(&before).await?;
        Ok(false)
    }

    async fn project(&mut self, _: &[Arc<DecodedEvent>], _: &mut Tx) -> Result<(), FollowError> {
        Ok(())
    }

    fn reset(&mut self) {
        self.playbooks.clear();
    }
}
