//! Events to tables, and the questions the tables answer. All SQL of the read side is here.

pub mod db;
pub mod runner;
pub mod table;

pub use db::{Db, DbError, Sizes, Tx};
pub use runner::{Condition, Happened, NotYet, Progress, Projection, Runner, RunnerError, Watch};
