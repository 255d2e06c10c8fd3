//! The decoded events that the followers of one process share: each event's JSON is decoded once, not once for every
//! follower.
//!
//! The store keeps its newest events in memory, so that a page near the end of the log is read from the disk at most
//! once ([`EventStore::read_recent`]). This cache keeps the same events decoded, by position. It always contains the
//! newest events that were read. A follower that replays old events decodes them without the cache, so that it
//! removes no event that other followers are about to read.

use event_schemas::{
    DecodeError, Event, EventId, Metadata, Position, Recorded, StreamId, Timestamp, Version,
};
use event_store::EventStore;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The maximum number of decoded events in the cache.
const EVENTS: usize = 4_096;

/// The maximum number of bytes of JSON from which they were decoded.
const BYTES: usize = 4 << 20;

/// An event of the log, decoded.
#[derive(Clone, Debug, PartialEq)]
pub struct DecodedEvent {
    pub position: Position,
    pub stream: StreamId,
    pub version: Version,
    pub id: EventId,
    pub recorded_at: Timestamp,
    pub metadata: Metadata,
    pub event: Event,
}

impl DecodedEvent {
    /// Decodes an event of the log. `None` when this version does not know its type.
    pub fn read(recorded: Recorded) -> Result<Option<Self>, DecodeError> {
        match Event::read(&recorded) {
            Ok(event) => Ok(Some(Self {
                position: recorded.position,
                stream: recorded.stream,
                version: recorded.version,
                id: recorded.id,
                recorded_at: recorded.recorded_at,
                metadata: recorded.metadata,
                event,
            })),
            Err(error) if error.is_unknown_type() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The event log and a cache of its newest decoded events. Cheap to clone; clones share the cache.
#[derive(Clone)]
pub struct DecodedLog {
    store: Arc<dyn EventStore>,
    /// `None` when there is only one follower, which needs no cache.
    recent: Option<Arc<Recent>>,
    decodings: Arc<AtomicU64>,
}

/// A log for one follower, without a cache.
impl From<Arc<dyn EventStore>> for DecodedLog {
    fn from(store: Arc<dyn EventStore>) -> Self {
        Self { store, recent: None, decodings: Arc::default() }
    }
}

impl DecodedLog {
    /// A log whose clones share the newest decoded events.
    pub fn shared(store: Arc<dyn EventStore>) -> Self {
        Self { recent: Some(Arc::default()), ..Self::from(store) }
    }

    pub fn store(&self) -> &Arc<dyn EventStore> {
        &self.store
    }

    /// The number of events decoded so far.
    pub fn decodings(&self) -> u64 {
        self.decodings.load(Ordering::Relaxed)
    }

    /// Decodes the event, or returns it when another follower has decoded it before. `None` when this version does not
    /// know its type.
    pub fn decode(&self, recorded: Recorded) -> Result<Option<Arc<DecodedEvent>>, DecodeError> {
        match self.recent.as_ref().and_then(|recent| recent.slot(&recorded)) {
            Some(slot) => slot.decode(|| self.decode_uncached(recorded)),
            None => self.decode_uncached(recorded),
        }
    }

    fn decode_uncached(&self, recorded: Recorded) -> Result<Option<Arc<DecodedEvent>>, DecodeError> {
        self.decodings.fetch_add(1, Ordering::Relaxed);
        metrics::counter!("verbatim_events_decoded_total").increment(1);
        Ok(DecodedEvent::read(recorded)?.map(Arc::new))
    }
}

/// The newest events that were read.
#[derive(Default)]
struct Recent(Mutex<Window>);

#[derive(Default)]
struct Window {
    slots: BTreeMap<Position, Slot>,
    bytes: usize,
}

/// The cache entry of one event.
#[derive(Clone)]
struct Slot {
    id: EventId,
    bytes: usize,
    /// The outer option is `None` until the event is decoded. The mutex is locked during the decoding, so that other
    /// followers wait for the result.
    decoded: Arc<Mutex<Option<Option<Arc<DecodedEvent>>>>>,
}

impl Slot {
    fn decode(
        &self,
        decode: impl FnOnce() -> Result<Option<Arc<DecodedEvent>>, DecodeError>,
    ) -> Result<Option<Arc<DecodedEvent>>, DecodeError> {
        let mut decoded = self.decoded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(decoded) = &*decoded {
            return Ok(decoded.clone());
        }
        let event = decode()?;
        *decoded = Some(event.clone());
        Ok(event)
    }
}

impl Recent {
    /// The cache entry of the event. `None` when the cache is full and the event is older than all events in it.
    fn slot(&self, recorded: &Recorded) -> Option<Slot> {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match window.slots.get(&recorded.position) {
            Some(slot) if slot.id == recorded.id => return Some(slot.clone()),
            Some(_) | None => {}
        }
        if window.is_full() && window.oldest().is_some_and(|oldest| recorded.position < oldest) {
            return None;
        }
        let slot = Slot { id: recorded.id, bytes: recorded.data.len(), decoded: Arc::default() };
        window.insert(recorded.position, slot.clone());
        Some(slot)
    }
}

impl Window {
    fn is_full(&self) -> bool {
        self.slots.len() >= EVENTS || self.bytes >= BYTES
    }

    fn oldest(&self) -> Option<Position> {
        self.slots.keys().next().copied()
    }

    fn insert(&mut self, position: Position, slot: Slot) {
        self.bytes += slot.bytes;
        if let Some(replaced) = self.slots.insert(position, slot) {
            self.bytes -= replaced.bytes;
        }
        while self.slots.len() > EVENTS || self.bytes > BYTES {
            let Some((_, oldest)) = self.slots.pop_first() else { return };
            self.bytes -= oldest.bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use event_schemas::{AccountId, Actor};

    fn recorded(position: u64, bytes: usize) -> Recorded {
        Recorded {
            position: Position::at(position),
            stream: StreamId::named("conversation-1"),
            version: Version(position),
            id: EventId::from_u128(u128::from(position)),
            event_type: "CustomerSang".into(),
            schema_version: 1,
            recorded_at: Timestamp::from_secs(0),
            metadata: Metadata {
                account_id: AccountId::from_u128(1),
                actor: Actor::system("test"),
                correlation_id: uuid::Uuid::nil(),
                causation_id: None,
                traceparent: None,
                request: None,
                credential: None,
                occurred_at: Timestamp::from_secs(0),
            },
            data: "x".repeat(bytes),
        }
    }

    /// The first position, the last position and the number of cached events.
    fn cached(recent: &Recent) -> (u64, u64, usize) {
        let window = recent.0.lock().unwrap();
        let (first, last) = (window.slots.keys().next().unwrap(), window.slots.keys().last().unwrap());
        (first.commit(), last.commit(), window.slots.len())
    }

    #[test]
    fn the_newest_events_are_cached_and_a_replay_removes_none_of_them() {
        let recent = Recent::default();
        for position in 10_000..20_000 {
            assert!(recent.slot(&recorded(position, 1)).is_some());
        }
        let newest = (20_000 - EVENTS as u64, 19_999, EVENTS);
        assert_eq!(cached(&recent), newest);
        for position in 0..10_000 {
            assert!(recent.slot(&recorded(position, 1)).is_none());
        }
        assert_eq!(cached(&recent), newest);
    }

    #[test]
    fn fewer_large_events_are_cached() {
        let recent = Recent::default();
        for position in 0..100 {
            recent.slot(&recorded(position, BYTES / 10));
        }
        assert_eq!(cached(&recent), (90, 99, 10));
    }

    #[test]
    fn another_event_at_the_same_position_replaces_the_entry() {
        let recent = Recent::default();
        let first = recent.slot(&recorded(7, 1)).unwrap();
        let other = Recorded { id: EventId::from_u128(8), ..recorded(7, 1) };
        let second = recent.slot(&other).unwrap();
        assert!(!Arc::ptr_eq(&first.decoded, &second.decoded));
        assert_eq!(recent.0.lock().unwrap().bytes, 1);
    }
}
