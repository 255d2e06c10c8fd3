//! Which conversation of a contact on a channel is the current one.
//!
//! A conversation's id is derived from channel, identifier and ordinal, and the ordinal grows when the one
//! before is closed. Closed is for ever, so an ordinal that was current once is a lower bound for good,
//! and the current one is found by looking at streams alone.

use crate::execute::{Aggregates, LoadError, Versioned};
use domain::conversation::Conversation;
use event_schemas::{ChannelId, ConversationId, StreamId};
use event_store::EventStore;
use quick_cache::sync::Cache;
use std::sync::Arc;

/// Where each contact's conversations have got to.
pub struct CurrentConversations {
    store: Arc<dyn EventStore>,
    /// Lower bounds; losing one costs a few look-ups.
    reached: Cache<(ChannelId, String), u32>,
}

/// The conversation that the contact's next message belongs to: open, or not yet begun.
pub struct Current {
    pub ordinal: u32,
    pub stream: StreamId,
    pub fold: Arc<Versioned<Conversation>>,
}

impl CurrentConversations {
    pub fn new(store: Arc<dyn EventStore>, capacity: usize) -> Self {
        Self { store, reached: Cache::new(capacity) }
    }

    pub async fn current(
        &self,
        conversations: &Aggregates<Conversation>,
        channel: ChannelId,
        identifier: &str,
    ) -> Result<Current, LoadError> {
        let key = (channel, identifier.to_owned());
        let mut ordinal = self.reached.get(&key).unwrap_or(0);
        loop {
            let stream = StreamId::conversation(ConversationId::of(channel, identifier, ordinal));
            let fold = conversations.cached(&stream).await?;
            let closed = fold.state.opened().is_ok_and(|c| c.lifecycle.is_closed());
            if !closed {
                if ordinal > 0 {
                    self.reached.insert(key, ordinal);
                }
                return Ok(Current { ordinal, stream, fold });
            }
            ordinal = self.last_begun(channel, identifier, ordinal).await?.max(ordinal + 1);
        }
    }

    /// This ordinal is closed: the next begins at the following one, at the earliest.
    pub fn passed(&self, channel: ChannelId, identifier: &str, ordinal: u32) {
        self.reached.insert((channel, identifier.to_owned()), ordinal + 1);
    }

    /// The greatest ordinal that has begun, `known` being one that has. Doubles its steps, then halves
    /// them: a contact with a thousand closed conversations costs twenty look-ups, once.
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
