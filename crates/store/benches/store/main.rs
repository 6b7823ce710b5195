//! What durability costs: the store against bare loops over the same disk, in one run.
//!
//! `cargo bench -p runwright-store --bench store -- --table [NAME…]` measures the named loads, or all in some two
//! minutes, and prints a line for each figure: `figure | ours | ceiling | ratio | goal | met`.
//!
//! | load | asks | goals |
//! |---|---|---|
//! | `journal_group` | what it costs to record a run that is on disk when its caller is told | P2 |
//! | `log_replay` | what it costs to read a log from disk | P7 |
//! | `space` | how many bytes a run and a streamed answer take | - |
//!
//! How to read the table:
//!
//! - The figure says its unit and, after the semicolon, what the ceiling is: the least that a program could do with the
//!   same SQLite and the same bytes, written for this one; where it is called a limit, it is the goal itself.
//! - Less is better, in each line. "0.8 times as fast" is a ratio of at most 1.25.
//! - Look at the ratio. Ours and the ceiling are measured in turn, several times in one run; the ratio is the median of
//!   those of the pairs. The absolute figures are those of this machine and of its disk at this moment.
//! - CPU time is that of all threads of this process, the writer's among them, until both are quiet again: what a store
//!   puts off is counted.
//! - The files are in the build directory, which is on a disk, not in memory; the program says on which.
//! - Whatever the figures say the exit code is 0. It is not when something cannot be measured.

mod bare;
mod bare_rows;
mod callers;
mod ground;
mod group_loop;
mod journal_group;
mod log_replay;
mod product;
mod space;
mod stories;
mod table;
mod usage;

use std::{env, error::Error, process::ExitCode};

use crate::ground::Ground;

type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

/// A load and its name.
type Load = (&'static str, fn(&Ground) -> Result<()>);

const LOADS: [Load; 3] = [
    ("journal_group", journal_group::run),
    ("log_replay", log_replay::run),
    ("space", space::run),
];

/// The flag that asks for the table, and the one that cargo adds to every bench.
const FLAGS: [&str; 2] = ["--table", "--bench"];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (flags, names): (Vec<&str>, Vec<&str>) = arguments
        .iter()
        .map(String::as_str)
        .partition(|word| word.starts_with('-'));
    if !flags.iter().any(|flag| FLAGS.contains(flag)) {
        // Started as a test, of which there is none.
        return ExitCode::SUCCESS;
    }
    match measure(&names) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            note(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

fn measure(names: &[&str]) -> Result<()> {
    let known = LOADS.map(|(name, _)| name);
    if let Some(unknown) = names.iter().find(|name| !known.contains(name)) {
        return Err(format!("there is no load `{unknown}`, only {}", known.join(", ")).into());
    }
    let ground = Ground::new()?;
    note(&format!("the files are on {ground}"));
    table::print_head();
    for (name, run) in LOADS {
        if names.is_empty() || names.contains(&name) {
            note(&format!("measuring {name}"));
            run(&ground).map_err(|error| format!("{name}: {}", whole(&*error)))?;
        }
    }
    Ok(())
}

/// An error with all its causes.
fn whole(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| (*error).source());
    let causes: Vec<_> = causes.map(ToString::to_string).collect();
    causes.join(": ")
}

#[expect(clippy::print_stderr, reason = "what is no figure goes there")]
fn note(text: &str) {
    eprintln!("{text}");
}
