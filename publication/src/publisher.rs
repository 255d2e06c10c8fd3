//! Publishes from one place on over one connection, until something is the matter.
//!
//! Many messages are under way at once. Each expects the one before it to be the stream's last, so that
//! when one is not taken, none after it is: the stream never has a hole, and whoever reads its end knows
//! what comes next.

use crate::connection::Connection;
use crate::end::End;
use crate::error::Trouble;
use crate::lag::Come;
use crate::message::Message;
use crate::read_ahead::Ahead;
use async_nats::jetstream::context::PublishError;
use async_nats::jetstream::publish::PublishAck;
use event_schemas::Position;
use futures::FutureExt;
use futures::future::BoxFuture;
use std::collections::VecDeque;
use std::convert::Infallible;
use tokio::sync::watch;

/// How many messages, and how many bytes, may wait for their acknowledgement.
const WINDOW: usize = 1_000;
const WINDOW_BYTES: usize = 16 << 20;

/// A message that the stream has not acknowledged yet.
struct UnderWay {
    sequence: u64,
    position: Position,
    size: usize,
    acknowledged: BoxFuture<'static, Result<PublishAck, PublishError>>,
}

pub(crate) struct Publisher<'c> {
    connection: &'c mut Connection,
    come: &'c watch::Sender<Option<Come>>,
    /// The number that the last message that was sent will have.
    sequence: u64,
    under_way: VecDeque<UnderWay>,
    bytes: usize,
}

impl<'c> Publisher<'c> {
    pub fn new(connection: &'c mut Connection, end: End, come: &'c watch::Sender<Option<Come>>) -> Self {
        come.send_replace(Some(Come::from(end)));
        Self { connection, come, sequence: end.sequence, under_way: VecDeque::new(), bytes: 0 }
    }

    pub async fn run(mut self, mut ahead: Ahead) -> Result<Infallible, Trouble> {
        let mut waiting = VecDeque::new();
        loop {
            let room = self.has_room();
            tokio::select! {
                trouble = self.connection.broken() => return Err(trouble),
                acknowledged = next(&mut self.under_way), if !self.under_way.is_empty() => {
                    self.note(acknowledged)?;
                }
                page = ahead.next(), if waiting.is_empty() && room => waiting.extend(page?),
            }
            while let Some(acknowledged) = next(&mut self.under_way).now_or_never() {
                self.note(acknowledged)?;
            }
            while self.has_room()
                && let Some(message) = waiting.pop_front()
            {
                self.send(message).await?;
            }
        }
    }

    fn has_room(&self) -> bool {
        self.under_way.len() < WINDOW && self.bytes < WINDOW_BYTES
    }

    async fn send(&mut self, message: Message) -> Result<(), Trouble> {
        let Message { position, subject, publish, size } = message;
        let publish = publish.expected_last_sequence(self.sequence);
        let acknowledged = self.connection.context.send_publish(subject, publish).await?;
        self.sequence += 1;
        self.bytes += size;
        let acknowledged = acknowledged.into_future();
        self.under_way.push_back(UnderWay { sequence: self.sequence, position, size, acknowledged });
        Ok(())
    }

    /// What became of the oldest message under way.
    fn note(&mut self, acknowledged: Result<PublishAck, PublishError>) -> Result<(), Trouble> {
        let Some(sent) = self.under_way.pop_front() else { return Ok(()) };
        self.bytes -= sent.size;
        // A duplicate is acknowledged with the number of the first: at another place than this one it was
        // published by somebody else, or by us before the stream's end was read wrongly.
        if acknowledged?.sequence != sent.sequence {
            return Err(Trouble::Overtaken);
        }
        metrics::counter!("verbatim_publication_events_total").increment(1);
        self.come.send_modify(|come| {
            if let Some(come) = come {
                come.position = Some(sent.position);
                come.events += 1;
            }
        });
        Ok(())
    }
}

/// The answer to the oldest message under way; never, where there is none.
async fn next(under_way: &mut VecDeque<UnderWay>) -> Result<PublishAck, PublishError> {
    match under_way.front_mut() {
        Some(oldest) => (&mut oldest.acknowledged).await,
        None => std::future::pending().await,
    }
}
