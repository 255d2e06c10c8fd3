//! What is shown of work that takes longer than a moment.

use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

/// A line on standard error that says how far something has come. On a terminal it is one line that
/// changes; elsewhere a line every few seconds.
pub struct ProgressLine {
    what: &'static str,
    started: Instant,
    shown: Option<Instant>,
    in_place: bool,
}

impl ProgressLine {
    pub fn start(what: &'static str) -> Self {
        Self { what, started: Instant::now(), shown: None, in_place: stderr().is_terminal() }
    }

    /// `total` is 0 where nobody knows.
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

    /// The last word.
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
        let line = format!("{}: {done}{share}, {rate:.0} a second, {seconds:.1} s", self.what);
        if self.in_place {
            eprint!("\r\x1b[2K{line}");
        } else {
            eprint!("{line}");
        }
        // A progress line that cannot be written is no reason to stop the work.
        stderr().flush().unwrap_or_default();
    }
}
