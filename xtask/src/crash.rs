//! The long tests that kill a server, cut its power and keep it busy: more of what the ordinary tests do a little of.
//!
//! They are tests of the package of the server; this file only says how much, and with which seed.

use anyhow::Result;
use xshell::cmd;

use crate::{
    command::Repo,
    flags::{CrashOptions, Deaths, SoakOptions},
};

const LOOP: &str = "loops::hundreds_of_crashes_break_no_promise";
const SOAK: &str = "soak::a_server_under_mixed_load_stays_inside_its_limits_for_long";

/// Crashes a server so many times. A failure prints the line that plays its round again.
pub(crate) fn run(repo: &Repo, options: &CrashOptions) -> Result<()> {
    test(repo, LOOP, &settings(options))
}

/// Keeps a server busy with little room for its log, and prints what it took.
pub(crate) fn soak(repo: &Repo, options: &SoakOptions) -> Result<()> {
    let minutes = ("RUNWRIGHT_SOAK_MINUTES", options.minutes.to_string());
    test(repo, SOAK, &[minutes])
}

/// What the test reads of its environment.
fn settings(options: &CrashOptions) -> Vec<(&'static str, String)> {
    let seed = options
        .seed
        .map(|seed| ("RUNWRIGHT_CRASH_SEED", seed.to_string()));
    let only = options.only.or(options.power.then_some(Deaths::Power));
    let only = only.map(|deaths| ("RUNWRIGHT_CRASH_ONLY", deaths.name().to_owned()));
    let crashes = ("RUNWRIGHT_CRASH_CRASHES", options.crashes.to_string());
    [Some(crashes), seed, only].into_iter().flatten().collect()
}

fn test(repo: &Repo, name: &str, settings: &[(&str, String)]) -> Result<()> {
    let shell = repo.shell();
    let test = cmd!(
        shell,
        "cargo test --package runwright-server --test crash -- --exact --ignored --nocapture {name}"
    );
    repo.run(test.envs(settings.iter().map(|(name, value)| (*name, value))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A test that is not found would pass.
    #[test]
    fn the_tests_that_are_named_exist() {
        for test in [LOOP, SOAK] {
            let (module, name) = test.split_once("::").unwrap();
            let file = format!("crates/server/tests/crash/{module}.rs");
            let source = std::fs::read_to_string(Repo::open().unwrap().root().join(file)).unwrap();
            assert!(source.contains(&format!("async fn {name}()")), "{test}");
        }
    }

    #[test]
    fn the_seed_and_the_kind_reach_the_test_if_they_are_given() {
        let all = CrashOptions {
            crashes: 300,
            seed: None,
            power: false,
            only: None,
        };
        let crashes = ("RUNWRIGHT_CRASH_CRASHES", "300".to_owned());
        assert_eq!(settings(&all), vec![crashes.clone()]);
        let power = CrashOptions { power: true, ..all };
        let only = ("RUNWRIGHT_CRASH_ONLY", "power".to_owned());
        assert_eq!(settings(&power), [crashes.clone(), only]);
        let again = CrashOptions {
            seed: Some(7),
            only: Some(Deaths::Writes),
            ..all
        };
        let seed = ("RUNWRIGHT_CRASH_SEED", "7".to_owned());
        let only = ("RUNWRIGHT_CRASH_ONLY", "writes".to_owned());
        assert_eq!(settings(&again), [crashes, seed, only]);
    }
}
