//! Larger random schedules of the same code with shuttle: more actors than loom can search, no proof.

use std::{fs, time::Duration};

use anyhow::{Result, bail};

use crate::{
    command::{Repo, Stopwatch, seconds},
    flags::ShuttleOptions,
    models::{self, Engine, Verdict},
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
    let env: Vec<_> = options
        .iterations
        .map(|n| (ITERATIONS, n.to_string()))
        .into_iter()
        .collect();
    let stopwatch = Stopwatch::start();
    let mut table = Table::new(&["test", "seconds", "result"]);
    let (mut ran, mut failed) = (0, 0);
    for package in packages(repo)? {
        let suite = ENGINE.build(repo, &package)?;
        for model in suite.matching(options.name.as_deref()) {
            let run = suite.run(repo, model, &env, Duration::from_secs(options.timeout))?;
            if run.verdict != Verdict::Passed {
                run.show(repo, &ENGINE, &package, model)?;
                failed += 1;
            }
            ran += 1;
            table.push([
                format!("{package}/{model}"),
                seconds(run.elapsed),
                run.verdict.describe(),
            ]);
        }
    }
    models::require_some(ran, options.name.as_deref())?;
    println!(
        "\n{table}\n{ran} tests in {} s with building",
        seconds(stopwatch.elapsed())
    );
    if failed > 0 {
        bail!("{failed} of {ran} tests failed");
    }
    Ok(())
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
