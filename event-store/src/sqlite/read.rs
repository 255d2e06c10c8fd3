//! Reading, on a few connections of its own, each of which reads a snapshot.

use super::rows::{decode, select};
use super::schema::options;
use super::writer::unavailable;
use crate::files::OpenFile;
use crate::row::category_code;
use crate::{Filter, Page, ReadError};
use event_schemas::{Category, EventId, Position, Recorded, StreamId, Version};
use sqlx::SqlitePool;
use sqlx::sqlite::{SqlitePoolOptions, SqliteRow};
use std::time::Duration;

// The limits below are sums (`limit 0 + ?`): the planner records the value of a bare parameter in a limit, and then
// prepares the statement again for each other value, which costs more than most of the reads.

/// How many rows one page searches at most.
macro_rules! scan {
    () => {
        4096
    };
}

pub fn pool(file: &OpenFile) -> SqlitePool {
    let options =
        options(file.path()).pragma("query_only", "on").pragma("cache_size", "-1024").row_buffer_size(256);
    SqlitePoolOptions::new()
        .max_connections(4)
        .acquire_timeout(Duration::from_secs(10))
        .max_lifetime(None)
        // A test query before each use would cost as much as most of the reads.
        .test_before_acquire(false)
        .after_connect({
            let file = file.clone();
            move |_, _| {
                let opened = file.check().map_err(|moved| sqlx::Error::Io(moved.into()));
                Box::pin(async move { opened })
            }
        })
        .connect_lazy_with(options)
}

pub async fn stream(
    pool: &SqlitePool,
    stream: &StreamId,
    from: Version,
    limit: usize,
) -> Result<Vec<Recorded>, ReadError> {
    const SQL: &str = select!(
        "from event as first join event on event.stream = first.position where first.name = ? \
         and event.version >= ? order by event.version limit 0 + ?"
    );
    let Ok(from) = i64::try_from(from.0) else { return Ok(Vec::new()) };
    let rows = sqlx::query(SQL).bind(stream.as_str()).bind(from).bind(row_limit(limit)).fetch_all(pool).await;
    events(rows)
}

pub async fn find(pool: &SqlitePool, id: EventId) -> Result<Option<Recorded>, ReadError> {
    const SQL: &str =
        select!("from event join event as first on first.position = event.stream where event.id = ?");
    let rows = sqlx::query(SQL).bind(&id.0.as_bytes()[..]).fetch_all(pool).await;
    Ok(events(rows)?.pop())
}

pub async fn stream_version(pool: &SqlitePool, stream: &StreamId) -> Result<Option<Version>, ReadError> {
    let version: Option<i64> = sqlx::query_scalar(
        "select max(version) from event where stream = (select position from event where name = ?)",
    )
    .bind(stream.as_str())
    .fetch_one(pool)
    .await
    .map_err(unavailable)?;
    Ok(version.map(|version| Version(version as u64)))
}

pub async fn end(pool: &SqlitePool) -> Result<Option<Position>, ReadError> {
    Ok(last(pool).await?.map(|position| Position::at(position as u64)))
}

async fn last(pool: &SqlitePool) -> Result<Option<i64>, ReadError> {
    Ok(sqlx::query_scalar("select max(position) from event").fetch_one(pool).await.map_err(unavailable)?)
}

/// The rows that a filter has to search: a range of an index, in the order of the log.
enum Scan<'a> {
    Account(&'a [u8]),
    /// The rows of some kinds of stream, conversations not among them; the kinds as a JSON list.
    OtherCategories(String),
    Everything,
}

impl Scan<'_> {
    fn of(filter: &Filter) -> Scan<'_> {
        match &filter.account {
            Some(account) => Scan::Account(account.0.as_bytes()),
            None if filter.categories.is_empty() || filter.categories.contains(&Category::Conversation) => {
                Scan::Everything
            }
            None => Scan::OtherCategories(codes(&filter.categories)),
        }
    }
}

