//! Events in, commands out: what Verbatim does by itself.

pub mod delivery;
