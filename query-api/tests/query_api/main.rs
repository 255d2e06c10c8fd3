//! The tests of the query API over HTTP: one binary. Its tables are in a SQLite file or, with
//! `VERBATIM_TEST_ENGINE=postgres`, in a PostgreSQL database.

#![allow(clippy::unwrap_used)]

mod answers;
#[path = "../../../projections/tests/projections/scenario.rs"]
mod scenario;
