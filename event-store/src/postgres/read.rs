//! Reading. Each result is a snapshot of the log.

use super::pool::Pool;
use super::rows::{decode, number, select};
use super::statement::{Statement, Value};
use crate::row;
use crate::{Filter, Page, ReadError};
use event_schemas::{Category, EventId, Position, Recorded, StreamId, Version};

/// How many rows one page searches at most.
const SCAN: i64 = 4096;

pub async fn stream(
    pool: &Pool,
    stream: &StreamId,
    from: Version,
    limit: usize,
) -> Result<Vec<Recorded>, ReadError> {
    const SQL: &str = select!(
        "where stream = (select stream from verbatim_log.event where name = $1 and version = 0) \
         and version >= $2 order by version limit $3"
    );
    let Ok(from) = i64::try_from(from.0) else { return Ok(Vec::new()) };
    let statement = Statement::new(SQL)
        .with(Value::Text(stream.as_str()))
        .with(Value::Number(from))
        .with(row_limit(limit));
    pool.read(&statement, decode).await
}

pub async fn find(pool: &Pool, id: EventId) -> Result<Option<Recorded>, ReadError> {
    Ok(pool.read(&Statement::new(select!("where id = $1")).with(Value::Id(id.0)), decode).await?.pop())
}

pub async fn stream_version(pool: &Pool, stream: &StreamId) -> Result<Option<Version>, ReadError> {
    let statement = Statement::new(
        "select max(version) from verbatim_log.event \
         where stream = (select stream from verbatim_log.event where name = $1 and version = 0)",
    )
    .with(Value::Text(stream.as_str()));
    Ok(scalar(pool, statement).await?.map(|version| Version(version as u64)))
}

pub async fn end(pool: &Pool) -> Result<Option<Position>, ReadError> {
    Ok(last(pool).await?.map(position))
}

async fn last(pool: &Pool) -> Result<Option<i64>, ReadError> {
    scalar(pool, Statement::new("select max(position) from verbatim_log.event")).await
}

async fn scalar(pool: &Pool, statement: Statement<'_>) -> Result<Option<i64>, ReadError> {
    Ok(pool.read(&statement, number).await?.pop().flatten())
}

pub async fn page(
    pool: &Pool,
    after: Option<Position>,
    filter: &Filter,
    limit: usize,
) -> Result<Page, ReadError> {
    // No row can have a position beyond the largest `i64`.
    let from = after.map_or(0, |position| i64::try_from(position.commit()).unwrap_or(i64::MAX));
    if *filter == Filter::default() {
        return unfiltered(pool, after, from, limit).await;
    }
    let scan = Scan::of(filter);
    // Positions only grow, so the search up to `end` is complete, whatever is appended meanwhile.
    let end = last(pool).await?.unwrap_or(0);
    let until = scan.bound(pool, from).await?.map_or(end, |bound| bound.min(end));
    let events = scan.matching(pool, filter, (from, until), limit).await?;
    let cut = events.len() >= limit;
    let through = if cut { events.last().map(|event| event.position) } else { Some(position(until)) };
    let through = through.filter(|position| *position != Position::at(0)).max(after);
    let at_end = through.map_or(0, |position| position.commit() as i64) >= end;
    Ok(Page { events, through, at_end })
}

async fn unfiltered(
    pool: &Pool,
    after: Option<Position>,
    from: i64,
    limit: usize,
) -> Result<Page, ReadError> {
    let statement = Statement::new(select!("where position > $1 order by position limit $2"))
        .with(Value::Number(from))
        .with(row_limit(limit));
    let events = pool.read(&statement, decode).await?;
    let through = events.last().map(|event| event.position).or(after);
    let at_end = events.len() < limit;
    Ok(Page { events, through, at_end })
}

/// The rows that a filter has to search: a range of an index, in the order of the log.
enum Scan {
    Account(uuid::Uuid),
    /// The rows of some kinds of stream, conversations not among them.
    OtherCategories(Vec<i64>),
    Everything,
}

impl Scan {
    fn of(filter: &Filter) -> Self {
        match &filter.account {
            Some(account) => Self::Account(account.0),
            None if filter.categories.is_empty() || filter.categories.contains(&Category::Conversation) => {
                Self::Everything
            }
            None => Self::OtherCategories(codes(&filter.categories)),
        }
    }

    /// The position after which a page searches no further. `None` when the end of the log comes first.
    async fn bound(&self, pool: &Pool, from: i64) -> Result<Option<i64>, ReadError> {
        let statement = match self {
            Self::Everything => return Ok(Some(from.saturating_add(SCAN))),
            Self::Account(account) => Statement::new(
                "select position from verbatim_log.event where account = $2 and position > $1 \
                 order by position offset $3 limit 1",
            )
            .with(Value::Number(from))
            .with(Value::Id(*account)),
            Self::OtherCategories(kinds) => Statement::new(
                "select min(nth) from (select (select position from verbatim_log.event \
                 where category = kind and category <> 1 and position > $1 \
                 order by position offset $3 limit 1) as nth from unnest($2) as kind) as kinds",
            )
            .with(Value::Number(from))
            .with(Value::Numbers(kinds.clone())),
        };
        scalar(pool, statement.with(Value::Number(SCAN))).await
    }

    async fn matching(
        &self,
        pool: &Pool,
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
        let statement = match self {
            Self::Account(_) => Statement::new(run!("account = $6")),
            Self::OtherCategories(_) => Statement::new(run!("category = any($6) and category <> 1")),
            Self::Everything => Statement::new(run!("true")),
        };
        let statement = statement
            .with(Value::Number(from))
            .with(Value::Number(until))
            .with(Value::Numbers(codes(&filter.categories)))
            .with(Value::Texts(types))
            .with(row_limit(limit));
        let statement = match self {
            Self::Account(account) => statement.with(Value::Id(*account)),
            Self::OtherCategories(kinds) => statement.with(Value::Numbers(kinds.clone())),
            Self::Everything => statement,
        };
        pool.read(&statement, decode).await
    }
}

fn codes(categories: &[Category]) -> Vec<i64> {
    categories.iter().map(|kind| row::category_code(*kind)).collect()
}

fn position(position: i64) -> Position {
    Position::at(position as u64)
}

fn row_limit(limit: usize) -> Value<'static> {
    Value::Number(i64::try_from(limit).unwrap_or(i64::MAX))
}
