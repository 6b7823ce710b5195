//! P6: how long a server takes from its start to its first answer, and how much memory it has then: without a data folder,
//! with one that has much, and after an end that was no end. It must never know what it does in that time.

use std::{path::Path, thread, time::Duration};

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    Result,
    net::Transport,
    server::{Server, disk},
    stock,
    table::{Pairs, Row, median, print},
};

const STARTS: usize = 20;

/// How many sessions are in the data folder, each with a run that has ended.
const SESSIONS: usize = 10_000;

/// Milliseconds to the first answer, and until the port is open, with all of them; MiB of memory (performance 10, and the
/// second is a limit for people: who starts a server does not notice it).
const ANSWER_LIMIT: f64 = 15.0;
const OPEN_LIMIT: f64 = 100.0;
const RSS_LIMIT: f64 = 12.0;

/// Longer than streamed text waits before it is on its way to the disk.
const UNTIL_STORED: Duration = Duration::from_millis(300);

/// One start.
#[derive(Debug, Clone, Copy)]
struct Start {
    /// Until it said that it listens.
    open: Duration,
    /// Until the first answer.
    took: Duration,
    cpu: Duration,
    rss: u64,
}

pub(crate) fn run() -> Result<()> {
    empty()?;
    stocked()
}

fn empty() -> Result<()> {
    let (mut ours, mut axum, mut durable) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let dir = disk()?;
        ours.push(start(|| Server::binary(dir.path(), &["--in-memory"]))?.0);
        axum.push(start(|| Server::role("ceil-axum", &Transport::Unix.listen(dir.path())))?.0);
        durable.push(start(|| Server::binary(dir.path(), &[]))?.0);
    }
    let of = |what: &str| format!("P6 cold start, in memory, {what}; minimal axum in this program");
    let took = Pairs::of(&answers(&ours), &answers(&axum));
    print(&took.row(of("ms to the first 200"), Some(2.0)));
    let cpu = Pairs::of(&column(&ours, cpu), &column(&axum, cpu));
    print(&cpu.row(of("CPU ms to the first 200"), None));
    let rss = median(&column(&ours, mebibytes));
    let figure = "P6 cold start, in memory, MiB RSS after it; limit";
    print(&Row::limited(figure, rss, RSS_LIMIT));
    let took = Pairs::of(&answers(&durable), &answers(&ours));
    let figure = "P6 cold start, a new data folder, ms to the first 200; in memory";
    print(&took.row(figure, None));
    Ok(())
}

/// With a data folder that has much, after it was closed in good order and after the process was killed in a run.
fn stocked() -> Result<()> {
    let dir = disk()?;
    stock::sessions(&dir.path().join("data"), dir.path(), SESSIONS)?;
    let (mut clean, mut unclean) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let (figures, server) = restart(dir.path())?;
        clean.push(figures);
        kill_in_a_run(server, dir.path())?;
        let (figures, server) = restart(dir.path())?;
        unclean.push(figures);
        server.stop()?;
    }
    report("closed in good order", &clean);
    report("killed in a run", &unclean);
    Ok(())
}

fn report(how: &str, starts: &[Start]) {
    let limited = |what: &str, figures: Vec<f64>, limit| {
        let figure = format!("P6 cold start, {SESSIONS} sessions and runs, {how}, {what}; limit");
        print(&Row::limited(figure, median(&figures), limit));
    };
    limited("ms to the first 200", answers(starts), ANSWER_LIMIT);
    let open = column(starts, |start| milliseconds(start.open));
    limited("ms until the port is open", open, OPEN_LIMIT);
    limited("MiB RSS after it", column(starts, mebibytes), RSS_LIMIT);
}

/// Starts the binary with what is in its data folder.
fn restart(dir: &Path) -> Result<(Start, Server)> {
    start(|| Server::binary(dir, &[]))
}

fn start(server: impl FnOnce() -> Result<Server>) -> Result<(Start, Server)> {
    let began = Instant::now();
    let server = server()?;
    let open = began.elapsed();
    server.address.tell("GET", "/v1/health", "")?;
    let figures = Start {
        open,
        took: began.elapsed(),
        cpu: server.cpu()?,
        rss: server.rss()?,
    };
    Ok((figures, server))
}

/// Kills a server while it writes an answer of which it has stored a part.
#[expect(
    clippy::disallowed_methods,
    reason = "what the other process has stored is not to be seen from here"
)]
fn kill_in_a_run(server: Server, dir: &Path) -> Result<()> {
    let workspace = server.open_workspace(dir)?;
    let session = server.open_session(&workspace)?;
    let prompt = json!({"session_id": session, "prompt": "[[say 100000]] [[delay 5]]"});
    let path = format!("/v1/workspaces/{workspace}/agent");
    server.address.tell("POST", &path, &prompt.to_string())?;
    let messages = format!("/v1/workspaces/{workspace}/sessions/{session}/messages");
    let is_writing = || -> Result<bool> {
        let messages: Value = serde_json::from_str(&server.address.tell("GET", &messages, "")?)?;
        Ok(messages
            .as_array()
            .is_some_and(|messages| messages.len() > 1))
    };
    while !is_writing()? {
        thread::yield_now();
    }
    thread::sleep(UNTIL_STORED);
    drop(server);
    Ok(())
}

fn answers(starts: &[Start]) -> Vec<f64> {
    column(starts, |start| milliseconds(start.took))
}

fn cpu(start: &Start) -> f64 {
    milliseconds(start.cpu)
}

fn mebibytes(start: &Start) -> f64 {
    start.rss as f64 / f64::from(1 << 20)
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn column(starts: &[Start], of: impl Fn(&Start) -> f64) -> Vec<f64> {
    starts.iter().map(of).collect()
}
