//! The advisory lock under which the log is migrated and written: one number, in one place.

/// The lock's number as SQL text. The functions that the migrations create take the same lock.
macro_rules! lock_number {
    () => {
        "8530219871234117"
    };
}

/// Waits for the lock and holds it until the transaction ends.
macro_rules! take_lock {
    () => {
        concat!("pg_catalog.pg_advisory_xact_lock(", $crate::postgres::lock::lock_number!(), ")")
    };
}

/// Takes the lock only if it is free at once.
macro_rules! try_lock {
    () => {
        concat!("pg_catalog.pg_try_advisory_xact_lock(", $crate::postgres::lock::lock_number!(), ")")
    };
}

pub(super) use {lock_number, take_lock, try_lock};

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
