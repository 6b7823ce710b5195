//! Checks with tools that a machine may lack. Each missing tool is an error with the line that installs it.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use xshell::cmd;

use crate::{command::Repo, files};

/// The toolchain for miri and cargo-fuzz; the one place to pin it.
const NIGHTLY: &str = "+nightly";

/// Pure or small enough that each mutation should be noticed by a test.
const MUTATED: [&str; 8] = [
    "crates/agent/src/cancel_mark.rs",
    "crates/agent/src/lane.rs",
    "crates/agent/src/reservation.rs",
    "crates/backend/src/claims.rs",
    "crates/backend/src/gate.rs",
    "crates/backend/src/registry.rs",
    "crates/pubsub/src/log.rs",
    "crates/pubsub/src/topic.rs",
];

/// A program, how to see that it is there, and how to get it.
struct Tool {
    name: &'static str,
    probe: &'static [&'static str],
    install: &'static str,
}

const NIGHTLY_TOOLCHAIN: Tool = Tool {
    name: "the nightly toolchain",
    probe: &["cargo", NIGHTLY, "--version"],
    install: "rustup toolchain install nightly --profile minimal",
};

const MIRI: Tool = Tool {
    name: "miri",
    probe: &["cargo", NIGHTLY, "miri", "--version"],
    install: "rustup component add miri rust-src --toolchain nightly",
};

const LLVM_COV: Tool = Tool {
    name: "cargo-llvm-cov",
    probe: &["cargo", "llvm-cov", "--version"],
    install: "cargo install cargo-llvm-cov --locked && rustup component add llvm-tools",
};

const MUTANTS: Tool = Tool {
    name: "cargo-mutants",
    probe: &["cargo", "mutants", "--version"],
    install: "cargo install cargo-mutants --locked",
};

const FUZZ: Tool = Tool {
    name: "cargo-fuzz",
    probe: &["cargo", "fuzz", "--version"],
    install: "cargo install cargo-fuzz --locked",
};

const DENY: Tool = Tool {
    name: "cargo-deny",
    probe: &["cargo", "deny", "--version"],
    install: "cargo install cargo-deny --locked",
};

const TYPOS: Tool = Tool {
    name: "typos",
    probe: &["typos", "--version"],
    install: "cargo install typos-cli --locked",
};

/// Runs the tests of the small reusable crates under miri.
pub(crate) fn miri(repo: &Repo, args: &[String]) -> Result<()> {
    require(repo, &NIGHTLY_TOOLCHAIN)?;
    require(repo, &MIRI)?;
    let selections: [&[&str]; 2] = [
        &["-p", "runwright-agent", "-p", "runwright-pubsub"],
        &["-p", "runwright-backend", "--lib"],
    ];
    for selection in selections {
        let cmd = cmd!(
            repo.shell(),
            "cargo {NIGHTLY} miri test {selection...} {args...}"
        );
        // Property tests read the clock and keep their failures in files; under miri a case takes a thousand times longer.
        repo.run(
            cmd.env("MIRIFLAGS", "-Zmiri-disable-isolation")
                .env("PROPTEST_CASES", "4"),
        )?;
    }
    Ok(())
}

/// Measures which lines the tests reach.
pub(crate) fn coverage(repo: &Repo, html: bool) -> Result<()> {
    require(repo, &LLVM_COV)?;
    let report = if html { "--html" } else { "--summary-only" };
    repo.run(cmd!(
        repo.shell(),
        "cargo llvm-cov --workspace --exclude xtask {report}"
    ))
}

/// Mutates the pure cores and requires that a test notices.
pub(crate) fn mutants(repo: &Repo, args: &[String]) -> Result<()> {
    require(repo, &MUTANTS)?;
    if let Some(missing) = MUTATED
        .iter()
        .find(|file| !repo.root().join(file).is_file())
    {
        bail!("`{missing}` is in the list of mutated files, but does not exist");
    }
    let files = MUTATED.iter().flat_map(|file| ["--file", file]);
    repo.run(cmd!(
        repo.shell(),
        "cargo mutants --output target {files...} {args...}"
    ))
}

/// Runs one fuzz target for a while.
pub(crate) fn fuzz(repo: &Repo, target: &str, secs: u32) -> Result<()> {
    let targets = fuzz_targets(repo.root())?;
    let Some((_, dir)) = targets.iter().find(|(name, _)| name == target) else {
        let known: Vec<_> = targets.into_iter().map(|(name, _)| name).collect();
        bail!(
            "there is no fuzz target `{target}`; targets: {}",
            if known.is_empty() {
                "none".into()
            } else {
                known.join(", ")
            }
        );
    };
    require(repo, &NIGHTLY_TOOLCHAIN)?;
    require(repo, &FUZZ)?;
    let limit = format!("-max_total_time={secs}");
    repo.run(cmd!(
        repo.shell(),
        "cargo {NIGHTLY} fuzz run --fuzz-dir {dir} {target} -- {limit}"
    ))
}

/// Checks licenses, bans, sources and advisories of the dependencies.
pub(crate) fn deny(repo: &Repo) -> Result<()> {
    require(repo, &DENY)?;
    repo.run(cmd!(repo.shell(), "cargo deny check"))
}

/// Checks the spelling of sources and documents.
pub(crate) fn typos(repo: &Repo) -> Result<()> {
    require(repo, &TYPOS)?;
    repo.run(cmd!(repo.shell(), "typos"))
}

fn require(repo: &Repo, tool: &Tool) -> Result<()> {
    let Tool {
        name,
        probe,
        install,
    } = tool;
    // A probe must find out, not download a toolchain.
    if repo.probe(
        repo.shell()
            .cmd(probe[0])
            .args(&probe[1..])
            .env("RUSTUP_AUTO_INSTALL", "0"),
    ) {
        return Ok(());
    }
    bail!("{name} is missing on this machine, so nothing was checked; install it with `{install}`")
}

/// The fuzz targets of all crates with their fuzz directories.
fn fuzz_targets(root: &Path) -> Result<Vec<(String, PathBuf)>> {
    let mut targets = Vec::new();
    for file in files::with_extension(&root.join("crates"), "rs")? {
        let Some(dir) = file
            .parent()
            .filter(|dir| dir.ends_with("fuzz/fuzz_targets"))
        else {
            continue;
        };
        let name = file
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let fuzz_dir = dir.parent().unwrap_or(dir);
        targets.push((name, fuzz_dir.strip_prefix(root)?.to_owned()));
    }
    Ok(targets)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_missing_tool_is_an_error_with_the_line_that_installs_it() {
        let repo = Repo::open().unwrap();
        let tool = Tool {
            name: "nothing",
            probe: &["runwright-no-such-program"],
            install: "get nothing",
        };
        let error = require(&repo, &tool).unwrap_err();
        assert_eq!(
            error.to_string(),
            "nothing is missing on this machine, so nothing was checked; install it with `get nothing`"
        );
        let present = Tool {
            name: "sh",
            probe: &["sh", "-c", "true"],
            install: "",
        };
        require(&repo, &present).unwrap();
    }

    #[test]
    fn fuzz_targets_are_found_by_their_files() {
        let dir = tempfile::tempdir().unwrap();
        let targets = dir.path().join("crates/proto/fuzz/fuzz_targets");
        fs::create_dir_all(&targets).unwrap();
        fs::write(targets.join("decode_event.rs"), "").unwrap();
        fs::write(dir.path().join("crates/proto/other.rs"), "").unwrap();
        assert_eq!(
            fuzz_targets(dir.path()).unwrap(),
            [("decode_event".into(), "crates/proto/fuzz".into())]
        );
    }
}
