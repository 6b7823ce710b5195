//! P7 over HTTP: what it costs to bring a log that was stored before the server started to one reader. It must never know how
//! a log is kept.

use std::{io::Read, time::Duration};

use tokio::time::Instant;

use crate::{
    Result,
    net::Transport,
    readers,
    server::{Server, disk},
    stock,
    table::{Pairs, Row, median, print},
};

/// How many events the log has (performance 6).
pub(crate) const EVENTS: usize = 300_000;

const SAMPLES: usize = 5;

/// Two million events in a second (performance 10).
const LIMIT_NANOS: f64 = 500.0;

/// An id line, a data line and an empty line.
const LINES_OF_EVENT: usize = 3;

/// Nanoseconds for each event, in each sample.
#[derive(Debug, Default)]
struct Nanos {
    cpu: Vec<f64>,
    time: Vec<f64>,
}

pub(crate) fn run() -> Result<()> {
    let dir = disk()?;
    let workspace = stock::events(&dir.path().join("data"), dir.path(), EVENTS)?;
    let keep_all = ["--retain-workspace-events", "1GiB"];
    let server = Server::binary(dir.path(), &keep_all)?;
    let ceiling = Server::role("ceil-replay", &Transport::Unix.listen(dir.path()))?;
    let path = format!("/v1/workspaces/{workspace}/events?after=0");
    let (mut ours, mut bare) = (Nanos::default(), Nanos::default());
    // The first round warms both up.
    for _ in 0..=SAMPLES {
        bare.sample(&ceiling, "/")?;
        ours.sample(&server, &path)?;
    }
    let of = |what: &str| format!("P7 replay from disk over HTTP, {EVENTS} events, ns {what}");
    let pairs = |of: fn(&Nanos) -> &[f64]| Pairs::of(of(&ours), of(&bare));
    let ceiling = "the same from memory by hand";
    print(&pairs(Nanos::cpu).row(of(&format!("CPU each; {ceiling}")), None));
    print(&pairs(Nanos::time).row(of(&format!("each; {ceiling}")), None));
    print(&Row::limited(
        of("each; limit"),
        median(ours.time()),
        LIMIT_NANOS,
    ));
    Ok(())
}

impl Nanos {
    /// Reads all events as a client that comes from far back.
    fn sample(&mut self, server: &Server, path: &str) -> Result<()> {
        let (began, cpu) = (Instant::now(), server.cpu()?);
        read_all(readers::open(&server.address, path)?)?;
        let each = |time: Duration| time.as_secs_f64() * 1e9 / EVENTS as f64;
        self.time.push(each(began.elapsed()));
        self.cpu.push(each(server.cpu()? - cpu));
        Ok(())
    }

    fn cpu(&self) -> &[f64] {
        self.cpu.get(1..).unwrap_or_default()
    }

    fn time(&self) -> &[f64] {
        self.time.get(1..).unwrap_or_default()
    }
}

/// Reads a stream up to the last of its events. Only line ends are counted, so that the reader is not what is measured.
fn read_all(mut stream: impl Read) -> Result<()> {
    let mut buffer = vec![0; 256 * 1024];
    let mut lines = 0;
    while lines < EVENTS * LINES_OF_EVENT {
        let read = stream.read(&mut buffer)?;
        if read == 0 {
            return Err(format!("the stream ended after {lines} lines").into());
        }
        lines += buffer[..read].iter().filter(|byte| **byte == b'\n').count();
    }
    Ok(())
}
