//! Monotonic time of the writer's thread. It waits on a condition variable, outside any runtime, where tokio's clock
//! cannot be paused; tests make the times short instead.

use std::time::Instant;

#[expect(
    clippy::disallowed_methods,
    reason = "the writer is a thread of its own: there is no runtime whose clock it could ask"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}
