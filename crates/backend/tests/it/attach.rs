//! Streams: where they begin, what a client that was away is given, where the gaps are, and how streams end.

use std::path::Path;

use runwright_backend::testing::{Call, FakeRunner, TestBackend};
use runwright_backend::{
    AttachError, Attachment, BackendOptions, CurrentSessionError, Next, TopicOptions,
    WorkspaceError, WorkspaceEvent,
};
use runwright_proto::{
    ClientId, ConfigChanged, Cursor, Epoch, Event, Gap, RunId, Seq, WorkspaceId,
};
use tokio::time::Duration;

use crate::{
    ids,
    poll::{self, events, pass, poll_once},
};

const SECOND: Duration = Duration::from_secs(1);

/// What waits for the reader of a stream, each with its number.
fn waiting(stream: &mut Attachment) -> Vec<(u64, String)> {
    let title = |(seq, event): (u64, WorkspaceEvent)| {
        let Event::Session(change) = event.event() else {
            panic!("only sessions are made here, not {event:?}");
        };
        (seq, change.payload.title.clone())
    };
    events(stream).into_iter().map(title).collect()
}

/// The gap that a stream tells next.
async fn gap_of(stream: &mut Attachment) -> Gap {
    match stream.next().await {
        Some(Next::Gap(gap)) => gap,
        other => panic!("no gap: {other:?}"),
    }
}

fn told(lines: &[(u64, &str)]) -> Vec<(u64, String)> {
    let owned = |(seq, title): &(u64, &str)| (*seq, (*title).to_owned());
    lines.iter().map(owned).collect()
}

async fn make_sessions(workspace: &runwright_backend::Workspace, titles: &[&str]) {
    for title in titles {
        workspace.create_session((*title).to_owned()).await.unwrap();
    }
}

fn with_log(max_events: usize) -> BackendOptions {
    BackendOptions {
        log: TopicOptions {
            max_events,
            ..TopicOptions::default()
        },
        ..BackendOptions::default()
    }
}

#[tokio::test(start_paused = true)]
async fn two_clients_are_told_the_same_story() {
    let backend = TestBackend::with(BackendOptions::default(), FakeRunner::answering());
    let one = backend.open("demo").await;
    let other = backend.open("demo").await;
    let (mut first, mut second) = (one.recorder(), other.recorder());
    let session = one.new_session().await;
    one.send(&session, "r1", "hello").await.unwrap();
    first.end_of("r1").await;
    second.end_of("r1").await;
    one.ended(&session, &["r1".parse().unwrap()], SECOND)
        .await
        .unwrap();
    assert_eq!(first.story(), second.story());
    assert_eq!(first.story().len(), 6);
}

#[tokio::test(start_paused = true)]
async fn what_is_published_after_a_stream_was_attached_reaches_it() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    make_sessions(&workspace, &["before"]).await;
    let mut stream = workspace.attach().await;
    make_sessions(&workspace, &["after"]).await;
    assert_eq!(waiting(&mut stream), told(&[(2, "after")]));
    assert_eq!(
        (stream.workspace().id(), stream.run()),
        (workspace.id(), None)
    );
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_cut_disturbs_no_other() {
    let backend = TestBackend::new();
    let one = backend.open("demo").await;
    let other = backend.open("demo").await;
    let cut = one.attach().await;
    let mut stays = other.attach().await;
    make_sessions(&one, &["first"]).await;
    drop(cut);
    make_sessions(&one, &["second"]).await;
    assert_eq!(waiting(&mut stays), told(&[(1, "first"), (2, "second")]));
}

#[tokio::test(start_paused = true)]
async fn a_cursor_says_where_a_stream_begins() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    make_sessions(&workspace, &["one", "two", "three"]).await;
    let (id, epoch) = (workspace.id(), workspace.log().epoch().clone());
    let after = |seq| Cursor::After {
        epoch: epoch.clone(),
        seq: Seq(seq),
    };
    let all = told(&[(1, "one"), (2, "two"), (3, "three")]);
    for (cursor, expected) in [
        (Cursor::Now, told(&[])),
        (Cursor::Start, all.clone()),
        (after(0), all),
        (after(2), told(&[(3, "three")])),
        (after(3), told(&[])),
    ] {
        let stream = backend.attach(id, ClientId::random(), Some(&cursor)).await;
        let mut stream = stream.unwrap();
        assert_eq!(waiting(&mut stream), expected, "{cursor:?}");
    }
    let ahead = after(4);
    let refused = backend.attach(id, ClientId::random(), Some(&ahead)).await;
    assert!(matches!(refused, Err(AttachError::CursorAhead { head: 3 })));
}

