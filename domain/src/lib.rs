//! The rules, without I/O: the time, new ids and random numbers are part of the command.

pub mod account;
pub mod agent;
pub mod aggregate;
pub mod automation;
pub mod bot;
pub mod bulk;
pub mod calendar;
pub mod catalogue;
pub mod contact;
pub mod conversation;
pub mod history;
pub mod lifecycle;
pub mod pace;
pub mod past;
pub mod person;
pub mod routing;
pub mod sla;
pub mod undo;

pub use aggregate::{Decide, Evolve};
