//! Taking events over from another log: everything is looked at first, then written in the order given.

use super::Log;
use super::appending::{slots, twice};
use super::claims::{Look, Slot};
use super::connection::Trouble;
use super::events::{Ready, position};
use super::reading::last;
use crate::{AppendError, Expected, Unavailable};
use event_schemas::{EventId, Position, Recorded, StreamId, Version};
use std::collections::HashMap;

/// How many bytes of events go into one request.
const LARGEST: usize = 512 * 1024;

/// Events that follow each other in one stream, and from which revision on.
struct Run {
    stream: String,
    first: u64,
    events: Vec<Ready>,
    size: usize,
}

impl Log {
    pub async fn import(&self, events: Vec<Recorded>) -> Result<Option<Position>, AppendError> {
        if let Some(id) = twice(events.iter().map(|event| event.id))
            && let Some(first) = events.iter().find(|event| event.id == id)
        {
            let (stream, version) = (first.stream.clone(), first.version);
            return Err(AppendError::PartlyRecorded { id, stream, version });
        }
        let looks =
            self.look_at(events.iter().map(|event| event.id).collect()).await.map_err(Unavailable::from)?;
        let mut heads: HashMap<StreamId, Option<Version>> = HashMap::new();
        let (mut place, mut runs) = (None, Vec::new());
        for (event, look) in events.iter().zip(looks) {
            if let Look::Recorded(there) = look {
                let here = self.names.stream(&event.stream);
                if there.stream_id() != here || there.revision != event.version.0 {
                    return Err(self.partly(&there)?);
                }
                place = Some(position(&there));
                continue;
            }
            if !heads.contains_key(&event.stream) {
                let name = self.names.stream(&event.stream);
                let last = last(&self.connection, &name).await.map_err(Unavailable::from)?;
                heads.insert(event.stream.clone(), last.map(|event| Version(event.revision)));
            }
            let actual = heads.get(&event.stream).copied().flatten();
            let before = event.version.0.checked_sub(1).map(Version);
            if actual != before {
                let expected = before.map_or(Expected::NoStream, Expected::Exact);
                return Err(AppendError::Conflict { stream: event.stream.clone(), expected, actual });
            }
            heads.insert(event.stream.clone(), Some(event.version));
            self.add(&mut runs, event);
        }
        let mut held = Vec::new();
        let wanted: Vec<(EventId, Slot)> =
            runs.iter().flat_map(|run| slots(&run.stream, run.first, &run.events)).collect();
        if let Some(there) = self.claim_each(wanted, &mut held).await.map_err(Unavailable::from)? {
            self.release(&held).await;
            return Err(self.partly(&there)?);
        }
        for run in runs {
            place = Some(self.write_run(&run).await?);
        }
        Ok(place)
    }

    fn add(&self, runs: &mut Vec<Run>, event: &Recorded) {
        let stream = self.names.stream(&event.stream);
        let ready = Ready::adopted(event);
        let size = ready.size();
        if let Some(run) = runs.last_mut()
            && run.stream == stream
            && run.events.len() < super::MAX_EVENTS
            && run.size + size <= LARGEST
        {
            run.size += size;
            run.events.push(ready);
            return;
        }
        runs.push(Run { stream, first: event.version.0, events: vec![ready], size });
    }

    async fn write_run(&self, run: &Run) -> Result<Position, AppendError> {
        match self.write(&run.stream, run.first, &run.events).await {
            Ok((_, place)) => Ok(place),
            // Somebody appended to the stream since it was looked at.
            Err(Trouble::Elsewhere { current }) => Err(AppendError::Conflict {
                stream: self.names.read(&run.stream).unwrap_or_else(|| StreamId::named(&*run.stream)),
                expected: run
                    .first
                    .checked_sub(1)
                    .map_or(Expected::NoStream, |v| Expected::Exact(Version(v))),
                actual: current.map(Version),
            }),
            Err(other) => Err(AppendError::Unavailable(other.into())),
        }
    }
}
