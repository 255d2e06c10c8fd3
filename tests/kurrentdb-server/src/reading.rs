//! Answers to a read: a section of a stream or of the whole log, or a subscription, which does not end.

use crate::log::{Log, LogPosition, Record};
use crate::wire::{
    AllOption, AllOptions, BACKWARDS, CaughtUp, Confirmation, CountOption, EventPosition, FilterOn,
    FilterOption, Position, ReadContent, ReadEvent, ReadOptions, ReadResp, RecordedEvent, RevisionOption,
    StreamIdentifier, StreamNotFound, StreamOption, StreamOptions, Uuid, Window,
};
use regex::Regex;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tonic::Status;

/// How many records a filtered subscription considers at a time, when the client does not set the number.
const WINDOW: u32 = 50;

pub type Answer = Result<ReadResp, Status>;

/// Selects records of the whole log.
struct RecordFilter {
    on: FilterSubject,
    expression: Pattern,
    /// How many records are considered between two checkpoints.
    interval: usize,
}

enum FilterSubject {
    Stream,
    EventType,
}

enum Pattern {
    Regex(Regex),
    Prefixes(Vec<String>),
}

impl RecordFilter {
    fn read(filter: &FilterOption) -> Result<Option<Self>, Status> {
        let FilterOption::Filter(filter) = filter else { return Ok(None) };
        let (on, expression) = match filter.filter.clone() {
            Some(FilterOn::StreamIdentifier(expression)) => (FilterSubject::Stream, expression),
            Some(FilterOn::EventType(expression)) => (FilterSubject::EventType, expression),
            None => return Err(Status::invalid_argument("a filter has an expression")),
        };
        let window = match filter.window {
            Some(Window::Max(max)) => max,
            Some(Window::Count(())) | None => WINDOW,
        };
        let expression = if expression.regex.is_empty() {
            Pattern::Prefixes(expression.prefix)
        } else {
            let regex = Regex::new(&expression.regex);
            Pattern::Regex(regex.map_err(|error| Status::invalid_argument(error.to_string()))?)
        };
        let interval = window as usize * filter.checkpoint_interval_multiplier as usize;
        if interval == 0 {
            return Err(Status::invalid_argument("a checkpoint interval is at least one record"));
        }
        Ok(Some(Self { on, expression, interval }))
    }

    fn matches(&self, record: &Record) -> bool {
        let text = match self.on {
            FilterSubject::Stream => &record.stream,
            FilterSubject::EventType => &record.event_type,
        };
        match &self.expression {
            Pattern::Regex(regex) => regex.is_match(text),
            Pattern::Prefixes(prefixes) => prefixes.iter().any(|prefix| text.starts_with(prefix)),
        }
    }
}

fn answer(content: ReadContent) -> Answer {
    Ok(ReadResp { content: Some(content) })
}

fn event(record: &Record) -> Answer {
    let metadata = HashMap::from([
        ("type".to_owned(), record.event_type.clone()),
        ("content-type".to_owned(), record.content_type.clone()),
        // In ticks of 100 ns. The engine does not read it: it stores a time of its own.
        ("created".to_owned(), "17952228000000000".to_owned()),
    ]);
    let event = RecordedEvent {
        id: Some(Uuid::of(record.id)),
        stream_identifier: Some(StreamIdentifier::of(&record.stream)),
        stream_revision: record.revision,
        prepare_position: record.position.prepare,
        commit_position: record.position.commit,
        metadata,
        custom_metadata: record.metadata.clone(),
        data: record.data.clone(),
    };
    let position = Some(EventPosition::CommitPosition(record.position.commit));
    answer(ReadContent::Event(ReadEvent { event: Some(event), link: None, position }))
}

pub enum Reading {
    Run(Vec<Answer>),
    Live(LiveSubscription),
}

pub fn read(log: &Arc<Mutex<Log>>, options: ReadOptions) -> Result<Reading, Status> {
    let missing = || Status::invalid_argument("the request is incomplete");
    let filter = options.filter_option.as_ref().ok_or_else(missing)?;
    let backwards = options.read_direction == BACKWARDS;
    let locked = log.lock().map_err(|_| Status::internal("the lock of the log is poisoned"))?;
    match (options.stream_option.ok_or_else(missing)?, options.count_option.ok_or_else(missing)?) {
        (_, CountOption::Count(0)) => Err(Status::invalid_argument("a read reads at least one event")),
        (StreamOption::Stream(stream), CountOption::Count(count)) => {
            Ok(Reading::Run(stream_run(&locked, stream, backwards, count)))
        }
        (StreamOption::All(all), CountOption::Count(count)) => {
            let filter = RecordFilter::read(filter)?;
            all_run(&locked, all, filter, backwards, count).map(Reading::Run)
        }
        (StreamOption::All(all), CountOption::Subscription(())) => {
            let filter = RecordFilter::read(filter)?;
            let next = start_of_subscription(&locked, all)?;
            drop(locked);
            let log = Arc::clone(log);
            Ok(Reading::Live(LiveSubscription {
                log,
                next,
                filter,
                considered: 0,
                confirmed: false,
                live: false,
            }))
        }
        (StreamOption::Stream(_), CountOption::Subscription(())) => {
            Err(Status::unimplemented("this server subscribes only to $all"))
        }
    }
}

