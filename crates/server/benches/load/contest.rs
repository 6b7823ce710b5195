//! Owns the contest of servers that answer the same requests: they are asked in turn, so that noise hits all of them. It
//! must never know what the requests mean.

use std::{thread, time::Duration};

use crate::{
    Result,
    net::Address,
    requests::{CONNECTIONS, Requests, Template},
    server::Server,
    table::{Pairs, median, quantile},
};

const SAMPLES: usize = 5;

const BUSY: &str = r#""is_busy":true"#;

/// How often a server is asked whether it is busy: seldom, because that is counted too.
const PAUSE: Duration = Duration::from_millis(50);

/// A server with its clients, and what was measured.
pub(crate) struct Contender {
    server: Server,
    clients: Requests,
    /// Every request has a number of its own.
    sent: u64,
    /// How long the server is left alone after a sample, so that what it puts off is counted.
    rest: Duration,
    /// What answers `"is_busy":true` as long as the sample goes on for the server.
    busy: Option<String>,
    micros: Vec<f64>,
    medians: Vec<f64>,
    tails: Vec<f64>,
}

impl Contender {
    pub(crate) fn of_role(
        role: &str,
        listen: &Address,
        template: impl Fn(&Server, usize) -> Template,
    ) -> Result<Self> {
        Self::new(Server::role(role, listen)?, template)
    }

    pub(crate) fn new(
        server: Server,
        template: impl Fn(&Server, usize) -> Template,
    ) -> Result<Self> {
        Self::with_clients(server, CONNECTIONS, template)
    }

    pub(crate) fn with_clients(
        server: Server,
        count: usize,
        template: impl Fn(&Server, usize) -> Template,
    ) -> Result<Self> {
        let clients =
            Requests::connect(&server.address, count, |client| template(&server, client))?;
        Ok(Self {
            server,
            clients,
            sent: 0,
            rest: Duration::ZERO,
            busy: None,
            micros: Vec::new(),
            medians: Vec::new(),
            tails: Vec::new(),
        })
    }

    /// Lets the server rest for so long after each sample.
    pub(crate) fn resting(mut self, rest: Duration) -> Self {
        self.rest = rest;
        self
    }

    /// Waits after each sample until what is at `path` is no longer busy.
    pub(crate) fn until_idle(mut self, path: &str) -> Self {
        self.busy = Some(path.to_owned());
        self
    }

    /// Has `count` requests answered and notes what one costs the server, and how long the client waits.
    pub(crate) fn sample(&mut self, count: usize) -> Result<()> {
        let before = self.server.cpu()?;
        let latencies = self.send(count)?;
        self.settle()?;
        let used = self.server.cpu()? - before;
        let answered = latencies.len() as f64;
        let waits: Vec<f64> = latencies.iter().map(|wait| micros(*wait)).collect();
        self.micros.push(micros(used) / answered);
        self.medians.push(median(&waits));
        self.tails.push(quantile(&waits, 0.99));
        Ok(())
    }

    fn settle(&self) -> Result<()> {
        while let Some(path) = &self.busy
            && self.server.address.tell("GET", path, "")?.contains(BUSY)
        {
            rest(PAUSE);
        }
        rest(self.rest);
        Ok(())
    }

    fn send(&mut self, count: usize) -> Result<Vec<Duration>> {
        let latencies = self.clients.send(count, self.sent)?;
        self.sent += latencies.len() as u64;
        Ok(latencies)
    }

    /// CPU time of the server for each request, in microseconds, against another's.
    pub(crate) fn cpu_against(&self, ceiling: &Self) -> Pairs {
        Pairs::of(&self.micros, &ceiling.micros)
    }

    /// The time half of the clients wait at most, in microseconds, against another's.
    pub(crate) fn wait_against(&self, ceiling: &Self) -> Pairs {
        Pairs::of(&self.medians, &ceiling.medians)
    }

    /// The time that one of a hundred clients waits at least, in microseconds, against another's.
    pub(crate) fn tail_against(&self, ceiling: &Self) -> Pairs {
        Pairs::of(&self.tails, &ceiling.tails)
    }
}

/// Warms all contenders up, then measures each several times in turn.
pub(crate) fn hold<const N: usize>(
    mut contenders: [&mut Contender; N],
    count: usize,
) -> Result<()> {
    for contender in &mut contenders {
        contender.send(count / 4)?;
        contender.settle()?;
    }
    for _ in 0..SAMPLES {
        for contender in &mut contenders {
            contender.sample(count)?;
        }
    }
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "what another process puts off cannot be waited for otherwise"
)]
fn rest(time: Duration) {
    if !time.is_zero() {
        thread::sleep(time);
    }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
