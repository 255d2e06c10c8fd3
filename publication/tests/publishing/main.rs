//! The publication against a real NATS server: the stream holds the events of the log, whatever happens to the
//! publisher, to NATS, or to the stream.

#![allow(clippy::unwrap_used)] // of tests, in functions that are not tests themselves

mod fixture;

mod authentication;
mod documents;
mod faults;
mod operators;
mod readers;
mod relay;
mod streams;