fn stream_run(log: &Log, options: StreamOptions, backwards: bool, count: u64) -> Vec<Answer> {
    let stream_identifier = options.stream_identifier;
    let name = stream_identifier.as_ref().map(StreamIdentifier::read).unwrap_or_default();
    let Some(records) = log.stream(&name) else {
        return vec![answer(ReadContent::StreamNotFound(StreamNotFound { stream_identifier }))];
    };
    let last = records.len() as u64 - 1;
    let from = match options.revision_option {
        Some(RevisionOption::Revision(revision)) => revision,
        Some(RevisionOption::End(())) if backwards => last,
        Some(RevisionOption::End(())) => last + 1,
        Some(RevisionOption::Start(())) | None => 0,
    };
    let mut answers = vec![answer(ReadContent::FirstStreamPosition(0))];
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    if backwards {
        let upto = usize::try_from(from.min(last)).unwrap_or(0);
        answers.extend(records[..=upto].iter().rev().take(count).map(|record| event(record)));
    } else if from <= last {
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        answers.extend(records[from..].iter().take(count).map(|record| event(record)));
    }
    answers.push(answer(ReadContent::LastStreamPosition(last)));
    answers
}

fn all_run(
    log: &Log,
    options: AllOptions,
    filter: Option<RecordFilter>,
    backwards: bool,
    count: u64,
) -> Result<Vec<Answer>, Status> {
    let records = log.records();
    let from = match options.all_option {
        Some(AllOption::Position(position)) => index_of(log, position)?,
        Some(AllOption::End(())) => records.len(),
        Some(AllOption::Start(())) | None => 0,
    };
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let matches = |record: &&Record| filter.as_ref().is_none_or(|filter| filter.matches(record));
    Ok(if backwards {
        records[..from].iter().rev().filter(matches).take(count).map(event).collect()
    } else {
        records[from..].iter().filter(matches).take(count).map(event).collect()
    })
}

fn index_of(log: &Log, position: Position) -> Result<usize, Status> {
    let position = LogPosition { commit: position.commit_position, prepare: position.prepare_position };
    log.at_or_after(position)
        .ok_or_else(|| Status::invalid_argument("Trying to read from an invalid position."))
}

/// A subscription begins after the record at or after its position. A client that sends only the commit part of a
/// position loses an event here, as with the real server.
fn start_of_subscription(log: &Log, options: AllOptions) -> Result<usize, Status> {
    Ok(match options.all_option {
        Some(AllOption::Position(position)) => index_of(log, position)? + 1,
        Some(AllOption::End(())) => log.records().len(),
        Some(AllOption::Start(())) | None => 0,
    })
}

/// A running subscription to the whole log.
pub struct LiveSubscription {
    log: Arc<Mutex<Log>>,
    next: usize,
    filter: Option<RecordFilter>,
    considered: usize,
    confirmed: bool,
    live: bool,
}

impl LiveSubscription {
    /// The next answer; `None` when there is none until the log grows.
    pub fn next_answer(&mut self) -> Option<Answer> {
        if !self.confirmed {
            self.confirmed = true;
            let subscription_id = uuid::Uuid::from_u128(1).to_string();
            return Some(answer(ReadContent::Confirmation(Confirmation { subscription_id })));
        }
        let Ok(log) = self.log.lock() else {
            return Some(Err(Status::internal("the lock of the log is poisoned")));
        };
        while let Some(record) = log.get(self.next) {
            let matches = self.filter.as_ref().is_none_or(|filter| filter.matches(record));
            let interval = self.filter.as_ref().map_or(usize::MAX, |filter| filter.interval);
            if self.considered >= interval {
                self.considered = 0;
                let before = log.get(self.next - 1).map(|record| record.position);
                let position = before.unwrap_or(LogPosition { commit: 0, prepare: 0 });
                return Some(answer(ReadContent::Checkpoint(Position {
                    commit_position: position.commit,
                    prepare_position: position.prepare,
                })));
            }
            self.next += 1;
            self.considered += 1;
            if matches {
                return Some(event(record));
            }
        }
        if !self.live {
            self.live = true;
            return Some(answer(ReadContent::CaughtUp(CaughtUp { timestamp: None })));
        }
        None
    }
}
