//! The event log: a port, and the engines behind it.
//!
//! # What every engine promises
//!
//! The conformance suite in [`conformance`] checks each of these against every engine.
//!
//! 1. **Atomic and durable.** When [`EventStore::append`] returns, all of its events are in the log and a
//!    power cut loses none of them; when it fails, none is, unless the failure says it is unknown.
//! 2. **Dense versions.** A stream's versions are 0, 1, 2, … without a hole.
//! 3. **Expected versions.** Of two who append at the same expected version one wins and the other is told
//!    what the version is now.
//! 4. **Idempotent.** Appending event ids that are all in the log already answers what the first append
//!    answered and writes nothing, whatever version is expected.
//! 5. **One order, and no gap closes.** Positions only grow, and whoever has seen position p never sees
//!    anything new at or below p.
//! 6. **Catch up to live.** A [`Subscription`] yields every event once, in order, from any position on,
//!    through the moment when it stops being behind.
//! 7. **Text is text.** Any Unicode in data and metadata comes back byte for byte.
//! 8. **Reopening.** After a kill at any moment the log opens again and holds all that was acknowledged.
//! 9. **Each for itself.** One caller's conflict fails nobody else's append, whatever they share.
//! 10. **Taking over.** Imported events keep their ids, versions, times and order; importing them again
//!     changes nothing.
//! 11. **Bounded pages.** A filtered page does bounded work, however rare what it looks for.

mod append_metrics;
mod judge;
mod open;
mod port;
mod recent;
mod row;
mod subscription;

#[cfg(feature = "conformance")]
pub mod conformance;
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
