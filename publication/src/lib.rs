//! The log told to others: every event as a CloudEvent on a NATS JetStream stream, in the log's order.
//!
//! # What is promised
//!
//! 1. **Everything, in order, once.** Message after message of the stream is event after event of the log.
//!    Each is published expecting the one before it to be the stream's last, so that a second publisher, or
//!    what an old connection still holds, is refused instead of getting in between.
//! 2. **The stream itself is the memory.** Where to go on is read from its last message; nothing is kept
//!    elsewhere. So it makes no difference how long NATS, or the publisher, was away, or on which machine
//!    the next publisher runs.
//! 3. **A message that is gone is not told again.** What was purged or has outlived its time was published:
//!    messages are numbered like the events of the log, so the number is enough to go on. A stream that was
//!    deleted is made anew and filled from the log's beginning.
//! 4. **Nothing stalls in silence.** What is wrong is in the health check and in the log, in one sentence;
//!    an event that is too large for the server is published without its data, with the address to fetch it.

mod connection;
mod end;
mod error;
mod lag;
mod message;
mod publisher;
mod read_ahead;
mod runner;
mod settings;
mod stream;

pub use error::PublicationError;
pub use message::{POSITION, subject};
pub use runner::{Health, Publication};
pub use settings::{Settings, SettingsError, StreamSettings};