#[tokio::test(start_paused = true)]
async fn a_cursor_that_is_older_than_what_is_kept_gets_a_gap() {
    let backend = TestBackend::with(with_log(2), FakeRunner::new());
    let workspace = backend.open("demo").await;
    make_sessions(&workspace, &["one", "two", "three", "four"]).await;
    let epoch = workspace.log().epoch().clone();
    let cursor = Cursor::After {
        epoch: epoch.clone(),
        seq: Seq(1),
    };
    let stream = backend.attach(workspace.id(), workspace.client, Some(&cursor));
    let mut stream = stream.await.unwrap();
    let gap = Gap {
        from: Seq(2),
        to: Seq(2),
        epoch,
    };
    assert_eq!(gap_of(&mut stream).await, gap);
    assert_eq!(waiting(&mut stream), told(&[(3, "three"), (4, "four")]));
}

#[tokio::test(start_paused = true)]
async fn a_cursor_of_another_epoch_gets_a_gap_and_everything_that_is_kept() {
    let backend = TestBackend::with(with_log(2), FakeRunner::new());
    let workspace = backend.open("demo").await;
    let (id, epoch) = (workspace.id(), workspace.log().epoch().clone());
    let cursor = Cursor::After {
        epoch: Epoch::generate(),
        seq: Seq(41),
    };
    let gap = |to| Gap {
        from: Seq(1),
        to: Seq(to),
        epoch: epoch.clone(),
    };
    // Nothing of this epoch is lost; what came after event 41 of the other one is.
    let mut early = backend
        .attach(id, workspace.client, Some(&cursor))
        .await
        .unwrap();
    assert_eq!(gap_of(&mut early).await, gap(0));
    assert_eq!(waiting(&mut early), [], "it is told once");
    make_sessions(&workspace, &["one", "two", "three"]).await;
    let mut late = backend
        .attach(id, workspace.client, Some(&cursor))
        .await
        .unwrap();
    assert_eq!(gap_of(&mut late).await, gap(1));
    assert_eq!(waiting(&mut late), told(&[(2, "two"), (3, "three")]));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_comes_back_within_its_grace_is_given_what_it_missed() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let mut stream = workspace.attach().await;
    make_sessions(&workspace, &["seen"]).await;
    assert_eq!(waiting(&mut stream), told(&[(1, "seen")]));
    make_sessions(&workspace, &["not read"]).await;
    drop(stream);
    make_sessions(&workspace, &["missed"]).await;
    pass(10 * SECOND - Duration::from_millis(1)).await;
    let mut again = workspace.attach().await;
    assert_eq!(waiting(&mut again), told(&[(2, "not read"), (3, "missed")]));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_comes_back_after_its_grace_begins_anew() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    drop(workspace.attach().await);
    make_sessions(&workspace, &["missed"]).await;
    pass(10 * SECOND + Duration::from_millis(1)).await;
    let mut again = workspace.attach().await;
    assert_eq!(waiting(&mut again), told(&[]));
}

#[tokio::test(start_paused = true)]
async fn what_one_client_missed_is_not_given_to_another() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let other = backend.open("demo").await;
    drop(workspace.attach().await);
    make_sessions(&workspace, &["missed"]).await;
    let mut stream = other.attach().await;
    assert_eq!(waiting(&mut stream), told(&[]));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_says_where_to_begin_is_not_given_what_it_missed_instead() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    drop(workspace.attach().await);
    make_sessions(&workspace, &["missed"]).await;
    let now = backend.attach(workspace.id(), workspace.client, Some(&Cursor::Now));
    assert_eq!(waiting(&mut now.await.unwrap()), told(&[]));
}

#[tokio::test(start_paused = true)]
async fn attaching_without_a_create_makes_a_claim() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let (id, stranger) = (workspace.id(), ClientId::random());
    let stream = backend.attach(id, stranger, None).await.unwrap();
    assert_eq!(backend.clients(id), 2);
    backend.release(id, workspace.client);
    assert_eq!(backend.clients(id), 1);
    drop(stream);
    assert_eq!(backend.clients(id), 1, "the grace keeps it");
}

#[tokio::test(start_paused = true)]
async fn a_retired_client_and_an_unknown_workspace_get_no_stream() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let _keeps = backend.open("demo").await.attach().await;
    backend.retire(workspace.client);
    let refused = backend.attach(workspace.id(), workspace.client, None).await;
    assert!(matches!(refused, Err(AttachError::Retired)));
    let nobody = WorkspaceId::of_path(Path::new("/nobody"));
    let refused = backend.attach(nobody, ClientId::random(), None).await;
    assert!(matches!(
        refused,
        Err(AttachError::Workspace(WorkspaceError::NotFound(id))) if id == nobody
    ));
}

#[tokio::test(start_paused = true)]
async fn a_stream_waits_for_a_workspace_that_is_being_opened() {
    let backend = TestBackend::new();
    let mut opening = backend.faults().hold(Call::Open);
    let id = WorkspaceId::of_path(&backend.dir("demo").canonicalize().unwrap());
    let client = ClientId::random();
    let creating = backend.create(client, backend.request("demo"));
    let attaching = async {
        opening.reached().await;
        let mut attaching = Box::pin(backend.attach(id, client, None));
        assert!(poll_once(&mut attaching).is_pending());
        opening.release();
        attaching.await
    };
    let (created, attached) = tokio::join!(creating, attaching);
    assert_eq!(attached.unwrap().workspace().id(), created.unwrap().id());
}

