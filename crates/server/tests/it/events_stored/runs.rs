//! The stream of one run over the stored log.

use runwright_agent::LogQuery;
use runwright_backend::testing::Call;
use runwright_proto::{Event, RunState, Seq};

use super::{IN_MEMORY, from_start, gap, ids, numbers, publish};
use crate::api::{Api, Got};

#[tokio::test(start_paused = true)]
async fn a_run_is_told_from_disk_after_its_end_and_ends_with_its_terminal_event() {
    let api = Api::stored(IN_MEMORY);
    let work = api.open("demo").await;
    let session = work.session().await;
    let mut whole = from_start(&api, &work).await;
    for run in ["r1", "r2"] {
        work.prompt(&session, run, "hello").await.is(202);
        api.backend.runner().entered_by(run).await.release();
    }
    let mut told = whole.until_end_of("r2").await;
    told.retain(|got| got.kind() == "message" || got.kind() == "run_complete");
    let (first, second) = told.split_at(4);
    publish(&work, 20);
    let run = |run: &str, query: &str| work.path(&format!("/runs/{run}/events{query}"));
    for (name, expected) in [("r1", first), ("r2", second)] {
        let story = api.stream(&run(name, "?after=0")).await.rest().await;
        assert_eq!(story, expected);
        for got in &story {
            let id = got.id.as_ref().unwrap();
            let after = api
                .stream(&run(name, &format!("?after={id}")))
                .await
                .rest()
                .await;
            let rest = expected.iter().filter(|other| other.seq() > got.seq());
            let rest: Vec<Got> = rest.cloned().collect();
            if rest.is_empty() {
                // Who has the end is told it once more, made from the record.
                assert_eq!(after.last().unwrap().kind(), "run_complete");
            } else {
                assert_eq!(after, rest);
            }
        }
        let plain = api.stream(&run(name, "")).await.rest().await;
        assert!(plain.iter().all(|got| got.id.is_none()));
        assert_eq!(numbers(&plain), numbers(expected));
    }
    let of_run = |query: &LogQuery| query.run.is_some();
    assert!(work.stored_log().asked().iter().any(of_run));
}

#[tokio::test(start_paused = true)]
async fn a_follower_that_falls_behind_is_given_its_run_from_disk() {
    let api = Api::stored(IN_MEMORY);
    let work = api.open("demo").await;
    let session = work.session().await;
    work.prompt(&session, "r1", "hello").await.is(202);
    let turn = api.backend.runner().entered().await;
    let mut slow = api.stream(&work.path("/runs/r1/events?after=now")).await;
    let press = work.stored_press();
    for n in 0..5 {
        press.done_by("r1", &format!("m{n}"));
        publish(&work, 10);
    }
    let story = slow.settled().await;
    assert_eq!(ids(&story), ["m0", "m1", "m2", "m3", "m4"]);
    turn.release();
    publish(&work, 10);
    let rest = slow.rest().await;
    let Event::RunComplete(end) = &rest.last().unwrap().envelope.event else {
        panic!("no end: {rest:?}")
    };
    assert_eq!(end.payload.state, RunState::Completed);
    assert!(rest.last().unwrap().id.is_some(), "it is that of the log");
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_end_is_pruned_is_told_of_the_gap_and_of_its_end() {
    let api = Api::stored(IN_MEMORY);
    let work = api.open("demo").await;
    let session = work.session().await;
    let mut whole = work.stream().await;
    work.prompt(&session, "r1", "hello").await.is(202);
    api.backend.runner().entered().await.release();
    let end = whole.until_end_of("r1").await.pop().unwrap();
    publish(&work, 20);
    let last = end.seq() + 1;
    work.stored_log().prune(Seq(last));
    let epoch = work.epoch().await;
    let path = work.path(&format!("/runs/r1/events?after={epoch}-1"));
    let story = api.stream(&path).await.rest().await;
    assert_eq!(gap(&story[0]), (2, last));
    assert_eq!(story[1].envelope.event, end.envelope.event);
    assert_eq!(story.len(), 2);
    // Who begins with the oldest event that is kept has lost nothing.
    let story = api.stream(&work.path("/runs/r1/events")).await.rest().await;
    assert_eq!(story.len(), 1);
    assert_eq!(story[0].envelope.event, end.envelope.event);
}

#[tokio::test(start_paused = true)]
async fn the_stream_of_a_run_beats_while_the_disk_is_slow_and_is_cut_when_it_fails() {
    let api = Api::stored(IN_MEMORY);
    let work = api.open("demo").await;
    let session = work.session().await;
    let mut whole = work.stream().await;
    work.prompt(&session, "r1", "hello").await.is(202);
    api.backend.runner().entered().await.release();
    whole.until_end_of("r1").await;
    publish(&work, 20);
    let mut stream = api.stream(&work.path("/runs/r1/events")).await;
    let held = api.backend.faults().hold(Call::ReadEvents);
    assert_eq!(stream.frame().await.unwrap(), "\n");
    assert_eq!(stream.frame().await.unwrap(), "\n");
    held.fail();
    assert_eq!(stream.rest().await, [], "no end is made up");
}
