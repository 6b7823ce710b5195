//! Model checking with loom: which models exist, how deeply each is searched, and what counts as checked.

use std::time::Duration;

use anyhow::{Result, bail};

use crate::{
    command::{Repo, Stopwatch, seconds},
    flags::LoomOptions,
    models::{Engine, ModelRun, Suite, Tally, Verdict},
    table::Table,
};

/// The packages with concurrent code that runs under loom; each has `tests/loom.rs`.
pub(crate) const PACKAGES: [&str; 3] = ["runwright-agent", "runwright-pubsub", "runwright-backend"];

/// How many preemptions are explored in a model that no row of [`BOUNDS`] names. Bound 3 found all seeded faults of the
/// prototype and takes seconds for three threads; unbounded, such a model does not end in minutes.
const DEFAULT_BOUND: Bound = Bound::Preemptions(3);

/// The models that are searched otherwise than by default: with two threads a complete search takes milliseconds.
const BOUNDS: &[(&str, &str, Bound)] = &[];

/// Prints the number of iterations, and not each switch between threads as plain `info` does.
const LOG: &str = "loom::model=info";

/// How deeply a model is searched.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Bound {
    /// All interleavings.
    #[cfg_attr(not(test), expect(dead_code, reason = "no model has been listed yet"))]
    Unbounded,
    /// All interleavings with at most so many involuntary switches.
    Preemptions(u32),
}

pub(crate) const ENGINE: Engine = Engine {
    cfg: "runwright_loom",
    test: "loom",
    target_dir: "target/loom",
};

/// Checks all models, or those that the options select.
pub(crate) fn run(repo: &Repo, options: &LoomOptions) -> Result<()> {
    let stopwatch = Stopwatch::start();
    let suites = build(repo, options)?;
    let built = stopwatch.elapsed();

    let mut table = Table::new(&["model", "bound", "iterations", "seconds", "result"]);
    let mut tally = Tally::default();
    for suite in &suites {
        for model in suite.matching(options.name.as_deref()) {
            let (row, passed) = row(repo, suite, model, options)?;
            table.push(row);
            tally.count(passed);
        }
    }
    let checked = stopwatch.elapsed().saturating_sub(built);
    println!(
        "\n{table}\n{} models; built in {} s, checked in {} s",
        tally.ran,
        seconds(built),
        seconds(checked)
    );
    tally.require_success(options.name.as_deref())
}

fn build(repo: &Repo, options: &LoomOptions) -> Result<Vec<Suite>> {
    let packages = selected_packages(options)?.into_iter();
    let suites = packages
        .map(|package| ENGINE.build(repo, package))
        .collect::<Result<Vec<_>>>()?;
    suites.iter().try_for_each(require_known_rows)?;
    Ok(suites)
}

/// Checks one model; the flag tells whether it passed.
fn row(
    repo: &Repo,
    suite: &Suite,
    model: &str,
    options: &LoomOptions,
) -> Result<([String; 5], bool)> {
    let run = check(repo, suite, model, options)?;
    let iterations = iterations(&run.output);
    let result = judged(&run.verdict, &iterations);
    let passed = result == Verdict::Passed.describe();
    if !passed {
        run.show(repo, &ENGINE, &suite.package, model)?;
    }
    let bound = bound(BOUNDS, &suite.package, model, options.bound).describe();
    let total = iterations.iter().sum::<u64>().to_string();
    Ok((
        [
            format!("{}/{model}", suite.package),
            bound,
            total,
            seconds(run.elapsed),
            result,
        ],
        passed,
    ))
}

/// Runs one model at its bound.
pub(crate) fn check(
    repo: &Repo,
    suite: &Suite,
    model: &str,
    options: &LoomOptions,
) -> Result<ModelRun> {
    let mut env = vec![("LOOM_LOG", LOG.to_owned())];
    if let Bound::Preemptions(n) = bound(BOUNDS, &suite.package, model, options.bound) {
        env.push(("LOOM_MAX_PREEMPTIONS", n.to_string()));
    }
    suite.run(repo, model, &env, Duration::from_secs(options.timeout))
}

impl Bound {
    fn describe(self) -> String {
        match self {
            Self::Unbounded => "complete".to_owned(),
            Self::Preemptions(n) => format!("{n} preemptions"),
        }
    }
}

