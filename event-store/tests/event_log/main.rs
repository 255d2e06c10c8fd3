//! The engines of the event log against real files and servers, in one test binary.
//!
//! `VERBATIM_TEST_POSTGRES=postgres://…` names a PostgreSQL server for the tests that only need a database;
//! otherwise they start one. `VERBATIM_TEST_KURRENTDB=esdb://…` names a KurrentDB server for the conformance
//! suite; otherwise each test starts the small server of `test-kurrentdb`.

#![allow(clippy::unwrap_used)] // of tests, in functions that are not tests themselves

#[cfg(feature = "kurrentdb")]
mod kurrentdb;
mod postgres;
mod sqlite;

/// The name of a test for the test harness of this binary; `module` is the test's `module_path!()`.
fn test_name(module: &str, test: &str) -> String {
    let (_this_binary, module) = module.split_once("::").unwrap();
    format!("{module}::{test}")
}
