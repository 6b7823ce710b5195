//! A round: a server that is used and dies again and again in one folder, is left alone at last, and then everything
//! that was seen is held against what is there.
//!
//! It must never know what is wrong with a history.

use std::collections::BTreeMap;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::check::{Problem, longest_loss, problems};
use crate::deaths::{Death, Deaths};
use crate::history::{History, Seen};
use crate::load::{Load, Mix, Room, THE_END, Told, is_the_end};
use crate::random::Random;
use crate::server::{SOON, Server, Site};
use crate::shim::Number;
use crate::world::World;

/// How long the last server is used.
const LAST_LIFE: Duration = Duration::from_millis(500);

/// What happens in a round.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Round {
    pub(crate) seed: u64,
    pub(crate) crashes: usize,
    pub(crate) deaths: Deaths,
    pub(crate) mix: Mix,
}

/// What a round was like.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) problems: Vec<Problem>,
    pub(crate) figures: Figures,
    /// The last that the servers had to say.
    pub(crate) log: String,
}

/// How much was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) crashes: usize,
    pub(crate) requests: usize,
    pub(crate) accepted: usize,
    pub(crate) unanswered: usize,
    pub(crate) interrupted: usize,
    pub(crate) events: usize,
    pub(crate) lost_writes: u64,
    /// How long before a death somebody had seen text that is lost.
    pub(crate) longest_loss: Duration,
    /// The longest time that a start took.
    pub(crate) slowest_start: Duration,
}

impl Round {
    /// Plays the round.
    pub(crate) async fn play(self) -> Outcome {
        let world = Arc::new(World::new(Site::new()));
        let mut lives = Lives {
            round: self,
            random: Random::new(self.seed),
            world: world.clone(),
            deaths: Vec::new(),
            load: None,
            figures: Figures::default(),
        };
        let server = lives.come_and_go().await;
        let (histories, mut figures) = lives.end(server).await;
        let mut found = Vec::new();
        for history in &histories {
            figures.add(history);
            found.extend(problems(history));
        }
        Outcome {
            problems: found,
            figures,
            log: world.site.log(),
        }
    }
}

/// The lives of the servers of a round, as far as they are over.
struct Lives {
    round: Round,
    random: Random,
    world: Arc<World>,
    /// When the servers died.
    deaths: Vec<Duration>,
    load: Option<Load>,
    figures: Figures,
}

impl Lives {
    /// Lets servers come and go; returns the first that is to live.
    async fn come_and_go(&mut self) -> Server {
        let mut fate = self.random.fork(7);
        while self.deaths.len() < self.round.crashes {
            let shim = &self.world.site.shim;
            let points = shim.get(Number::Points);
            let death = Death::decide(&mut fate, self.round.deaths, points, self.load.is_none());
            death.prepare(shim);
            let flags: &[&str] = if fate.percent(50) {
                &["--resume-queued"]
            } else {
                &[]
            };
            let at = match self.start(flags).await {
                Ok(mut server) => death.happen(&self.world, &mut server).await,
                Err(_) if death.may_come_early() => self.world.now(),
                Err(status) => panic!(
                    "the server does not start: {status}\n{}",
                    self.world.site.log()
                ),
            };
            self.deaths.push(at);
            self.world.change(|phase| {
                phase.is_up = false;
                phase.life += 1;
            });
            self.figures.lost_writes += self.world.site.shim.get(Number::LostWrites);
        }
        self.world.site.shim.reset();
        self.start(&[]).await.unwrap()
    }

    /// Starts a server, with the clients if it is the first.
    async fn start(&mut self, flags: &[&str]) -> Result<Server, ExitStatus> {
        let before = Instant::now();
        let server = self.world.site.start(flags).await?;
        self.figures.slowest_start = self.figures.slowest_start.max(before.elapsed());
        self.world.change(|phase| phase.is_up = true);
        if self.load.is_none() {
            self.load = Some(Load::begin(&self.world, &mut self.random, self.round.mix).await);
        }
        Ok(server)
    }

    /// The last life.
    async fn end(mut self, server: Server) -> (Vec<History>, Figures) {
        sleep(LAST_LIFE).await;
        let load = self.load.take().expect("the first server was up");
        let histories = settle(&self.world, server, load, &self.deaths).await;
        self.figures.crashes = self.deaths.len();
        (histories, self.figures)
    }
}

