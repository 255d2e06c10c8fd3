//! The read models: the folds that turn events into rows of tables, and the queries on these tables. All SQL of the
//! read side is here.

pub mod generations;
pub mod queries;
pub mod read_models;
mod read_side;
pub mod snapshot;
mod verify;
mod words;

pub use read_side::{Generation, NoTables, ReadSide, Tables};
pub use verify::{Difference, DifferenceKind, Verdict, verify};
