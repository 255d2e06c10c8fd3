//! What the gate promises, asked of an assembled service from outside.

mod auth;
mod docs;
mod door;
mod jwks;
mod service;
