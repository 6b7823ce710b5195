//! What is there when a process was killed and the next one begins: in process, on what was on disk at that moment.

use runwright_agent::{AgentCall, Clock, EventSink, Pace, RunEnd};
use runwright_proto::{
    AgentMessage, Attachment, BusyPolicy, Change, ClientId, Event, Finish, FinishReason, Message,
    Part, Reasoning, Role, Run, RunComplete, RunId, RunState, Seq, ToolCall, ToolResult,
};
use rusqlite::Connection;

use crate::stage::{Opened, Stage, id, prompt, workspace};

/// What is said of a run that was interrupted.
const DETAILS: &str = "the server stopped before the run had ended";

fn interrupted(now: i64) -> Part {
    Part::Finish(Finish {
        reason: FinishReason::Error,
        time: now,
        message: "Interrupted".into(),
        details: DETAILS.into(),
    })
}

fn call(id: &str, finished: bool) -> Part {
    Part::ToolCall(ToolCall {
        id: id.into(),
        name: "view".into(),
        input: if finished { "{}" } else { "" }.into(),
        finished,
        ..ToolCall::default()
    })
}

fn now(stage: &Stage) -> i64 {
    stage.clock.now().seconds()
}

/// The terminal events of a log.
fn ends(log: &[runwright_proto::Envelope]) -> Vec<RunComplete> {
    let ends = log.iter().filter_map(|envelope| {
        let Event::RunComplete(Change { payload, .. }) = &envelope.event else {
            return None;
        };
        Some(payload.clone())
    });
    ends.collect()
}

#[tokio::test]
async fn a_run_that_was_running_ends_as_interrupted_and_its_text_is_kept() {
    let before = Stage::quiet();
    let opened = before.open().await;
    opened.session("s").await;
    opened.start("s", "run").await;
    let said = prompt("s", "run", "hello").user_message(7);
    let run = id("run");
    let added = opened
        .parts
        .transcript
        .create_message(Some(&run), said.clone());
    added.await.unwrap();
    let thought = |finished_at| {
        Part::Reasoning(Reasoning {
            thinking: "hm".into(),
            started_at: 6,
            finished_at,
            ..Reasoning::default()
        })
    };
    let answer = opened.add(Some("run"), "s", Role::Assistant, vec![]).await;
    opened
        .update(&answer, vec![thought(0), Part::text("Hel")], Pace::Streamed)
        .await;
    opened.flush().await;
    let parts = vec![thought(0), Part::text("Hello, wör"), call("torn", false)];
    opened.update(&answer, parts, Pace::Streamed).await;
    opened.flush().await;
    // This is in memory when the process dies, and nowhere else.
    let parts = vec![thought(0), Part::text("Hello, world"), call("torn", true)];
    opened.update(&answer, parts, Pace::Streamed).await;
    let seen = opened.sink.head();

    let after = before.killed();
    let report = after.store.recovered();
    assert_eq!((report.interrupted, report.queued), (1, 0));
    assert_eq!(report.workspaces, [workspace(crate::stage::DEMO)]);
    let opened = after.open().await;
    let now = now(&after);
    let ended = Message {
        parts: vec![
            thought(now),
            Part::text("Hello, wör"),
            Part::ToolCall(ToolCall {
                input: "{}".into(),
                finished: true,
                id: "torn".into(),
                name: "view".into(),
                ..ToolCall::default()
            }),
            interrupted(now),
        ],
        updated_at: now,
        ..answer.clone()
    };
    let messages = opened.messages("s").await;
    assert_eq!(messages[..2], [said, ended.clone()]);
    check_error_result(&messages[2..], "torn");

    let expected = Run {
        state: RunState::Interrupted,
        started_at_ms: Some(before.clock.now().millis()),
        ended_at_ms: Some(after.clock.now().millis()),
        error: Some(format!("interrupted: {DETAILS}")),
        reason: Some("crashed".to_owned()),
        message_id: Some(answer.id.clone()),
        text: "Hello, wör".into(),
        ..Run::new(
            id("run"),
            id("s"),
            RunState::Interrupted,
            before.clock.now().millis(),
        )
    };
    assert_eq!(opened.run("run").await, expected);
    check_story_after(&opened, seen, &ended, &expected).await;
}

