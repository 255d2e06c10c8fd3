//! What the gate promises, asked of an assembled service from outside.

#![allow(clippy::unwrap_used)]

mod auth;
mod docs;
mod door;
mod jwks;
mod service;
mod traces;
