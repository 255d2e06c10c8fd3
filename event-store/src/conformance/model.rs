//! A model of a log in a few lines, to compare an engine with.

use crate::{AppendError, Expected};
use event_schemas::{EventId, Version};
use std::collections::HashMap;

/// The rules of an append over plain collections.
#[derive(Default)]
pub struct Model {
    /// Stream and event, in order.
    pub log: Vec<(u128, EventId)>,
    locations: HashMap<EventId, (u128, u64)>,
}

/// The part of an append's outcome in which model and engine can be compared.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    Written { last: u64 },
    Repeated { last: u64 },
    Conflict { actual: Option<u64> },
    PartlyRecorded,
}

impl Model {
    pub fn append(&mut self, stream: u128, expected: Expected, ids: &[EventId]) -> Outcome {
        let known = ids.iter().filter(|id| self.locations.contains_key(id)).count();
        let twice = (1..ids.len()).any(|index| ids[..index].contains(&ids[index]));
        if twice || (known > 0 && known < ids.len()) {
            return Outcome::PartlyRecorded;
        }
        if known == ids.len() {
            return Outcome::Repeated { last: self.locations[&ids[ids.len() - 1]].1 };
        }
        let count = self.log.iter().filter(|(which, _)| *which == stream).count() as u64;
        let actual = count.checked_sub(1);
        let fits = match expected {
            Expected::NoStream => actual.is_none(),
            Expected::Exact(version) => actual == Some(version.0),
            Expected::Any => true,
        };
        if !fits {
            return Outcome::Conflict { actual };
        }
        for (version, id) in (count..).zip(ids) {
            self.log.push((stream, *id));
            self.locations.insert(*id, (stream, version));
        }
        Outcome::Written { last: count + ids.len() as u64 - 1 }
    }
}

impl Outcome {
    /// The outcome of an engine's append.
    pub fn of(answer: Result<crate::Appended, AppendError>) -> Self {
        match answer {
            Ok(appended) if appended.repeated => Self::Repeated { last: appended.version.0 },
            Ok(appended) => Self::Written { last: appended.version.0 },
            Err(AppendError::Conflict { actual, .. }) => {
                Self::Conflict { actual: actual.map(|Version(version)| version) }
            }
            Err(AppendError::PartlyRecorded { .. }) => Self::PartlyRecorded,
            Err(other) => panic!("{other}"),
        }
    }
}
