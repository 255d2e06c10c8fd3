//! From the log to the rules: one conversation's causes one after the other, different conversations' at the
//! same time.

use super::cause::causes;
use super::run::{RuleRun, run};
use crate::or_skip::OrSkip;
use commands::Commands;
use commands::execute::{CommandError, LoadError};
use domain::Evolve;
use domain::automation::Rules;
use domain::catalogue::AutomationRules;
use domain::conversation::Rejection;
use event_schemas::automation::{AutomationRuleDefined, AutomationRuleRetired};
use event_schemas::catalogue::CatalogueKind;
use event_schemas::conversation::{
    Assigned, BotEngaged, Closed, ConversationOpened, Expired, HandoffRequested, LabelsChanged,
    MarkedPending, MessageReceived, MessageSent, PriorityChanged, Reopened, Resolved, SlaBreached, SlaWarned,
    SubjectChanged, Unassigned,
};
use event_schemas::{
    AccountId, CatalogueEvent, Category, Event, Events, Position, StreamId, Timestamp, Version, about,
};
use event_store::Filter;
use follower::{DecodedEvent, FollowError, Projection, Tx};
use futures::future::BoxFuture;
use futures::{StreamExt, TryStreamExt, stream};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// How many conversations are decided on at the same time: their commits are shared.
const TOGETHER: usize = 64;
/// How much of a catalogue is read at once.
const PAGE: usize = 1_000;
/// What is older sets off nothing: after a long standstill nobody wants last week's answers.
const LATEST: Duration = Duration::from_secs(24 * 3600);

pub(super) struct Follow {
    commands: Arc<Commands>,
    /// What each account's rules are, as the log has them up to here.
    books: HashMap<AccountId, Book>,
}

struct Book {
    catalogue: AutomationRules,
    /// None: they changed.
    rules: Option<Arc<Rules>>,
}

/// One conversation's events of a page, in their order.
struct ConversationBatch<'p> {
    rules: Arc<Rules>,
    events: Vec<&'p DecodedEvent>,
}

impl Follow {
    pub(super) fn new(commands: Arc<Commands>) -> Self {
        Self { commands, books: HashMap::new() }
    }

    /// The account's rules as they were just before a place in the log.
    async fn rules(&mut self, account: AccountId, before: Position) -> Result<Arc<Rules>, FollowError> {
        if !self.books.contains_key(&account) {
            let catalogue = self.catalogue(account, before).await;
            let catalogue = catalogue.or_skip(&account, "the account's automation rules do not run")?;
            let catalogue = catalogue.unwrap_or_default();
            self.books.insert(account, Book { catalogue, rules: None });
        }
        let book = self
            .books
            .entry(account)
            .or_insert_with(|| Book { catalogue: AutomationRules::default(), rules: None });
        let rules = match &book.rules {
            Some(rules) => Arc::clone(rules),
            None => Arc::new(Rules::compile(book.catalogue.iter()).unwrap_or_else(|error| {
                let error = &error as &dyn std::error::Error;
                tracing::error!(%account, error, "the account's automation rules do not run");
                Rules::default()
            })),
        };
        book.rules = Some(Arc::clone(&rules));
        Ok(rules)
    }

    async fn catalogue(&self, account: AccountId, before: Position) -> Result<AutomationRules, LoadError> {
        let stream = StreamId::catalogue(CatalogueKind::AutomationRules, account);
        let (mut catalogue, mut next) = (AutomationRules::default(), Version::FIRST);
        loop {
            let page = self.commands.store.read_stream(&stream, next, PAGE).await;
            let page = page.map_err(|error| LoadError::of(&stream, error))?;
            for recorded in page.iter().take_while(|recorded| recorded.position < before) {
                let event =
                    CatalogueEvent::decode(&recorded.event_type, recorded.schema_version, &recorded.data);
                let event = event.map_err(|source| LoadError::Damaged {
                    stream: stream.to_string(),
                    source: Box::new(source),
                })?;
                catalogue.evolve(&event, recorded.metadata.occurred_at);
            }
            match page.last() {
                Some(last) if page.len() == PAGE && last.position < before => next = last.version.next(),
                Some(_) | None => return Ok(catalogue),
            }
        }
    }

