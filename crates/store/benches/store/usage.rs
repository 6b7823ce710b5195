//! Owns what this process has used: CPU time, and writes. It must never know for what.

use std::{fs, time::Duration};

use rustix::time::{ClockId, clock_gettime};

use crate::Result;

/// The CPU time of all threads until now.
pub(crate) fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}

/// How many bytes were given to the system to be written, whatever it made of them.
pub(crate) fn bytes_written() -> Result<f64> {
    let io = fs::read_to_string("/proc/self/io")?;
    let bytes = io.lines().find_map(|line| line.strip_prefix("wchar: "));
    Ok(bytes
        .ok_or("the system does not tell what was written")?
        .parse()?)
}

pub(crate) fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
