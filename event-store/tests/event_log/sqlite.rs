//! The SQLite engine.

mod conformance;
#[cfg(target_os = "linux")]
mod disk;
mod file;
mod model;