/// Who had seen the story up to a number is told the rest: the message as it is now, the result of its call, the end.
async fn check_story_after(opened: &Opened, seen: Seq, ended: &Message, run: &Run) {
    let rest = opened.read(seen, Seq(opened.next.0 - 1), None).await;
    let kinds: Vec<_> = rest
        .iter()
        .map(|envelope| (envelope.event.kind(), envelope.seq > Some(seen)))
        .collect();
    assert_eq!(
        kinds,
        [("message", true), ("message", true), ("run_complete", true)]
    );
    assert_eq!(
        rest[0].event,
        Event::Message(Change::updated(ended.clone()))
    );
    let complete = RunComplete {
        message_id: run.message_id.clone(),
        text: run.text.clone(),
        error: run.error.clone().unwrap(),
        reason: run.reason.clone(),
        ..RunComplete::new(id("s"), id("run"), RunState::Interrupted)
    };
    assert_eq!(ends(&rest), [complete]);
}

fn check_error_result(messages: &[Message], call: &str) {
    let [message] = messages else {
        panic!("one result, not {messages:?}");
    };
    let results: Vec<&ToolResult> = message.tool_results().collect();
    assert_eq!(message.role, Role::Tool);
    assert_eq!(
        (&*results[0].tool_call_id, results[0].is_error),
        (call, true)
    );
}

#[tokio::test]
async fn a_run_that_had_not_begun_to_answer_has_its_prompt_and_an_answer_that_says_so() {
    let before = Stage::quiet();
    let opened = before.open().await;
    opened.session("s").await;
    opened.start("s", "run").await;
    let after = before.killed();
    let opened = after.open().await;
    let messages = opened.messages("s").await;
    let [said, answer] = &messages[..] else {
        panic!("a prompt and an answer, not {messages:?}");
    };
    assert_eq!(
        said.text().map(ToString::to_string).as_deref(),
        Some("hello")
    );
    assert_eq!(said.role, Role::User);
    let begun = now(&after);
    assert_eq!(
        (answer.role, &answer.parts[..]),
        (Role::Assistant, &[interrupted(begun)][..])
    );
    assert_eq!(opened.run("run").await.message_id, Some(answer.id.clone()));
    let log = opened.log(Seq(opened.next.0 - 1)).await;
    assert_eq!(ends(&log).len(), 1);
    let session = opened.parts.transcript.session(&id("s")).await.unwrap();
    assert_eq!(session.unwrap().message_count, 2);
}

/// A turn had taken the prompt in, or the run was being ended without one: it must not begin once more.
#[tokio::test]
async fn a_run_that_waited_and_whose_prompt_is_in_the_history_is_interrupted() {
    let before = Stage::quiet();
    let opened = before.open().await;
    opened.session("s").await;
    let written = opened.accept(prompt("s", "written", "hello"), 0).await;
    let waits = opened.accept(prompt("s", "waits", "and then?"), 1).await;
    let said = written.user_message(7);
    let run = id("written");
    let added = opened
        .parts
        .transcript
        .create_message(Some(&run), said.clone());
    added.await.unwrap();

    let after = before.killed();
    let report = after.store.recovered();
    assert_eq!((report.interrupted, report.queued), (1, 1));
    let opened = after.open().await;
    assert_eq!(opened.parts.queued, [waits]);
    let run = opened.run("written").await;
    assert_eq!(
        (run.state, run.started_at_ms),
        (RunState::Interrupted, None)
    );
    let messages = opened.messages("s").await;
    assert_eq!((messages.len(), &messages[0]), (2, &said));
    assert_eq!(messages[1].parts, [interrupted(now(&after))]);
    assert_eq!(ends(&opened.log(Seq(opened.next.0 - 1)).await).len(), 1);
}

#[tokio::test]
async fn a_run_outlives_its_session_and_still_ends_once() {
    let before = Stage::quiet();
    let opened = before.open().await;
    opened.session("s").await;
    opened.start("s", "run").await;
    opened.start("unknown", "other").await;
    opened
        .parts
        .transcript
        .delete_session(&id("s"))
        .await
        .unwrap();
    let after = before.killed();
    assert_eq!(after.store.recovered().interrupted, 2);
    let opened = after.open().await;
    for run in ["run", "other"] {
        let run = opened.run(run).await;
        assert_eq!((run.state, run.message_id), (RunState::Interrupted, None));
    }
    assert_eq!(ends(&opened.log(Seq(opened.next.0 - 1)).await).len(), 2);
}