    /// What came before a change of the rules is put to them before it is looked at.
    async fn put(&mut self, page: &[&DecodedEvent]) -> Result<(), FollowError> {
        let now = self.commands.clock.now();
        let mut courses: Vec<ConversationBatch<'_>> = Vec::new();
        let mut places: HashMap<&StreamId, usize> = HashMap::new();
        for happened in page {
            let rules = self.rules(happened.metadata.account_id, happened.position).await?;
            if rules.is_empty() || is_too_late(happened.metadata.occurred_at, now) {
                continue;
            }
            let place = *places.entry(&happened.stream).or_insert_with(|| {
                courses.push(ConversationBatch { rules, events: Vec::new() });
                courses.len() - 1
            });
            courses[place].events.push(happened);
        }
        let commands = &self.commands;
        let mut runs: Vec<BoxFuture<'_, Result<(), FollowError>>> = Vec::with_capacity(courses.len());
        for course in courses {
            runs.push(Box::pin(course.run(commands)));
        }
        stream::iter(runs).buffer_unordered(TOGETHER).try_collect::<()>().await
    }
}

fn is_too_late(at: Timestamp, now: Timestamp) -> bool {
    now.since(at) > LATEST
}

impl ConversationBatch<'_> {
    async fn run(self, commands: &Commands) -> Result<(), FollowError> {
        for happened in self.events {
            let Some(conversation) = happened.stream.as_conversation() else { continue };
            for (cause, name) in causes(happened) {
                for (place, rule) in self.rules.on(cause.event) {
                    let deed = RuleRun {
                        account: happened.metadata.account_id,
                        conversation,
                        rules: &self.rules,
                        place,
                        cause: &cause,
                        name: &name,
                        correlation_id: Some(happened.metadata.correlation_id),
                        traceparent: happened.metadata.traceparent.clone(),
                    };
                    // Where the page is taken again, what was done already is known.
                    let ran = set_off(commands, &deed, happened).await;
                    let subject = format_args!("rule {} in {}", rule.id, happened.stream);
                    if ran.or_skip(&subject, "an automation rule cannot act")? == Some(true) {
                        metrics::counter!("verbatim_automation_runs_total").increment(1);
                    }
                }
            }
        }
        Ok(())
    }
}

/// Whether the rule fits is asked of what is remembered first: most do not, and the log need not know.
async fn set_off(
    commands: &Commands,
    deed: &RuleRun<'_>,
    happened: &DecodedEvent,
) -> Result<bool, CommandError<Rejection>> {
    let Event::Conversation(event) = &happened.event else { return Ok(false) };
    let (version, at) = (happened.version, happened.metadata.occurred_at);
    let fold = commands.conversations.at_least(&happened.stream, version, event, at).await?;
    let fits = match (fold.state.opened(), deed.rules.get(deed.place)) {
        (Ok(conversation), Some(rule)) => deed.rules.fits(rule, deed.cause, conversation),
        (Err(_), _) | (_, None) => false,
    };
    if !fits {
        return Ok(false);
    }
    run(commands, deed).await
}

impl Projection for Follow {
    fn name(&self) -> &'static str {
        super::AUTOMATION
    }

    fn filter(&self) -> Filter {
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
                SlaWarned,
                SlaBreached,
                AutomationRuleDefined,
                AutomationRuleRetired,
            ],
        }
    }

    /// It has no tables: what it does is in the log, under the name of what caused it.
    async fn prepare(&mut self, page: &[Arc<DecodedEvent>]) -> Result<bool, FollowError> {
        let mut before = Vec::new();
        for happened in page {
            match &happened.event {
                Event::Catalogue(event) => {
                    self.put(&before).await?;
                    before.clear();
                    if let Some(book) = self.books.get_mut(&happened.metadata.account_id) {
                        book.catalogue.evolve(event, happened.metadata.occurred_at);
                        book.rules = None;
                    }
                }
                Event::Conversation(_) => before.push(happened),
                Event::Agent(_) | Event::Contact(_) | Event::Inbound(_) => {}
            }
        }
        self.put(&before).await?;
        Ok(false)
    }

    async fn project(&mut self, _: &[Arc<DecodedEvent>], _: &mut Tx) -> Result<(), FollowError> {
        Ok(())
    }

    fn reset(&mut self) {
        self.books.clear();
    }
}
