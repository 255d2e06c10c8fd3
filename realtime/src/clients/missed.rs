//! The pushes that a client missed: while it was away, while it read slowly, or before it joined.

use super::{Clients, Connected, MOST_JOINED, unavailable};
use crate::engine::session::Session;
use crate::events::{InboxCounts, QueueUpdate};
use crate::follower::{PAGE, PushError};
use crate::namespace::Party;
use crate::packet;
use crate::push::{Offset, Push, Room};
use crate::summaries;
use event_schemas::{AccountId, Position};
use event_store::Filter;
use gate::Problem;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long it may take to read what a client missed.
const GAP_TIME: Duration = Duration::from_secs(2);
/// How long a client may take to read its earlier answers before it gets what it missed of another Socket.IO room.
const ANSWERS_TAKEN: Duration = Duration::from_secs(20);

/// How a client goes on: with what it missed, or anew.
pub(super) enum Resumption {
    /// Nothing was asked for.
    Live,
    /// After this push: the missed ones are in the ring, or were read from the log up to the second.
    After(Offset, Option<(Vec<Push>, Offset)>),
    /// It missed too much, or more than the log has.
    Reset,
}

impl Clients {
    /// Sends the present counts and queue to a client that may have missed the last ones, after its place.
    pub(super) async fn send_summaries(&self, connected: &Connected) {
        let Party::Agent(caller) = &connected.party else { return };
        let through = self.hub.through();
        let current = async {
            let db = self.pushes.tables.db()?;
            Ok::<_, PushError>(summaries::current(&db, caller.account, through).await?)
        };
        match current.await {
            Ok((counts, queue)) => {
                let namespace = connected.namespace();
                connected.client.answer(packet::emitted::<InboxCounts>(namespace, &counts));
                connected.client.answer(packet::emitted::<QueueUpdate>(namespace, &queue));
            }
            Err(error) => tracing::warn!(error = %::follower::runner::Chain(&error), "no counts were sent"),
        }
    }

    /// Whether what the client missed is in the ring, can be read from the log, or is too much.
    pub(super) async fn resumption(
        &self,
        account: AccountId,
        after: Option<Offset>,
    ) -> Result<Resumption, Problem> {
        let Some(after) = after else { return Ok(Resumption::Live) };
        if self.hub.reaches(after) {
            let end = self.pushes.log.store().end().await.map_err(|_| unavailable())?;
            // A later position is of another log, or of this one before an older state was restored.
            let exists = end.is_some_and(|end| after.position <= end) || after.position == Position::at(0);
            return Ok(if exists { Resumption::After(after, None) } else { Resumption::Reset });
        }
        let (began, mut events, mut through, mut missed) = (Instant::now(), 0, after, Vec::new());
        while !self.hub.reaches(through) {
            let Ok((pushes, count, read)) = self.read_log(account, through).await else {
                return Ok(Resumption::Reset);
            };
            events += count;
            through = read;
            missed.extend(pushes);
            if events > self.hub.limits.longest_gap || began.elapsed() > GAP_TIME {
                return Ok(Resumption::Reset);
            }
        }
        metrics::histogram!("verbatim_realtime_gap_events").record(events as f64);
        Ok(Resumption::After(after, Some((missed, through))))
    }

    /// The pushes of the account's next events after this offset, their number, and how far they go.
    async fn read_log(
        &self,
        account: AccountId,
        after: Offset,
    ) -> Result<(Vec<Push>, usize, Offset), PushError> {
        let store = self.pushes.log.store();
        let through = self.hub.through();
        // Of the event of an offset some pushes may be missing.
        let first = match after.part {
            u16::MAX => None,
            _ => store.event_at(after.position).await?,
        };
        let from = (after.position != Position::at(0)).then_some(after.position);
        let page = store.read_all(from, &Filter::account(account), PAGE).await?;
        let first = first.filter(|event| event.metadata.account_id == account);
        let events: Vec<_> =
            first.into_iter().chain(page.events).filter(|event| event.position <= through).collect();
        let read = match page.at_end {
            true => through,
            false => page.through.unwrap_or(through).min(through),
        };
        let mut pushes = self.pushes.of_past(&events).await?;
        pushes.retain(|push| push.offset > after);
        Ok((pushes, events.len(), Offset::after(read)))
    }

    /// Reads the next page for a client that fell behind the ring.
    pub(super) async fn read_log_for(&self, session: &Session, connected: &mut Connected) {
        let client = &connected.client;
        let read = self.read_log(connected.party.account(), client.queued()).await;
        match read {
            Ok((pushes, events, through)) if connected.gap + events <= self.hub.limits.longest_gap => {
                let is_done = self.hub.reaches(through);
                connected.gap = if is_done { 0 } else { connected.gap + events };
                client.catch_up(pushes, through);
                if is_done {
                    self.send_summaries(connected).await;
                }
            }
            Ok(_) => {
                connected.gap = 0;
                metrics::counter!("verbatim_realtime_resets_total", "cause" => "slow").increment(1);
                let now = Offset::after(self.hub.through());
                client.reset(now);
            }
            Err(error) => {
                tracing::warn!(error = %::follower::runner::Chain(&error), "a slow client cannot read on");
                session.end("what it missed cannot be read");
            }
        }
    }

    /// The client gets the pushes of this Socket.IO room from now on. With `after`, it first gets those that it missed.
    ///
    /// # Errors
    ///
    /// The client is in too many rooms, `after` is no position, too much was missed, or the log cannot be read.
    pub async fn enter(
        &self,
        connected: &Connected,
        room: Room,
        after: Option<&str>,
    ) -> Result<Position, Problem> {
        let client = &connected.client;
        if client.joined() >= MOST_JOINED {
            return Err(Problem::unreadable(format!(
                "A client is in at most {MOST_JOINED} conversations: leave one first."
            )));
        }
        let Some(after) = after else { return Ok(self.hub.enter(client, room)) };
        let mut after: Offset =
            after.parse().map_err(|_| Problem::unreadable("`after` must be a position.").field("after"))?;
        let (mut missed, mut events) = (Vec::new(), 0);
        while !self.hub.reaches(after) {
            let read = self.read_log(connected.party.account(), after).await;
            let (page, count, through) = read.map_err(|_| unavailable())?;
            missed.extend(page.into_iter().filter(|push| push.rooms.contains(&room)).map(Arc::new));
            events += count;
            after = through;
            if events > self.hub.limits.longest_gap {
                return Err(too_much());
            }
        }
        // The missed pushes of many rooms do not wait in memory together.
        let taken = tokio::time::timeout(ANSWERS_TAKEN, client.until_answers_are_taken()).await;
        taken.map_err(|_| too_much())?;
        self.hub.enter_after(client, room, missed, after).ok_or_else(too_much)
    }
}

fn too_much() -> Problem {
    Problem::unreadable("Too much was missed since `after`: fetch the messages and join without it.")
        .field("after")
}
