//! One channel's way out: a few messages at a time, never two of one conversation. A channel whose provider
//! is slow or down fills its own lane and no other.

use super::Office;
use super::attempt::{HOUSE_TROUBLE, attempt};
use event_schemas::{ChannelId, Timestamp};
use follower::DbError;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::{JoinError, JoinSet};

/// How long a lane sleeps at most: a waker that nobody rang costs no more than this.
const LONGEST_SLEEP: Duration = Duration::from_secs(15);

pub(super) struct Lane {
    pub channel: ChannelId,
    pub office: Arc<Office>,
    /// Rung when something may have changed for this channel.
    pub waker: Arc<Notify>,
}

impl Lane {
    /// Sends until told to stop, and then finishes what is under way.
    pub async fn run(self) -> ChannelId {
        let mut flights = JoinSet::new();
        let mut left_alone_until = None;
        while !self.office.stop.is_cancelled() {
            let sleep = self.set_off(&mut flights, left_alone_until).await;
            tokio::select! {
                () = self.office.stop.cancelled() => break,
                () = self.waker.notified() => {}
                Some(landed) = flights.join_next() => {
                    left_alone_until = left_alone_until.max(self.landed(landed));
                    // What landed at the same time is made up for in one go.
                    while let Some(landed) = flights.try_join_next() {
                        left_alone_until = left_alone_until.max(self.landed(landed));
                    }
                }
                () = tokio::time::sleep(sleep) => {}
            }
        }
        while let Some(landed) = flights.join_next().await {
            self.landed(landed);
        }
        self.channel
    }

    /// Sends off what is due as far as there is room. Answers how long nothing more will be.
    async fn set_off(
        &self,
        flights: &mut JoinSet<Option<Timestamp>>,
        left_alone_until: Option<Timestamp>,
    ) -> Duration {
        let now = self.office.clock().now();
        if let Some(until) = left_alone_until
            && until > now
        {
            return until.since(now).min(LONGEST_SLEEP);
        }
        self.claim(flights, now).await.unwrap_or_else(|error| {
            let error = &error as &dyn Error;
            tracing::warn!(channel_id = %self.channel, error, "the outbox cannot be used; trying again");
            HOUSE_TROUBLE
        })
    }

    async fn claim(
        &self,
        flights: &mut JoinSet<Option<Timestamp>>,
        now: Timestamp,
    ) -> Result<Duration, DbError> {
        let outbox = &self.office.outbox;
        loop {
            let room = self.office.settings.per_channel.saturating_sub(flights.len());
            // Asking costs no transaction, and most bells ring for what is under way already.
            let Some(due) = outbox.next_due(self.channel).await? else { return Ok(LONGEST_SLEEP) };
            if due > now {
                return Ok(due.since(now).min(LONGEST_SLEEP));
            }
            if room == 0 {
                return Ok(LONGEST_SLEEP);
            }
            let claimed = outbox.claim(self.channel, now, room).await?;
            if claimed.is_empty() {
                // It was settled just now; its waker rings for what comes after it.
                return Ok(HOUSE_TROUBLE);
            }
            for claimed in claimed {
                let (office, channel) = (Arc::clone(&self.office), self.channel);
                flights.spawn(async move { attempt(&office, channel, claimed).await });
            }
        }
    }

    fn landed(&self, landed: Result<Option<Timestamp>, JoinError>) -> Option<Timestamp> {
        landed.unwrap_or_else(|error| {
            // The message stays `attempting` and is asked after when the process starts again.
            tracing::error!(channel_id = %self.channel, error = &error as &dyn Error, "an attempt broke off");
            None
        })
    }
}
