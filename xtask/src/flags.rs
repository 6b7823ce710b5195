//! The command line of `cargo xtask`, and nothing about how a task is done.

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Runs the development tasks of this repository.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask")]
pub(crate) struct Flags {
    #[command(subcommand)]
    pub(crate) task: Task,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// Everything a change must pass; needs nothing but Rust, git and a C compiler.
    Ci {
        /// Only formatting, tidy, clippy and unit tests.
        #[arg(long)]
        fast: bool,
    },
    /// All tests: with cargo-nextest where it is installed, with `cargo test` where not.
    Test {
        /// Arguments for the test runner, for instance `-- -p runwright-pubsub lagged`.
        #[arg(last = true)]
        args: Vec<String>,
    },
    /// The import table, the absent edges and the source rules of this repository.
    Tidy,
    /// Model checks the concurrent core with loom, one process per model.
    Loom(LoomOptions),
    /// Runs the larger random schedules of the concurrent core with shuttle.
    Shuttle(ShuttleOptions),
    /// Kills a server again and again, cuts its power, and holds what its clients saw against what is there.
    Crash(CrashOptions),
    /// Keeps a server busy with little room, and requires that its files and its memory stay inside their limits.
    Soak(SoakOptions),
    /// Runs the bench programs and prints their figures beside the goals.
    Bench {
        /// A bench program (`fan_out`, `load`, `lifecycle`), or one load of the program `load`.
        name: Option<String>,
    },
    /// Writes the OpenAPI document of the server.
    Openapi {
        /// Only compare the document with the one in the repository.
        #[arg(long)]
        check: bool,
    },
    /// Runs the tests of the reusable crates under miri (nightly toolchain).
    Miri {
        /// Arguments for `cargo miri test`.
        #[arg(last = true)]
        args: Vec<String>,
    },
    /// Measures which lines the tests reach (cargo-llvm-cov).
    Coverage {
        /// Write an HTML report instead of a summary.
        #[arg(long)]
        html: bool,
    },
    /// Mutates the pure cores and requires that a test notices (cargo-mutants).
    Mutants {
        /// Arguments for `cargo mutants`.
        #[arg(last = true)]
        args: Vec<String>,
    },
    /// Runs one fuzz target (cargo-fuzz, nightly toolchain).
    Fuzz {
        /// The name of a file in some `crates/*/fuzz/fuzz_targets/`.
        target: String,
        /// How long to run, in seconds.
        #[arg(long, default_value_t = 60)]
        secs: u32,
    },
    /// Checks licenses, bans, sources and advisories of the dependencies (cargo-deny).
    Deny,
    /// Checks the spelling of sources and documents (typos).
    Typos,
}

/// Which models to check, and how deeply.
#[derive(Debug, PartialEq, Args)]
pub(crate) struct LoomOptions {
    /// Only models (with `--faults`: only faults) whose `package/name` contains this text.
    pub(crate) name: Option<String>,
    /// Only the models of this package; the others are not even built.
    #[arg(long, short)]
    pub(crate) package: Option<String>,
    /// Replaces the bound of the models that are checked up to a number of preemptions.
    ///
    /// Models that are checked completely stay complete.
    #[arg(long, value_name = "N")]
    pub(crate) bound: Option<u8>,
    /// How long one model may run, in seconds, before it counts as failed.
    #[arg(long, value_name = "SECS", default_value_t = 120)]
    pub(crate) timeout: u64,
    /// Applies each patch of `crates/*/tests/faults` to a scratch copy and requires that its model fails.
    #[arg(long)]
    pub(crate) faults: bool,
}

impl Default for LoomOptions {
    fn default() -> Self {
        Self {
            name: None,
            package: None,
            bound: None,
            timeout: 120,
            faults: false,
        }
    }
}

/// Which shuttle tests to run, and for how many schedules each.
#[derive(Debug, Args)]
pub(crate) struct ShuttleOptions {
    /// Only tests whose `package/name` contains this text.
    pub(crate) name: Option<String>,
    /// Schedules per test; without it each test takes its own default.
    #[arg(long, value_name = "N")]
    pub(crate) iterations: Option<u32>,
    /// How long one test may run, in seconds, before it counts as failed.
    #[arg(long, value_name = "SECS", default_value_t = 600)]
    pub(crate) timeout: u64,
}

/// How often a server is crashed, and how.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct CrashOptions {
    /// How many crashes, of all kinds together, in rounds of ten.
    #[arg(long, value_name = "N", default_value_t = 300)]
    pub(crate) crashes: usize,
    /// The seed of the first round of each kind, and every further round has the next; a fresh one if it is not given.
    #[arg(long, value_name = "S")]
    pub(crate) seed: Option<u64>,
    /// Only cuts of the power.
    #[arg(long, conflicts_with = "only")]
    pub(crate) power: bool,
    /// Only deaths of this kind; all three if it is not given.
    #[arg(long, value_name = "KIND")]
    pub(crate) only: Option<Deaths>,
}

/// What a server dies of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Deaths {
    /// `kill -9` at any moment.
    Kills,
    /// A kill before, after or in the middle of one of its writes.
    Writes,
    /// The loss of everything that was not synced.
    Power,
}

/// How long a server is kept busy.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct SoakOptions {
    /// How many minutes.
    #[arg(long, value_name = "N", default_value_t = 15)]
    pub(crate) minutes: u64,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Flags::command().debug_assert();
    }

    #[test]
    fn the_default_options_are_those_of_an_empty_command_line() {
        let Task::Loom(parsed) = Flags::parse_from(["xtask", "loom"]).task else {
            panic!("not the loom task")
        };
        assert_eq!(parsed, LoomOptions::default());
    }

    #[test]
    fn arguments_after_the_dashes_reach_the_test_runner() {
        let flags = Flags::parse_from(["xtask", "test", "--", "-p", "runwright-agent", "lane"]);
        let Task::Test { args } = flags.task else {
            panic!("not the test task: {flags:?}")
        };
        assert_eq!(args, ["-p", "runwright-agent", "lane"]);
    }
}
