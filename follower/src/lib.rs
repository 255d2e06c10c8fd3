//! The common parts of all followers of the event log: the runner with its checkpoint, tables on SQLite or PostgreSQL
//! and their location, and the lease that lets one process at a time do the work.

pub mod db;
mod decoded_log;
mod follow_error;
mod health;
pub mod lease;
pub mod location;
pub mod outbox;
pub mod restore;
pub mod runner;
pub mod table;
pub mod timers;

pub use db::{Db, DbError, ReadView, Readers, Sizes, Tx};
pub use decoded_log::{DecodedEvent, DecodedLog};
pub use follow_error::FollowError;
pub use health::Health;
pub use lease::{Lease, Leases};
pub use location::{Location, LocationError};
pub use runner::{Checkpoint, Condition, NotYet, OlderLog, Progress, Projection, Runner, RunnerError, Watch};
