//! The publication against a real NATS server: the stream contains the events of the log despite faults of the
//! publisher, of NATS and of the stream.

#![allow(clippy::unwrap_used)] // of tests, in functions that are not tests themselves

mod fixture;

mod authentication;
mod documents;
mod faults;
mod operators;
mod readers;
mod relay;
mod streams;
