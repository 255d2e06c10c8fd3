//! The rules. Values in, values out: time, ids and chance come in with the command.

pub mod aggregate;
pub mod conversation;

pub use aggregate::{Decide, Evolve};
