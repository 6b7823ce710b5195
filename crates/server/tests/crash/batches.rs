//! How many fsyncs the disk is asked for (issue 4, "How fast"): one for everything that waits, none for nothing.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use crate::history::{Ending, Outcome, Script};
use crate::load::{Mix, Room, send_once};
use crate::printed::print;
use crate::server::{SOON, Site};
use crate::shim::Number;
use crate::wire::PATIENCE;
use crate::world::World;

/// Prompts at once, and how often.
const AT_ONCE: u64 = 64;
const TIMES: u64 = 10;

/// How long a sync takes: time enough for all other prompts to arrive.
const SYNC_MS: u64 = 100;

/// A turn that keeps its session busy and writes nothing meanwhile.
const BUSY: Script = Script {
    words: 1,
    delay_ms: 60_000,
    steps: 1,
    ending: Ending::Well,
};

const MIX: Mix = Mix {
    workspaces: 1,
    sessions: 1,
    posters: 0,
    pause_ms: 0,
};

#[tokio::test(flavor = "multi_thread")]
async fn prompts_that_wait_at_the_same_time_share_one_sync() {
    let world = std::sync::Arc::new(World::new(Site::new()));
    let _server = world.site.start(&["--max-queue", "1000"]).await.unwrap();
    let room = Room::open(&world, "room", MIX).await;
    send_once(room.clone(), BUSY, PATIENCE).await;
    let shim = &world.site.shim;
    is_quiet(&world).await;
    shim.set(Number::SyncDelayMs, SYNC_MS);
    let before = shim.get(Number::WalSyncs);
    for _ in 0..TIMES {
        let prompts = (0..AT_ONCE).map(|_| send_once(room.clone(), Script::default(), PATIENCE));
        for request in join_all(prompts).await {
            assert!(
                matches!(request.attempts[0].outcome, Outcome::Accepted { .. }),
                "{request:?}"
            );
        }
    }
    let syncs = shim.get(Number::WalSyncs) - before;
    print(&format!(
        "{} prompts, {AT_ONCE} at once: {syncs} syncs of the log, {:.1} prompts each",
        AT_ONCE * TIMES,
        (AT_ONCE * TIMES) as f64 / syncs as f64
    ));
    // The first prompt to come goes alone, the others wait for it and share the next; a straggler may make a third.
    assert!(
        syncs <= 3 * TIMES,
        "{syncs} syncs for {TIMES} times {AT_ONCE} prompts"
    );
    assert!(syncs >= TIMES, "no answer without a sync");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_nothing_to_do_leaves_the_disk_alone() {
    let world = std::sync::Arc::new(World::new(Site::new()));
    let _server = world.site.start(&[]).await.unwrap();
    let room = Room::open(&world, "room", MIX).await;
    send_once(room.clone(), Script::default(), PATIENCE).await;
    is_quiet(&world).await;
}

/// Waits until nothing has been written for a while.
async fn is_quiet(world: &World) {
    const WHILE: Duration = Duration::from_secs(2);
    let shim = &world.site.shim;
    let deadline = Instant::now() + SOON;
    let mut last = (shim.get(Number::Points), Instant::now());
    while last.1.elapsed() < WHILE {
        assert!(
            Instant::now() < deadline,
            "the server never leaves the disk alone"
        );
        sleep(Duration::from_millis(20)).await;
        let points = shim.get(Number::Points);
        if points != last.0 {
            last = (points, Instant::now());
        }
    }
}
