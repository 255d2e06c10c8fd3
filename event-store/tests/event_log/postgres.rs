//! The PostgreSQL engine.

mod conformance;
mod database;
mod events;
mod faults;
mod nodes;
mod pooled;
