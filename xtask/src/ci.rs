//! What a change must pass, the same here and on the hosting site. Cheap steps come first; the first failure ends it.

use anyhow::{Context as _, Result};
use xshell::cmd;

use crate::{
    command::{Repo, Stopwatch, seconds},
    faults,
    flags::LoomOptions,
    loom, openapi,
    table::Table,
    test::{self, AfterFailure},
    tidy,
};

type Step = (&'static str, fn(&Repo) -> Result<()>);

const FAST: &[Step] = &[
    ("fmt", fmt),
    ("tidy", tidy::run),
    ("clippy", clippy),
    ("unit tests", test::unit),
];

/// The order also keeps together what shares compiled dependencies: clippy with the documentation, the tests with the
/// bench programs (built, not run, in the profile of the tests), the models with their faults.
const ALL: &[Step] = &[
    ("fmt", fmt),
    ("tidy", tidy::run),
    ("clippy", clippy),
    ("doc", doc),
    ("test", all_tests),
    ("benches build", benches_build),
    ("openapi", openapi::check),
    ("loom", all_models),
    ("loom faults", all_faults),
];

/// Checks that need a further tool, a nightly toolchain or more time.
const NOT_INCLUDED: &str = "\
Not part of `ci`, because they need a further tool or more time; each says what it lacks:
  cargo xtask deny       licenses, bans, sources, advisories   (cargo-deny)
  cargo xtask typos      spelling                              (typos)
  cargo xtask shuttle    larger random schedules               (more time)
  cargo xtask crash      300 crashes; the tests have 30        (more time)
  cargo xtask soak       15 minutes of load; the tests have 20 s  (more time)
  cargo xtask loom --bound 5 --timeout 1800                    (more time)
  cargo xtask miri       undefined behavior, leaks             (nightly, miri)
  cargo xtask mutants    do the tests notice a change          (cargo-mutants)
  cargo xtask coverage   which lines the tests reach           (cargo-llvm-cov)
  cargo xtask fuzz NAME  hostile input                         (nightly, cargo-fuzz)
  cargo xtask bench      figures beside their goals            (a quiet machine)";

/// Runs the steps in order and prints how each ended and how long it took.
pub(crate) fn run(repo: &Repo, fast: bool) -> Result<()> {
    let steps = if fast { FAST } else { ALL };
    let (table, result) = run_steps(repo, steps);
    println!("\n{table}");
    if !fast {
        println!("{NOT_INCLUDED}");
    }
    result
}

fn run_steps(repo: &Repo, steps: &[Step]) -> (Table, Result<()>) {
    let mut table = Table::new(&["step", "result", "seconds"]);
    let mut result = Ok(());
    for (name, step) in steps {
        if result.is_err() {
            table.push([(*name).to_owned(), "not run".to_owned()]);
            continue;
        }
        println!("\n== {name}");
        let stopwatch = Stopwatch::start();
        result = step(repo).with_context(|| format!("step `{name}` failed"));
        let verdict = if result.is_ok() { "ok" } else { "FAILED" };
        table.push([
            (*name).to_owned(),
            verdict.to_owned(),
            seconds(stopwatch.elapsed()),
        ]);
    }
    (table, result)
}

fn fmt(repo: &Repo) -> Result<()> {
    repo.run(cmd!(repo.shell(), "cargo fmt --all --check"))
}

fn clippy(repo: &Repo) -> Result<()> {
    repo.run(cmd!(
        repo.shell(),
        "cargo clippy --workspace --all-targets -- -D warnings"
    ))?;
    // The inner loop leaves the model providers off; with them goes most of what is compiled.
    repo.run(cmd!(
        repo.shell(),
        "cargo clippy --package runwright-server --no-default-features --all-targets -- -D warnings"
    ))
}

fn doc(repo: &Repo) -> Result<()> {
    repo.run(
        cmd!(repo.shell(), "cargo doc --no-deps --workspace").env("RUSTDOCFLAGS", "-D warnings"),
    )
}

fn all_tests(repo: &Repo) -> Result<()> {
    test::run(repo, AfterFailure::GoOn, &[])
}

fn all_models(repo: &Repo) -> Result<()> {
    loom::run(repo, &LoomOptions::default())
}

fn all_faults(repo: &Repo) -> Result<()> {
    faults::run(repo, &LoomOptions::default())
}

fn benches_build(repo: &Repo) -> Result<()> {
    repo.run(cmd!(
        repo.shell(),
        "cargo bench --workspace --benches --no-run --profile dev"
    ))
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    #[test]
    fn nothing_runs_after_the_first_failure_and_the_table_says_so() {
        let repo = Repo::open().unwrap();
        let steps: &[Step] = &[
            ("one", |_| Ok(())),
            ("two", |_| bail!("broken")),
            ("three", |_| unreachable!()),
        ];
        let (table, result) = run_steps(&repo, steps);
        let table = table.to_string();
        // The first two columns; the third is the time.
        let first_two = |line: &str| line.get(..14).unwrap_or(line).trim_end().to_owned();
        let cells: Vec<_> = table.lines().skip(2).map(first_two).collect();
        assert_eq!(cells, ["one    ok", "two    FAILED", "three  not run"]);
        assert_eq!(
            format!("{:#}", result.unwrap_err()),
            "step `two` failed: broken"
        );
    }
}
