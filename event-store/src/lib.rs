//! The event log: a port, and the engines behind it.
//!
//! # The guarantees of every engine
//!
//! The conformance suite in [`conformance`] checks each of these against every engine.
//!
//! 1. **Atomic and durable.** When [`EventStore::append`] returns, all of its events are in the log and a
//!    power cut loses none of them. When it fails, none of them is in the log, unless the error says that the
//!    outcome is unknown.
//! 2. **Dense versions.** A stream's versions are 0, 1, 2, … without a gap.
//! 3. **Expected versions.** When two callers append at the same expected version, one append succeeds and
//!    the other fails with the stream's current version.
//! 4. **Idempotent.** Appending event ids that are all in the log already returns the first append's result
//!    and writes nothing, whatever version is expected.
//! 5. **One order, and no late events.** Positions only grow. A reader that has seen position p never sees a
//!    new event at or below p.
//! 6. **Catch up to live.** A [`Subscription`] yields every event once, in order, from any position on,
//!    before and after it reaches the end of the log.
//! 7. **Exact text.** Any Unicode in data and metadata comes back byte for byte.
//! 8. **Reopening.** After a kill at any moment the log opens again and holds everything that was
//!    acknowledged.
//! 9. **Isolation of callers.** A conflict fails only the append that has it, also when appends are committed
//!    together.
//! 10. **Import.** Imported events keep their ids, versions, times and order; importing them again changes
//!     nothing.
//! 11. **Bounded pages.** A filtered page does bounded work, however rare the matching events are.

pub mod advisory_locks;
mod append_metrics;
pub mod files;
mod judge;
mod open;
mod port;
mod recent;
mod row;
mod subscription;

#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(feature = "conformance")]
pub mod intercepted;
#[cfg(feature = "kurrentdb")]
pub mod kurrentdb;
pub mod postgres;
pub mod sqlite;

#[cfg(feature = "kurrentdb")]
pub use kurrentdb::KurrentStore;
pub use open::open;
pub use port::{
    AppendError, Appended, EventStore, Expected, Filter, OpenError, Page, ReadError, Unavailable, Waiter,
};
pub use postgres::PostgresStore;
pub use sqlite::SqliteStore;
pub use subscription::Subscription;
