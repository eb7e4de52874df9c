//! Measures what a piece of work uses besides time: CPU time and memory of the processes that it starts.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What a piece of work used.
pub struct Usage {
    /// Wall time, in milliseconds.
    pub wall_ms: f64,
    /// CPU time of the processes that ended meanwhile, in milliseconds. A busy machine does not change it.
    pub cpu_ms: f64,
    /// The largest resident memory of all these processes together, in bytes, sampled every 10 ms.
    pub peak_bytes: u64,
}

/// Does the work, and measures what it uses.
///
/// # Errors
/// The errors of the work itself.
pub fn watched(work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<Usage> {
    let (done, peak) = (AtomicBool::new(false), AtomicU64::new(0));
    let before = children_cpu_ms()?;
    let wall_ms = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                peak.fetch_max(resident_below(std::process::id()), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        let started = Instant::now();
        let result = work();
        let took = started.elapsed();
        done.store(true, Ordering::Relaxed);
        result.map(|()| took.as_secs_f64() * 1e3)
    })?;
    let cpu_ms = children_cpu_ms()? - before;
    Ok(Usage { wall_ms, cpu_ms, peak_bytes: peak.into_inner() })
}

/// Returns the CPU time of all ended children so far, in milliseconds.
fn children_cpu_ms() -> anyhow::Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit_once(')').map_or("", |(_, after)| after);
    // `cutime` and `cstime`, in hundredths of a second.
    let ticks = after_name.split_whitespace().skip(13).take(2).map(str::parse::<f64>);
    Ok(ticks.sum::<Result<f64, _>>()? * 10.0)
}

/// Returns the resident bytes of all descendants of this process.
fn resident_below(parent: u32) -> u64 {
    let tasks = fs::read_dir(format!("/proc/{parent}/task")).into_iter().flatten().flatten();
    let children = tasks.flat_map(|task| {
        // A process may end at any moment. Then it counts as having no memory.
        let text = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<u32>>()
    });
    children
        .map(|pid| {
            // The figures are in kilobytes, whatever the page size.
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
            let kilobytes =
                resident.and_then(|text| text.trim().strip_suffix(" kB")?.parse::<u64>().ok());
            kilobytes.unwrap_or(0) * 1_024 + resident_below(pid)
        })
        .sum()
}
