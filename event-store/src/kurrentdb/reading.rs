//! Reading: a stream, an event, a page of the log.

use super::Log;
use super::claims::ClaimState;
use super::connection::{Connection, REQUEST_TIMEOUT, RequestError};
use super::events::{decode, position_of};
use super::names::Names;
use crate::{Filter, Page, ReadError};
use event_schemas::{EventId, Position, Recorded, StreamId, Version};
use eventstore::{
    Error, ReadAllOptions, ReadStream, ReadStreamOptions, RecordedEvent, StreamPosition,
    SubscribeToAllOptions, SubscriptionEvent, SubscriptionFilter,
};
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// How many events one page fetches at most.
const SCAN: usize = 4096;

/// After how many records the server sends a checkpoint to a search with a narrow filter.
const CHECKPOINT_EVERY: u32 = 2048;

/// How many events a page with a narrow filter first reads plainly. A reader near the end of the log finds all news in
/// them and needs no subscription. That matters: what still arrives for a subscription that was dropped counts as an
/// error of the connection, and HTTP/2 ends the connection after about a thousand of them.
const NEWS: usize = 256;

/// How long a page with a narrow filter searches when it has found few events.
const SEARCH_TIME: Duration = Duration::from_secs(1);

/// The events of a stream on the server from a revision on.
pub async fn events_from(
    connection: &Connection,
    stream: &str,
    from: u64,
    limit: usize,
) -> Result<Vec<RecordedEvent>, RequestError> {
    let options = ReadStreamOptions::default()
        .position(StreamPosition::Position(from))
        .max_count(limit)
        .requires_leader(true);
    read_server_stream(connection, stream, &options).await
}

/// The last event of a stream on the server.
pub async fn last(connection: &Connection, stream: &str) -> Result<Option<RecordedEvent>, RequestError> {
    let options =
        ReadStreamOptions::default().position(StreamPosition::End).max_count(1).requires_leader(true);
    Ok(read_server_stream(connection, stream, &options).await?.pop())
}

async fn read_server_stream(
    connection: &Connection,
    stream: &str,
    options: &ReadStreamOptions,
) -> Result<Vec<RecordedEvent>, RequestError> {
    let read =
        connection.request(async |client| collect(client.read_stream(stream, options).await?).await).await;
    match read {
        Err(RequestError::StreamNotFound) => Ok(Vec::new()),
        other => other,
    }
}

async fn collect(mut stream: ReadStream) -> Result<Vec<RecordedEvent>, Error> {
    let mut events = Vec::new();
    while let Some(event) = stream.next().await? {
        events.extend(event.event);
    }
    Ok(events)
}

/// Whether the server holds any event other than its own.
pub async fn has_events(connection: &Connection, names: &Names) -> Result<bool, RequestError> {
    let options = ReadAllOptions::default().filter(names.all_events()).max_count(1).requires_leader(true);
    let found = connection.request(async |client| collect(client.read_all(&options).await?).await).await?;
    Ok(!found.is_empty())
}

impl Log {
    pub async fn stream(
        &self,
        stream: &StreamId,
        from: Version,
        limit: usize,
    ) -> Result<Vec<Recorded>, ReadError> {
        let name = self.names.of_stream(stream);
        // The server's revisions end at the largest `i64`.
        if limit == 0 || i64::try_from(from.0).is_err() {
            return Ok(Vec::new());
        }
        let events = events_from(&self.connection, &name, from.0, limit).await?;
        events.iter().map(|event| decode(event, &self.names)).collect()
    }

    pub async fn version(&self, stream: &StreamId) -> Result<Option<Version>, ReadError> {
        let last = last(&self.connection, &self.names.of_stream(stream)).await?;
        Ok(last.map(|event| Version(event.revision)))
    }

    pub async fn find(&self, id: EventId) -> Result<Option<Recorded>, ReadError> {
        match self.lookup(id).await? {
            ClaimState::Recorded(event) => decode(&event, &self.names).map(Some),
            ClaimState::Free { .. } | ClaimState::Pending(_) => Ok(None),
        }
    }

    pub async fn end(&self) -> Result<Option<Position>, ReadError> {
        let options = ReadAllOptions::default()
            .position(StreamPosition::End)
            .filter(self.names.all_events())
            .max_count(1)
            .requires_leader(true);
        let last =
            self.connection.request(async |client| collect(client.read_all(&options).await?).await).await?;
        Ok(last.first().map(position_of))
    }

    /// The event at exactly this position.
    pub async fn event_at(&self, position: Position) -> Result<Option<Recorded>, ReadError> {
        let options = ReadAllOptions::default()
            .position(start_after(Some(position)))
            .filter(self.names.all_events())
            .max_count(1)
            .requires_leader(true);
        let fetched =
            self.connection.request(async |client| collect(client.read_all(&options).await?).await).await;
        let fetched = match fetched {
            // The server has never been at this position.
            Err(RequestError::InvalidPosition) => return Ok(None),
            other => other?,
        };
        let event = fetched.first().filter(|event| position_of(event) == position);
        event.map(|event| decode(event, &self.names)).transpose()
    }

