//! The server's log: records at byte offsets, streams, and the event ids of recent appends.
//!
//! It decides an append as the real server does. With an exact expectation it recognises a repeated append by the
//! stream itself. With no expectation it recognises one only by a bounded list of recent ids, per stream, which is
//! lost at a restart. It does not check whether an id is in another stream.

use bytes::Bytes;
use std::collections::{BTreeSet, HashMap, VecDeque};
use tokio::sync::watch;
use uuid::Uuid;

/// How many ids are kept for appends without an expectation. The real server keeps megabytes of them; this one
/// keeps so few that tests exceed the number.
const RECENT_IDS: usize = 64;

/// After how many appends the server writes an event of its own.
const STATISTICS_EVERY: usize = 7;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogPosition {
    pub commit: u64,
    pub prepare: u64,
}

#[derive(Clone, Debug)]
pub struct Record {
    pub position: LogPosition,
    pub stream: String,
    pub revision: u64,
    pub id: Uuid,
    pub event_type: String,
    pub content_type: String,
    pub metadata: Bytes,
    pub data: Bytes,
}

#[derive(Clone, Debug)]
pub struct Proposal {
    pub id: Uuid,
    pub event_type: String,
    pub content_type: String,
    pub metadata: Bytes,
    pub data: Bytes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expectation {
    Revision(u64),
    NoStream,
    Any,
    Exists,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Decision {
    Written { revision: u64, position: LogPosition },
    Wrong { current: Option<u64> },
}

pub struct Log {
    records: Vec<Record>,
    streams: HashMap<String, Vec<usize>>,
    /// The offsets at which records begin. Reading from any other offset is an error.
    boundaries: BTreeSet<u64>,
    next: u64,
    recent: VecDeque<(Uuid, String, u64)>,
    appends: usize,
    grew: watch::Sender<usize>,
}

impl Default for Log {
    fn default() -> Self {
        let mut log = Self {
            records: Vec::new(),
            streams: HashMap::new(),
            boundaries: BTreeSet::new(),
            next: 0,
            recent: VecDeque::new(),
            appends: 0,
            grew: watch::Sender::new(0),
        };
        log.system("$users", "$User");
        log.system("$settings", "$update");
        log
    }
}

impl Log {
    pub fn grown(&self) -> watch::Receiver<usize> {
        self.grew.subscribe()
    }

    pub fn records(&self) -> &[Record] {
        &self.records
    }

    pub fn get(&self, index: usize) -> Option<&Record> {
        self.records.get(index)
    }

    pub fn stream(&self, name: &str) -> Option<Vec<&Record>> {
        Some(self.streams.get(name)?.iter().map(|index| &self.records[*index]).collect())
    }

    /// The index of the first record at or after a position; `None` when no record begins there.
    pub fn at_or_after(&self, position: LogPosition) -> Option<usize> {
        let aligned = self.boundaries.contains(&position.commit) || position.commit == self.next;
        aligned.then(|| self.records.partition_point(|record| record.position < position))
    }

    /// Drops the recent ids, as a restart does.
    pub fn restarted(&mut self) {
        self.recent.clear();
    }

    pub fn append(&mut self, stream: &str, expected: Expectation, events: Vec<Proposal>) -> Decision {
        if let Some(decision) = self.decide(stream, expected, &events) {
            return decision;
        }
        let decision = self.write(stream, events);
        self.appends += 1;
        if self.appends.is_multiple_of(STATISTICS_EVERY) {
            self.system("$stats-127.0.0.1:2113", "$statsCollected");
        }
        self.grew.send_replace(self.records.len());
        decision
    }

    fn decide(&self, stream: &str, expected: Expectation, events: &[Proposal]) -> Option<Decision> {
        let indexes = self.streams.get(stream);
        let current = indexes.map(|indexes| indexes.len() as u64 - 1);
        let wrong = Some(Decision::Wrong { current });
        let next = match (expected, current) {
            (Expectation::NoStream, None) => return None,
            (Expectation::Revision(revision), Some(is)) if revision == is => return None,
            (Expectation::Revision(revision), is) if is.is_none_or(|is| revision > is) => return wrong,
            (Expectation::Revision(revision), _) => revision + 1,
            (Expectation::NoStream, Some(_)) => 0,
            (Expectation::Exists, None) => return wrong,
            (Expectation::Any | Expectation::Exists, _) => {
                return self.decide_by_recent_ids(stream, current, events);
            }
        };
        // The stream has gone beyond the expected revision: a repetition, if exactly these events follow it.
        let known = indexes.map(Vec::as_slice).unwrap_or_default();
        let there = known.get(next as usize..).unwrap_or_default();
        let same = there.len() >= events.len()
            && there.iter().zip(events).all(|(index, event)| self.records[*index].id == event.id);
        if !same {
            return wrong;
        }
        let last = &self.records[there[events.len() - 1]];
        Some(Decision::Written { revision: last.revision, position: last.position })
    }

    fn decide_by_recent_ids(
        &self,
        stream: &str,
        current: Option<u64>,
        events: &[Proposal],
    ) -> Option<Decision> {
        let places: Vec<Option<u64>> = events
            .iter()
            .map(|event| {
                let found = self.recent.iter().find(|(id, name, _)| *id == event.id && name == stream);
                found.map(|(_, _, revision)| *revision)
            })
            .collect();
        match (places.first(), places.iter().copied().collect::<Option<Vec<u64>>>()) {
            (Some(None), _) => None,
            (_, Some(all)) => {
                let revision = *all.last()?;
                let index = *self.streams.get(stream)?.get(revision as usize)?;
                Some(Decision::Written { revision, position: self.records[index].position })
            }
            (_, None) => Some(Decision::Wrong { current }),
        }
    }

    fn write(&mut self, stream: &str, events: Vec<Proposal>) -> Decision {
        let prepares: Vec<u64> = events
            .iter()
            .map(|event| {
                let prepare = self.next;
                self.boundaries.insert(prepare);
                self.next += 61 + (event.data.len() + event.metadata.len() + stream.len()) as u64;
                prepare
            })
            .collect();
        // Several events are committed by a record after them, whose offset they share. Only commit and prepare
        // together identify one event.
        let committed = (prepares.len() > 1).then(|| {
            self.boundaries.insert(self.next);
            self.next += 53;
            self.next - 53
        });
        let mut last = Decision::Wrong { current: None };
        for (event, prepare) in events.into_iter().zip(prepares) {
            let indexes = self.streams.entry(stream.to_owned()).or_default();
            let revision = indexes.len() as u64;
            indexes.push(self.records.len());
            let position = LogPosition { commit: committed.unwrap_or(prepare), prepare };
            if self.recent.len() >= RECENT_IDS {
                self.recent.pop_front();
            }
            self.recent.push_back((event.id, stream.to_owned(), revision));
            self.records.push(Record {
                position,
                stream: stream.to_owned(),
                revision,
                id: event.id,
                event_type: event.event_type,
                content_type: event.content_type,
                metadata: event.metadata,
                data: event.data,
            });
            last = Decision::Written { revision, position };
        }
        last
    }

    /// Writes an event of the server's own.
    fn system(&mut self, stream: &str, event_type: &str) {
        let event = Proposal {
            id: Uuid::from_u128(0x5157_0000_0000 + self.records.len() as u128),
            event_type: event_type.to_owned(),
            content_type: "application/json".to_owned(),
            metadata: Bytes::new(),
            data: Bytes::from_static(b"{}"),
        };
        self.write(stream, vec![event]);
    }
}
