//! Building and running the model tests of a package, one process per model, so that a deadlock which aborts the
//! process is the failure of one model only. Knows no bound and no iteration count: those belong to an engine.

use std::{
    fs, os::unix::process::ExitStatusExt as _, path::PathBuf, process::ExitStatus, time::Duration,
};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use xshell::cmd;

use crate::command::{Finished, Repo};

/// What a panicking test leaves as the exit code of a test binary.
const TESTS_FAILED: i32 = 101;
const SIGABRT: i32 = 6;

/// How much of a failing model's output goes to the terminal; all of it goes to a file.
const SHOWN_LINES: usize = 60;

/// A way to run models: a cfg that swaps the synchronization types, and the test target with the models.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) cfg: &'static str,
    pub(crate) test: &'static str,
    /// Relative to the root; other compiler flags rebuild everything, so each engine has its own.
    pub(crate) target_dir: &'static str,
}

/// The compiled models of one package.
#[derive(Debug)]
pub(crate) struct Suite {
    pub(crate) package: String,
    pub(crate) models: Vec<String>,
    binary: PathBuf,
}

/// How the run of one model ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Verdict {
    Passed,
    /// A panic or a deadlock: what a model does when the code is wrong.
    Failed,
    TimedOut,
    /// The binary has no test of this name.
    NotRun,
    /// The process ended in another way, for instance killed from outside.
    Died(String),
}

/// One run of one model.
#[derive(Debug)]
pub(crate) struct ModelRun {
    pub(crate) verdict: Verdict,
    pub(crate) output: String,
    pub(crate) elapsed: Duration,
}

/// How many models ran, and how many of them failed.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) ran: usize,
    failed: usize,
}

impl Engine {
    /// Compiles the models of a package and lists them.
    pub(crate) fn build(&self, repo: &Repo, package: &str) -> Result<Suite> {
        let Self {
            cfg,
            test,
            target_dir,
        } = self;
        let cmd = cmd!(
            repo.shell(),
            "cargo test --profile model --package {package} --test {test} --no-run --message-format json-render-diagnostics"
        );
        let messages = repo.read(
            cmd.env("RUSTFLAGS", format!("--cfg {cfg}"))
                .env("CARGO_TARGET_DIR", target_dir),
        )?;
        let binary = executable(&messages, test)
            .with_context(|| format!("cargo built no test `{test}` of `{package}`"))?;
        let models = listed(&repo.read(cmd!(repo.shell(), "{binary} --list --format terse"))?);
        if models.is_empty() {
            bail!("`{package}` has no model in `tests/{test}.rs`");
        }
        Ok(Suite {
            package: package.to_owned(),
            models,
            binary,
        })
    }
}

impl Suite {
    /// Runs one model in a process of its own.
    pub(crate) fn run(
        &self,
        repo: &Repo,
        model: &str,
        env: &[(&str, String)],
        timeout: Duration,
    ) -> Result<ModelRun> {
        let binary = &self.binary;
        let cmd = cmd!(repo.shell(), "{binary} --exact {model} --nocapture");
        let Finished {
            status,
            output,
            elapsed,
        } = repo.watch(cmd.envs(env.iter().cloned()), timeout)?;
        Ok(ModelRun {
            verdict: verdict(status, &output),
            output,
            elapsed,
        })
    }

    /// The models whose `package/name` contains `filter`.
    pub(crate) fn matching(&self, filter: Option<&str>) -> impl Iterator<Item = &str> {
        let wanted = move |model: &&str| {
            filter.is_none_or(|filter| format!("{}/{model}", self.package).contains(filter))
        };
        self.models.iter().map(String::as_str).filter(wanted)
    }
}

impl Verdict {
    /// Describes the verdict for a table.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Passed => "ok".to_owned(),
            Self::Failed => "FAILED".to_owned(),
            Self::TimedOut => "TIMED OUT".to_owned(),
            Self::NotRun => "NO SUCH MODEL".to_owned(),
            Self::Died(status) => format!("DIED ({status})"),
        }
    }
}

impl Tally {
    pub(crate) fn count(&mut self, passed: bool) {
        self.ran += 1;
        self.failed += usize::from(!passed);
    }

    /// Fails if a model failed, and if none ran: a name that matches nothing must not look like success.
    pub(crate) fn require_success(&self, filter: Option<&str>) -> Result<()> {
        let Self { ran, failed } = self;
        if *ran == 0 {
            bail!("no model matches `{}`", filter.unwrap_or_default());
        }
        if *failed > 0 {
            bail!("{failed} of {ran} models failed");
        }
        Ok(())
    }
}

