//! The current conversation of a contact on a channel.
//!
//! A conversation's id is derived from the channel, the identifier and an ordinal. A contact's next
//! conversation has the next ordinal, and begins only after the one before is closed. A closed conversation
//! stays closed, so an ordinal that was once current is a lower bound for ever, and only streams are read to
//! find the current one.

use crate::execute::{Aggregates, LoadError, Versioned};
use domain::conversation::Conversation;
use event_schemas::{ChannelId, ConversationId, StreamId};
use event_store::EventStore;
use quick_cache::sync::Cache;
use std::sync::Arc;

/// Finds the current conversation of each contact.
pub struct CurrentConversations {
    store: Arc<dyn EventStore>,
    /// Lower bounds of the current ordinals. Without a bound a few more streams are read.
    lower_bounds: Cache<(ChannelId, String), u32>,
}

/// The conversation that the contact's next message belongs to: open, or not yet begun.
pub struct Current {
    pub ordinal: u32,
    pub stream: StreamId,
    pub fold: Arc<Versioned<Conversation>>,
}

impl CurrentConversations {
    pub fn new(store: Arc<dyn EventStore>, capacity: usize) -> Self {
        Self { store, lower_bounds: Cache::new(capacity) }
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
            let stream = StreamId::conversation(ConversationId::of(channel, identifier, ordinal));
            let fold = conversations.cached(&stream).await?;
            let closed = fold.state.opened().is_ok_and(|c| c.lifecycle.is_closed());
            if !closed {
                if ordinal > 0 {
                    self.lower_bounds.insert(key, ordinal);
                }
                return Ok(Current { ordinal, stream, fold });
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
