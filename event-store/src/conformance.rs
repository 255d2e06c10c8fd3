//! The guarantees of an event log, each as a function that every engine must pass.
//!
//! An engine's tests implement [`Engine`], which opens their logs, and call
//! [`conformance!`](crate::conformance!), which generates a test of each guarantee. The tests that kill a process
//! are set up by the engine's own tests: see [`killed`].

// A test fails by a panic, and this module is test code.
#![allow(clippy::unwrap_used)]

mod appending;
mod concurrency;
mod importing;
pub mod killed;
pub mod model;
mod reading;
mod samples;

pub use appending::*;
pub use concurrency::*;
pub use importing::*;
pub use reading::*;

use crate::EventStore;
use async_trait::async_trait;
use std::sync::Arc;

/// The storage of one log, empty at first.
#[async_trait]
pub trait Engine: Send + Sync {
    /// Opens the log. A second opener has its own state, as another process has.
    async fn open(&self) -> Arc<dyn EventStore>;
}

/// Generates a test of every guarantee. `$engine` is an expression that makes a new [`Engine`].
#[macro_export]
macro_rules! conformance {
    ($engine:expr) => {
        $crate::conformance!(@each $engine;
            events_come_back_as_they_were_appended,
            text_comes_back_byte_for_byte,
            versions_are_dense_from_zero,
            an_expectation_that_is_wrong_is_a_conflict,
            an_append_is_all_or_nothing,
            appending_the_same_again_changes_nothing,
            an_append_of_recorded_and_new_events_is_refused,
            an_append_holds_a_bounded_number_of_events,
            of_many_appends_at_the_same_version_one_succeeds,
            the_same_append_by_many_at_once_is_recorded_once,
            one_callers_conflict_fails_no_other_append,
            nothing_appears_at_or_below_a_position_that_was_seen,
            two_openers_share_one_order,
            pages_cover_the_log_without_gap_or_overlap,
            a_filter_returns_exactly_the_matching_events,
            a_rare_kind_is_found_without_searching_the_rest,
            a_long_stream_reads_in_pages,
            a_subscription_catches_up_and_goes_live,
            a_filtered_subscription_misses_nothing,
            a_closed_log_opens_again_with_all_its_events,
            a_closed_log_is_unavailable,
            an_import_keeps_ids_versions_and_times,
            importing_twice_changes_nothing,
            an_import_with_a_gap_is_refused_as_a_whole,
        );
    };
    (@each $engine:expr; $($guarantee:ident),+ $(,)?) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn $guarantee() {
            let engine = $engine;
            $crate::conformance::$guarantee(&engine).await;
        }
    )+};
}
