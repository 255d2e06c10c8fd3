//! The tests of the query API over HTTP. The tables are in a SQLite file, or in a PostgreSQL database with
//! `VERBATIM_TEST_ENGINE=postgres`.

#![allow(clippy::unwrap_used)]

mod answers;
mod past_inbox;
mod positions;
#[path = "../../../projections/tests/projections/scenario.rs"]
mod scenario;
mod search;
mod streams;
