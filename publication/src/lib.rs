//! Publishing the log: every event as a CloudEvent on a NATS JetStream stream, in the log's order.
//!
//! # What is promised
//!
//! 1. **Every event, in order, once.** The messages of the stream are the events of the log, one after the other.
//!    Each message is published expecting the message before it to be the stream's last. So messages of a second
//!    publisher, or delayed ones of an old connection, are refused instead of being inserted in between.
//! 2. **The stream holds the state.** The position from which to continue is read from the stream's last message; no state
//!    is stored elsewhere. So it does not matter how long NATS or the publisher was unavailable, or on which
//!    machine the next publisher runs.
//! 3. **Deleted messages are not published again.** Messages are numbered like the events of the log, so after a
//!    purge, or when messages have expired, the number of the last one is enough to continue. A stream that was
//!    deleted is created again and filled from the log's beginning. After the log was restored from an older backup,
//!    the stream's description has the number of messages of lost events, by which the numbers differ from then on.
//! 4. **Every failure is reported.** The health check and the program's log describe the error in one sentence. An
//!    event that is too large for the server is published without its data, with the address to fetch it from.

mod connection;
mod end;
mod error;
mod lag;
mod message;
mod publisher;
mod read_ahead;
mod restore;
mod runner;
mod settings;
mod stream;

pub use connection::core_client;
pub use error::PublicationError;
pub use message::{POSITION, subject};
pub use restore::LostMessages;
pub use runner::{Health, Publication};
pub use settings::{Settings, SettingsError, StreamSettings};
