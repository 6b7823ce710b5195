//! How long a test waits for something that should come. It must never be what a test is about.

use std::time::Duration;

use tokio::time::timeout;

/// Longer than every window of the lifecycle but the expiry of retired clients. With paused time it passes at once when
/// nothing else can happen any more, so that a test which would hang says so instead.
const PATIENCE: Duration = Duration::from_secs(600);

/// Waits for what should come.
///
/// # Panics
/// When it does not come.
pub(super) async fn expect<T>(what: &str, coming: impl Future<Output = T>) -> T {
    let came = timeout(PATIENCE, coming).await;
    came.unwrap_or_else(|_| panic!("{what} did not come"))
}
