//! The write side over HTTP. Each test has its own log in a folder.

#![allow(clippy::unwrap_used)]

mod agents;
mod beginnings;
mod bots;
mod cached_states;
mod catalogues;
mod claims;
mod conflicts;
mod contacts;
mod conversations;
mod dry_runs;
mod errors;
mod identities;
mod joint_appends;
mod keys;
mod macros;
mod messages;
mod referrers;
mod service;
mod undo;
mod views;
mod watched_log;
mod webhooks;
