//! Events to tables, and the questions the tables answer. All SQL of the read side is here.

pub mod db;
pub mod generations;
pub mod lease;
pub mod past;
pub mod place;
pub mod questions;
pub mod read_models;
mod read_side;
pub mod runner;
pub mod table;
mod verify;

pub use db::{Db, DbError, Readers, Sizes, Tx};
pub use lease::{Lease, Leases};
pub use place::{Place, PlaceError};
pub use read_side::{Generation, NoTables, ReadSide, Tables};
pub use runner::{Condition, Happened, NotYet, Progress, Projection, Runner, RunnerError, Watch};
pub use verify::{Difference, Verdict, What, verify};
