//! What `cargo xtask crash` and `cargo xtask soak` tell the tests, which need none of it.

use std::time::Duration;

/// What was said.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    /// The seed of the first round.
    pub(crate) seed: Option<u64>,
    /// How many crashes of each kind.
    pub(crate) crashes: Option<usize>,
    /// How long to soak.
    pub(crate) soak: Option<Duration>,
}

impl Settings {
    pub(crate) fn of_environment() -> Self {
        let crashes = number("RUNWRIGHT_CRASH_CRASHES");
        let minutes = number("RUNWRIGHT_SOAK_MINUTES");
        Self {
            seed: number("RUNWRIGHT_CRASH_SEED"),
            crashes: crashes.map(|crashes| usize::try_from(crashes).unwrap()),
            soak: minutes.map(|minutes| Duration::from_secs(60 * minutes)),
        }
    }
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var_os(name)?.into_string().unwrap();
    Some(text.parse().unwrap())
}
