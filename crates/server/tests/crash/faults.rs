//! A disk that fails for a while under a server at work (issue 4, proof 6; reliability 4.1, 2 and 3): new prompts are
//! refused with a code that says why, nothing that was accepted is lost, and when the cause is gone the same server goes
//! on.

use std::time::Duration;

use rustix::process::Signal;

use crate::history::{Ending, Outcome, Script};
use crate::random::Random;
use crate::server::SOON;
use crate::shim::{Fault, Number};
use crate::trial::Trial;

/// How long each fault lasts from the first refusal on: long enough for turns to end in it.
const LASTS: Duration = Duration::from_millis(1500);

/// A turn that goes on for about a second.
const SLOW: Script = Script {
    words: 50,
    delay_ms: 20,
    steps: 1,
    ending: Ending::Well,
};

/// The shim lets calls fail, until prompts are refused and a little longer; then the same server goes on.
async fn survives(fault: Fault, refusal: (u16, &str)) {
    let mut trial = Trial::begin().await;
    trial.prompt(SLOW).await;
    trial.fault_begins();
    trial.world.site.shim.fail(Some(fault));
    let (status, code) = trial.is_refused_in(SOON).await;
    assert_eq!((status, code.as_str()), refusal);
    trial.is_quick().await;
    let until = tokio::time::Instant::now() + LASTS;
    while tokio::time::Instant::now() < until {
        let outcome = trial.prompt(Script::default()).await;
        assert!(
            !matches!(outcome, Outcome::Accepted { .. }),
            "{fault:?}: {outcome:?}"
        );
    }
    trial.world.site.shim.fail(None);
    trial.is_accepted_in(SOON).await;
    trial.fault_ends();
    trial.ends_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_prompts_until_there_is_room_again() {
    survives(Fault::Full { room: 0 }, (507, "storage_full")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fills_up_in_the_middle_of_a_write_loses_nothing() {
    survives(Fault::Full { room: 30_001 }, (507, "storage_full")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_turns_read_only_refuses_prompts_until_it_is_writable_again() {
    survives(Fault::ReadOnly, (503, "storage_unavailable")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_with_errors_refuses_prompts_until_it_works_again() {
    survives(Fault::Broken, (503, "storage_unavailable")).await;
}

/// What was refused then is in the log of the database, whole, and must not come back out of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_cannot_sync_refuses_prompts_and_keeps_nothing_of_what_it_refused() {
    survives(Fault::Unsynced, (503, "storage_unavailable")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fails_again_and_again_for_a_moment_loses_nothing() {
    let mut trial = Trial::begin().await;
    let mut random = Random::new(1);
    trial.fault_begins();
    for _ in 0..40 {
        let fault = *random.pick(&[
            Fault::Full { room: 0 },
            Fault::Full { room: 5_000 },
            Fault::ReadOnly,
            Fault::Broken,
        ]);
        trial.world.site.shim.fail(Some(fault));
        tokio::time::sleep(Duration::from_millis(random.between(1, 30))).await;
        trial.world.site.shim.fail(None);
        tokio::time::sleep(Duration::from_millis(random.between(1, 100))).await;
    }
    assert!(trial.world.site.shim.get(Number::Failed) > 0);
    trial.is_accepted_in(SOON).await;
    trial.fault_ends();
    trial.ends_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_cannot_be_read_is_not_taken_for_damage_and_is_read_again_when_it_can() {
    let mut trial = Trial::begin().await;
    for _ in 0..5 {
        trial.prompt(Script::default()).await;
    }
    let room = trial.room().clone();
    let (world, mut server) = trial.stop_load().await;
    server.signal(Signal::TERM);
    assert!(server.wait().await.success());

    // Nothing that is asked for below is in memory.
    let server = world.site.start(&[]).await.unwrap();
    let path = |rest: &str| format!("{}/sessions{rest}", room.base);
    let sessions = world.wire.get(&path("")).await.unwrap().ok(200);
    let messages = path(&format!("/{}/messages", room.sessions[0]));
    world.site.shim.fail(Some(Fault::Unreadable));
    for _ in 0..3 {
        let answer = world.wire.get(&messages).await.unwrap();
        let log = world.site.log();
        assert_eq!(
            (answer.status, answer.code()),
            (503, "storage_unavailable"),
            "{log}"
        );
        // The answer may be here before the line of the log.
        assert!(server.says(|line| line.contains("cannot be read or written")));
        assert!(!world.site.log().contains("is damaged"), "{log}");
    }
    world.site.shim.fail(None);
    let read = world.wire.get(&messages).await.unwrap().ok(200);
    assert!(read.as_array().is_some_and(|read| !read.is_empty()));
    assert_eq!(world.wire.get(&path("")).await.unwrap().ok(200), sessions);
    drop(server);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_disk_is_waited_for_and_nothing_else_waits() {
    let mut trial = Trial::begin().await;
    trial.world.site.shim.set(Number::SyncDelayMs, 300);
    for _ in 0..4 {
        let outcome = trial.prompt(Script::default()).await;
        assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
        trial.is_quick().await;
    }
    trial.world.site.shim.set(Number::SyncDelayMs, 0);
    trial.ends_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_does_not_answer_refuses_new_prompts_and_tells_the_truth_about_the_old() {
    let mut trial = Trial::begin().await;
    trial.fault_begins();
    trial.world.site.shim.set(Number::SyncDelayMs, 3_600_000);
    trial.prompt_and_go_on(Script::default());
    let (status, code) = trial.is_refused_in(SOON).await;
    assert_eq!((status, code.as_str()), (503, "storage_unavailable"));
    trial.is_quick().await;
    trial.world.site.shim.set(Number::SyncDelayMs, 0);
    let answers = trial.answers().await;
    assert!(
        matches!(answers[..], [Outcome::Accepted { .. }]),
        "{answers:?}"
    );
    trial.is_accepted_in(SOON).await;
    trial.fault_ends();
    trial.ends_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_somebody_else_has_locked_refuses_prompts_until_it_is_free() {
    let mut trial = Trial::begin().await;
    trial.prompt(SLOW).await;
    trial.fault_begins();
    let other = rusqlite::Connection::open(trial.world.site.database()).unwrap();
    let seize = |patience| {
        other.busy_timeout(patience).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
    };
    seize(SOON);
    let (status, code) = trial.is_refused_in(SOON).await;
    assert_eq!((status, code.as_str()), (503, "storage_unavailable"));
    trial.is_quick().await;
    other.execute_batch("ROLLBACK").unwrap();
    trial.is_accepted_in(SOON).await;
    trial.fault_ends();
    trial.ends_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_starts_on_a_disk_that_fails_says_so_and_loses_nothing() {
    let mut trial = Trial::begin().await;
    let mut deaths = Vec::new();
    for fault in [Fault::Full { room: 0 }, Fault::ReadOnly, Fault::Broken] {
        // Something to repair at the next start.
        trial.prompt(SLOW).await;
        trial.kill(&mut deaths).await;
        trial.world.site.shim.reset();
        trial.world.site.shim.fail(Some(fault));
        match trial.world.site.start(&[]).await {
            Err(status) => assert!(
                status.code().is_some_and(|code| code != 0),
                "{fault:?}: {status}\n{}",
                trial.world.site.log()
            ),
            Ok(_) => panic!(
                "{fault:?}: nothing was repaired, and the server listens:\n{}",
                trial.world.site.log()
            ),
        }
        trial.world.site.shim.fail(None);
        trial.start_again().await;
    }
    trial.ends_well_after(&deaths).await;
}
