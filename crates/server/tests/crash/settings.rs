//! What `cargo xtask crash` and `cargo xtask soak` tell the long tests. The ordinary ones need nothing.

use std::time::Duration;

use crate::deaths::Deaths;

/// The crashes of a long loop (issue 4: 300 in the nightly).
const CRASHES: usize = 300;

/// What was said, or else the defaults.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) seed: Option<u64>,
    pub(crate) crashes: usize,
    /// Only this kind.
    pub(crate) deaths: Option<Deaths>,
    pub(crate) soak: Duration,
}

impl Settings {
    pub(crate) fn of_environment() -> Self {
        Self {
            seed: number("RUNWRIGHT_CRASH_SEED"),
            crashes: number("RUNWRIGHT_CRASH_CRASHES")
                .map_or(CRASHES, |crashes| usize::try_from(crashes).unwrap()),
            deaths: variable("RUNWRIGHT_CRASH_ONLY").map(|name| {
                let named = Deaths::ALL.into_iter().find(|deaths| deaths.name() == name);
                named.unwrap_or_else(|| panic!("no kind of death is called `{name}`"))
            }),
            soak: Duration::from_secs(60 * number("RUNWRIGHT_SOAK_MINUTES").unwrap_or(15)),
        }
    }
}

fn number(name: &str) -> Option<u64> {
    variable(name).map(|text| text.parse().unwrap())
}

fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|text| text.into_string().unwrap())
}