/// Lets everything end, reads all of it, and once more after a stop in good order and another start.
pub(crate) async fn settle(
    world: &World,
    mut server: Server,
    load: Load,
    deaths: &[Duration],
) -> Vec<History> {
    let rooms = load.rooms.clone();
    let mut histories = wind_up(world, load, deaths).await;
    let ended = server.wait_for(Duration::ZERO).await;
    assert_eq!(
        ended,
        None,
        "the server ended by itself:\n{}",
        world.site.log()
    );
    server.signal(Signal::TERM);
    let status = server.wait().await;
    if !status.success() {
        world.note(format!("a stop in good order ends with {status}"));
    }
    let again = world.site.start(&[]).await;
    let _server = again.unwrap_or_else(|status| {
        panic!("the server does not start: {status}\n{}", world.site.log())
    });
    for (room, history) in rooms.iter().zip(&mut histories) {
        history.log_again = whole_log(room).await;
    }
    histories[0].strange = world.take_strange();
    histories
}

/// Ends the load, lets everything end that was begun, and gathers what was told and what is there.
pub(crate) async fn wind_up(world: &World, mut load: Load, deaths: &[Duration]) -> Vec<History> {
    world.change(|phase| phase.is_loading = false);
    let mut told = load.asked().await;
    let rooms = load.rooms.clone();
    for room in &rooms {
        let unfinished = unfinished_runs(room).await;
        if !unfinished.is_empty() {
            world.note(format!("runs never end: {unfinished:?}"));
        }
        let answer = room.create_session(THE_END);
        world.expect("the last session", answer, &[]).await;
    }
    load.read(&mut told).await;
    let mut histories = Vec::new();
    for (room, told) in rooms.iter().zip(told) {
        histories.push(collect(room, told, deaths).await);
    }
    histories
}

impl Figures {
    fn add(&mut self, history: &History) {
        self.requests += history.requests.len();
        self.accepted += history
            .requests
            .iter()
            .filter(|request| request.receipt().is_some())
            .count();
        self.unanswered += history
            .requests
            .iter()
            .filter(|request| request.may_be_accepted())
            .count();
        self.interrupted += history
            .runs
            .iter()
            .filter(|run| run["state"] == "interrupted")
            .count();
        self.events += history.log.len();
        self.longest_loss = self.longest_loss.max(longest_loss(history));
    }

    /// Adds those of another round.
    pub(crate) fn and(self, other: &Self) -> Self {
        Self {
            crashes: self.crashes + other.crashes,
            requests: self.requests + other.requests,
            accepted: self.accepted + other.accepted,
            unanswered: self.unanswered + other.unanswered,
            interrupted: self.interrupted + other.interrupted,
            events: self.events + other.events,
            lost_writes: self.lost_writes + other.lost_writes,
            longest_loss: self.longest_loss.max(other.longest_loss),
            slowest_start: self.slowest_start.max(other.slowest_start),
        }
    }
}

/// Waits until nothing runs any more; the runs that do not end.
async fn unfinished_runs(room: &Room) -> Vec<Value> {
    let deadline = Instant::now() + 2 * SOON;
    loop {
        let mut unfinished = Vec::new();
        for state in ["queued", "running", "requires_action"] {
            let page = room.get(&format!("runs?state={state}")).await;
            unfinished.extend(page["runs"].as_array().cloned().unwrap_or_default());
        }
        if unfinished.is_empty() || Instant::now() > deadline {
            return unfinished;
        }
        sleep(Duration::from_millis(20)).await;
    }
}

/// Everything that is there in the end, together with what was told.
async fn collect(room: &Room, told: Told, deaths: &[Duration]) -> History {
    let runs = room.all_runs().await;
    let mut run_logs = BTreeMap::new();
    for run in runs.iter().filter_map(|run| run["run_id"].as_str()) {
        let path = format!("{}/runs/{run}/events?after=0", room.base);
        run_logs.insert(run.to_owned(), room.read_to(&path, |_| false).await);
    }
    let mut messages = BTreeMap::new();
    for session in &room.sessions {
        let kept = room.get(&format!("sessions/{session}/messages")).await;
        messages.insert(
            session.clone(),
            kept.as_array().cloned().unwrap_or_default(),
        );
    }
    let log = whole_log(room).await;
    History {
        requests: told.requests,
        stops: told.stops,
        readers: told.readers,
        deaths: deaths.to_vec(),
        log_again: log.clone(),
        log,
        run_logs,
        runs,
        messages,
        strange: Vec::new(),
    }
}

async fn whole_log(room: &Room) -> Vec<Seen> {
    let path = format!("{}/events?client_id={}&after=0", room.base, Uuid::new_v4());
    room.read_to(&path, is_the_end).await
}
