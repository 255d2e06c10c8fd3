//! The stores, one file each.

pub mod control;
pub mod disintegrate;
pub mod message_db;
pub mod postgres_es;
#[cfg(feature = "umadb")]
pub mod umadb;
