//! The advisory locks that Verbatim takes in a PostgreSQL database.
//!
//! An advisory lock is a number that belongs to the whole database, and the event log and the tables may be in the same
//! one. So every number is here, and a test compares them. Besides these there is a lock for each schema of tables,
//! whose number is the 32-bit hash of the schema's name; no number here is that small.

/// The number of [`EVENT_LOG`] as a literal, for the text of statements.
macro_rules! event_log {
    () => {
        8530219871234117
    };
}
pub(crate) use event_log;

/// Held while the event log is migrated and while a group of events is written. The functions that the log's migrations
/// create take it too.
pub const EVENT_LOG: i64 = event_log!();

/// Held while the schema `verbatim` is created, which says what the database is used for.
pub const DATABASE: i64 = 7361742962;

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_locks_have_the_same_number_and_none_has_that_of_a_hash() {
        let locks = [EVENT_LOG, DATABASE];
        assert_eq!(BTreeSet::from(locks).len(), locks.len());
        for lock in locks {
            assert!(i32::try_from(lock).is_err(), "{lock} may be the hash of a schema's name");
        }
    }
}
