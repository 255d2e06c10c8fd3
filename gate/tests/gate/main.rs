//! What the gate promises, asked of an assembled service from outside.

#![allow(clippy::unwrap_used)]

mod auth;
mod docs;
mod jwks;
mod requests;
mod service;
mod traces;
