//! From the log to the table of alarms: which conversation is to be looked at when.

use super::{ALARMS, may_ring_again, moments};
use crate::appointments::Bell;
use command_api::Commands;
use command_api::write::{Folded, LoadError};
use domain::conversation::Conversation;
use event_schemas::{
    AccountId, Category, ConversationEvent, ConversationId, Event, StreamId, Timestamp, Version,
};
use event_store::Filter;
use projections::{DbError, Happened, Projection, Tx};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// Follows the log and keeps the table.
pub(super) struct Follow {
    commands: Arc<Commands>,
    bell: Arc<Bell>,
    /// The conversations that have a row. None: to be read from the table.
    known: Option<HashSet<ConversationId>>,
    /// What this page does to them: true where there is a row now.
    moved: Vec<(ConversationId, bool)>,
    /// The first moment that this page brought.
    earliest: Option<Timestamp>,
}

/// A conversation of which a page tells something that moves its clocks.
struct Touched {
    account: AccountId,
    version: Version,
    begins: bool,
}

impl Follow {
    pub(super) fn new(commands: Arc<Commands>, bell: Arc<Bell>) -> Self {
        Self { commands, bell, known: None, moved: Vec::new(), earliest: None }
    }

    fn has_row(&self, id: ConversationId) -> bool {
        self.known.as_ref().is_none_or(|known| known.contains(&id))
    }

    /// As it is now, which may be further than this page: what is due is due by what is true.
    async fn fold(
        &self,
        id: ConversationId,
        version: Version,
    ) -> Result<Option<Arc<Folded<Conversation>>>, DbError> {
        let (conversations, stream) = (&self.commands.conversations, StreamId::conversation(id));
        let fold = match conversations.recall(&stream).await {
            Ok(fold) if fold.version >= Some(version) => Ok(fold),
            Ok(_) => conversations.load(&stream).await,
            Err(error) => Err(error),
        };
        match fold {
            Ok(fold) => Ok(Some(fold)),
            Err(LoadError::Unavailable(unavailable)) => Err(DbError::AnyDriverError(Box::new(unavailable))),
            Err(error @ LoadError::Damaged { .. }) => {
                tracing::error!(conversation = %id, error = &error as &dyn std::error::Error, "no alarm can be set");
                Ok(None)
            }
        }
    }

    async fn write_down(
        &mut self,
        tx: &mut Tx,
        id: ConversationId,
        account: AccountId,
        fold: &Folded<Conversation>,
    ) -> Result<(), DbError> {
        let due_at = moments(&fold.state).min();
        let stays = due_at.is_some() || may_ring_again(&fold.state);
        if stays {
            ALARMS.put(tx, id, account, due_at).await?;
        } else {
            ALARMS.strike(tx, id).await?;
        }
        self.moved.push((id, stays));
        self.earliest = self.earliest.into_iter().chain(due_at).min();
        Ok(())
    }
}

impl Projection for Follow {
    fn name(&self) -> &'static str {
        "alarm-clock"
    }

    fn filter(&self) -> Filter {
        Filter::categories([Category::Conversation])
    }

    fn concerns(&self, happened: &Happened) -> bool {
        let (Event::Conversation(event), Some(id)) = (&happened.event, happened.stream.as_conversation())
        else {
            return false;
        };
        moves_a_clock(event) && (begins(event) || self.has_row(id))
    }

    async fn project(&mut self, page: &[Happened], tx: &mut Tx) -> Result<(), DbError> {
        if self.known.is_none() {
            self.known = Some(ALARMS.conversations(tx).await?);
        }
        let mut touched: BTreeMap<ConversationId, Touched> = BTreeMap::new();
        for happened in page {
            let (Event::Conversation(event), Some(id)) = (&happened.event, happened.stream.as_conversation())
            else {
                continue;
            };
            if !moves_a_clock(event) {
                continue;
            }
            let account = happened.metadata.account_id;
            let touched =
                touched.entry(id).or_insert(Touched { account, version: happened.version, begins: false });
            touched.version = happened.version;
            touched.begins |= begins(event);
        }
        for (id, touched) in touched {
            if (touched.begins || self.has_row(id))
                && let Some(fold) = self.fold(id, touched.version).await?
            {
                self.write_down(tx, id, touched.account, &fold).await?;
            }
        }
        Ok(())
    }

    fn keep(&mut self) {
        for (id, stays) in self.moved.drain(..) {
            match &mut self.known {
                Some(known) if stays => {
                    known.insert(id);
                }
                Some(known) => {
                    known.remove(&id);
                }
                None => {}
            }
        }
        if let Some(moment) = self.earliest.take() {
            self.bell.due_at(moment);
        }
    }

    fn forget(&mut self) {
        self.known = None;
        self.moved.clear();
        self.earliest = None;
    }
}

/// Whether an event can be the first that makes a conversation have moments of its own.
fn begins(event: &ConversationEvent) -> bool {
    matches!(event, ConversationEvent::SlaApplied(_) | ConversationEvent::MarkedPending(_))
}

/// Whether an event can change what is due when.
fn moves_a_clock(event: &ConversationEvent) -> bool {
    use ConversationEvent as E;
    match event {
        E::ConversationOpened(_)
        | E::MessageReceived(_)
        | E::MessageSent(_)
        | E::BotEngaged(_)
        | E::Assigned(_)
        | E::Unassigned(_)
        | E::MarkedPending(_)
        | E::Resolved(_)
        | E::Reopened(_)
        | E::Closed(_)
        | E::PriorityChanged(_)
        | E::SlaApplied(_)
        | E::SlaWarned(_)
        | E::SlaBreached(_)
        | E::HandoffRequested(_)
        | E::Expired(_) => true,
        E::NoteAdded(_)
        | E::MessageDispatched(_)
        | E::MessageDelivered(_)
        | E::MessageRead(_)
        | E::MessageFailed(_)
        | E::BotContextCollected(_)
        | E::AssignmentDropped(_)
        | E::Queued(_)
        | E::Offered(_)
        | E::OfferDeclined(_)
        | E::OfferLapsed(_)
        | E::LeadNotified(_)
        | E::LabelsChanged(_)
        | E::SubjectChanged(_)
        | E::SeenByAgent(_)
        | E::LanguageDetected(_)
        | E::InfoRequested(_) => false,
    }
}
