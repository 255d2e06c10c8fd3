//! The guarantees that the crate gives to all followers of the log.

#![allow(clippy::unwrap_used)]

mod decoded_log;
mod older_log;
mod support;
mod transactions;
