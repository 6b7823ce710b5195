//! P8: what one reader of a hundred that does not read costs the others, and how much memory it takes. It must never know
//! how the server bounds it.

use std::{path::Path, time::Duration};

use runwright_backend::TopicOptions;
use tempfile::TempDir;
use tokio::time::Instant;

use crate::{
    Result,
    net::{Stream, Transport},
    readers::{self, Readers},
    server::Server,
    table::{Pairs, Row, print},
};

const READERS: usize = 99;
const BURST: usize = 32;

/// The load lasts 20 s, below the deadline after which a peer that does not read is cut off (semantics 3: 30 s).
const SAMPLES: usize = 10;
const SAMPLE: Duration = Duration::from_secs(2);
const CALM_SAMPLE: Duration = Duration::from_millis(500);

/// A server with readers who read and, where there is one, somebody who does not.
struct Crowd {
    server: Server,
    readers: Readers,
    _stalled: Option<Stream>,
    /// Seconds of wall time and of CPU for a million deliveries.
    wall: Vec<f64>,
    cpu: Vec<f64>,
}

pub(crate) fn run() -> Result<()> {
    let dir = TempDir::new()?;
    let (mut calm, mut stalled) = (
        Crowd::open(dir.path(), false)?,
        Crowd::open(dir.path(), true)?,
    );
    // The log is full from then on, and what it takes for all is not the stalled reader's.
    calm.sample(CALM_SAMPLE)?;
    stalled.sample(CALM_SAMPLE)?;
    let before = stalled.server.rss()? as f64;
    for _ in 0..SAMPLES {
        calm.sample(CALM_SAMPLE)?;
        stalled.sample(SAMPLE)?;
    }
    let grown = (stalled.server.rss()? as f64 - before) / f64::from(1 << 20);
    let kept = TopicOptions::default().max_bytes as f64 / f64::from(1 << 20);
    print(&Row::limited(
        "P8 one of 100 does not read for 20 s, MiB RSS more; retention of the log",
        grown,
        kept,
    ));
    let cpu = Pairs::of(&stalled.cpu, &calm.cpu);
    print(&cpu.row(
        "P8 the other 99, CPU s per million; none stalled",
        Some(1.05),
    ));
    let wall = Pairs::of(&stalled.wall, &calm.wall);
    print(&wall.row("P8 the other 99, seconds per million; none stalled", None));
    Ok(())
}

impl Crowd {
    fn open(dir: &Path, with_stalled: bool) -> Result<Self> {
        let server = Server::role("accept", &Transport::Tcp.listen(dir))?;
        let path = server.words.last().ok_or("the role names no stream")?;
        let stalled = with_stalled.then(|| readers::open(&server.address, path));
        Ok(Self {
            readers: Readers::connect(&server.address, path, READERS)?,
            _stalled: stalled.transpose()?,
            server,
            wall: Vec::new(),
            cpu: Vec::new(),
        })
    }

    /// Publishes as fast as those who read can follow.
    fn sample(&mut self, length: Duration) -> Result<()> {
        let (began, before) = (Instant::now(), self.server.cpu()?);
        let mut rounds = 0;
        while began.elapsed() < length {
            self.server.command(u32::try_from(BURST)?)?;
            self.readers.receive(BURST as u64)?;
            rounds += 1;
        }
        let million = (rounds * BURST * READERS) as f64 / 1e6;
        self.wall.push(began.elapsed().as_secs_f64() / million);
        self.cpu
            .push((self.server.cpu()? - before).as_secs_f64() / million);
        Ok(())
    }
}
