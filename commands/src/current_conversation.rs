//! The current conversation of a contact on a channel.
//!
//! A conversation's id is derived from the channel, the identifier and an ordinal. A contact's next
//! conversation has the next ordinal, and begins only after the one before is closed. A closed conversation
//! stays closed, so an ordinal that was once current is a lower bound for ever, and only streams are read to
//! find the current one.

use crate::Commands;
use crate::customers::Identifiers;
use crate::execute::{Aggregates, LoadError, Read, Versioned};
use domain::conversation::Conversation;
use event_schemas::message::Status;
use event_schemas::{ChannelId, ConversationId, StreamId, Version};
use event_store::EventStore;
use quick_cache::sync::Cache;
use std::sync::Arc;

/// Finds the current conversation of each contact.
pub struct CurrentConversations {
    store: Arc<dyn EventStore>,
    /// Lower bounds of the current ordinals. Without a bound a few more streams are read.
    lower_bounds: Cache<(ChannelId, String), u32>,
    /// The version of the stream of one of several identifiers of a customer, at which no conversation was open under
    /// it. A process that does not know this version may begin one, and then looks for the customer's others itself
    /// (`joined_conversations.rs`).
    without_open: Cache<(ChannelId, String), Version>,
}

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

    /// The open conversation of an identifier, or the one that begins next.
    pub async fn current(
        &self,
        conversations: &Aggregates<Conversation>,
        channel: ChannelId,
        identifier: &str,
        read: Read,
    ) -> Result<Current, LoadError> {
        let key = (channel, identifier.to_owned());
        let mut ordinal = self.lower_bounds.get(&key).unwrap_or(0);
        loop {
            let id = ConversationId::of(channel, identifier, ordinal);
            let stream = StreamId::conversation(id);
            let fold = conversations.read(&stream, read).await?;
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

impl Commands {
    /// The current conversation of a customer with these identifiers: the newest open one of any of them. When none is
    /// open, the next one of the first identifier.
    pub(crate) async fn current_of_customer(
        &self,
        of: Identifiers,
        channel: ChannelId,
        names: &[String],
        read: Read,
    ) -> Result<CurrentOfCustomer, LoadError> {
        let found = self.find_current(of, channel, names, read).await?;
        if read == Read::Cached && !found.other_open.is_empty() {
            // Another process may have closed one of them.
            return self.find_current(of, channel, names, Read::Log).await;
        }
        Ok(found)
    }

    async fn find_current(
        &self,
        of: Identifiers,
        channel: ChannelId,
        names: &[String],
        read: Read,
    ) -> Result<CurrentOfCustomer, LoadError> {
        let known = &self.current_conversations;
        let mut open = Vec::new();
        let mut next = None;
        // The first identifier comes last: its next conversation is only wanted when no other one has an open one.
        for (is_first, name) in names.iter().enumerate().map(|(number, name)| (number == 0, name)).rev() {
            let key = (channel, name.clone());
            // The version is read before the conversation.
            let version = match names.len() {
                1 => None,
                _ => self.contacts.cached(&of.stream(name)).await?.version,
            };
            let may_skip = read == Read::Cached && !(is_first && open.is_empty());
            if may_skip && version.is_some() && known.without_open.get(&key) == version {
                continue;
            }
            let current = known.current(&self.conversations, channel, name, read).await?;
            match (current.fold.version, version) {
                (Some(_), _) => open.push(current),
                (None, _) if is_first && open.is_empty() => {
                    known.without_open.remove(&key);
                    next = Some(current);
                }
                (None, Some(version)) => known.without_open.insert(key, version),
                (None, None) => {}
            }
        }
        // A resolved conversation gives way to one that an agent works on.
        open.sort_by_key(|current| {
            let opened = current.fold.state.opened().ok();
            opened.map(|opened| (opened.status() != Status::Resolved, opened.opened_at, opened.id))
        });
        let current = match open.pop().or(next) {
            Some(current) => current,
            None => unreachable!("without an open conversation the first name has a next one"),
        };
        Ok(CurrentOfCustomer { current, other_open: open })
    }
}