#[tokio::test]
async fn what_a_run_answered_goes_with_its_session_and_its_record_stays() {
    let stage = Stage::quiet();
    let opened = stage.open().await;
    for (session, run) in [("gone", "one"), ("kept", "two")] {
        opened.session(session).await;
        opened.start(session, run).await;
        let end = RunEnd {
            text: Some("an answer".into()),
            ..RunEnd::new(RunState::Completed)
        };
        let run: RunId = run.parse().unwrap();
        assert!(opened.parts.journal.finish(&run, end).await.unwrap());
    }
    let deleted = opened.parts.transcript.delete_session(&id("gone")).await;
    deleted.unwrap();
    let told = |run: Run| (run.state, run.text.to_string());
    assert_eq!(
        [told(opened.run("one").await), told(opened.run("two").await)],
        [
            (RunState::Completed, String::new()),
            (RunState::Completed, "an answer".to_owned()),
        ]
    );
}

#[tokio::test]
async fn a_run_ends_once_however_often_the_process_dies() {
    let mut stage = Stage::quiet();
    let opened = stage.open().await;
    opened.session("s").await;
    opened.start("s", "run").await;
    let mut nexts = vec![opened.next];
    for _ in 0..3 {
        stage = stage.killed();
    }
    assert_eq!(stage.store.recovered().interrupted, 0, "it was done before");
    let opened = stage.open().await;
    nexts.push(opened.next);
    assert_eq!(ends(&opened.log(Seq(opened.next.0 - 1)).await).len(), 1);
    let end = RunEnd::new(RunState::Completed);
    let won = opened.parts.journal.finish(&id("run"), end).await.unwrap();
    assert!(!won, "it is over");
    assert!(nexts.is_sorted_by(|a, b| a < b), "{nexts:?}");
}

#[tokio::test]
async fn runs_that_waited_are_there_in_their_order_as_they_were_asked_for() {
    let before = Stage::quiet();
    let opened = before.open().await;
    opened.session("s").await;
    opened.start("s", "running").await;
    let message = |run: Option<&str>, when_busy, attachments| AgentMessage {
        session_id: Some(id("s")),
        run_id: run.map(id),
        prompt: "tidy up".to_owned(),
        attachments,
        when_busy,
    };
    let file = Attachment {
        file_path: "/tmp/a.txt".to_owned(),
        file_name: "a.txt".to_owned(),
        mime_type: "text/plain".to_owned(),
        content: b"hi\0".to_vec().into(),
    };
    let asked = [
        message(Some("z"), None, vec![]),
        message(None, None, vec![file.clone(), file]),
        message(Some("a"), Some(BusyPolicy::Interrupt), vec![]),
    ];
    let mut calls = Vec::new();
    for (n, message) in asked.into_iter().enumerate() {
        let call = AgentCall::try_from(message).unwrap();
        let call = if n == 2 {
            call.with_idempotency_key("key")
        } else {
            call
        };
        calls.push(opened.accept(call, n + 1).await);
    }
    // One of them ends before it starts.
    let ended = opened.accept(prompt("s", "ended", "never mind"), 4).await;
    let cancelled = RunEnd::new(RunState::Cancelled);
    opened
        .parts
        .journal
        .finish(ended.run_id(), cancelled)
        .await
        .unwrap();

    let after = before.killed();
    let report = after.store.recovered();
    assert_eq!((report.interrupted, report.queued), (1, 3));
    let with_queued = after.store.with_queued_runs().await.unwrap();
    assert_eq!(with_queued, [workspace(crate::stage::DEMO)]);
    let opened = after.open().await;
    assert_eq!(opened.parts.queued, calls);
    assert_eq!(opened.run("z").await.state, RunState::Queued);
    assert_eq!(opened.run("z").await.position, Some(1));
}