/// A contract client that is told of an unknown workspace registers again, and that waits for the end of the teardown.
#[tokio::test(start_paused = true)]
async fn a_closing_workspace_is_unknown_to_streams() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    workspace.send(&session, "r1", "hello").await.unwrap();
    let turn = backend.runner().entered().await;
    turn.ignore_cancel().await;
    let mut closing = Box::pin(backend.shutdown(60 * SECOND));
    assert!(poll_once(&mut closing).is_pending());
    tokio::task::yield_now().await;
    let refused = backend.attach(workspace.id(), workspace.client, None).await;
    assert!(matches!(
        refused,
        Err(AttachError::Workspace(WorkspaceError::NotFound(_)))
    ));
}

#[tokio::test(start_paused = true)]
async fn a_run_can_be_followed_by_anybody_and_keeps_nothing_alive() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let session = workspace.new_session().await;
    let mut events = workspace.recorder();
    workspace.send(&session, "r1", "hello").await.unwrap();
    backend.runner().entered().await.release();
    events.end_of("r1").await;
    let run: RunId = "r1".parse().unwrap();
    let mut followed = backend
        .follow_run(workspace.id(), &run, None)
        .await
        .unwrap();
    assert_eq!(followed.run(), Some(&run));
    // From the start of what is kept, though the run is over.
    assert_eq!(poll::events(&mut followed)[0].0, 1);
    assert_eq!(backend.clients(workspace.id()), 1, "it is no claim");
    backend.release(workspace.id(), workspace.client);
    events.over().await;

    let unknown: RunId = "r2".parse().unwrap();
    let refused = backend.follow_run(workspace.id(), &unknown, None).await;
    assert_eq!(refused.unwrap_err().to_string(), "run `r2` not found");
    backend.faults().fail(Call::ReadRuns);
    let refused = backend.follow_run(workspace.id(), &run, None).await;
    assert!(matches!(refused, Err(AttachError::Journal(_))));
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_after_the_event_that_says_so() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let mut stream = workspace.attach().await;
    let mut follower = workspace.recorder();
    backend.shutdown(SECOND).await;
    let Some(Next::Batch(last)) = stream.next().await else {
        panic!("there is a last word")
    };
    let kinds: Vec<&str> = last.iter().map(|(_, event)| event.event().kind()).collect();
    assert_eq!(kinds, ["end"]);
    assert!(stream.next().await.is_none());
    assert!(follower.is_over());
    assert_eq!(follower.story(), ["end: server_shutdown"]);
}

#[tokio::test(start_paused = true)]
async fn a_client_with_a_stream_can_say_which_session_it_looks_at() {
    let backend = TestBackend::new();
    let one = backend.open("demo").await;
    let other = backend.open("demo").await;
    let (first, second) = (one.new_session().await, one.new_session().await);
    let id = one.id();
    let looking = |session| backend.attached_clients(id, session);
    let held = backend.set_current_session(id, one.client, Some(first.clone()));
    assert!(matches!(held.await, Err(CurrentSessionError::NotAttached)));
    let stream = one.attach().await;
    let _other_stream = other.attach().await;
    assert_eq!(looking(&first), 0, "nobody has said so");
    for client in [one.client, other.client] {
        let set = backend.set_current_session(id, client, Some(first.clone()));
        set.await.unwrap();
    }
    assert_eq!((looking(&first), looking(&second)), (2, 0));
    let switched = backend.set_current_session(id, one.client, Some(second.clone()));
    switched.await.unwrap();
    assert_eq!((looking(&first), looking(&second)), (1, 1));
    let cleared = backend.set_current_session(id, other.client, None);
    cleared.await.unwrap();
    assert_eq!((looking(&first), looking(&second)), (0, 1));
    drop(stream);
    assert_eq!(looking(&second), 0, "away, although its claim is kept");

    let nobody = WorkspaceId::of_path(Path::new("/nobody"));
    let unknown = backend.set_current_session(nobody, one.client, None);
    assert!(matches!(
        unknown.await,
        Err(CurrentSessionError::Workspace(WorkspaceError::NotFound(_)))
    ));
    assert_eq!(backend.attached_clients(nobody, &ids::session(1)), 0);
}

#[tokio::test(start_paused = true)]
async fn a_change_of_the_configuration_is_one_event_with_the_workspace() {
    let backend = TestBackend::new();
    let workspace = backend.open("demo").await;
    let mut events = workspace.recorder();
    workspace.announce_config_changed();
    let seen = events.seen();
    let Event::ConfigChanged(change) = seen[0].1.event() else {
        panic!("another event: {seen:?}");
    };
    let expected = ConfigChanged {
        workspace_id: workspace.id(),
    };
    assert_eq!((&change.payload, seen.len()), (&expected, 1));
}
