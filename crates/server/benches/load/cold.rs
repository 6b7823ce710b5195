//! P6: how long a server takes from its start to its first answer, and how much memory it has then. It must never know
//! what it does in that time.

use std::time::Duration;

use tempfile::TempDir;
use tokio::time::Instant;

use crate::{
    Result,
    net::Transport,
    server::Server,
    table::{Pairs, Row, median, print},
};

const STARTS: usize = 20;

/// One start.
#[derive(Debug, Clone, Copy)]
struct Start {
    took: Duration,
    cpu: Duration,
    rss: u64,
}

pub(crate) fn run() -> Result<()> {
    let (mut ours, mut axum) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let dir = TempDir::new()?;
        ours.push(start(|| Server::binary(dir.path(), &[]))?);
        axum.push(start(|| {
            Server::role("ceil-axum", &Transport::Unix.listen(dir.path()))
        })?);
    }
    let pairs = |of: fn(&Start) -> f64| Pairs::of(&column(&ours, of), &column(&axum, of));
    let took = pairs(|start| start.took.as_secs_f64() * 1e3);
    print(&took.row(
        "P6 cold start, ms to the first 200; minimal axum in this program",
        Some(2.0),
    ));
    let cpu = pairs(|start| start.cpu.as_secs_f64() * 1e3);
    print(&cpu.row(
        "P6 cold start, CPU ms to the first 200; minimal axum in this program",
        None,
    ));
    let rss = median(&column(&ours, |start| {
        start.rss as f64 / f64::from(1 << 20)
    }));
    print(&Row::limited(
        "P6 cold start, MiB RSS after it; limit",
        rss,
        12.0,
    ));
    Ok(())
}

fn start(server: impl FnOnce() -> Result<Server>) -> Result<Start> {
    let began = Instant::now();
    let server = server()?;
    server.address.tell("GET", "/v1/health", "")?;
    Ok(Start {
        took: began.elapsed(),
        cpu: server.cpu()?,
        rss: server.rss()?,
    })
}

fn column(starts: &[Start], of: fn(&Start) -> f64) -> Vec<f64> {
    starts.iter().map(of).collect()
}
