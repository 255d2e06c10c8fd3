//! The write side over HTTP, on a log in a folder of its own.

#![allow(clippy::unwrap_used)]

mod agents;
mod beginnings;
mod bots;
mod catalogues;
mod claims;
mod contacts;
mod conversations;
mod desk;
mod faults;
mod folds;
mod macros;
mod messages;
mod webhooks;
