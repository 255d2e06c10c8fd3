//! Which appends of a group one statement can write, and the answers that follow from the server's result.

use super::fast_path::End;
use super::lock::try_lock;
use super::statement::{Statement, Value};
use crate::judge::{Append, Head};
use crate::row::{Row, category_code};
use crate::{Appended, Expected};
use event_schemas::{EventId, Position, StreamId, Timestamp, Version};
use std::collections::{HashMap, HashSet};

/// The rows of a group that one statement can write. The other appends are left for the next statement.
pub struct Plan<'a> {
    targets: Vec<Target<'a>>,
    rows: Vec<PlannedRow<'a>>,
    /// The appends of the group that are in the plan, in order.
    appends: Vec<PlannedAppend>,
}

/// A stream and what this node assumes about it.
struct Target<'a> {
    name: &'a StreamId,
    /// 0 when it is not known.
    key: i64,
    /// The version of its last event; -1 when it has no event.
    head: i64,
    /// Whether nothing is written to the stream when the assumed head is wrong.
    binding: bool,
    /// Whether the head comes from this node's cache, and not only from what a caller expects.
    remembered: bool,
    /// The number of its first row in the plan, counted from 1.
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
    /// The number of its last row among the stream's rows, counted from 1.
    ordinal: i64,
}

/// The server's result for a plan.
pub struct Outcome {
    /// The position before the first row.
    pub after: i64,
    /// When the rows were recorded, in microseconds.
    pub recorded_at: i64,
    /// Keys and last versions of the streams before the write. `None` when all were as assumed.
    pub actual: Option<(Vec<i64>, Vec<i64>)>,
}

/// An append of the group that is in the log, and its stream's head after it.
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
            // The same id twice: the second append is judged when the first is in the log.
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

    /// The statement for one stream whose head is known, in a log whose end is known: it looks nothing up, and
    /// returns rows only if everything was as assumed. `None` when the plan needs a lookup.
    pub fn fast_statement(&self, end: End, recorded_at: i64) -> Option<Statement<'_>> {
        let [target] = self.targets.as_slice() else { return None };
        let key = match target.head {
            // A new stream is in no cache, it is expected; if the name exists, the unique index refuses it.
            -1 if target.binding => end.position + 1,
            // A stream that begins after the end: another node has appended meanwhile.
            _ if target.remembered && target.key <= end.position => target.key,
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

    /// The appends that were written, in the order of the log.
    pub fn written(&self, outcome: &Outcome) -> Vec<Written<'a>> {
        let mut written = Vec::with_capacity(self.appends.len());
        // An append that was not written has no position.
        let mut end = outcome.after;
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
                key = *new_keys.entry(entry.target).or_insert(end + 1);
            }
            end += entry.rows;
            let version = Version((head + entry.ordinal) as u64);
            let position = Position::at(end as u64);
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

    /// Whether an append with this expectation can follow the stream's appends that are in the plan already.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_that_begins_after_the_known_end_needs_a_lookup() {
        let stream = StreamId::named("contact".to_owned());
        let append = Append { stream, expected: Expected::Exact(Version(0)), rows: Vec::new() };
        let head = Head { stream: 587, version: Version(0) };
        let plan = Plan::of(&[&append], |_| Some(head));
        let is_fast = |position| plan.fast_statement(End { position, recorded_at: 0 }, 0).is_some();
        assert_eq!([586, 587].map(is_fast), [false, true]);
    }
}
