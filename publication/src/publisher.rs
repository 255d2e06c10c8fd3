//! Publishes from a position on over one connection, until an error.
//!
//! Many messages are in flight at once. Each expects the message before it to be the stream's last. So when one is
//! not accepted, none of the later ones is: the stream never has a gap, and its end tells which event comes next.

use crate::connection::Connection;
use crate::end::End;
use crate::error::PublicationError;
use crate::lag::Progress;
use crate::message::Message;
use crate::read_ahead::ReadAhead;
use async_nats::jetstream::context::PublishError;
use async_nats::jetstream::publish::PublishAck;
use event_schemas::Position;
use futures::FutureExt;
use futures::future::BoxFuture;
use std::collections::VecDeque;
use std::convert::Infallible;
use tokio::sync::watch;

/// The maximum number of messages, and of bytes, in flight.
const WINDOW: usize = 1_000;
const WINDOW_BYTES: usize = 16 << 20;

/// A message that the stream has not acknowledged yet.
struct InFlight {
    sequence: u64,
    position: Position,
    size: usize,
    acknowledged: BoxFuture<'static, Result<PublishAck, PublishError>>,
}

pub(crate) struct Publisher<'c> {
    connection: &'c mut Connection,
    progress: &'c watch::Sender<Option<Progress>>,
    /// The sequence number that the last sent message will get.
    sequence: u64,
    in_flight: VecDeque<InFlight>,
    bytes: usize,
}

impl<'c> Publisher<'c> {
    pub fn new(
        connection: &'c mut Connection,
        end: End,
        progress: &'c watch::Sender<Option<Progress>>,
    ) -> Self {
        progress.send_replace(Some(Progress::from(end)));
        Self { connection, progress, sequence: end.sequence, in_flight: VecDeque::new(), bytes: 0 }
    }

    pub async fn run(mut self, mut reader: ReadAhead) -> Result<Infallible, PublicationError> {
        let mut waiting = VecDeque::new();
        loop {
            let room = self.has_room();
            tokio::select! {
                error = self.connection.failed() => return Err(error),
                acknowledged = next(&mut self.in_flight), if !self.in_flight.is_empty() => {
                    self.acknowledge(acknowledged)?;
                }
                page = reader.next(), if waiting.is_empty() && room => waiting.extend(page?),
            }
            while let Some(acknowledged) = next(&mut self.in_flight).now_or_never() {
                self.acknowledge(acknowledged)?;
            }
            while self.has_room()
                && let Some(message) = waiting.pop_front()
            {
                self.send(message).await?;
            }
        }
    }

    fn has_room(&self) -> bool {
        self.in_flight.len() < WINDOW && self.bytes < WINDOW_BYTES
    }

    async fn send(&mut self, message: Message) -> Result<(), PublicationError> {
        let Message { position, subject, publish, size } = message;
        let publish = publish.expected_last_sequence(self.sequence);
        let acknowledged = self.connection.context.send_publish(subject, publish).await?;
        self.sequence += 1;
        self.bytes += size;
        let acknowledged = acknowledged.into_future();
        self.in_flight.push_back(InFlight { sequence: self.sequence, position, size, acknowledged });
        Ok(())
    }

    /// Handles the acknowledgement of the oldest message in flight.
    fn acknowledge(
        &mut self,
        acknowledged: Result<PublishAck, PublishError>,
    ) -> Result<(), PublicationError> {
        let Some(sent) = self.in_flight.pop_front() else { return Ok(()) };
        self.bytes -= sent.size;
        // A duplicate is acknowledged with the number of the original. Another number than the expected one means
        // that another publisher has published the event, or that the stream's end was read wrongly.
        if acknowledged?.sequence != sent.sequence {
            return Err(PublicationError::Overtaken);
        }
        metrics::counter!("verbatim_publication_events_total").increment(1);
        self.progress.send_modify(|progress| {
            if let Some(progress) = progress {
                progress.position = Some(sent.position);
                progress.events += 1;
            }
        });
        Ok(())
    }
}

/// The acknowledgement of the oldest message in flight. Waits without end when there is none.
async fn next(in_flight: &mut VecDeque<InFlight>) -> Result<PublishAck, PublishError> {
    match in_flight.front_mut() {
        Some(oldest) => (&mut oldest.acknowledged).await,
        None => std::future::pending().await,
    }
}
