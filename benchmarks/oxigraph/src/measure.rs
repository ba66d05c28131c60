//! Clocks. In: something to do. Out: how long it took, and how much memory and disk there is.

use std::fs;
use std::path::Path;
use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};

/// Seconds of wall and processor time, of all threads, and the result.
pub(crate) fn timed<T>(work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<(f64, f64, T)> {
    let (wall, processor) = (Instant::now(), processor_seconds());
    let result = work()?;
    Ok((wall.elapsed().as_secs_f64(), processor_seconds() - processor, result))
}

fn processor_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Runs `ask` over the items once to warm up and once more for the times: median, 99th percentile, and the sum of
/// what it returned.
pub(crate) fn latency<T>(
    items: &[T],
    mut ask: impl FnMut(&T) -> anyhow::Result<usize>,
) -> anyhow::Result<(f64, f64, usize)> {
    let mut found = 0;
    for item in items {
        found += ask(item)?;
    }
    let mut times = Vec::with_capacity(items.len());
    for item in items {
        let start = Instant::now();
        std::hint::black_box(ask(item)?);
        times.push(start.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times.get((times.len() as f64 * share) as usize).copied().unwrap_or(f64::NAN);
    Ok((at(0.5), at(0.99), found))
}

/// A line of `/proc/self/status` in bytes: `VmRSS` is the memory now, `VmHWM` the most so far.
pub(crate) fn memory(line: &str) -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix(line)?.strip_prefix(':'))?;
    line.trim().strip_suffix(" kB")?.parse::<f64>().ok().map(|kilobytes| kilobytes * 1024.0)
}

/// Bytes that a folder's files take on disk.
pub(crate) fn bytes_on_disk(folder: &Path) -> anyhow::Result<f64> {
    use std::os::unix::fs::MetadataExt;
    let mut bytes = 0.0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        bytes += match entry.file_type()?.is_dir() {
            true => bytes_on_disk(&entry.path())?,
            false => entry.metadata()?.blocks() as f64 * 512.0,
        };
    }
    Ok(bytes)
}
