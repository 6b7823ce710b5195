//! CPU time and memory of this process.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The CPU time of all threads until now.
pub(crate) fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).expect("CPU time is not negative");
    let nanos = u32::try_from(time.tv_nsec).expect("there are fewer than 10^9 nanoseconds");
    Duration::new(seconds, nanos)
}

/// The bytes of memory that the process has in use now.
pub(crate) fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux tells the memory");
    let pages = statm
        .split_whitespace()
        .nth(1)
        .expect("the second is RSS")
        .parse::<usize>()
        .expect("it is a number");
    pages * rustix::param::page_size()
}

/// A runtime with one thread and a clock that the program moves.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime starts")
}
