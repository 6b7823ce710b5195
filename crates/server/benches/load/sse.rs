//! P4: what it costs to bring an event to a reader. It must never know how a stream is made.

use std::time::Duration;

use tempfile::TempDir;

use crate::{
    Result,
    net::Transport,
    readers::Readers,
    server::Server,
    table::{Pairs, Row, print},
};

const SAMPLES: usize = 5;

/// A server with its readers, and what was measured.
struct Streams {
    server: Server,
    readers: Readers,
    count: usize,
    /// CPU seconds for a million deliveries, in each sample.
    costs: Vec<f64>,
    user: f64,
    writes: f64,
}

/// How many read, and how much at once.
#[derive(Debug, Clone, Copy)]
struct Load {
    readers: usize,
    burst: usize,
}

pub(crate) fn run() -> Result<()> {
    let dir = TempDir::new()?;
    for readers in [100, 1000] {
        let open = |role| Streams::open(role, &dir, readers);
        let (mut ours, mut hand_loop) = (open("accept")?, open("ceil-hand-loop")?);
        let (mut body, mut sse) = (open("ceil-hyper-body")?, open("ceil-axum-sse")?);
        for burst in [1, 32] {
            let load = Load { readers, burst };
            let mut all = [&mut ours, &mut hand_loop, &mut body, &mut sse];
            measure(&mut all, load)?;
            report(load, &ours, &hand_loop, &body, &sse);
        }
    }
    Ok(())
}

fn measure(all: &mut [&mut Streams], load: Load) -> Result<()> {
    for streams in &mut *all {
        streams.begin();
        streams.publish(load, load.rounds() / 4 + 1)?;
    }
    for _ in 0..SAMPLES {
        for streams in &mut *all {
            streams.sample(load)?;
        }
    }
    Ok(())
}

fn report(load: Load, ours: &Streams, hand_loop: &Streams, body: &Streams, sse: &Streams) {
    let Load { readers, burst } = load;
    let of = |what: &str| format!("P4 SSE, {readers} readers, burst {burst}, {what}");
    // The goal against axum's way is that of performance 10. Here, optimized across crates, even the loop by hand is only
    // six times cheaper than that way, so what counts is how near the stream is to the loop.
    let (by_hand, by_sse) = match burst {
        1 => (1.8, None),
        _ => (1.3, Some(0.125)),
    };
    let against = |ceiling: &Streams| Pairs::of(&ours.costs, &ceiling.costs);
    print(&against(hand_loop).row(of("CPU s per million; hand loop"), Some(by_hand)));
    print(&against(body).row(of("CPU s per million; body on raw hyper"), None));
    print(&against(sse).row(of("CPU s per million; axum Sse"), by_sse));
    match (readers, burst) {
        (_, 1) => {
            let user = Pairs::of(&[ours.user], &[body.user]);
            print(&user.row(of("user s per million; body on raw hyper"), None));
            print(&Row::limited(
                of("user s per million; limit"),
                ours.user,
                0.8,
            ));
        }
        (100, _) => print(&Row::limited(
            of("CPU s per million; limit"),
            ours.cost(),
            0.2,
        )),
        _ => print(&Row::limited(
            of("CPU s per million; limit"),
            ours.cost(),
            0.35,
        )),
    }
    print(&Row::limited(
        of("writes per reader and wake; limit"),
        ours.writes,
        1.0,
    ));
}

impl Load {
    /// Rounds of a sample: some tenths of a second.
    fn rounds(self) -> usize {
        let deliveries = if self.burst == 1 { 100_000 } else { 640_000 };
        deliveries / (self.readers * self.burst)
    }
}

impl Streams {
    fn open(role: &str, dir: &TempDir, count: usize) -> Result<Self> {
        let server = Server::role(role, &Transport::Tcp.listen(dir.path()))?;
        let path = server.words.last().ok_or("the role names no stream")?;
        let readers = Readers::connect(&server.address, path, count)?;
        Ok(Self {
            server,
            readers,
            count,
            costs: Vec::new(),
            user: 0.0,
            writes: 0.0,
        })
    }

    fn begin(&mut self) {
        self.costs.clear();
        self.user = 0.0;
        self.writes = 0.0;
    }

    /// Has events published and waits, each time, until every reader has them all.
    fn publish(&mut self, load: Load, rounds: usize) -> Result<()> {
        for _ in 0..rounds {
            self.server.command(u32::try_from(load.burst)?)?;
            self.readers.receive(load.burst as u64)?;
        }
        Ok(())
    }

    fn sample(&mut self, load: Load) -> Result<()> {
        let before = self.used()?;
        self.publish(load, load.rounds())?;
        let after = self.used()?;
        let wakes = (load.rounds() * self.count) as f64;
        let million = wakes * load.burst as f64 / 1e6;
        self.costs
            .push((after.0 - before.0).as_secs_f64() / million);
        self.user += (after.1 - before.1).as_secs_f64() / million / SAMPLES as f64;
        self.writes += (after.2 - before.2) as f64 / wakes / SAMPLES as f64;
        Ok(())
    }

    fn used(&self) -> Result<(Duration, Duration, u64)> {
        Ok((
            self.server.cpu()?,
            self.server.user()?,
            self.server.writes()?,
        ))
    }

    fn cost(&self) -> f64 {
        crate::table::median(&self.costs)
    }
}
