//! The events of a conversation, by family. An `evolve` matches the families, and expands those that it
//! needs.

pub mod assignment;
pub mod automation;
pub mod bot;
pub mod delivery;
pub mod details;
pub mod lifecycle;
pub mod message;
pub mod routing;
pub mod schedule;
pub mod sla;
