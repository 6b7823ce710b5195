//! The long tests that kill a server, cut its power and keep it busy: more of what the ordinary tests do a little of.
//!
//! They are tests of the package of the server; this file only says how much, and with which seed.

use anyhow::Result;
use xshell::cmd;

use crate::{
    command::Repo,
    flags::{CrashOptions, Deaths, SoakOptions},
};

const SOAK: &str = "soak::a_server_under_mixed_load_stays_inside_its_limits";

/// Crashes a server so many times. A failure prints the line that plays its round again.
pub(crate) fn run(repo: &Repo, options: &CrashOptions) -> Result<()> {
    let tests: Vec<_> = deaths(options).into_iter().map(Deaths::test).collect();
    run_tests(repo, &tests, &settings(options))
}

/// Keeps a server busy with little room for its log, and prints what it took.
pub(crate) fn soak(repo: &Repo, options: &SoakOptions) -> Result<()> {
    let minutes = ("RUNWRIGHT_SOAK_MINUTES", options.minutes.to_string());
    run_tests(repo, &[SOAK], &[minutes])
}

impl Deaths {
    /// The test of this kind.
    fn test(self) -> &'static str {
        match self {
            Self::Kills => "loops::a_server_that_is_killed_keeps_its_promises",
            Self::Writes => "loops::a_server_that_dies_at_one_of_its_writes_keeps_its_promises",
            Self::Power => "loops::a_server_whose_power_is_cut_keeps_its_promises",
        }
    }
}

fn deaths(options: &CrashOptions) -> Vec<Deaths> {
    match options.only.or(options.power.then_some(Deaths::Power)) {
        Some(only) => vec![only],
        None => vec![Deaths::Kills, Deaths::Writes, Deaths::Power],
    }
}

/// What the tests read of their environment; the crashes are those of each kind.
fn settings(options: &CrashOptions) -> Vec<(&'static str, String)> {
    let crashes = options.crashes.div_ceil(deaths(options).len());
    let seed = options
        .seed
        .map(|seed| ("RUNWRIGHT_CRASH_SEED", seed.to_string()));
    let crashes = ("RUNWRIGHT_CRASH_CRASHES", crashes.to_string());
    [Some(crashes), seed].into_iter().flatten().collect()
}

fn run_tests(repo: &Repo, tests: &[&str], settings: &[(&str, String)]) -> Result<()> {
    let shell = repo.shell();
    let run = cmd!(
        shell,
        "cargo test --package runwright-server --test crash -- --nocapture --exact {tests...}"
    );
    repo.run(run.envs(settings.iter().map(|(name, value)| (*name, value))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A test that is not found would pass.
    #[test]
    fn the_tests_that_are_named_exist() {
        let all = deaths(&ALL).into_iter().map(Deaths::test).chain([SOAK]);
        for test in all {
            let (module, name) = test.split_once("::").unwrap();
            let file = format!("crates/server/tests/crash/{module}.rs");
            let source = std::fs::read_to_string(Repo::open().unwrap().root().join(file)).unwrap();
            assert!(source.contains(&format!("async fn {name}()")), "{test}");
        }
    }

    const ALL: CrashOptions = CrashOptions {
        crashes: 300,
        seed: None,
        power: false,
        only: None,
    };

    #[test]
    fn the_crashes_are_shared_by_the_kinds() {
        assert_eq!(
            settings(&ALL),
            [("RUNWRIGHT_CRASH_CRASHES", "100".to_owned())]
        );
        let power = CrashOptions { power: true, ..ALL };
        assert_eq!(deaths(&power), [Deaths::Power]);
        assert_eq!(
            settings(&power),
            [("RUNWRIGHT_CRASH_CRASHES", "300".to_owned())]
        );
    }

    #[test]
    fn a_round_can_be_played_again_by_its_kind_and_its_seed() {
        let again = CrashOptions {
            crashes: 5,
            seed: Some(7),
            only: Some(Deaths::Writes),
            ..ALL
        };
        let (crashes, seed) = (
            ("RUNWRIGHT_CRASH_CRASHES", "5".to_owned()),
            ("RUNWRIGHT_CRASH_SEED", "7".to_owned()),
        );
        assert_eq!(
            (deaths(&again), settings(&again)),
            (vec![Deaths::Writes], vec![crashes, seed])
        );
    }
}
