//! Events to tables, and the queries the tables answer. All SQL of the read side is here.

pub mod generations;
pub mod queries;
pub mod read_models;
mod read_side;
pub mod snapshot;
mod verify;

pub use read_side::{Generation, NoTables, ReadSide, Tables};
pub use verify::{Difference, Verdict, What, verify};
