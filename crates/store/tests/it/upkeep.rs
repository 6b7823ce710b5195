//! What the store does with its logs when nothing else is to be done: joins rows, and deletes what is beyond a limit.

use std::time::Duration;

use runwright_agent::{
    EventLog, EventSink, LogPage, LogQuery, Lost, Pace, Publication, SessionChange,
};
use runwright_proto::{AgentEvent, Change, Envelope, Event, Part, Role, Seq};
use runwright_store::{Retention, StoreOptions};
use rusqlite::Connection;

use crate::stage::{Opened, Stage, envelopes, id};

fn announced(title: &str, run: Option<&str>) -> Publication {
    let finished = AgentEvent::finished(id("s"), title);
    Publication {
        event: Event::AgentEvent(Change::created(finished)),
        run: run.map(id),
        pace: Pace::Now,
    }
}

/// Announces events, each in a batch of its own.
async fn announce(opened: &Opened, count: usize, title: &str) {
    for n in 0..count {
        let run = (n % 3 == 0).then_some("run");
        opened.parts.events.announce(announced(title, run));
        opened.flush().await;
    }
}

/// How many rows of events there are, and of how many bytes.
fn rows(stage: &Stage) -> (i64, i64) {
    let database = Connection::open(stage.directory.path().join("runwright.db")).unwrap();
    let sql = "SELECT count(*), coalesce(sum(length(frames)), 0) FROM event_chunks";
    database
        .query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
}

async fn page(events: &dyn EventLog, after: Seq, until: Seq) -> LogPage {
    let query = LogQuery {
        after,
        until,
        run: None,
        finished_only: false,
    };
    events.read(query).await.unwrap()
}

fn keep(stage_options: &mut StoreOptions, retention: Retention) {
    stage_options.retention = retention;
    stage_options.idle_after = Duration::from_secs(3_600);
}

/// What is read after each number, of everything and of a run.
async fn all_cuts(opened: &Opened, until: Seq) -> Vec<(Vec<Envelope>, Vec<Envelope>)> {
    let mut cuts = Vec::new();
    for after in (0..=until.0).map(Seq) {
        let whole = opened.read(after, until, None).await;
        let of_run = opened.read(after, until, Some("run")).await;
        cuts.push((whole, of_run));
    }
    cuts
}

#[tokio::test]
async fn rows_are_joined_and_nothing_is_read_differently() {
    let stage = Stage::quiet();
    let opened = stage.open().await;
    opened.session("s").await;
    announce(&opened, 40, "a").await;
    let answer = opened.add(None, "s", Role::Assistant, vec![]).await;
    opened
        .update(&answer, vec![Part::text("b")], Pace::Now)
        .await;
    announce(&opened, 45, "c").await;
    let until = opened.sink.head();
    let before = all_cuts(&opened, until).await;
    assert_eq!(rows(&stage).0, 87);

    stage.store.look_after().await.unwrap();
    // 64 events are joined, 23 wait for more.
    assert_eq!(rows(&stage).0, 1 + 23);
    assert_eq!(all_cuts(&opened, until).await, before);
    stage.store.look_after().await.unwrap();
    assert_eq!(rows(&stage).0, 24, "there is nothing more to join");

    // More come after it, and the next process goes on with what this one left.
    announce(&opened, 50, "d").await;
    opened.parts.events.close().await;
    stage.store.look_after().await.unwrap();
    assert_eq!(rows(&stage).0, 3, "nothing more comes for now");
    let stage = stage.closed().await;
    let reopened = stage.open().await;
    assert_eq!(all_cuts(&reopened, until).await, before);
}

#[tokio::test]
async fn events_that_are_too_old_are_lost_and_said_to_be() {
    let day = Duration::from_secs(86_400);
    let retention = Retention {
        age: Some(day),
        ..Retention::default()
    };
    let stage = Stage::with(|options| keep(options, retention));
    let opened = stage.open().await;
    opened.session("s").await;
    let answer = opened.add(None, "s", Role::Assistant, vec![]).await;
    announce(&opened, 3, "old").await;
    let old = opened.sink.head();
    stage.clock.advance(86_400_000);
    announce(&opened, 2, "new").await;
    opened
        .update(&answer, vec![Part::text("a")], Pace::Now)
        .await;
    let head = opened.sink.head();
    let new = opened.read(old, head, None).await;
    assert_eq!(new.len(), 3);
    stage.store.look_after().await.unwrap();
    assert_eq!(
        opened.read(old, head, None).await,
        new,
        "a day is not too old"
    );
    assert_eq!(opened.log(head).await.len(), 5 + 3);

    stage.clock.advance(1);
    announce(&opened, 1, "newer").await;
    stage.store.look_after().await.unwrap();
    let lost = |from| Some(Lost { from, to: old });
    for (after, lost) in [
        (Seq::ZERO, lost(Seq(1))),
        (Seq(3), lost(Seq(4))),
        (old, None),
    ] {
        let page = page(&*opened.parts.events, after, head).await;
        assert_eq!((page.lost, page.through), (lost, head), "after {after}");
        assert_eq!(envelopes(&page.frames), new, "after {after}");
    }
    // Somebody who reads only what is lost is told so.
    let all_lost = page(&*opened.parts.events, Seq(1), Seq(3)).await;
    let expected = LogPage {
        lost: Some(Lost {
            from: Seq(2),
            to: Seq(3),
        }),
        through: Seq(3),
        ..LogPage::default()
    };
    assert_eq!(all_lost, expected);
    // History stays.
    assert_eq!(opened.messages("s").await.len(), 1);
}

