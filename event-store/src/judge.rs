//! The rules of an append as pure functions: which appends of a group may be written, and at which positions.
//! Every engine that commits in groups uses them.

use crate::row::Row;
use crate::{AppendError, Appended, Expected};
use event_schemas::{EventId, Position, Recorded, StreamId, Timestamp, Version};
use std::collections::HashMap;

/// The rows that one caller appends to a stream.
#[derive(Clone, Debug)]
pub struct Append {
    pub stream: StreamId,
    pub expected: Expected,
    pub rows: Vec<Row>,
}

impl Append {
    /// Its events as they are in the log, computed from the location of the last one.
    pub fn recorded(self, last: Appended, recorded_at: Timestamp) -> impl Iterator<Item = Recorded> {
        let Self { stream, rows, .. } = self;
        let behind = (0..rows.len() as u64).rev();
        rows.into_iter().zip(behind).map(move |(row, behind)| Recorded {
            position: Position::at(last.position.commit() - behind),
            stream: stream.clone(),
            version: Version(last.version.0 - behind),
            id: row.id,
            event_type: row.event_type,
            schema_version: row.schema_version,
            recorded_at,
            metadata: row.metadata,
            data: row.data,
        })
    }
}

/// The location of an event in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    pub stream: StreamId,
    pub version: Version,
    pub position: u64,
}

/// The key and the end of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The position of the stream's first event, which is the stream's key.
    pub stream: u64,
    /// The version of the stream's last event.
    pub version: Version,
}

impl Head {
    /// The head of a stream whose first page holds all of its events. `None` when the stream may have more
    /// events or the page is not the first.
    pub fn of_page(events: &[Recorded], limit: usize) -> Option<Self> {
        let (first, last) = (events.first()?, events.last()?);
        let whole = first.version == Version::FIRST && events.len() < limit;
        whole.then(|| Self { stream: first.position.commit(), version: last.version })
    }
}

/// The decision about one append.
#[derive(Debug)]
pub enum Verdict {
    /// Its rows are written; stream key, version and position of the first one.
    Write { stream: u64, version: Version, position: u64 },
    /// Nothing is written; the answer for the caller.
    Answer(Result<Appended, AppendError>),
}

/// The log's state of a group's streams and events.
#[derive(Debug, Default)]
pub struct Known {
    pub end: u64,
    pub heads: HashMap<StreamId, Head>,
    pub events: HashMap<EventId, Location>,
}

/// Judges a group by the remembered heads alone, without a query. `None` when a query is needed.
///
/// The remembered heads and the end may be stale. If an id is recorded already or another process has written since, the
/// unique indexes refuse the rows. A stream that begins after the end shows that another process has written.
pub fn fast_path(
    group: &[Append],
    end: u64,
    remembered: impl Fn(&StreamId) -> Option<Head>,
) -> Option<Vec<Verdict>> {
    let mut moved: HashMap<&StreamId, Head> = HashMap::with_capacity(group.len());
    let mut position = end + 1;
    let mut verdicts = Vec::with_capacity(group.len());
    for append in group {
        let head = moved.get(&append.stream).copied().or_else(|| remembered(&append.stream));
        if head.is_some_and(|head| head.stream >= position) {
            return None;
        }
        let (stream, version) = match (append.expected, head) {
            (Expected::NoStream, None) => (position, Version::FIRST),
            (Expected::Exact(version), Some(head)) if version == head.version => {
                (head.stream, version.next())
            }
            (Expected::Any, Some(head)) => (head.stream, head.version.next()),
            _ => return None,
        };
        verdicts.push(Verdict::Write { stream, version, position });
        position += append.rows.len() as u64;
        moved.insert(&append.stream, Head { stream, version: last(version, append.rows.len()) });
    }
    Some(verdicts)
}

/// Judges a group by what the log holds, each append as if the appends before it had been written.
pub fn in_full(group: &[Append], mut known: Known) -> Vec<Verdict> {
    group.iter().map(|append| judge(append, &mut known)).collect()
}

