//! The tests of the projections: one binary, with the tables in SQLite files and in PostgreSQL schemas.

#![allow(clippy::unwrap_used)]

mod environment;
mod golden;
mod leases;
mod lists;
mod location;
mod rebuilds;
mod runner;
mod scenario;
mod search;
