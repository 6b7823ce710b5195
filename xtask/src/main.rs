//! The development tasks of this repository: `cargo xtask --help` lists them.
//!
//! Each task prints the command lines it runs, with their environment, so that they can be copied. A tool that the
//! machine lacks is an error that names the line which installs it, never a silent pass. Imports no product crate.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "printing is what a development task is for"
)]

mod bench;
mod ci;
mod command;
mod crash;
mod faults;
mod files;
mod flags;
mod loom;
mod models;
mod openapi;
mod patch;
mod scratch;
mod shuttle;
mod table;
mod test;
mod tidy;
mod tools;

use std::process::ExitCode;

use clap::Parser as _;

use crate::{
    command::Repo,
    flags::{Flags, Task},
    test::AfterFailure,
};

fn main() -> ExitCode {
    let flags = Flags::parse();
    match Repo::open().and_then(|repo| run(&repo, flags.task)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // One line: a backtrace through this program would bury what the failing tool said.
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(repo: &Repo, task: Task) -> anyhow::Result<()> {
    match task {
        Task::Ci { fast } => ci::run(repo, fast),
        Task::Test { args } => test::run(repo, AfterFailure::Stop, &args),
        Task::Tidy => tidy::run(repo),
        Task::Loom(options) if options.faults => faults::run(repo, &options),
        Task::Loom(options) => loom::run(repo, &options),
        Task::Shuttle(options) => shuttle::run(repo, &options),
        Task::Crash(options) => crash::run(repo, &options),
        Task::Soak(options) => crash::soak(repo, &options),
        Task::Bench { name } => bench::run(repo, name.as_deref()),
        Task::Openapi { check: true } => openapi::check(repo),
        Task::Openapi { check: false } => openapi::write(repo),
        Task::Miri { args } => tools::miri(repo, &args),
        Task::Coverage { html } => tools::coverage(repo, html),
        Task::Mutants { args } => tools::mutants(repo, &args),
        Task::Fuzz { target, secs } => tools::fuzz(repo, &target, secs),
        Task::Deny => tools::deny(repo),
        Task::Typos => tools::typos(repo),
    }
}
