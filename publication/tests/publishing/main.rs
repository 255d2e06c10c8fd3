//! The publication against a real NATS server: what is in the stream is what is in the log, whatever
//! happens to the publisher, to NATS, or to the stream.

#![allow(clippy::unwrap_used)] // of tests, in functions that are no tests themselves

mod fixture;

mod authentication;
mod documents;
mod faults;
mod operators;
mod readers;
mod relay;
mod streams;
