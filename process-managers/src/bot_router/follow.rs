//! From the log to the playbooks: one conversation's messages one after the other, different conversations'
//! at the same time.

use crate::or_skip::OrSkip;
use commands::Commands;
use commands::PLAYBOOK_CATALOGUES;
use commands::dry_run::ROUTER;
use commands::execute::{CommandError, Context};
use commands::language::detect;
use domain::bot::Playbook;
use domain::conversation::{Answer, AnswerIds, Conversation, Rejection};
use event_schemas::bot::{
    BotRuleDefined, BotRuleRetired, BotSettings, BotSettingsDefined, BotSettingsRetired, HandoffRuleDefined,
    HandoffRuleRetired,
};
use event_schemas::catalogue::{CannedResponseDefined, CannedResponseRetired};
use event_schemas::conversation::MessageReceived;
use event_schemas::message::Status;
use event_schemas::{AccountId, Actor, Category, ConversationEvent, Event, MessageEvent, StreamId, about};
use event_store::Filter;
use follower::{DecodedEvent, FollowError, Projection, Tx};
use futures::future::BoxFuture;
use futures::{StreamExt, TryStreamExt, stream};
use std::collections::HashMap;
use std::sync::Arc;

/// How many conversations are decided on at the same time: their commits are shared.
const TOGETHER: usize = 64;

pub(super) struct Follow {
    commands: Arc<Commands>,
    /// The playbooks as the log has them up to here, at least.
    playbooks: HashMap<AccountId, Arc<Playbook>>,
}

/// One conversation's messages of a page, in their order.
struct Run<'p> {
    stream: &'p StreamId,
    account: AccountId,
    playbook: Arc<Playbook>,
    messages: Vec<(&'p DecodedEvent, &'p MessageReceived)>,
}

impl Follow {
    pub(super) fn new(commands: Arc<Commands>) -> Self {
        Self { commands, playbooks: HashMap::new() }
    }

    async fn playbook(&mut self, account: AccountId) -> Result<Arc<Playbook>, FollowError> {
        if let Some(playbook) = self.playbooks.get(&account) {
            return Ok(Arc::clone(playbook));
        }
        let playbook = self.commands.playbook(account).await;
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

    /// What came before a change of the rules is answered before it is looked at.
    async fn answer(&mut self, page: &[&DecodedEvent]) -> Result<(), FollowError> {
        let mut runs: Vec<Run<'_>> = Vec::new();
        let mut places: HashMap<&StreamId, usize> = HashMap::new();
        for happened in page {
            let Event::Conversation(ConversationEvent::Message(MessageEvent::MessageReceived(message))) =
                &happened.event
            else {
                continue;
            };
            let account = happened.metadata.account_id;
            let place = match places.get(&happened.stream) {
                Some(place) => *place,
                None => {
                    let playbook = self.playbook(account).await?;
                    runs.push(Run { stream: &happened.stream, account, playbook, messages: Vec::new() });
                    places.insert(&happened.stream, runs.len() - 1);
                    runs.len() - 1
                }
            };
            runs[place].messages.push((*happened, message));
        }
        let commands = &self.commands;
        let mut answers: Vec<BoxFuture<'_, Result<(), FollowError>>> = Vec::with_capacity(runs.len());
        for run in runs {
            answers.push(Box::pin(run.answer(commands)));
        }
        stream::iter(answers).buffer_unordered(TOGETHER).try_collect::<()>().await
    }
}

impl Run<'_> {
    async fn answer(self, commands: &Commands) -> Result<(), FollowError> {
        for (happened, message) in &self.messages {
            let answered = self.put(commands, happened, message).await;
            answered.or_skip(self.stream, "the bot cannot answer a message")?;
        }
        Ok(())
    }

    async fn put(
        &self,
        commands: &Commands,
        happened: &DecodedEvent,
        message: &MessageReceived,
    ) -> Result<(), CommandError<Rejection>> {
        let Event::Conversation(event) = &happened.event else { return Ok(()) };
        let (version, at) = (happened.version, happened.metadata.occurred_at);
        let fold = commands.conversations.at_least(self.stream, version, event, at).await?;
        if !self.may_concern(&fold.state) {
            return Ok(());
        }
        let context = self.because_of(happened);
        let channel_type = fold.state.opened().ok().map(|conversation| conversation.channel_type);
        let provider = channel_type.and_then(|kind| commands.providers.of(kind));
        let command = Answer {
            playbook: Arc::clone(&self.playbook),
            message_id: message.message_id,
            body: message.body.clone(),
            metadata: message.metadata.clone(),
            received_at: happened.metadata.occurred_at,
            language: detect(&message.body.content),
            ids: AnswerIds {
                reply: context.further_message_id(&commands.clock, "reply"),
                question: context.further_message_id(&commands.clock, "question"),
            },
            reply_window: provider.and_then(|provider| provider.reply_window()),
        };
        let outcome = commands.conversations.execute(self.stream, &command, &context).await?;
        if outcome.wrote {
            metrics::counter!("verbatim_bot_answers_total").increment(1);
        }
        Ok(())
    }

    /// A bot that was told nothing has nothing to say, unless another program speaks for it: no need to ask
    /// the log.
    fn may_concern(&self, conversation: &Conversation) -> bool {
        !self.playbook.is_blank()
            || conversation
                .opened()
                .is_ok_and(|opened| opened.lifecycle.status == Status::Bot || opened.bot.has_answered())
    }

    fn because_of(&self, cause: &DecodedEvent) -> Context {
        Context {
            account: self.account,
            actor: Actor::system(ROUTER),
            correlation_id: cause.metadata.correlation_id,
            causation_id: Some(cause.id),
            traceparent: cause.metadata.traceparent.clone(),
            occurred_at: None,
            key: Some(format!("{ROUTER}:{}", cause.id)),
            if_match: None,
        }
    }
}

impl Projection for Follow {
    fn name(&self) -> &'static str {
        ROUTER
    }

    /// Messages, and what changes a playbook.
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

    /// It has no tables: what it does is in the log, under the name of what caused it.
    async fn prepare(&mut self, page: &[Arc<DecodedEvent>]) -> Result<bool, FollowError> {
        let mut before = Vec::new();
        for happened in page {
            match &happened.event {
                Event::Catalogue(event) if PLAYBOOK_CATALOGUES.contains(&event.kind()) => {
                    self.answer(&before).await?;
                    before.clear();
                    self.playbooks.remove(&happened.metadata.account_id);
                }
                _ => before.push(happened),
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
