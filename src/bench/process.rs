//! Figures of a process, from /proc.

use anyhow::Context;
use std::time::Duration;

/// The processor time used so far. A tick is a hundredth of a second on every Linux.
pub fn processor_time(pid: u32) -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The program's name is in brackets and may contain any character; the numbers come after it.
    let (_, numbers) = stat.rsplit_once(')').context("/proc/<pid>/stat has another form")?;
    let ticks = |index: usize| numbers.split_whitespace().nth(index).and_then(|n| n.parse::<u64>().ok());
    let ticks = ticks(11).zip(ticks(12)).map_or(0, |(user, system)| user + system);
    Ok(Duration::from_millis(ticks * 10))
}

/// Resident memory, in megabytes.
pub fn memory(pid: u32) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes / 1024.0)
}