#[tokio::test]
async fn no_number_is_used_twice_and_the_epoch_stays() {
    let before = Stage::quiet();
    let opened = before.open().await;
    opened.session("s").await;
    let answer = opened.add(None, "s", Role::Assistant, vec![]).await;
    // More than a block of them, so that more are reserved on the way.
    for n in 0..6_000 {
        let parts = vec![Part::text(format!("{n}"))];
        opened.update(&answer, parts, Pace::Streamed).await;
        if n % 500 == 0 {
            opened.flush().await;
        }
    }
    opened.flush().await;
    let head = opened.sink.head();
    assert_eq!(head, Seq(6_002), "all are published");
    let after = before.killed();
    let reopened = after.open().await;
    assert!(reopened.next > head, "{} is used", reopened.next);
    assert_eq!(reopened.epoch, opened.epoch);
    // A workspace that is opened and has no time to do anything.
    let again = after.killed().open().await;
    assert!(again.next > reopened.next);
    assert_eq!(again.epoch, opened.epoch);
}

#[tokio::test]
async fn numbers_go_on_without_a_jump_after_a_clean_close() {
    let stage = Stage::quiet();
    let opened = stage.open().await;
    opened.session("s").await;
    let head = opened.sink.head();
    opened.parts.events.close().await;
    let stage = stage.closed().await;
    assert_eq!(stage.open().await.next, head.next());
}

#[tokio::test]
async fn whoever_followed_the_workspace_is_known_with_what_it_may_have_seen() {
    let before = Stage::quiet();
    let opened = before.open().await;
    opened.session("s").await;
    opened.start("s", "run").await;
    let mut clients: Vec<ClientId> = (0..3).map(|_| ClientId::random()).collect();
    for client in &clients {
        opened.parts.events.attached(*client);
    }
    opened.parts.events.detached(clients.pop().unwrap());
    opened.flush().await;
    clients.sort();

    // Dies twice before anybody comes back.
    let after = before.killed().killed();
    let reopened = after.open().await;
    let seen = reopened.parts.seen;
    let expected: Vec<_> = clients.iter().map(|client| (*client, seen)).collect();
    let mut known = reopened.parts.clients.clone();
    known.sort();
    assert_eq!(known, expected);
    assert!(seen >= opened.sink.head(), "{seen}");
    let missed = reopened.read(seen, Seq(reopened.next.0 - 1), None).await;
    assert_eq!(ends(&missed).len(), 1, "what recovery did comes after it");
    let left = |stage: Stage| async move {
        let mut left = stage.open().await.parts.clients;
        left.sort();
        left
    };
    assert_eq!(
        left(after.killed()).await,
        expected,
        "a process that dies at once leaves them to the next one"
    );
    reopened.flush().await;
    assert_eq!(
        left(after.killed()).await,
        expected,
        "so does one that dies before they came back, and what they have seen stays what it was"
    );
    let back = clients.pop().unwrap();
    reopened.parts.events.attached(back);
    reopened.flush().await;
    let again = after.killed().open().await;
    let mut known = again.parts.clients.clone();
    known.sort();
    let mut expected = expected;
    expected.pop();
    expected.push((back, again.parts.seen));
    assert_eq!(known, expected, "who came back has seen more");
}

#[tokio::test]
async fn text_that_was_streamed_outside_a_run_is_kept_too_and_told() {
    let before = Stage::quiet();
    let opened = before.open().await;
    opened.session("s").await;
    let note = opened.add(None, "s", Role::Assistant, vec![]).await;
    opened
        .update(&note, vec![Part::text("a")], Pace::Streamed)
        .await;
    opened.flush().await;
    opened
        .update(&note, vec![Part::text("ab")], Pace::Streamed)
        .await;
    opened.flush().await;
    opened
        .update(&note, vec![Part::text("abc")], Pace::Streamed)
        .await;
    let seen = opened.sink.head();

    let after = before.killed();
    let opened = after.open().await;
    let kept = Message {
        parts: vec![Part::text("ab")],
        updated_at: now(&after),
        ..note
    };
    let message = opened.messages("s").await.remove(0);
    assert_eq!(message, kept);
    let told = opened.read(seen, Seq(opened.next.0 - 1), None).await;
    let events: Vec<_> = told.into_iter().map(|envelope| envelope.event).collect();
    assert_eq!(events, [Event::Message(Change::updated(kept))]);
    // It goes on where it was cut.
    opened
        .update(&message, vec![Part::text("abcd")], Pace::Streamed)
        .await;
    opened.flush().await;
    let killed = after.killed().open().await;
    assert_eq!(killed.messages("s").await[0].parts, [Part::text("abcd")]);
}

