//! The statements that take the advisory lock under which the log is migrated and written.

/// Waits for the lock and holds it until the transaction ends.
macro_rules! take_lock {
    () => {
        concat!("pg_catalog.pg_advisory_xact_lock(", $crate::advisory_locks::event_log!(), ")")
    };
}

/// Takes the lock only if it is free at once.
macro_rules! try_lock {
    () => {
        concat!("pg_catalog.pg_try_advisory_xact_lock(", $crate::advisory_locks::event_log!(), ")")
    };
}

pub(super) use {take_lock, try_lock};

#[cfg(test)]
mod tests {
    use crate::postgres::schema::MIGRATIONS;

    #[test]
    fn the_functions_in_the_database_take_the_same_lock() {
        for migration in MIGRATIONS {
            assert_eq!(migration.matches("advisory").count(), migration.matches(take_lock!()).count());
            assert!(migration.contains(take_lock!()));
        }
    }
}
