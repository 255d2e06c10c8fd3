//! What of a group can be written in one go, and what each caller is told of it.

use super::fast_path::End;
use super::lock::try_lock;
use super::statement::{Statement, Value};
use crate::judge::{Append, Head};
use crate::row::{Row, category_code};
use crate::{Appended, Expected};
use event_schemas::{EventId, Position, StreamId, Timestamp, Version};
use std::collections::{HashMap, HashSet};

/// The rows of a group that fit together, ready to be handed over. What does not is left for the next.
pub struct Plan<'a> {
    targets: Vec<Target<'a>>,
    rows: Vec<PlannedRow<'a>>,
    /// Which appends of the group are in it, in order.
    appends: Vec<PlannedAppend>,
}

/// A stream and what is believed of it.
struct Target<'a> {
    name: &'a StreamId,
    /// 0: not known.
    key: i64,
    /// -1: it has no event.
    head: i64,
    /// Nothing is written if the belief is wrong.
    binding: bool,
    /// It is what this node remembers of the stream, and not only what a caller expects.
    remembered: bool,
    /// Its first row, counted from 1.
    first_row: i64,
    count: i64,
}

struct PlannedRow<'a> {
    target: usize,
    ordinal: i64,
    row: &'a Row,
}

struct PlannedAppend {
    append: usize,
    target: usize,
    rows: i64,
    /// Its last row among the stream's, counted from 1.
    ordinal: i64,
}

/// What the server said of the streams.
pub struct Outcome {
    /// The position before the first row's.
    pub after: i64,
    /// When they were recorded.
    pub recorded_at: i64,
    /// Keys and last versions as they were, when they were not as believed.
    pub actual: Option<(Vec<i64>, Vec<i64>)>,
}

/// An append of the group that is in the log, and where its stream ends now.
pub struct Written<'a> {
    pub append: usize,
    pub appended: Appended,
    pub stream: &'a StreamId,
    pub head: Head,
}

impl<'a> Plan<'a> {
    pub fn of(group: &[&'a Append], remembered: impl Fn(&StreamId) -> Option<Head>) -> Self {
        let mut plan =
            Self { targets: Vec::new(), rows: Vec::new(), appends: Vec::with_capacity(group.len()) };
        let mut known: HashMap<&StreamId, usize> = HashMap::with_capacity(group.len());
        let mut ids: HashSet<EventId> = HashSet::with_capacity(group.len());
        for (index, append) in group.iter().enumerate() {
            let at = known.get(&append.stream).copied();
            if !at.is_none_or(|at| plan.targets[at].accepts(append.expected)) {
                continue;
            }
            // The same told twice: the second time is judged when the first is in the log.
            if !append.rows.iter().all(|row| ids.insert(row.id)) {
                continue;
            }
            let first_row = plan.rows.len() as i64 + 1;
            let target = at.unwrap_or_else(|| {
                plan.targets.push(Target::of(append, first_row, remembered(&append.stream)));
                known.insert(&append.stream, plan.targets.len() - 1);
                plan.targets.len() - 1
            });
            for row in &append.rows {
                plan.targets[target].count += 1;
                plan.rows.push(PlannedRow { target, ordinal: plan.targets[target].count, row });
            }
            let (rows, ordinal) = (append.rows.len() as i64, plan.targets[target].count);
            plan.appends.push(PlannedAppend { append: index, target, rows, ordinal });
        }
        plan
    }

    pub fn events(&self) -> usize {
        self.rows.len()
    }

    /// The appends that are in this plan.
    pub fn appends(&self) -> impl Iterator<Item = usize> {
        self.appends.iter().map(|entry| entry.append)
    }

    pub fn statement(&self, recorded_at: Timestamp) -> Statement<'_> {
        let targets = || self.targets.iter();
        let rows = || self.rows.iter();
        Statement::new(
            "select * from verbatim_log.append_group($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        )
        .with(Value::Texts(targets().map(|target| target.name.as_str()).collect()))
        .with(Value::Numbers(targets().map(|target| target.key).collect()))
        .with(Value::Numbers(targets().map(|target| target.head).collect()))
        .with(Value::Flags(targets().map(|target| target.binding).collect()))
        .with(Value::Numbers(targets().map(|target| target.name.category().map_or(0, category_code)).collect()))
        .with(Value::Number(recorded_at.as_micros()))
        .with(Value::Numbers(rows().map(|planned| planned.target as i64 + 1).collect()))
        .with(Value::Numbers(rows().map(|planned| planned.ordinal).collect()))
        .with(Value::Ids(rows().map(|planned| planned.row.id.0).collect()))
        .with(Value::Texts(rows().map(|planned| &*planned.row.event_type).collect()))
        .with(Value::Numbers(rows().map(|planned| i64::from(planned.row.schema_version)).collect()))
        .with(Value::Ids(rows().map(|planned| planned.row.account.0).collect()))
        .with(Value::Texts(rows().map(|planned| planned.row.metadata_json.as_str()).collect()))
        .with(Value::Texts(rows().map(|planned| planned.row.data.as_str()).collect()))
        .with(Value::Numbers(targets().map(|target| target.first_row).collect()))
    }

    /// The same for one stream whose end is known, at a log whose end is known: nothing is asked, and rows come
    /// back only if everything was as believed. None: something has to be asked.
    pub fn fast_statement(&self, end: End, recorded_at: i64) -> Option<Statement<'_>> {
        let [target] = self.targets.as_slice() else { return None };
        let key = match target.head {
            // That a stream is new is not remembered but expected; another of its name is objected to.
            -1 if target.binding => end.position + 1,
            _ if target.remembered => target.key,
            _ => return None,
        };
        let rows = || self.rows.iter().map(|planned| planned.row);
        let statement = Statement::new(concat!(
            "insert into verbatim_log.event (position, stream, version, recorded_at, id, account, category, \
             schema_version, name, type, metadata, data) \
             select $1 + r.n, $2, $3 + r.n, $4, r.id, r.account, $5, r.schema, $6, r.type, r.metadata, r.data \
             from unnest($7, $8, $9, $10, $11, $12) with ordinality \
             as r (id, account, schema, type, metadata, data, n) \
             where (select ",
            try_lock!(),
            ") returning position",
        ))
        .with(Value::Number(end.position))
        .with(Value::Number(key))
        .with(Value::Number(target.head))
        .with(Value::Number(recorded_at))
        .with(Value::Number(target.name.category().map_or(0, category_code)))
        .with(Value::Text(target.name.as_str()))
        .with(Value::Ids(rows().map(|row| row.id.0).collect()))
        .with(Value::Ids(rows().map(|row| row.account.0).collect()))
        .with(Value::Numbers(rows().map(|row| i64::from(row.schema_version)).collect()))
        .with(Value::Texts(rows().map(|row| &*row.event_type).collect()))
        .with(Value::Texts(rows().map(|row| row.metadata_json.as_str()).collect()))
        .with(Value::Texts(rows().map(|row| row.data.as_str()).collect()));
        Some(statement)
    }

