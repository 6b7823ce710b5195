//! Mixed load for a long time with little room (issue 4, proof 5): the database, its write-ahead log and the memory of
//! the server stay inside their limits, and every accepted run ends.
//!
//! What retention takes away is the log of events. Sessions and their messages go when they are deleted, which these
//! clients do; the records of runs stay, so the database grows by them alone.

mod clients;
mod samples;

use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use self::samples::{Sample, Samples};
use crate::load::{Mix, Room};
use crate::printed::print;
use crate::random::Random;
use crate::server::Site;
use crate::settings::Settings;
use crate::shim::Number;
use crate::world::World;

/// The events that are kept of all workspaces, in bytes.
const ALL_EVENTS: u64 = 1 << 20;

const FLAGS: &[&str] = &[
    "--retain-workspace-events",
    "512KiB",
    "--retain-events",
    "1MiB",
    "--retain-events-for",
    "1m",
    // Workspaces come and go as well.
    "--linger",
    "1",
];

const MIX: Mix = Mix {
    workspaces: 3,
    sessions: 1,
    posters: 3,
    pause_ms: 20,
};

/// What an empty database, its indexes and the messages of the moment take.
const BASE_BYTES: u64 = 4 << 20;

/// What the record of a run may take, with its prompt, its names and its place in the indexes.
const RUN_BYTES: u64 = 2 << 10;

/// A checkpoint is due at 4 MiB; what is written while one runs, and while a reader is in its way, comes on top.
const WAL_BYTES: u64 = 16 << 20;

const MEMORY_BYTES: u64 = 128 << 20;

/// By how much more the memory of the last quarter may be than that of the second, when everything is warm.
const GROWTH: f64 = 1.25;

/// How long the ordinary test takes; `cargo xtask soak` takes longer.
const SHORT: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn a_server_under_mixed_load_stays_inside_its_limits() {
    soak(Settings::of_environment().soak.unwrap_or(SHORT)).await;
}

async fn soak(length: Duration) {
    let world = Arc::new(World::new(Site::new()));
    world.site.shim.set(Number::RealSync, 1);
    let mut server = world.site.start(FLAGS).await.unwrap();
    world.change(|phase| phase.is_up = true);
    let mut random = Random::new(1);
    let (mut clients, mut rooms) = (JoinSet::new(), Vec::new());
    for at in 0..MIX.workspaces {
        let room = Room::open(&world, &format!("room-{at}"), MIX).await;
        for _ in 0..MIX.posters {
            clients.spawn(clients::work(room.clone(), random.fork(1)));
        }
        for kind in clients::READERS {
            clients.spawn(clients::read(room.clone(), kind, random.fork(2)));
        }
        rooms.push(room);
    }
    let pid = server.pid().unwrap();
    let mut samples = Samples::default();
    let until = Instant::now() + length;
    while Instant::now() < until {
        sleep(Duration::from_millis(200)).await;
        samples.push(Sample::take(&world.site, pid));
    }
    world.change(|phase| phase.is_loading = false);
    let mut accepted = 0;
    while let Some(done) = clients.join_next().await {
        accepted += done.unwrap();
    }
    for room in &rooms {
        all_ended(room).await;
    }
    server.signal(Signal::TERM);
    assert!(server.wait().await.success());
    let strange = world.take_strange();
    assert!(
        strange.is_empty(),
        "{}\n{}",
        world.site.log(),
        strange.join("\n")
    );
    print(&format!("{accepted} runs in {length:?}\n{samples}"));
    inside_the_limits(&samples, accepted);
}

fn inside_the_limits(samples: &Samples, accepted: u64) {
    let most = samples.most();
    let database = BASE_BYTES + 2 * ALL_EVENTS + accepted * RUN_BYTES;
    assert!(
        most.database <= database,
        "the database has {} bytes, and {database} were enough",
        most.database
    );
    assert!(
        most.log <= WAL_BYTES,
        "the write-ahead log has {} bytes",
        most.log
    );
    assert!(
        most.memory <= MEMORY_BYTES,
        "the server takes {} bytes of memory",
        most.memory
    );
    let (early, late) = (samples.memory_of_quarter(1), samples.memory_of_quarter(3));
    assert!(
        late <= early * GROWTH,
        "the memory grew from {early} to {late} bytes"
    );
}

/// Every run that was accepted in a workspace has its end in its record.
async fn all_ended(room: &Room) {
    for run in room.all_runs().await {
        let state = run["state"].as_str().unwrap_or_default();
        let is_over = matches!(state, "completed" | "failed" | "cancelled" | "interrupted");
        assert!(is_over, "{run}");
    }
}