pub async fn page(
    pool: &SqlitePool,
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
    let until = bound(pool, &scan, from).await?.map_or(end, |bound| bound.min(end));
    let events = matching(pool, &scan, filter, (from, until), limit).await?;
    let cut = events.len() >= limit;
    let through = if cut { events.last().map(|event| event.position) } else { Some(position(until)) };
    let through = through.filter(|position| *position != Position::at(0)).max(after);
    let at_end = through.map_or(0, |position| position.commit() as i64) >= end;
    Ok(Page { events, through, at_end })
}

async fn unfiltered(
    pool: &SqlitePool,
    after: Option<Position>,
    from: i64,
    limit: usize,
) -> Result<Page, ReadError> {
    const SQL: &str = select!(
        "from event cross join event as first on first.position = event.stream \
         where event.position > ? order by event.position limit 0 + ?"
    );
    let rows = sqlx::query(SQL).bind(from).bind(row_limit(limit)).fetch_all(pool).await;
    let events = events(rows)?;
    let through = events.last().map(|event| event.position).or(after);
    let at_end = events.len() < limit;
    Ok(Page { events, through, at_end })
}

/// The position after which this page searches no further. `None` when the end of the log comes first.
async fn bound(pool: &SqlitePool, scan: &Scan<'_>, from: i64) -> Result<Option<i64>, ReadError> {
    let query = match scan {
        Scan::Everything => return Ok(Some(from.saturating_add(scan!()))),
        Scan::Account(account) => sqlx::query_scalar(concat!(
            "select max(position) from (select position from event where account = ?2 and position > ?1 \
             order by position limit 1 offset ",
            scan!(),
            ")"
        ))
        .bind(from)
        .bind(account.to_vec()),
        Scan::OtherCategories(categories) => sqlx::query_scalar(concat!(
            "select min(nth) from (select (select position from event where category = kind.value \
             and category <> 1 and position > ?1 order by position limit 1 offset ",
            scan!(),
            ") as nth from json_each(?2) as kind)"
        ))
        .bind(from)
        .bind(categories.clone()),
    };
    Ok(query.fetch_one(pool).await.map_err(unavailable)?)
}

async fn matching(
    pool: &SqlitePool,
    scan: &Scan<'_>,
    filter: &Filter,
    (from, until): (i64, i64),
    limit: usize,
) -> Result<Vec<Recorded>, ReadError> {
    macro_rules! run {
        ($index:literal, $more:literal) => {
            select!(
                "from event ",
                $index,
                " cross join event as first on first.position = event.stream \
                 where event.position > ?1 and event.position <= ?2 and ",
                $more,
                " and (?4 is null or event.category in (select value from json_each(?4))) \
                 and (?5 is null or event.type in (select value from json_each(?5))) \
                 order by event.position limit 0 + ?6"
            )
        };
    }
    let categories = (!filter.categories.is_empty()).then(|| codes(&filter.categories));
    let types = (!filter.event_types.is_empty())
        .then(|| serde_json::Value::from_iter(filter.event_types.iter().map(String::as_str)).to_string());
    // The statements name their index, because the planner does not know how unevenly accounts and kinds are
    // distributed.
    let query = match scan {
        Scan::Account(account) => {
            let sql = run!("indexed by event_by_account", "event.account = ?3");
            sqlx::query(sql).bind(from).bind(until).bind(account.to_vec())
        }
        Scan::OtherCategories(kinds) => {
            let sql = run!(
                "indexed by event_elsewhere",
                "event.category in (select value from json_each(?3)) and event.category <> 1"
            );
            sqlx::query(sql).bind(from).bind(until).bind(kinds.clone())
        }
        Scan::Everything => sqlx::query(run!("", "?3 is null")).bind(from).bind(until).bind(None::<String>),
    };
    events(query.bind(categories).bind(types).bind(row_limit(limit)).fetch_all(pool).await)
}

fn events(rows: Result<Vec<SqliteRow>, sqlx::Error>) -> Result<Vec<Recorded>, ReadError> {
    rows.map_err(unavailable)?.iter().map(decode).collect()
}

fn codes(categories: &[Category]) -> String {
    serde_json::Value::from_iter(categories.iter().map(|kind| category_code(*kind))).to_string()
}

fn position(position: i64) -> Position {
    Position::at(position as u64)
}

fn row_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
