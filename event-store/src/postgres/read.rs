//! Reading: each answer is the log as it was at one moment.

use super::pool::Lines;
use super::rows::{decode, number, select};
use super::statement::{Ask, Value};
use crate::row;
use crate::{Filter, Page, ReadError};
use event_schemas::{Category, EventId, Position, Recorded, StreamId, Version};

/// How many rows one page looks through at most.
const SCAN: i64 = 4096;

pub async fn stream(
    lines: &Lines,
    stream: &StreamId,
    from: Version,
    limit: usize,
) -> Result<Vec<Recorded>, ReadError> {
    const SQL: &str = select!(
        "where stream = (select stream from verbatim_log.event where name = $1 and version = 0) \
         and version >= $2 order by version limit $3"
    );
    let Ok(from) = i64::try_from(from.0) else { return Ok(Vec::new()) };
    let ask = Ask::new(SQL).with(Value::Text(stream.as_str())).with(Value::Number(from)).with(count(limit));
    lines.read(&ask, decode).await
}

pub async fn find(lines: &Lines, id: EventId) -> Result<Option<Recorded>, ReadError> {
    Ok(lines.read(&Ask::new(select!("where id = $1")).with(Value::Id(id.0)), decode).await?.pop())
}

pub async fn stream_version(lines: &Lines, stream: &StreamId) -> Result<Option<Version>, ReadError> {
    let ask = Ask::new(
        "select max(version) from verbatim_log.event \
         where stream = (select stream from verbatim_log.event where name = $1 and version = 0)",
    )
    .with(Value::Text(stream.as_str()));
    Ok(one(lines, ask).await?.map(|version| Version(version as u64)))
}

pub async fn end(lines: &Lines) -> Result<Option<Position>, ReadError> {
    Ok(last(lines).await?.map(at))
}

async fn last(lines: &Lines) -> Result<Option<i64>, ReadError> {
    one(lines, Ask::new("select max(position) from verbatim_log.event")).await
}

async fn one(lines: &Lines, ask: Ask<'_>) -> Result<Option<i64>, ReadError> {
    Ok(lines.read(&ask, number).await?.pop().flatten())
}

pub async fn page(
    lines: &Lines,
    after: Option<Position>,
    filter: &Filter,
    limit: usize,
) -> Result<Page, ReadError> {
    // Past the last number a row can have there is nothing, and never will be.
    let from = after.map_or(0, |position| i64::try_from(position.commit()).unwrap_or(i64::MAX));
    if *filter == Filter::default() {
        return unfiltered(lines, after, from, limit).await;
    }
    let scan = Scan::of(filter);
    // What is found up to `end` is complete whatever is appended meanwhile: positions only grow.
    let end = last(lines).await?.unwrap_or(0);
    let until = scan.bound(lines, from).await?.map_or(end, |bound| bound.min(end));
    let events = scan.matching(lines, filter, (from, until), limit).await?;
    let cut = events.len() >= limit;
    let through = if cut { events.last().map(|event| event.position) } else { Some(at(until)) };
    let through = through.filter(|place| *place != Position::at(0)).max(after);
    let at_end = through.map_or(0, |place| place.commit() as i64) >= end;
    Ok(Page { events, through, at_end })
}

async fn unfiltered(
    lines: &Lines,
    after: Option<Position>,
    from: i64,
    limit: usize,
) -> Result<Page, ReadError> {
    let ask = Ask::new(select!("where position > $1 order by position limit $2"))
        .with(Value::Number(from))
        .with(count(limit));
    let events = lines.read(&ask, decode).await?;
    let through = events.last().map(|event| event.position).or(after);
    let at_end = events.len() < limit;
    Ok(Page { events, through, at_end })
}

/// Which rows a filter has to look at: a run of an index, in the order of the log.
enum Scan {
    Account(uuid::Uuid),
    /// Some kinds of stream, conversations not among them.
    Elsewhere(Vec<i64>),
    Everything,
}

impl Scan {
    fn of(filter: &Filter) -> Self {
        match &filter.account {
            Some(account) => Self::Account(account.0),
            None if filter.categories.is_empty() || filter.categories.contains(&Category::Conversation) => {
                Self::Everything
            }
            None => Self::Elsewhere(numbers(&filter.categories)),
        }
    }

    /// The position after which a page looks no further. None: the end of the log is nearer.
    async fn bound(&self, lines: &Lines, from: i64) -> Result<Option<i64>, ReadError> {
        let ask = match self {
            Self::Everything => return Ok(Some(from.saturating_add(SCAN))),
            Self::Account(account) => Ask::new(
                "select position from verbatim_log.event where account = $2 and position > $1 \
                 order by position offset $3 limit 1",
            )
            .with(Value::Number(from))
            .with(Value::Id(*account)),
            Self::Elsewhere(kinds) => Ask::new(
                "select min(nth) from (select (select position from verbatim_log.event \
                 where category = kind and category <> 1 and position > $1 \
                 order by position offset $3 limit 1) as nth from unnest($2) as kind) as kinds",
            )
            .with(Value::Number(from))
            .with(Value::Numbers(kinds.clone())),
        };
        one(lines, ask.with(Value::Number(SCAN))).await
    }

    async fn matching(
        &self,
        lines: &Lines,
        filter: &Filter,
        (from, until): (i64, i64),
        limit: usize,
    ) -> Result<Vec<Recorded>, ReadError> {
        macro_rules! run {
            ($more:literal) => {
                select!(
                    "where position > $1 and position <= $2 \
                     and (cardinality($3) = 0 or category = any($3)) \
                     and (cardinality($4) = 0 or type = any($4)) and ",
                    $more,
                    " order by position limit $5"
                )
            };
        }
        let types: Vec<&str> = filter.event_types.iter().map(String::as_str).collect();
        let ask = match self {
            Self::Account(_) => Ask::new(run!("account = $6")),
            Self::Elsewhere(_) => Ask::new(run!("category = any($6) and category <> 1")),
            Self::Everything => Ask::new(run!("true")),
        };
        let ask = ask
            .with(Value::Number(from))
            .with(Value::Number(until))
            .with(Value::Numbers(numbers(&filter.categories)))
            .with(Value::Texts(types))
            .with(count(limit));
        let ask = match self {
            Self::Account(account) => ask.with(Value::Id(*account)),
            Self::Elsewhere(kinds) => ask.with(Value::Numbers(kinds.clone())),
            Self::Everything => ask,
        };
        lines.read(&ask, decode).await
    }
}

fn numbers(categories: &[Category]) -> Vec<i64> {
    categories.iter().map(|kind| row::number(*kind)).collect()
}

fn at(place: i64) -> Position {
    Position::at(place as u64)
}

fn count(limit: usize) -> Value<'static> {
    Value::Number(i64::try_from(limit).unwrap_or(i64::MAX))
}
