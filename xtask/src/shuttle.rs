//! Larger random schedules of the same code with shuttle: more actors than loom can search, no proof.

use std::{fs, time::Duration};

use anyhow::{Result, bail};

use crate::{
    command::{Repo, Stopwatch, seconds},
    flags::ShuttleOptions,
    models::{Engine, ModelRun, Suite, Tally, Verdict},
    table::Table,
};

/// Read by the tests: how many schedules each of them tries.
const ITERATIONS: &str = "RUNWRIGHT_SHUTTLE_ITERATIONS";

const ENGINE: Engine = Engine {
    cfg: "runwright_shuttle",
    test: "shuttle",
    target_dir: "target/shuttle",
};

/// Runs all shuttle tests, or those that the options select.
pub(crate) fn run(repo: &Repo, options: &ShuttleOptions) -> Result<()> {
    let stopwatch = Stopwatch::start();
    let mut table = Table::new(&["test", "seconds", "result"]);
    let mut tally = Tally::default();
    for package in packages(repo)? {
        let suite = ENGINE.build(repo, &package)?;
        for model in suite.matching(options.name.as_deref()) {
            let run = check(repo, &suite, model, options)?;
            tally.count(run.verdict == Verdict::Passed);
            table.push([
                format!("{package}/{model}"),
                seconds(run.elapsed),
                run.verdict.describe(),
            ]);
        }
    }
    println!(
        "\n{table}\n{} tests in {} s with building",
        tally.ran,
        seconds(stopwatch.elapsed())
    );
    tally.require_success(options.name.as_deref())
}

fn check(repo: &Repo, suite: &Suite, model: &str, options: &ShuttleOptions) -> Result<ModelRun> {
    let env: Vec<_> = options
        .iterations
        .map(|n| (ITERATIONS, n.to_string()))
        .into_iter()
        .collect();
    let run = suite.run(repo, model, &env, Duration::from_secs(options.timeout))?;
    if run.verdict != Verdict::Passed {
        // A failing run ends with the schedule to replay it.
        run.show(repo, &ENGINE, &suite.package, model)?;
    }
    Ok(run)
}

/// The packages with a file `tests/shuttle.rs`.
fn packages(repo: &Repo) -> Result<Vec<String>> {
    let mut packages = Vec::new();
    for entry in fs::read_dir(repo.root().join("crates"))? {
        let entry = entry?;
        if entry.path().join("tests/shuttle.rs").is_file() {
            packages.push(format!("runwright-{}", entry.file_name().display()));
        }
    }
    packages.sort();
    if packages.is_empty() {
        bail!("no crate has a file `tests/shuttle.rs`");
    }
    Ok(packages)
}