/// The answer to an append that must not be written. `None` when it may be written.
pub fn answer(append: &Append, known: &Known) -> Option<Result<Appended, AppendError>> {
    match repeated(append, known) {
        Repeated::Whole(Location { version, position, .. }) => {
            let position = Position::at(position);
            return Some(Ok(Appended { version, position, repeated: true }));
        }
        Repeated::Partly(id, Location { stream, version, .. }) => {
            return Some(Err(AppendError::PartlyRecorded { id, stream, version }));
        }
        Repeated::No => {}
    }
    let actual = known.heads.get(&append.stream).map(|head| head.version);
    let fits = match append.expected {
        Expected::NoStream => actual.is_none(),
        Expected::Exact(version) => actual == Some(version),
        Expected::Any => true,
    };
    (!fits).then(|| {
        let (stream, expected) = (append.stream.clone(), append.expected);
        Err(AppendError::Conflict { stream, expected, actual })
    })
}

fn judge(append: &Append, known: &mut Known) -> Verdict {
    if let Some(answer) = answer(append, known) {
        return Verdict::Answer(answer);
    }
    let head = known.heads.get(&append.stream).copied();
    let position = known.end + 1;
    let (stream, version) =
        head.map_or((position, Version::FIRST), |head| (head.stream, head.version.next()));
    for (offset, row) in (0..).zip(&append.rows) {
        let location = Location {
            stream: append.stream.clone(),
            version: Version(version.0 + offset),
            position: position + offset,
        };
        known.events.insert(row.id, location);
    }
    known.end += append.rows.len() as u64;
    let head = Head { stream, version: last(version, append.rows.len()) };
    known.heads.insert(append.stream.clone(), head);
    Verdict::Write { stream, version, position }
}

enum Repeated {
    /// Every event is in the log; the location of the last one.
    Whole(Location),
    /// This event is in the log and another one is not, or this id is twice in the append itself.
    Partly(EventId, Location),
    No,
}

fn repeated(append: &Append, known: &Known) -> Repeated {
    let mut here = HashMap::with_capacity(append.rows.len());
    for (offset, row) in (0..).zip(&append.rows) {
        if let Some(first) = here.insert(row.id, offset) {
            let location = Location { stream: append.stream.clone(), version: Version(first), position: 0 };
            return Repeated::Partly(row.id, location);
        }
    }
    let mut locations = append.rows.iter().filter_map(|row| Some((row.id, known.events.get(&row.id)?)));
    let Some((id, first)) = locations.next() else { return Repeated::No };
    let others = locations.count();
    if others + 1 < append.rows.len() {
        return Repeated::Partly(id, first.clone());
    }
    let last = append.rows.last().and_then(|row| known.events.get(&row.id)).unwrap_or(first);
    Repeated::Whole(last.clone())
}

pub fn last(first: Version, count: usize) -> Version {
    Version(first.0 + count as u64 - 1)
}

/// The decision about an imported event.
pub enum ImportVerdict {
    Present { position: u64 },
    New { stream: u64, position: u64 },
}

/// Judges one imported event as if the events before it had been written.
pub fn judge_import(event: &Recorded, known: &mut Known) -> Result<ImportVerdict, AppendError> {
    if let Some(location) = known.events.get(&event.id) {
        return if location.stream == event.stream && location.version == event.version {
            Ok(ImportVerdict::Present { position: location.position })
        } else {
            Err(AppendError::PartlyRecorded {
                id: event.id,
                stream: location.stream.clone(),
                version: location.version,
            })
        };
    }
    let head = known.heads.get(&event.stream).copied();
    let actual = head.map(|head| head.version);
    let before = event.version.0.checked_sub(1).map(Version);
    if actual != before {
        let expected = before.map_or(Expected::NoStream, Expected::Exact);
        return Err(AppendError::Conflict { stream: event.stream.clone(), expected, actual });
    }
    known.end += 1;
    let location = Location { stream: event.stream.clone(), version: event.version, position: known.end };
    let stream = head.map_or(known.end, |head| head.stream);
    known.heads.insert(event.stream.clone(), Head { stream, version: event.version });
    known.events.insert(event.id, location);
    Ok(ImportVerdict::New { stream, position: known.end })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_that_begins_after_the_known_end_needs_a_lookup() {
        let stream = StreamId::named("contact".to_owned());
        let append = Append { stream, expected: Expected::Exact(Version::FIRST), rows: Vec::new() };
        let head = Head { stream: 587, version: Version::FIRST };
        let is_fast = |end| fast_path(std::slice::from_ref(&append), end, |_| Some(head)).is_some();
        assert_eq!([586, 587].map(is_fast), [false, true]);
    }
}
