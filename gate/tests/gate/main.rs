//! Tests of the gate through the HTTP interface of an assembled service.

#![allow(clippy::unwrap_used)]

mod auth;
mod customers;
mod docs;
mod jwks;
mod requests;
mod service;
mod streams;
mod traces;
