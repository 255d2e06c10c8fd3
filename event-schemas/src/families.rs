//! The events of a conversation, by family. A fold matches the families, and expands those it cares for.

pub mod assignment;
pub mod automation;
pub mod bot;
pub mod delivery;
pub mod details;
pub mod lifecycle;
pub mod message;
pub mod routing;
pub mod sla;