#[tokio::test]
async fn a_log_that_is_too_large_loses_its_oldest_events() {
    let title = "x".repeat(1_000);
    let retention = Retention {
        workspace_bytes: 10_000,
        total_bytes: 15_000,
        age: None,
    };
    let stage = Stage::with(|options| keep(options, retention));
    let first = stage.open_path("/first").await;
    announce(&first, 20, &title).await;
    stage.store.look_after().await.unwrap();
    let (_, bytes) = rows(&stage);
    assert!((8_000..=10_000).contains(&bytes), "{bytes} bytes");
    let head = first.sink.head();
    let kept = page(&*first.parts.events, Seq::ZERO, head).await;
    let kept_events = envelopes(&kept.frames);
    assert_eq!(kept_events.last().unwrap().seq, Some(head));
    let lost = kept.lost.unwrap();
    assert_eq!(
        (lost.from, Some(lost.to.next())),
        (Seq(1), kept_events[0].seq)
    );

    // Together they are too large, so the older ones of the first go.
    let second = stage.open_path("/second").await;
    announce(&second, 7, &title).await;
    stage.store.look_after().await.unwrap();
    let (_, bytes) = rows(&stage);
    assert!((13_000..=15_000).contains(&bytes), "{bytes} bytes");
    assert_eq!(
        second.read(Seq::ZERO, second.sink.head(), None).await.len(),
        7
    );
    let lost_now = page(&*first.parts.events, Seq::ZERO, head).await.lost;
    assert!(lost_now.unwrap().to > lost.to, "{lost_now:?}");

    // A process that begins finds out how large they are.
    for opened in [&first, &second] {
        opened.parts.events.close().await;
    }
    stage.store.close().await;
    let less = Retention {
        total_bytes: 5_000,
        ..retention
    };
    let stage = Stage::at(stage.directory, runwright_agent::Timestamp(0), |options| {
        keep(options, less);
    });
    stage.store.look_after().await.unwrap();
    let (_, bytes) = rows(&stage);
    assert!((3_500..=5_000).contains(&bytes), "{bytes} bytes");
}

#[tokio::test]
async fn a_run_whose_events_are_kept_has_lost_nothing() {
    let retention = Retention {
        age: Some(Duration::from_secs(60)),
        ..Retention::default()
    };
    let stage = Stage::with(|options| keep(options, retention));
    let opened = stage.open().await;
    opened.session("s").await;
    announce(&opened, 4, "old").await;
    stage.clock.advance(60_001);
    opened.start("s", "run").await;
    announce(&opened, 1, "new").await;
    stage.store.look_after().await.unwrap();
    let (head, epoch) = (opened.sink.head(), &opened.epoch);
    assert!(
        page(&*opened.parts.events, Seq::ZERO, head)
            .await
            .lost
            .is_some()
    );
    let of_run = opened.read(Seq::ZERO, head, Some("run")).await;
    let expected = Envelope {
        event: announced("new", None).event,
        seq: Some(head),
        epoch: Some(epoch.clone()),
    };
    assert_eq!(of_run, [expected]);
}

#[tokio::test]
async fn it_is_done_by_itself_when_nothing_else_is_to_be_done() {
    let retention = Retention {
        workspace_bytes: 2_000,
        ..Retention::default()
    };
    let stage = Stage::with(|options| {
        options.retention = retention;
        options.idle_after = Duration::from_millis(1);
    });
    let opened = stage.open().await;
    announce(&opened, 100, &"x".repeat(500)).await;
    let head = opened.sink.head();
    // It comes by itself; a test that hangs here says that it does not.
    while page(&*opened.parts.events, Seq::ZERO, head)
        .await
        .lost
        .is_none_or(|lost| lost.to < Seq(95))
    {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_event_says_the_same_when_it_is_read_again_whatever_changed_without_one() {
    let stage = Stage::quiet();
    let opened = stage.open().await;
    opened.session("s").await;
    let change = SessionChange {
        title: Some("named".to_owned()),
        ..SessionChange::default()
    };
    let transcript = &opened.parts.transcript;
    let told = transcript.change_session(&id("s"), change).await.unwrap();
    let number = opened.sink.head();
    opened.add(None, "s", Role::User, vec![]).await;

    let read = opened.read(Seq(number.0 - 1), number, None).await;
    let events: Vec<_> = read.into_iter().map(|envelope| envelope.event).collect();
    assert_eq!(events, [Event::Session(Change::updated(told))]);
    let now = transcript.session(&id("s")).await.unwrap();
    assert_eq!(now.map(|session| session.message_count), Some(1));
}