    /// Whether the server has been at this position. A reader may stand at a record of the server itself, which is
    /// after the log's last event.
    pub async fn reaches(&self, position: Position) -> Result<bool, ReadError> {
        if self.end().await? >= Some(position) {
            return Ok(true);
        }
        let options =
            ReadAllOptions::default().position(StreamPosition::End).max_count(1).requires_leader(true);
        let last =
            self.connection.request(async |client| collect(client.read_all(&options).await?).await).await?;
        Ok(last.first().map(position_of) >= Some(position))
    }

    pub async fn page(
        &self,
        after: Option<Position>,
        filter: &Filter,
        limit: usize,
    ) -> Result<Page, ReadError> {
        let Some(narrow) = self.names.narrowed(filter) else {
            let most = if filter.account.is_some() { SCAN } else { limit.clamp(1, SCAN) };
            return self.read_page(after, filter, limit, most).await;
        };
        let news = self.read_page(after, filter, limit, NEWS).await?;
        if news.at_end || news.events.len() >= limit {
            return Ok(news);
        }
        self.search_page(after, filter, narrow, limit).await
    }

    /// A page for a filter that matches most of the log: one read of at most this many events.
    async fn read_page(
        &self,
        after: Option<Position>,
        filter: &Filter,
        limit: usize,
        most: usize,
    ) -> Result<Page, ReadError> {
        let options = ReadAllOptions::default()
            .position(start_after(after))
            .filter(self.names.all_events())
            // A read begins with the event at its position, which the reader has already.
            .max_count(most + 1)
            .requires_leader(true);
        let fetched =
            self.connection.request(async |client| collect(client.read_all(&options).await?).await).await;
        let fetched = match fetched {
            // There is no event past the end, and the server refuses to read from there.
            Err(RequestError::InvalidPosition) if self.end().await? <= after => Vec::new(),
            other => other?,
        };
        let mut page = Page { events: Vec::new(), through: after, at_end: false };
        for event in &fetched {
            let position = position_of(event);
            if Some(position) <= after {
                continue;
            }
            if page.events.len() >= limit {
                return Ok(page);
            }
            page.through = Some(position);
            let event = decode(event, &self.names)?;
            if filter.fits(&event) {
                page.events.push(event);
            }
        }
        page.at_end = fetched.len() <= most;
        Ok(page)
    }

    /// A page for a filter that may match few events: a subscription, because only subscriptions report how far
    /// they have searched.
    async fn search_page(
        &self,
        after: Option<Position>,
        filter: &Filter,
        narrow: SubscriptionFilter,
        limit: usize,
    ) -> Result<Page, ReadError> {
        let end = self.end().await?;
        if end <= after {
            return Ok(Page { events: Vec::new(), through: after, at_end: true });
        }
        let options = SubscribeToAllOptions::default()
            .position(start_after(after))
            .filter(narrow.max(CHECKPOINT_EVERY))
            .requires_leader(true);
        self.connection
            .request(async |client| {
                let began = Instant::now();
                let mut subscription = client.subscribe_to_all(&options).await;
                let (mut events, mut through, mut fetched) = (Vec::new(), after, 0);
                loop {
                    let next = timeout(REQUEST_TIMEOUT, subscription.next_subscription_event()).await;
                    match next.map_err(|_| Error::DeadlineExceeded)?? {
                        SubscriptionEvent::EventAppeared(event) => {
                            let Some(event) = event.event else { continue };
                            through = Some(position_of(&event));
                            fetched += 1;
                            match decode(&event, &self.names) {
                                Ok(event) if filter.fits(&event) => events.push(event),
                                Ok(_) => {}
                                Err(damaged) => return Ok(Err(damaged)),
                            }
                            if events.len() >= limit || fetched >= SCAN {
                                break;
                            }
                        }
                        SubscriptionEvent::Checkpoint(position) => {
                            let position = Position::new(position.commit, position.prepare);
                            through = through.max(Some(position));
                            if began.elapsed() >= SEARCH_TIME {
                                break;
                            }
                        }
                        SubscriptionEvent::CaughtUp(_) => {
                            through = through.max(end);
                            break;
                        }
                        SubscriptionEvent::Confirmed(_)
                        | SubscriptionEvent::FirstStreamPosition(_)
                        | SubscriptionEvent::LastStreamPosition(_)
                        | SubscriptionEvent::LastAllPosition(_)
                        | SubscriptionEvent::FellBehind(_) => {}
                    }
                }
                Ok(Ok(Page { events, through, at_end: through >= end }))
            })
            .await?
    }
}

fn start_after(after: Option<Position>) -> StreamPosition<eventstore::Position> {
    after.map_or(StreamPosition::Start, |position| {
        StreamPosition::Position(eventstore::Position {
            commit: position.commit(),
            prepare: position.prepare(),
        })
    })
}