impl ModelRun {
    /// Keeps the whole output in a file and prints the end of it.
    pub(crate) fn show(
        &self,
        repo: &Repo,
        engine: &Engine,
        package: &str,
        model: &str,
    ) -> Result<()> {
        let dir = repo.root().join(engine.target_dir).join("logs");
        fs::create_dir_all(&dir)?;
        let path = dir.join(format!("{package}.{}.log", model.replace("::", ".")));
        fs::write(&path, &self.output)?;
        let lines: Vec<_> = self.output.lines().collect();
        let hidden = lines.len().saturating_sub(SHOWN_LINES);
        if hidden > 0 {
            println!(
                "... ({hidden} lines more in {})",
                path.strip_prefix(repo.root()).unwrap_or(&path).display()
            );
        }
        lines[hidden..].iter().for_each(|line| println!("{line}"));
        Ok(())
    }
}

fn verdict(status: Option<ExitStatus>, output: &str) -> Verdict {
    let Some(status) = status else {
        return Verdict::TimedOut;
    };
    if !output.contains("running 1 test") {
        return Verdict::NotRun;
    }
    match (status.code(), status.signal()) {
        (Some(0), _) => Verdict::Passed,
        (Some(TESTS_FAILED), _) | (None, Some(SIGABRT)) => Verdict::Failed,
        _ => Verdict::Died(status.to_string()),
    }
}

/// The path of a test binary in cargo's messages.
fn executable(messages: &str, test: &str) -> Option<PathBuf> {
    let messages = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut built = messages
        .filter(|message| message["target"]["name"] == test && message["profile"]["test"] == true);
    built.find_map(|message| message["executable"].as_str().map(PathBuf::from))
}

fn listed(output: &str) -> Vec<String> {
    output
        .lines()
        .filter_map(|line| line.strip_suffix(": test"))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RAN: &str = "running 1 test\n";

    #[test]
    fn a_panic_and_an_abort_are_failures_of_the_model() {
        let exit = |code| Some(ExitStatus::from_raw(code << 8));
        let signal = |signal| Some(ExitStatus::from_raw(signal));
        assert_eq!(verdict(exit(0), RAN), Verdict::Passed);
        assert_eq!(verdict(exit(101), RAN), Verdict::Failed);
        assert_eq!(verdict(signal(SIGABRT), RAN), Verdict::Failed);
        assert_eq!(
            verdict(signal(9), RAN),
            Verdict::Died("signal: 9 (SIGKILL)".into())
        );
        assert_eq!(verdict(None, RAN), Verdict::TimedOut);
    }

    #[test]
    fn a_run_without_the_model_is_not_a_pass() {
        assert_eq!(
            verdict(Some(ExitStatus::from_raw(0)), "running 0 tests\n"),
            Verdict::NotRun
        );
    }

    #[test]
    fn the_test_binary_is_found_among_the_messages() {
        let messages = r#"
{"reason":"compiler-artifact","target":{"name":"loom"},"profile":{"test":false},"executable":null}
{"reason":"compiler-artifact","target":{"name":"it"},"profile":{"test":true},"executable":"/t/it-1"}
{"reason":"compiler-artifact","target":{"name":"loom"},"profile":{"test":true},"executable":"/t/loom-1"}
not json
{"reason":"build-finished","success":true}"#;
        assert_eq!(
            executable(messages, "loom"),
            Some(PathBuf::from("/t/loom-1"))
        );
        assert_eq!(executable(messages, "shuttle"), None);
    }

    #[test]
    fn models_are_listed_without_benches_and_counted_lines() {
        assert_eq!(
            listed("gate::a: test\nb: test\nc: benchmark\n\n2 tests, 1 benchmark\n"),
            ["gate::a", "b"]
        );
    }

    #[test]
    fn success_needs_a_model_that_ran_and_none_that_failed() {
        let mut tally = Tally::default();
        let error = |tally: &Tally| tally.require_success(Some("gate")).unwrap_err().to_string();
        assert_eq!(error(&tally), "no model matches `gate`");
        tally.count(true);
        tally.require_success(None).unwrap();
        tally.count(false);
        assert_eq!(error(&tally), "1 of 2 models failed");
    }

    #[test]
    fn a_filter_sees_the_package_and_the_name() {
        let models = vec!["gate::drains".to_owned(), "lane::cancels".to_owned()];
        let suite = Suite {
            package: "runwright-backend".into(),
            models,
            binary: PathBuf::new(),
        };
        let matching = |filter| suite.matching(filter).collect::<Vec<_>>();
        assert_eq!(matching(None), ["gate::drains", "lane::cancels"]);
        assert_eq!(matching(Some("backend/gate")), ["gate::drains"]);
        assert!(matching(Some("pubsub")).is_empty());
    }
}