#[tokio::test]
async fn whoever_saw_text_that_never_reached_the_disk_is_put_right_by_an_event() {
    let before = Stage::quiet();
    let opened = before.open().await;
    opened.session("s").await;
    let note = opened.add(None, "s", Role::Assistant, vec![]).await;
    opened.update(&note, vec![Part::text("a")], Pace::Now).await;
    opened
        .update(&note, vec![Part::text("ab")], Pace::Streamed)
        .await;
    let seen = opened.sink.head();
    let after = before.killed();
    let opened = after.open().await;
    let told = opened.read(seen, Seq(opened.next.0 - 1), None).await;
    let kept = Message {
        parts: vec![Part::text("a")],
        updated_at: now(&after),
        ..note
    };
    let events: Vec<_> = told.into_iter().map(|envelope| envelope.event).collect();
    assert_eq!(events, [Event::Message(Change::updated(kept))]);
}

#[tokio::test]
async fn streamed_text_that_is_damaged_is_cut_where_it_is() {
    let before = Stage::quiet();
    let opened = before.open().await;
    opened.session("s").await;
    opened.start("s", "run").await;
    let answer = opened.add(Some("run"), "s", Role::Assistant, vec![]).await;
    for text in ["a", "ab", "abc"] {
        opened
            .update(&answer, vec![Part::text(text)], Pace::Streamed)
            .await;
        opened.flush().await;
    }
    let database = Connection::open(before.directory.path().join("runwright.db")).unwrap();
    let damaged = database.execute("UPDATE message_chunks SET steps = x'FF' WHERE n = 1", []);
    assert_eq!(damaged.unwrap(), 1);
    let opened = before.killed().open().await;
    let text = opened.messages("s").await[0].text().cloned();
    assert_eq!(text.unwrap(), "a");
}

#[tokio::test]
async fn approvals_of_an_interrupted_run_are_not_open_any_more() {
    let before = Stage::quiet();
    let opened = before.open().await;
    opened.session("s").await;
    opened.start("s", "run").await;
    let database = Connection::open(before.directory.path().join("runwright.db")).unwrap();
    for (permission, run) in [("asked", "run"), ("of another", "other")] {
        let sql = "INSERT INTO approvals (workspace, permission_id, session_id, run_id, kind, request, state, asked_ms)
                   VALUES (1, ?1, 's', ?2, 'permission', '{}', 'open', 0)";
        database.execute(sql, [permission, run]).unwrap();
    }
    let after = before.killed();
    let database = Connection::open(after.directory.path().join("runwright.db")).unwrap();
    let mut statement = database
        .prepare("SELECT state, resolved_ms FROM approvals ORDER BY id")
        .unwrap();
    let states = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    let states: Vec<(String, Option<i64>)> = states.unwrap().map(Result::unwrap).collect();
    let resolved = after.clock.now().millis();
    assert_eq!(
        states,
        [
            ("interrupted".to_owned(), Some(resolved)),
            ("open".to_owned(), None)
        ]
    );
}

#[tokio::test]
async fn what_was_answered_is_there_when_the_store_is_dropped_without_a_word() {
    let stage = Stage::quiet();
    let opened = stage.open().await;
    opened.session("s").await;
    opened.accept(prompt("s", "run", "hello"), 0).await;
    let directory = stage.directory;
    drop((opened, stage.store));
    // The writer ends in the background; until then the directory is its own.
    let store = loop {
        match runwright_store::Store::open(directory.path(), Default::default()) {
            Ok(store) => break store,
            Err(runwright_store::OpenStoreError::Locked { .. }) => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(store.recovered().queued, 1);
    assert_eq!(store.recovered().interrupted, 0);
}

#[tokio::test]
async fn a_store_with_nothing_to_repair_repairs_nothing() {
    let stage = Stage::quiet();
    let opened = stage.open().await;
    opened.session("s").await;
    opened.start("s", "run").await;
    let end = RunEnd::new(RunState::Completed);
    opened.parts.journal.finish(&id("run"), end).await.unwrap();
    let log = opened.log(opened.sink.head()).await;
    let after = stage.killed();
    assert_eq!(
        *after.store.recovered(),
        runwright_store::RecoveryReport::default()
    );
    assert_eq!(after.open().await.log(opened.sink.head()).await, log);
}
