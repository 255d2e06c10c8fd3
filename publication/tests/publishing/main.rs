//! The publication against a real NATS server: what is in the stream is what is in the log, whatever
//! happens to the publisher, to NATS, or to the stream.

#![allow(clippy::unwrap_used)] // of tests, in functions that are no tests themselves

#[path = "publishing/desk.rs"]
mod desk;

#[path = "publishing/documents.rs"]
mod documents;
#[path = "publishing/entering.rs"]
mod entering;
#[path = "publishing/faults.rs"]
mod faults;
#[path = "publishing/operators.rs"]
mod operators;
#[path = "publishing/readers.rs"]
mod readers;
#[path = "publishing/relay.rs"]
mod relay;
#[path = "publishing/streams.rs"]
mod streams;
