//! What the crate promises to everything that follows the log.

#![allow(clippy::unwrap_used)]

mod decoded_log;
mod support;
