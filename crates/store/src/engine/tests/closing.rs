//! The end of an engine, and who may have the directory.

use std::fs;
use std::process::{Command, Stdio};

use super::stage::{NEVER, Stage, Witness, kind, note, notes, quiet};
use crate::engine::{Engine, EngineOptions};
use crate::error::OpenStoreError;
use crate::error::StoreErrorKind::Closed;
use crate::lock::{LockOwner, start_of};

fn open(stage: &Stage) -> Result<Engine<Witness>, OpenStoreError> {
    Engine::open(stage.directory.path(), quiet())
}

#[tokio::test]
async fn closing_stores_what_waits_and_leaves_one_file_and_a_free_lock() {
    let stage = Stage::new();
    let held = stage.hold().await;
    let (done, told) = tokio::sync::oneshot::channel();
    stage.engine.write_lazily(stage.say("lazy"), |result| {
        done.send(result.is_ok()).unwrap()
    });
    let urgent = stage.note("urgent");
    // The first poll of the closing goes before the release.
    tokio::join!(stage.engine.close(), held.release());
    assert_eq!((told.await, kind(urgent.await)), (Ok(true), Ok(())));

    let mut files: Vec<_> = fs::read_dir(stage.directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(files, ["runwright.db", "runwright.lock"]);
    let again = open(&stage).unwrap();
    assert_eq!(
        (again.left_by(), again.read_blocking(notes).unwrap().len()),
        (None, 2)
    );
}

#[tokio::test]
async fn a_database_that_is_opened_again_is_not_changed() {
    let stage = Stage::new();
    stage.note("a").await.unwrap();
    stage.engine.close().await;
    let again = open(&stage).unwrap();
    assert_eq!(again.read_blocking(notes).unwrap().len(), 1);
    let log = fs::metadata(stage.file("-wal")).unwrap();
    assert_eq!(
        log.len(),
        0,
        "nothing was written, so nothing had to be flushed"
    );
}

#[tokio::test]
async fn after_the_end_everything_is_refused() {
    let stage = Stage::new();
    stage.engine.close().await;
    stage.engine.close().await;
    assert_eq!(kind(stage.note("a").await), Err(Closed));
    assert_eq!(
        kind(stage.engine.accept_write(stage.say("b")).await),
        Err(Closed)
    );
    assert_eq!(kind(stage.engine.read(notes).await), Err(Closed));
    let (done, told) = tokio::sync::oneshot::channel();
    stage.engine.write_lazily(stage.say("c"), |result| {
        done.send(result.map_err(crate::StoreError::kind)).unwrap();
    });
    assert_eq!(told.await, Ok(Err(Closed)));
}

#[tokio::test]
async fn the_last_handle_takes_the_engine_with_it_and_stores_what_waits() {
    let stage = Stage::new();
    let (done, told) = tokio::sync::oneshot::channel();
    stage
        .engine
        .write_lazily(stage.say("a"), |result| done.send(result.is_ok()).unwrap());
    let Stage {
        engine, directory, ..
    } = stage;
    drop(engine);
    assert_eq!(told.await, Ok(true));
    // The directory is free a moment later.
    let again = loop {
        let opened = Engine::<Witness>::open(directory.path(), quiet());
        if !matches!(opened, Err(OpenStoreError::Locked { .. })) {
            break opened.unwrap();
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(again.read_blocking(notes).unwrap(), ["a"]);
}

#[tokio::test]
async fn idle_work_does_not_put_off_the_end() {
    let stage = Stage::with(EngineOptions {
        idle_after: std::time::Duration::ZERO,
        idle_budget: NEVER,
        ..quiet()
    });
    let (say, said) = tokio::sync::oneshot::channel();
    let mut say = Some(say);
    stage.engine.when_idle("test", move |_, budget| {
        say.take().map(|say| say.send(()));
        while !budget.is_spent() {
            std::thread::yield_now();
        }
        Ok(crate::engine::Idle::More)
    });
    said.await.unwrap();
    stage.engine.close().await;
}

#[test]
fn a_second_engine_of_this_process_is_refused_and_the_first_goes_on() {
    let stage = Stage::new();
    let refused = open(&stage).map(drop).unwrap_err();
    let pid = std::process::id();
    let OpenStoreError::Locked { path, owner } = &refused else {
        panic!("{refused}");
    };
    assert_eq!(
        owner,
        &LockOwner {
            pid,
            start: start_of(pid).unwrap()
        }
    );
    assert_eq!(
        refused.to_string(),
        format!(
            "`{}` is held by process {pid} (start time {}); stop it first, or choose another data directory",
            path.display(),
            owner.start
        )
    );
    stage
        .engine
        .write_blocking(|batch| note(batch.connection(), "a"))
        .unwrap();
}

#[tokio::test]
async fn another_process_is_refused_while_the_owner_lives_and_takes_over_when_it_was_killed() {
    let directory = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "engine::tests::closing::holds_a_directory_until_it_is_killed",
        ])
        .env(DIRECTORY, directory.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let ready = directory.path().join("ready");
    while !ready.exists() {
        assert_eq!(
            child.try_wait().unwrap(),
            None,
            "it must live to hold the lock"
        );
        std::thread::yield_now();
    }
    let owner = LockOwner {
        pid: child.id(),
        start: start_of(child.id()).unwrap(),
    };
    let open = || Engine::<Witness>::open(directory.path(), quiet());
    let refused = open().map(drop).unwrap_err();
    let OpenStoreError::Locked { owner: named, .. } = &refused else {
        panic!("{refused}");
    };
    assert_eq!(named, &owner);
    child.kill().unwrap();
    child.wait().unwrap();

    let engine = open().unwrap();
    assert_eq!(engine.left_by(), Some(&owner));
    assert_eq!(engine.read_blocking(notes).unwrap(), ["a"]);
    engine.close().await;
    assert_eq!(open().unwrap().left_by(), None);
}

const DIRECTORY: &str = "RUNWRIGHT_TEST_DIRECTORY";

/// The other process of the test above; without its word there is nothing to do.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "how the other process learns of its directory"
)]
fn holds_a_directory_until_it_is_killed() {
    let Ok(directory) = std::env::var(DIRECTORY) else {
        return;
    };
    let engine = Engine::<Witness>::open(directory.as_ref(), quiet()).unwrap();
    engine
        .write_blocking(|batch| note(batch.connection(), "a"))
        .unwrap();
    fs::write(format!("{directory}/ready"), "").unwrap();
    // Ends with the process that started it, if that does not kill it before.
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).unwrap();
}

#[test]
fn a_text_that_nobody_understands_says_that_there_was_an_owner() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("runwright.lock"), "4711\n").unwrap();
    let engine = Engine::<Witness>::open(directory.path(), quiet()).unwrap();
    assert_eq!(engine.left_by(), Some(&LockOwner::default()));
}

#[test]
fn the_files_belong_to_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("new/data");
    let engine = Engine::<Witness>::open(&directory, quiet()).unwrap();
    engine
        .write_blocking(|batch| note(batch.connection(), "a"))
        .unwrap();
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    let mut modes: Vec<_> = fs::read_dir(&directory)
        .unwrap()
        .map(|entry| {
            (
                entry.as_ref().unwrap().file_name(),
                mode(&entry.unwrap().path()),
            )
        })
        .collect();
    modes.sort();
    let expected = [
        "runwright.db",
        "runwright.db-shm",
        "runwright.db-wal",
        "runwright.lock",
    ];
    assert_eq!(modes, expected.map(|name| (name.into(), 0o600)));
    assert_eq!(
        (mode(&directory), mode(directory.parent().unwrap())),
        (0o700, 0o700)
    );
}
