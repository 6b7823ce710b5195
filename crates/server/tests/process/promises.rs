//! The promises of the server, seen from outside: one story for all, resume without loss, stop means stop, and what is
//! accepted ends.

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::server::{Server, Start};
use crate::workspace::{Member, endings, ends};

/// What every reader must agree about: all but the snapshots that a slower one may skip.
pub(crate) fn common(events: &[Value]) -> Vec<&Value> {
    let is_snapshot =
        |event: &Value| event["payload"]["type"] == "updated" && event["type"] != "run_complete";
    events.iter().filter(|event| !is_snapshot(event)).collect()
}

fn numbers(events: &[Value]) -> Vec<u64> {
    events
        .iter()
        .map(|event| event["seq"].as_u64().unwrap())
        .collect()
}

#[track_caller]
fn assert_grows(events: &[Value]) {
    let numbers = numbers(events);
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
}

/// The last state that was seen of each message.
pub(crate) fn last_messages(events: &[Value]) -> Vec<(String, Value)> {
    let messages = events.iter().filter(|event| event["type"] == "message");
    let mut last = std::collections::BTreeMap::new();
    for event in messages {
        let message = &event["payload"]["payload"];
        last.insert(message["id"].as_str().unwrap().to_owned(), message.clone());
    }
    last.into_iter().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_clients_see_the_same_ordered_story() {
    let server = Server::start();
    let alice = Member::join(&server, "demo").await;
    let bob = alice.another().await;
    let (mut a, mut b) = (alice.events(None).await, bob.events(None).await);
    let session = alice.session().await;
    alice
        .prompt(&session, "r1", "[[say 40]] [[delay 5]]")
        .await
        .ok(202);
    bob.prompt(&session, "r2", "[[say 5]]").await.ok(202);
    let (seen_by_alice, seen_by_bob) = (a.until(ends("r2")).await, b.until(ends("r2")).await);
    assert_eq!(common(&seen_by_alice), common(&seen_by_bob));
    assert_eq!(last_messages(&seen_by_alice), last_messages(&seen_by_bob));
    assert_eq!(
        endings(&seen_by_alice),
        [("r1", "completed"), ("r2", "completed")].map(|(r, s)| (r.into(), s.into()))
    );
    assert_grows(&seen_by_alice);
    assert_grows(&seen_by_bob);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_is_cut_off_resumes_without_loss_or_duplicate() {
    let server = Server::start();
    let member = Member::join(&server, "demo").await;
    let mut whole = member.events(Some("now")).await;
    let session = member.session().await;
    let mut cut = member.another().await.events(Some("0")).await;
    member
        .prompt(&session, "r1", "[[say 60]] [[delay 5]]")
        .await
        .ok(202);
    let mut seen = cut.until(|event| event["type"] == "message").await;
    for _ in 0..5 {
        let cursor = cut.last_id.clone().unwrap();
        drop(cut);
        cut = member.another().await.events(Some(&cursor)).await;
        seen.push(cut.next().await.unwrap());
    }
    seen.extend(cut.until(ends("r1")).await);
    let uninterrupted = whole.until(ends("r1")).await;
    assert_grows(&seen);
    assert_eq!(common(&seen), common(&uninterrupted));
    assert_eq!(last_messages(&seen), last_messages(&uninterrupted));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_comes_back_within_its_grace_is_given_what_it_missed() {
    let server = Server::start();
    let member = Member::join(&server, "demo").await;
    let watcher = member.another().await;
    let mut watching = watcher.events(None).await;
    let mut stream = member.events(None).await;
    let session = member.session().await;
    for seen in [&mut stream, &mut watching] {
        assert_eq!(seen.next().await.unwrap()["type"], "session");
    }
    let looks_at = json!({ "session_id": session });
    let current = format!(
        "{}/current-session?client_id={}",
        member.base, member.client_id
    );
    member.client.post(&current, &looks_at).await.ok(200);
    drop(stream);
    // What is written before the server has noticed the cut is lost with the connection: nobody can tell.
    let path = format!("sessions/{session}");
    while watcher.get(&path).await.ok(200)["attached_clients"] != 0 {}
    member.prompt(&session, "r1", "[[say 3]]").await.ok(202);
    let story = watching.until(ends("r1")).await;
    // As a client of the contract does it: the same client id and no cursor.
    let missed = member.events(None).await.until(ends("r1")).await;
    assert_eq!(common(&missed), common(&story));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_of_another_life_of_the_log_begins_with_a_gap() {
    let server = Server::start();
    let member = Member::join(&server, "demo").await;
    member.session().await;
    let mut events = member.events(Some("anotherlife-7")).await;
    let (gap, next) = (events.next().await.unwrap(), events.next().await.unwrap());
    assert_eq!(gap["type"], "gap");
    assert_eq!(gap["payload"]["epoch"], next["epoch"]);
    let first = (&json!("session"), &json!(1));
    assert_eq!(
        (&next["type"], &next["seq"]),
        first,
        "then comes all that is kept"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queued_prompt_that_is_cancelled_never_starts_and_says_so() {
    let server = Server::start();
    let member = Member::join(&server, "demo").await;
    let mut events = member.events(None).await;
    let session = member.session().await;
    member
        .prompt(&session, "active", "[[say 10000]] [[delay 10]]")
        .await
        .ok(202);
    let receipt = member
        .prompt(&session, "queued", "never said")
        .await
        .ok(202);
    assert_eq!(
        (&receipt["state"], &receipt["position"]),
        (&json!("queued"), &json!(1))
    );
    member.post("runs/queued/cancel?wait=true").await.ok(200);
    let seen = events.until(ends("queued")).await;
    assert_eq!(
        endings(&seen),
        [("queued".to_owned(), "cancelled".to_owned())]
    );
    assert_eq!(
        member.run("active").await["state"],
        "running",
        "the one before it goes on"
    );
    member
        .post(&format!("agent/sessions/{session}/cancel?wait=true"))
        .await
        .ok(200);
    assert_eq!(member.run("active").await["state"], "cancelled");
    let next = member.prompt(&session, "next", "[[say 1]]").await.ok(202);
    assert_eq!(
        next["position"], 0,
        "a cancel never poisons what comes after it"
    );
    assert_eq!(
        endings(&events.until(ends("next")).await).last().unwrap().1,
        "completed"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runner_that_does_not_hear_is_stopped_all_the_same() {
    let server = Server::start();
    let member = Member::join(&server, "demo").await;
    let mut events = member.events(None).await;
    let session = member.session().await;
    member
        .prompt(&session, "deaf", "[[say 1]] [[hang]]")
        .await
        .ok(202);
    events
        .until(|event| event["payload"]["payload"]["role"] == "assistant")
        .await;
    let cancelled = std::time::Duration::from_secs(9);
    member
        .post(&format!("agent/sessions/{session}/cancel"))
        .await
        .ok(200);
    let mut seen = Vec::new();
    while !seen.iter().any(ends("deaf")) {
        seen.push(events.next_within(cancelled).await.unwrap().unwrap());
    }
    assert_eq!(
        endings(&seen),
        [("deaf".to_owned(), "cancelled".to_owned())]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panicking_run_fails_alone() {
    let server = Server::start();
    let member = Member::join(&server, "demo").await;
    let mut events = member.events(None).await;
    let (broken, other) = (member.session().await, member.session().await);
    member
        .prompt(&other, "other", "[[say 50]] [[delay 5]]")
        .await
        .ok(202);
    member
        .prompt(&broken, "broken", "[[say 2]] [[panic]]")
        .await
        .ok(202);
    member.prompt(&broken, "behind", "[[say 2]]").await.ok(202);
    let mut seen = events.until(ends("other")).await;
    if !seen.iter().any(ends("behind")) {
        seen.extend(events.until(ends("behind")).await);
    }
    let mut endings = endings(&seen);
    endings.sort();
    let expected = [
        ("behind", "completed"),
        ("broken", "failed"),
        ("other", "completed"),
    ];
    assert_eq!(
        endings,
        expected.map(|(run, state)| (run.to_owned(), state.to_owned()))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_lets_accepted_runs_end_and_refuses_new_ones() {
    let mut server = Server::start();
    let member = Member::join(&server, "demo").await;
    let mut events = member.events(None).await;
    let session = member.session().await;
    member
        .prompt(&session, "active", "[[say 150]] [[delay 10]]")
        .await
        .ok(202);
    member.prompt(&session, "queued", "[[say 5]]").await.ok(202);
    events
        .until(|event| event["payload"]["payload"]["role"] == "assistant")
        .await;
    server.signal(Signal::TERM);
    let refused = until_refused(&member, &session).await;
    assert_eq!(refused["code"], "server_shutting_down");
    let seen = events.rest_of_a_closed_stream().await;
    let ended = endings(&seen);
    let expected = [("active", "completed"), ("queued", "completed")];
    assert_eq!(
        ended[..2],
        expected.map(|(run, state)| (run.to_owned(), state.to_owned()))
    );
    assert_eq!(seen.last().unwrap()["type"], "end", "the end is told");
    assert!(server.wait().await.success());
    assert!(!server.socket().exists(), "the socket is gone");
}

/// Sends prompts until the server has heard the signal.
async fn until_refused(member: &Member, session: &str) -> Value {
    for n in 0.. {
        let answer = member
            .prompt(session, &format!("late-{n}"), "[[say 0]]")
            .await;
        if answer.status == 503 {
            assert!(answer.headers.contains_key("retry-after"));
            return answer.json();
        }
        assert_eq!(answer.status, 202);
    }
    unreachable!("there is always another number")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_that_takes_too_long_interrupts_what_is_left() {
    let mut server = Server::start_with(&Start {
        flags: &["--drain-timeout", "1"],
        ..Start::default()
    });
    let member = Member::join(&server, "demo").await;
    let mut events = member.events(None).await;
    let session = member.session().await;
    member.prompt(&session, "deaf", "[[hang]]").await.ok(202);
    events
        .until(|event| event["payload"]["payload"]["role"] == "assistant")
        .await;
    server.signal(Signal::TERM);
    let seen = events.rest_of_a_closed_stream().await;
    assert_eq!(
        endings(&seen),
        [("deaf".to_owned(), "interrupted".to_owned())]
    );
    assert!(server.wait().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_the_process_at_once() {
    let mut server = Server::start();
    let member = Member::join(&server, "demo").await;
    let mut events = member.events(None).await;
    let session = member.session().await;
    member.prompt(&session, "deaf", "[[hang]]").await.ok(202);
    events
        .until(|event| event["payload"]["payload"]["role"] == "assistant")
        .await;
    server.signal(Signal::TERM);
    until_refused(&member, &session).await;
    server.signal(Signal::INT);
    assert_eq!(server.wait().await.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_again_starts_nothing_and_gets_the_same_receipt() {
    let server = Server::start();
    let member = Member::join(&server, "demo").await;
    let session = member.session().await;
    let first = member.prompt(&session, "once", "[[say 3]]").await;
    let again = member.prompt(&session, "once", "[[say 3]]").await;
    assert_eq!(first.ok(202), again.ok(202));
    assert_eq!(
        (
            first.headers.get("idempotency-replayed"),
            &again.headers["idempotency-replayed"]
        ),
        (None, &http::HeaderValue::from_static("true"))
    );
    let other = member
        .prompt(&session, "once", "something else")
        .await
        .ok(422);
    assert_eq!(other["code"], "idempotency_mismatch");
    let runs = member.get("runs").await.ok(200);
    assert_eq!(runs["runs"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_hangs_up_changes_nothing_about_its_run() {
    use tokio::io::AsyncWriteExt;
    let server = Server::start();
    let member = Member::join(&server, "demo").await;
    let mut events = member.events(None).await;
    let session = member.session().await;
    let body =
        json!({ "session_id": session, "run_id": "orphan", "prompt": "[[say 5]] [[delay 5]]" })
            .to_string();
    let request = format!(
        "POST {}/agent HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        member.base,
        body.len()
    );
    let mut stream = tokio::net::UnixStream::connect(server.socket())
        .await
        .unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    drop(stream);
    // The request may have been read or not; a run that is accepted ends, and one that is not leaves nothing behind.
    let accepted = member
        .prompt(&session, "orphan", "[[say 5]] [[delay 5]]")
        .await;
    accepted.ok(202);
    let seen = events.until(ends("orphan")).await;
    assert_eq!(
        endings(&seen),
        [("orphan".to_owned(), "completed".to_owned())]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_prompted_and_who_cancelled_is_in_the_audit_log_and_what_was_said_is_not() {
    let mut server = Server::start();
    let member = Member::join(&server, "demo").await;
    let session = member.session().await;
    member
        .prompt(&session, "noted", "a secret plan [[say 1000]] [[delay 10]]")
        .await
        .ok(202);
    member.post("runs/noted/cancel?wait=true").await.ok(200);
    member.get("runs").await.ok(200);
    server.signal(Signal::TERM);
    assert!(server.wait().await.success());
    let log = audit_log(&server);
    let lines: Vec<Value> = log
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let base = &member.base;
    let uid = format!("uid:{}", rustix::process::geteuid().as_raw());
    let noted = |line: &Value| {
        assert_eq!(line["principal"], uid.as_str());
        (
            line["target"].as_str().unwrap().to_owned(),
            line["status"].as_u64().unwrap(),
        )
    };
    let expected = [
        ("/v1/workspaces".to_owned(), 200),
        (format!("{base}/sessions"), 200),
        (format!("{base}/agent"), 202),
        (format!("{base}/runs/noted/cancel?wait=true"), 200),
    ];
    assert_eq!(lines.iter().map(noted).collect::<Vec<_>>(), expected);
    assert_eq!(lines[2]["location"], format!("{base}/runs/noted"));
    assert!(!log.concat().contains("secret plan"));
}

/// The audit log of a server that is gone, in its order.
fn audit_log(server: &Server) -> Vec<String> {
    let database = rusqlite::Connection::open(server.data_dir().join("runwright.db")).unwrap();
    let mut query = database
        .prepare("SELECT entry FROM audit ORDER BY id")
        .unwrap();
    let entries = query.query_map([], |row| row.get(0)).unwrap();
    entries.collect::<Result<_, _>>().unwrap()
}
