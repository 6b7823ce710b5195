//! Running the tests with the runner that is installed. The runner's own lines are never captured.

use anyhow::Result;
use xshell::cmd;

use crate::command::Repo;

/// What a failing test ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum AfterFailure {
    /// The run: a person reads the first failure.
    Stop,
    /// Nothing: one run on another machine shows every failure.
    GoOn,
}

/// Runs all tests, or those that `args` select.
pub(crate) fn run(repo: &Repo, after_failure: AfterFailure, args: &[String]) -> Result<()> {
    if has_nextest(repo) {
        with_nextest(repo, after_failure, args)
    } else {
        with_cargo(repo, after_failure, args)
    }
}

fn with_nextest(repo: &Repo, after_failure: AfterFailure, args: &[String]) -> Result<()> {
    println!("runner: cargo nextest, then cargo test for the examples in the documentation");
    let scope = scope(args);
    // Profiles of `.config/nextest.toml`.
    let profile = if after_failure == AfterFailure::GoOn {
        "ci"
    } else {
        "default"
    };
    repo.run(cmd!(
        repo.shell(),
        "cargo nextest run --profile {profile} {scope...} {args...}"
    ))?;
    if args.is_empty() {
        return repo.run(cmd!(repo.shell(), "cargo test --workspace --doc"));
    }
    println!("examples in the documentation are not run when arguments select tests");
    Ok(())
}

fn with_cargo(repo: &Repo, after_failure: AfterFailure, args: &[String]) -> Result<()> {
    println!("runner: cargo test (`cargo install cargo-nextest --locked` adds a faster one)");
    let scope = scope(args);
    let go_on = (after_failure == AfterFailure::GoOn).then_some("--no-fail-fast");
    repo.run(cmd!(
        repo.shell(),
        "cargo test {scope...} {go_on...} {args...}"
    ))
}

/// Runs only the tests inside the sources.
pub(crate) fn unit(repo: &Repo) -> Result<()> {
    let runner: &[&str] = if has_nextest(repo) {
        &["nextest", "run"]
    } else {
        &["test"]
    };
    repo.run(cmd!(
        repo.shell(),
        "cargo {runner...} --workspace --lib --bins"
    ))
}

fn has_nextest(repo: &Repo) -> bool {
    repo.probe(cmd!(repo.shell(), "cargo nextest --version"))
}

/// The whole workspace, unless the arguments name a package themselves.
fn scope(args: &[String]) -> &'static [&'static str] {
    let names_package = |arg: &String| arg.starts_with("-p") || arg.starts_with("--package");
    if args.iter().any(names_package) {
        &[]
    } else {
        &["--workspace"]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_workspace_is_tested_unless_a_package_is_named() {
        let scope_of =
            |args: &[&str]| scope(&args.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(scope_of(&[]), ["--workspace"]);
        assert_eq!(scope_of(&["lagged"]), ["--workspace"]);
        assert!(scope_of(&["-p", "runwright-agent"]).is_empty());
        assert!(scope_of(&["--package=runwright-agent"]).is_empty());
    }
}
