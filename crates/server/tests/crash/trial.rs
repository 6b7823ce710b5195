//! One server under load whose disk fails for a while: what every test of a fault does.
//!
//! It must never know which fault it is.

use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::check::{problems, report};
use crate::history::{Outcome, Request, Script};
use crate::load::{Load, Mix, Room, send_once};
use crate::random::Random;
use crate::rounds::{settle, wind_up};
use crate::server::{SOON, Server, Site};
use crate::wire::PATIENCE;
use crate::world::World;

const MIX: Mix = Mix {
    workspaces: 1,
    sessions: 2,
    posters: 2,
    pause_ms: 40,
};

/// How long anything that does not need the disk may take, on a busy machine.
pub(crate) const QUICK: Duration = Duration::from_secs(2);

/// A server under load.
pub(crate) struct Trial {
    pub(crate) world: Arc<World>,
    pub(crate) server: Server,
    load: Load,
    /// The prompts of the test itself, and those that are on their way.
    requests: Vec<Request>,
    waiting: JoinSet<Request>,
}

impl Trial {
    /// Starts a server and lets the load run until a few prompts were accepted.
    pub(crate) async fn begin() -> Self {
        let world = Arc::new(World::new(Site::new()));
        let server = world.site.start(&[]).await.unwrap();
        world.change(|phase| phase.is_up = true);
        let load = Load::begin(&world, &mut Random::new(1), MIX).await;
        let mut trial = Self {
            world,
            server,
            load,
            requests: Vec::new(),
            waiting: JoinSet::new(),
        };
        for _ in 0..3 {
            trial.is_accepted_in(SOON).await;
        }
        trial
    }

    pub(crate) fn room(&self) -> &Arc<Room> {
        &self.load.rooms[0]
    }

    /// Kills the server.
    pub(crate) async fn kill(&mut self, deaths: &mut Vec<Duration>) {
        deaths.push(self.world.now());
        self.server.signal(Signal::KILL);
        self.server.wait().await;
        self.world.change(|phase| {
            phase.is_up = false;
            phase.life += 1;
        });
    }

    /// Starts the server again after it was killed.
    pub(crate) async fn start_again(&mut self) {
        self.server = self.world.site.start(&[]).await.unwrap();
        self.world.change(|phase| phase.is_up = true);
    }

    /// From now on the server cannot be expected to do its work.
    pub(crate) fn fault_begins(&self) {
        self.world.change(|phase| phase.is_faulty = true);
    }

    /// The server can do its work again.
    pub(crate) fn fault_ends(&self) {
        self.world.change(|phase| phase.is_faulty = false);
    }

    /// Sends a prompt.
    pub(crate) async fn prompt(&mut self, script: Script) -> Outcome {
        self.keep(send_once(self.room().clone(), script, PATIENCE).await)
    }

    /// Sends a prompt and does not wait for its answer.
    pub(crate) fn prompt_and_go_on(&mut self, script: Script) {
        self.waiting
            .spawn(send_once(self.room().clone(), script, PATIENCE));
    }

    /// What became of the prompts that were not waited for.
    pub(crate) async fn answers(&mut self) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        while let Some(request) = self.waiting.join_next().await {
            outcomes.push(self.keep(request.unwrap()));
        }
        outcomes
    }

    /// Keeps what was asked for the checks; returns what became of it.
    pub(crate) fn keep(&mut self, request: Request) -> Outcome {
        let outcome = request.attempts[0].outcome.clone();
        self.requests.push(request);
        outcome
    }

    /// Sends prompts until one is refused; returns how.
    pub(crate) async fn is_refused_in(&mut self, within: Duration) -> (u16, String) {
        let deadline = Instant::now() + within;
        loop {
            // One that waits for the disk is given up.
            let request = send_once(self.room().clone(), Script::default(), QUICK).await;
            if let Outcome::Refused { status, code } = self.keep(request)
                && code != "queue_full"
            {
                return (status, code);
            }
            assert!(
                Instant::now() < deadline,
                "a prompt is refused:\n{}",
                self.world.site.log()
            );
        }
    }

    /// Sends prompts until one is accepted.
    pub(crate) async fn is_accepted_in(&mut self, within: Duration) {
        let deadline = Instant::now() + within;
        loop {
            let outcome = self.prompt(Script::default()).await;
            if matches!(outcome, Outcome::Accepted { .. }) {
                return;
            }
            let log = self.world.site.log();
            assert!(
                Instant::now() < deadline,
                "{log}\na prompt is accepted: {outcome:?}"
            );
        }
    }

    /// What needs no disk is answered at once.
    pub(crate) async fn is_quick(&self) {
        let base = self.room().base.clone();
        for path in [
            "/v1/health".to_owned(),
            "/v1/workspaces".to_owned(),
            base.clone(),
            format!("{base}/agent"),
        ] {
            let answer = timeout(QUICK, self.world.wire.get(&path)).await;
            answer
                .unwrap_or_else(|_| panic!("{path} is answered soon"))
                .unwrap()
                .ok(200);
        }
    }

    /// Lets everything end, and gives the server away.
    pub(crate) async fn stop_load(self) -> (Arc<World>, Server) {
        wind_up(&self.world, self.load, &[]).await;
        (self.world, self.server)
    }

    /// Lets everything end and holds what was seen against what is there, also after a restart.
    pub(crate) async fn ends_well(self) {
        self.ends_well_after(&[]).await;
    }

    /// The same, after the server died at these times and was started again.
    pub(crate) async fn ends_well_after(mut self, deaths: &[Duration]) {
        let ended = self.server.wait_for(Duration::ZERO).await;
        assert_eq!(
            ended,
            None,
            "it is the same server:\n{}",
            self.world.site.log()
        );
        let mut histories = settle(&self.world, self.server, self.load, deaths).await;
        histories[0].requests.extend(self.requests);
        let found: Vec<_> = histories.iter().flat_map(problems).collect();
        let log = self.world.site.log();
        assert!(
            found.is_empty(),
            "{log}\n{} problems\n{}",
            found.len(),
            report(&found)
        );
    }
}
