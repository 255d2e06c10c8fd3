//! The current conversation of a contact on a channel.
//!
//! A conversation's id is derived from the channel, the identifier and an ordinal. A contact's next
//! conversation has the next ordinal, and begins only after the one before is closed. A closed conversation
//! stays closed, so an ordinal that was once current is a lower bound for ever, and only streams are read to
//! find the current one.

use crate::execute::{Aggregates, LoadError, Versioned};
use domain::conversation::Conversation;
use event_schemas::message::Status;
use event_schemas::{ChannelId, ConversationId, StreamId};
use event_store::EventStore;
use quick_cache::sync::Cache;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Finds the current conversation of each contact.
pub struct CurrentConversations {
    store: Arc<dyn EventStore>,
    /// Lower bounds of the current ordinals. Without a bound a few more streams are read.
    lower_bounds: Cache<(ChannelId, String), u32>,
    /// When an identifier that is joined to another was found without an open conversation. None begins under it in this
    /// process, and hardly ever in another one.
    without_open: Cache<(ChannelId, String), Instant>,
}

/// For how long an identifier that is joined to another is not asked for its open conversation again.
const WITHOUT_OPEN: Duration = Duration::from_secs(10);

/// The conversation that the contact's next message belongs to: open, or not yet begun.
pub struct Current {
    /// The identifier from which its id is derived.
    pub identifier: String,
    pub ordinal: u32,
    pub id: ConversationId,
    pub stream: StreamId,
    pub fold: Arc<Versioned<Conversation>>,
}

/// The current conversation of a customer, and the other open ones when several identifiers had one before they were
/// known to be the same customer's.
pub struct CurrentOfCustomer {
    pub current: Current,
    pub other_open: Vec<Current>,
}

impl CurrentConversations {
    pub fn new(store: Arc<dyn EventStore>, capacity: usize) -> Self {
        Self { store, lower_bounds: Cache::new(capacity), without_open: Cache::new(capacity) }
    }

    /// The current conversation of a customer with these identifiers: the newest open one of any of them. When none is
    /// open, the next one of the first identifier.
    pub async fn of_customer(
        &self,
        conversations: &Aggregates<Conversation>,
        channel: ChannelId,
        names: &[String],
    ) -> Result<CurrentOfCustomer, LoadError> {
        let (mut next, mut open) = (None, Vec::new());
        for (number, name) in names.iter().enumerate() {
            let key = (channel, name.clone());
            if number > 0 && self.without_open.get(&key).is_some_and(|at| at.elapsed() < WITHOUT_OPEN) {
                continue;
            }
            let current = self.current(conversations, channel, name).await?;
            match (current.fold.version, number) {
                (Some(_), _) => open.push(current),
                (None, 0) => {
                    // The next conversation begins under this name.
                    self.without_open.remove(&key);
                    next = Some(current);
                }
                (None, _) => self.without_open.insert(key, Instant::now()),
            }
        }
        // A resolved conversation gives way to one that an agent works on.
        open.sort_by_key(|current| {
            let opened = current.fold.state.opened().ok();
            opened.map(|opened| (opened.status() != Status::Resolved, opened.opened_at, opened.id))
        });
        let current = match open.pop().or(next) {
            Some(current) => current,
            None => unreachable!("the first name has a current conversation, begun or not"),
        };
        Ok(CurrentOfCustomer { current, other_open: open })
    }

    pub async fn current(
        &self,
        conversations: &Aggregates<Conversation>,
        channel: ChannelId,
        identifier: &str,
    ) -> Result<Current, LoadError> {
        let key = (channel, identifier.to_owned());
        let mut ordinal = self.lower_bounds.get(&key).unwrap_or(0);
        loop {
            let id = ConversationId::of(channel, identifier, ordinal);
            let stream = StreamId::conversation(id);
            let fold = conversations.cached(&stream).await?;
            let closed = fold.state.opened().is_ok_and(|c| c.lifecycle.is_closed());
            if !closed {
                if ordinal > 0 {
                    self.lower_bounds.insert(key, ordinal);
                }
                return Ok(Current { identifier: identifier.to_owned(), ordinal, id, stream, fold });
            }
            ordinal = self.last_begun(channel, identifier, ordinal).await?.max(ordinal + 1);
        }
    }

    /// Records that the conversation of this ordinal is closed, so that the current ordinal is greater.
    pub fn set_closed(&self, channel: ChannelId, identifier: &str, ordinal: u32) {
        self.lower_bounds.insert((channel, identifier.to_owned()), ordinal + 1);
    }

    /// The greatest ordinal whose conversation has begun. `known` is an ordinal whose conversation has begun.
    /// The steps are first doubled, then halved: for a contact with a thousand closed conversations twenty
    /// streams are read, once.
    async fn last_begun(&self, channel: ChannelId, identifier: &str, known: u32) -> Result<u32, LoadError> {
        let (mut begun, mut step) = (known, 1);
        let mut not_begun = loop {
            let probe = begun.saturating_add(step);
            if self.has_begun(channel, identifier, probe).await? {
                begun = probe;
                step = step.saturating_mul(2);
            } else {
                break probe;
            }
        };
        while not_begun - begun > 1 {
            let middle = begun + (not_begun - begun) / 2;
            if self.has_begun(channel, identifier, middle).await? {
                begun = middle;
            } else {
                not_begun = middle;
            }
        }
        Ok(begun)
    }

    async fn has_begun(&self, channel: ChannelId, identifier: &str, ordinal: u32) -> Result<bool, LoadError> {
        let stream = StreamId::conversation(ConversationId::of(channel, identifier, ordinal));
        let version = self.store.stream_version(&stream).await;
        Ok(version.map_err(|error| LoadError::of(&stream, error))?.is_some())
    }
}
