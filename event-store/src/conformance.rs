//! The promises of an event log, each as a function that any engine has to pass.
//!
//! An engine's tests name where its logs are by implementing [`Engine`], and call
//! [`conformance!`](crate::conformance!), which makes a test of each promise. What needs a process of its
//! own, the engine's tests set up themselves: see [`killed`].

// A test's failure is a panic, and this is all tests.
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

/// A place with one log in it, empty at first.
#[async_trait]
pub trait Engine: Send + Sync {
    /// Opens the log; a second time, as another process would.
    async fn open(&self) -> Arc<dyn EventStore>;
}

/// Makes a test of every promise. `$engine` gives a new [`Engine`] each time it is evaluated.
#[macro_export]
macro_rules! conformance {
    ($engine:expr) => {
        $crate::conformance!(@each $engine;
            events_come_back_as_they_were_appended,
            text_is_text,
            versions_are_dense_from_zero,
            an_expectation_that_is_wrong_is_a_conflict,
            an_append_is_all_or_nothing,
            appending_the_same_again_changes_nothing,
            an_append_of_recorded_and_new_events_is_refused,
            an_append_holds_a_bounded_number_of_events,
            of_many_at_the_same_version_one_wins,
            the_same_append_by_many_at_once_is_recorded_once,
            one_callers_conflict_fails_no_other_append,
            nothing_appears_at_or_below_a_position_that_was_seen,
            two_openers_share_one_order,
            pages_join_without_a_seam,
            a_filter_gives_what_fits_and_nothing_else,
            a_rare_kind_is_found_without_passing_over_the_rest,
            a_long_stream_reads_in_pages,
            a_subscription_goes_from_the_past_to_the_present,
            a_filtered_subscription_misses_nothing,
            a_closed_log_opens_again_with_everything_in_it,
            a_closed_log_says_that_it_is_closed,
            an_import_keeps_what_it_takes_over,
            importing_twice_changes_nothing,
            an_import_with_a_hole_is_refused_whole,
        );
    };
    (@each $engine:expr; $($promise:ident),+ $(,)?) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn $promise() {
            let engine = $engine;
            $crate::conformance::$promise(&engine).await;
        }
    )+};
}
