//! The progress of long operations, on standard error.

use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

/// A line that shows the progress of an operation: updated in place on a terminal, printed every five seconds
/// otherwise.
pub struct ProgressLine {
    label: &'static str,
    started: Instant,
    shown: Option<Instant>,
    in_place: bool,
}

impl ProgressLine {
    pub fn start(label: &'static str) -> Self {
        Self { label, started: Instant::now(), shown: None, in_place: stderr().is_terminal() }
    }

    /// Shows the number of items done. `total` is 0 when the total is unknown.
    pub fn show(&mut self, done: u64, total: u64) {
        let pause = Duration::from_millis(if self.in_place { 200 } else { 5000 });
        if self.shown.is_some_and(|last| last.elapsed() < pause) {
            return;
        }
        self.shown = Some(Instant::now());
        self.print(done, total);
        if !self.in_place {
            eprintln!();
        }
    }

    /// Shows the final number and ends the line.
    pub fn finish(mut self, done: u64) {
        self.print(done, done);
        eprintln!();
        self.shown = None;
    }

    fn print(&self, done: u64, total: u64) {
        let seconds = self.started.elapsed().as_secs_f64();
        let rate = done as f64 / seconds.max(0.001);
        let share = if total > 0 {
            format!(" of {total} ({:.0} %)", 100.0 * done as f64 / total as f64)
        } else {
            String::new()
        };
        let line = format!("{}: {done}{share}, {rate:.0} a second, {seconds:.1} s", self.label);
        if self.in_place {
            eprint!("\r\x1b[2K{line}");
        } else {
            eprint!("{line}");
        }
        // A progress line that cannot be written is no reason to stop the work.
        stderr().flush().unwrap_or_default();
    }
}
