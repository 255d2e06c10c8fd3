//! From the log to the table of alarms: which conversation is to be looked at when.

use super::{ALARMS, may_ring_again, moments};
use crate::or_skip::OrSkip;
use crate::timers::{Entry, Waker};
use commands::Commands;
use commands::execute::Versioned;
use domain::conversation::Conversation;
use event_schemas::{
    AccountId, AssignmentEvent, BotEvent, Category, ConversationEvent, ConversationId, DetailsEvent, Event,
    LifecycleEvent, MessageEvent, SlaEvent,
};
use event_store::Filter;
use follower::{DecodedEvent, FollowError, Projection, Tx};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

/// How long events gather before it looks again: no promise is shorter than this is long.
const PACE: Duration = Duration::from_millis(20);

/// Follows the log and keeps the table.
pub(super) struct Follow {
    commands: Arc<Commands>,
    waker: Arc<Waker>,
    /// The conversations that have a row. None: to be read from the table.
    known: Option<HashSet<ConversationId>>,
    /// What this page says.
    news: Vec<(ConversationId, AccountId, Entry)>,
}

/// A conversation of which a page tells something that moves its clocks.
struct Touched<'p> {
    last: &'p DecodedEvent,
    begins: bool,
}

impl Follow {
    pub(super) fn new(commands: Arc<Commands>, waker: Arc<Waker>) -> Self {
        Self { commands, waker, known: None, news: Vec::new() }
    }

    fn has_row(&self, id: ConversationId) -> bool {
        self.known.as_ref().is_none_or(|known| known.contains(&id))
    }

    /// As it is now, which may be further than this page: what is due is due by what is true.
    async fn fold(&self, touched: &Touched<'_>) -> Result<Option<Arc<Versioned<Conversation>>>, FollowError> {
        let Touched { last, .. } = touched;
        let Event::Conversation(event) = &last.event else { return Ok(None) };
        let (version, at) = (last.version, last.metadata.occurred_at);
        let fold = self.commands.conversations.at_least(&last.stream, version, event, at).await;
        fold.or_skip(&last.stream, "the conversation has no SLA timer")
    }

    /// What a page says of each conversation that has moments of its own. It is written down even where it is
    /// the same as before: whoever attended to the conversation meanwhile may have put it off.
    async fn read(&mut self, page: &[Arc<DecodedEvent>]) -> Result<(), FollowError> {
        self.news.clear();
        for (id, touched) in touched(page) {
            if !touched.begins && !self.has_row(id) {
                continue;
            }
            let Some(fold) = self.fold(&touched).await? else { continue };
            let due_at = moments(&fold.state).min();
            let stays = due_at.is_some() || may_ring_again(&fold.state);
            let entry = if stays { Entry::LookAt(due_at) } else { Entry::Cancel };
            self.news.push((id, touched.last.metadata.account_id, entry));
        }
        Ok(())
    }
}

/// The conversations whose clocks a page may move.
fn touched(page: &[Arc<DecodedEvent>]) -> BTreeMap<ConversationId, Touched<'_>> {
    let mut all = BTreeMap::new();
    for happened in page {
        let (Event::Conversation(event), Some(id)) = (&happened.event, happened.stream.as_conversation())
        else {
            continue;
        };
        if !moves_a_clock(event) {
            continue;
        }
        let touched = all.entry(id).or_insert(Touched { last: happened, begins: false });
        touched.last = happened;
        touched.begins |= begins(event);
    }
    all
}

impl Projection for Follow {
    fn name(&self) -> &'static str {
        "alarm-clock"
    }

    fn filter(&self) -> Filter {
        Filter::categories([Category::Conversation])
    }

    fn concerns(&self, happened: &DecodedEvent) -> bool {
        let (Event::Conversation(event), Some(id)) = (&happened.event, happened.stream.as_conversation())
        else {
            return false;
        };
        moves_a_clock(event) && (begins(event) || self.has_row(id))
    }

    fn pace(&self) -> Duration {
        PACE
    }

    async fn project(&mut self, page: &[Arc<DecodedEvent>], tx: &mut Tx) -> Result<(), FollowError> {
        if self.known.is_none() {
            self.known = Some(ALARMS.conversations(tx).await?);
        }
        self.read(page).await?;
        Ok(ALARMS.write(tx, &self.news).await?)
    }

    fn committed(&mut self) {
        let Some(known) = &mut self.known else { return };
        let mut earliest = None;
        for (id, _, entry) in self.news.drain(..) {
            match entry {
                Entry::LookAt(due_at) => {
                    known.insert(id);
                    earliest = earliest.into_iter().chain(due_at).min();
                }
                Entry::Cancel => {
                    known.remove(&id);
                }
            }
        }
        if let Some(moment) = earliest {
            self.waker.due_at(moment);
        }
    }

    fn reset(&mut self) {
        self.known = None;
        self.news.clear();
    }
}

/// Whether an event can be the first that makes a conversation have moments of its own.
fn begins(event: &ConversationEvent) -> bool {
    matches!(
        event,
        ConversationEvent::Sla(SlaEvent::SlaApplied(_))
            | ConversationEvent::Lifecycle(LifecycleEvent::MarkedPending(_))
    )
}

/// Whether an event can change what is due when.
fn moves_a_clock(event: &ConversationEvent) -> bool {
    use ConversationEvent as E;
    match event {
        E::Message(MessageEvent::MessageReceived(_) | MessageEvent::MessageSent(_))
        | E::Bot(BotEvent::BotEngaged(_) | BotEvent::HandoffRequested(_))
        | E::Assignment(AssignmentEvent::Assigned(_) | AssignmentEvent::Unassigned(_))
        | E::Details(DetailsEvent::PriorityChanged(_))
        | E::Lifecycle(_)
        | E::Sla(_) => true,
        E::Message(MessageEvent::NoteAdded(_))
        | E::Bot(BotEvent::BotContextCollected(_) | BotEvent::InfoRequested(_))
        | E::Assignment(AssignmentEvent::AssignmentDropped(_))
        | E::Details(
            DetailsEvent::LabelsChanged(_)
            | DetailsEvent::SubjectChanged(_)
            | DetailsEvent::LanguageDetected(_)
            | DetailsEvent::SeenByAgent(_),
        )
        | E::Delivery(_)
        | E::Routing(_)
        | E::Automation(_) => false,
    }
}
