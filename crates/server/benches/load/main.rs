//! What requests, streams, starts and long answers cost: the server against ceilings, in one run.
//!
//! `cargo bench -p runwright-server --bench load -- --table [NAME…]` measures the named loads, or all in some four
//! minutes, and prints a line for each figure: `figure | ours | ceiling | ratio | goal | met`.
//!
//! | load | asks | goals |
//! |---|---|---|
//! | `accept` | what accepting a prompt costs | P1 |
//! | `durable` | what it costs more when the prompt is on disk before the answer | P2 |
//! | `sse` | what bringing an event to a reader costs | P4 |
//! | `idle` | what a stream occupies on which nothing happens | P5 |
//! | `cold` | how long a start takes | P6 |
//! | `stall` | what a reader costs that does not read | P8 |
//! | `answer` | what a reader of a long answer is sent | P9 |
//! | `poll` | what an answer to a poll costs | P10 |
//! | `provider` | what a streamed answer of a model provider costs, and how soon its reader has it | <= 2 x, 1 ms |
//! | `replay` | what it costs to bring a stored log to a reader | P7 |
//!
//! How to read the table:
//!
//! - The figure says its unit and, after the semicolon, what the ceiling is. A ceiling is the least that a server could
//!   do, or the usual way to do it, written for this program; where it is called a limit, it is the goal itself.
//! - Look at the ratio. Ours and the ceiling are measured in turn, several times in one run; the ratio is the median of
//!   those of the pairs. The absolute figures are those of this machine at this moment.
//! - CPU time is that of the server's process alone. Each server is a process of its own: this program started again in
//!   a role, on one thread, or the binary, with one worker thread. The clients live in this process and are not counted.
//! - In a role the product runs with an agent that says nothing, and with ports that keep nothing or with the store, so
//!   that what is measured is the server: its accept loop, its layers, its routes, its backend, its streams. Only under
//!   `provider` it has the agent that asks a model; the provider is scripted, and lives in this process.
//! - What is stored is in the build directory, which is on a disk; sockets are where temporary files are.
//! - Whatever the figures say the exit code is 0. It is not when something cannot be measured.
//!
//! Not here: the store alone (P2, P7), which is a bench of the store; the size of an idle workspace (P5), which is a bench
//! of the backend; the foreign server that P4 names, which is not at hand.

mod accept;
mod answer;
mod cold;
mod contest;
mod durable;
mod idle;
mod net;
mod poll;
mod poller;
mod provider;
mod readers;
mod replay;
mod requests;
mod role;
mod server;
mod sse;
mod stall;
mod stock;
mod table;

use std::{env, error::Error, process::ExitCode};

use runwright_server::limits::raise_open_files;

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

/// A load and its name.
type Load = (&'static str, fn() -> Result<()>);

const LOADS: [Load; 10] = [
    ("accept", accept::run),
    ("durable", durable::run),
    ("sse", sse::run),
    ("idle", idle::run),
    ("cold", cold::run),
    ("stall", stall::run),
    ("answer", answer::run),
    ("poll", poll::run),
    ("replay", replay::run),
    ("provider", provider::run),
];

/// The flag that asks for the table, and the one that cargo adds to every bench.
const FLAGS: [&str; 2] = ["--table", "--bench"];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["--role", name, listen, ref rest @ ..] => role::run(name, listen, rest),
        _ if arguments.iter().any(|word| FLAGS.contains(word)) => measure(&named(&arguments)),
        // Started as a test, of which there is none.
        _ => Ok(()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            note(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

/// The words that are no flags.
fn named<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    let is_flag = |word: &&str| word.starts_with('-');
    arguments
        .iter()
        .copied()
        .filter(|word| !is_flag(word))
        .collect()
}

fn measure(names: &[&str]) -> Result<()> {
    let known = LOADS.map(|(name, _)| name);
    if let Some(unknown) = names.iter().find(|name| !known.contains(name)) {
        return Err(format!("there is no load `{unknown}`, only {}", known.join(", ")).into());
    }
    raise_open_files()?;
    table::print_head();
    for (name, run) in LOADS {
        if names.is_empty() || names.contains(&name) {
            note(&format!("measuring {name}"));
            run().map_err(|error| format!("{name}: {error}"))?;
        }
    }
    Ok(())
}

#[expect(clippy::print_stderr, reason = "what is no figure goes there")]
fn note(text: &str) {
    eprintln!("{text}");
}