    /// Which appends were written and where, in the order of the log.
    pub fn written(&self, outcome: &Outcome) -> Vec<Written<'a>> {
        let mut written = Vec::with_capacity(self.appends.len());
        // What is left out takes no place.
        let mut place = outcome.after;
        let mut new_keys: HashMap<usize, i64> = HashMap::new();
        for entry in &self.appends {
            let target = &self.targets[entry.target];
            let (mut key, mut head) = (target.key, target.head);
            if let Some((keys, heads)) = &outcome.actual {
                (key, head) = (
                    keys.get(entry.target).copied().unwrap_or(key),
                    heads.get(entry.target).copied().unwrap_or(head),
                );
                if target.binding && head != target.head {
                    continue;
                }
            }
            if key == 0 {
                key = *new_keys.entry(entry.target).or_insert(place + 1);
            }
            place += entry.rows;
            let version = Version((head + entry.ordinal) as u64);
            let position = Position::at(place as u64);
            let appended = Appended { version, position, repeated: false };
            let head = Head { stream: key as u64, version };
            written.push(Written { append: entry.append, appended, stream: target.name, head });
        }
        written
    }
}

impl<'a> Target<'a> {
    fn of(append: &'a Append, first_row: i64, remembered: Option<Head>) -> Self {
        let (key, last) = remembered.map_or((0, -1), |head| (head.stream as i64, head.version.0 as i64));
        let (key, head, binding) = match append.expected {
            Expected::NoStream => (0, -1, true),
            Expected::Exact(version) => (key, i64::try_from(version.0).unwrap_or(i64::MAX), true),
            Expected::Any => (key, last, false),
        };
        let remembered = remembered.is_some() && head == last;
        Self { name: &append.stream, key, head, binding, remembered, first_row, count: 0 }
    }

    /// Whether an append that expects this can follow those that are here already.
    fn accepts(&self, expected: Expected) -> bool {
        match expected {
            Expected::Any => true,
            Expected::Exact(version) => {
                self.binding && i64::try_from(version.0).ok() == self.head.checked_add(self.count)
            }
            Expected::NoStream => false,
        }
    }
}