/// The packages that the options select.
pub(crate) fn selected_packages(options: &LoomOptions) -> Result<Vec<&'static str>> {
    let Some(wanted) = &options.package else {
        return Ok(PACKAGES.to_vec());
    };
    let matches =
        |package: &&str| *package == wanted || package.strip_prefix("runwright-") == Some(wanted);
    match PACKAGES.into_iter().find(matches) {
        Some(package) => Ok(vec![package]),
        None => bail!(
            "`{wanted}` has no models; packages with models: {}",
            PACKAGES.join(", ")
        ),
    }
}

/// A row that names no model would silently take a bound away.
fn require_known_rows(suite: &Suite) -> Result<()> {
    for (package, model, _) in BOUNDS {
        if *package == suite.package && !suite.models.iter().any(|known| known == model) {
            bail!(
                "the table of bounds in `xtask/src/loom.rs` names `{package}/{model}`, which does not exist"
            );
        }
    }
    Ok(())
}

fn bound(
    bounds: &[(&str, &str, Bound)],
    package: &str,
    model: &str,
    replaced: Option<u32>,
) -> Bound {
    let row = bounds.iter().find(|row| (row.0, row.1) == (package, model));
    match (row.map_or(DEFAULT_BOUND, |row| row.2), replaced) {
        (Bound::Preemptions(_), Some(n)) => Bound::Preemptions(n),
        (bound, _) => bound,
    }
}

/// The iterations of each model that a test ran, as loom prints them: `Completed in 21 iterations`.
fn iterations(output: &str) -> Vec<u64> {
    let counts = output
        .lines()
        .filter_map(|line| line.split_once("Completed in ")?.1.split(' ').next());
    counts.filter_map(|count| count.parse().ok()).collect()
}

/// A model with a single interleaving compares nothing: it has no second thread that touches the checked types.
fn judged(verdict: &Verdict, iterations: &[u64]) -> String {
    match (verdict, iterations.iter().min()) {
        (Verdict::Passed, None) => "NO MODEL RAN".to_owned(),
        (Verdict::Passed, Some(0 | 1)) => "CHECKS NOTHING".to_owned(),
        _ => verdict.describe(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unlisted_model_has_the_default_bound_and_a_complete_one_stays_complete() {
        let bounds: &[_] = &[
            ("p", "pair", Bound::Unbounded),
            ("p", "trio", Bound::Preemptions(2)),
        ];
        assert_eq!(bound(bounds, "p", "pair", None), Bound::Unbounded);
        assert_eq!(bound(bounds, "p", "pair", Some(5)), Bound::Unbounded);
        assert_eq!(bound(bounds, "p", "trio", None), Bound::Preemptions(2));
        assert_eq!(bound(bounds, "p", "trio", Some(5)), Bound::Preemptions(5));
        assert_eq!(bound(bounds, "q", "pair", None), DEFAULT_BOUND);
    }

    #[test]
    fn iterations_are_read_from_the_lines_that_loom_prints() {
        let output = "running 1 test\n INFO loom::model: Completed in 21 iterations\ntest a ... ok\n\
                      INFO loom::model: Completed in 1 iterations\n";
        assert_eq!(iterations(output), [21, 1]);
        assert!(iterations("running 1 test\ntest a ... ok\n").is_empty());
    }

    #[test]
    fn a_pass_without_interleavings_is_not_a_pass() {
        assert_eq!(judged(&Verdict::Passed, &[21, 2]), "ok");
        assert_eq!(judged(&Verdict::Passed, &[21, 1]), "CHECKS NOTHING");
        assert_eq!(judged(&Verdict::Passed, &[]), "NO MODEL RAN");
        assert_eq!(judged(&Verdict::Failed, &[]), "FAILED");
    }

    #[test]
    fn a_package_may_be_named_without_its_prefix() {
        let selected = |package: &str| {
            selected_packages(&LoomOptions {
                package: Some(package.to_owned()),
                ..LoomOptions::default()
            })
        };
        assert_eq!(selected("pubsub").unwrap(), ["runwright-pubsub"]);
        assert_eq!(selected("runwright-agent").unwrap(), ["runwright-agent"]);
        assert!(selected("proto").is_err());
    }
}
