//! Owns what a service manager such as systemd is told about our state.
//!
//! Without one (`NOTIFY_SOCKET` is not set) nothing happens. A message that cannot be sent is logged and no reason to
//! stop: the manager's own timeouts apply then.
//!
//! It must never know what the states mean inside.

use std::time::Duration;

use sd_notify::NotifyState;

/// What the manager should allow beyond a deadline of ours: closing files and exiting take a moment too.
const MARGIN: Duration = Duration::from_secs(5);

/// Says that requests are being served.
pub fn ready() {
    tell(&[NotifyState::Ready]);
}

/// Says that we are stopping and will need at most this long.
pub fn stopping(at_most: Duration) {
    tell(&[NotifyState::Stopping, extend(at_most)]);
}

/// Says that the start, or the stop, needs this much longer, counted from now.
pub fn extend_timeout(at_most: Duration) {
    tell(&[extend(at_most)]);
}

fn extend(at_most: Duration) -> NotifyState<'static> {
    let micros = at_most.saturating_add(MARGIN).as_micros();
    NotifyState::ExtendTimeoutUsec(u32::try_from(micros).unwrap_or(u32::MAX))
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "the service manager could not be told");
    }
}
