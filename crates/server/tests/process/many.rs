//! Many at once: streams, prompts, a reader that does not read.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::Value;
use tokio::io::AsyncWriteExt;

use crate::server::{Server, Start};
use crate::workspace::{Member, endings, ends};

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_prompts_at_the_same_moment_in_one_fresh_workspace_all_end_again_and_again() {
    let server = Server::start();
    for round in 0..10 {
        let member = Member::join(&server, &format!("fresh-{round}")).await;
        let mut events = member.events(None).await;
        let sessions = join_all((0..64).map(|_| member.session())).await;
        let prompts = sessions.iter().enumerate().map(|(n, session)| {
            let (member, run) = (member.clone(), format!("run-{n}"));
            async move { member.prompt(session, &run, "[[say 2]]").await.ok(202) }
        });
        join_all(prompts).await;
        let mut seen = Vec::new();
        while endings(&seen).len() < 64 {
            seen.push(events.next().await.unwrap());
        }
        let mut ended = endings(&seen);
        ended.sort();
        let mut expected: Vec<_> = (0..64)
            .map(|n| (format!("run-{n}"), "completed".to_owned()))
            .collect();
        expected.sort();
        assert_eq!(ended, expected, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_prompts_behind_one_busy_session_all_end_in_their_order() {
    let server = Server::start_with(&Start {
        flags: &["--max-queue", "1000"],
        ..Start::default()
    });
    let member = Member::join(&server, "demo").await;
    let mut events = member.events(None).await;
    let session = member.session().await;
    member
        .prompt(&session, "first", "[[say 100000]] [[delay 1000]]")
        .await
        .ok(202);
    for n in 0..1000 {
        let receipt = member
            .prompt(&session, &format!("run-{n}"), "[[say 1]]")
            .await
            .ok(202);
        assert_eq!(receipt["position"], n + 1);
    }
    let full = member.prompt(&session, "one-too-many", "[[say 1]]").await;
    assert_eq!(
        (full.status.as_u16(), &full.json()["code"]),
        (429, &Value::from("queue_full"))
    );
    assert!(full.headers.contains_key("retry-after"));
    member.post("runs/first/cancel").await.ok(200);
    let seen = events.until(ends("run-999")).await;
    let ended = endings(&seen);
    assert_eq!(ended[0], ("first".to_owned(), "cancelled".to_owned()));
    let expected: Vec<_> = (0..1000)
        .map(|n| (format!("run-{n}"), "completed".to_owned()))
        .collect();
    assert_eq!(ended[1..], expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_idle_streams_are_all_served() {
    let server = Server::start();
    let member = Member::join(&server, "demo").await;
    let members = join_all((0..20).map(|_| member.another())).await;
    let streams = members
        .iter()
        .flat_map(|member| (0..50).map(|_| member.events(None)));
    let mut streams = join_all(streams).await;
    let session = member.session().await;
    member.prompt(&session, "r", "[[say 3]]").await.ok(202);
    let seen = join_all(streams.iter_mut().map(|stream| stream.until(ends("r")))).await;
    assert_eq!(seen.len(), 1000);
    for events in seen {
        assert_eq!(endings(&events), [("r".to_owned(), "completed".to_owned())]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_never_reads_slows_nobody_down() {
    let server = Server::start();
    let member = Member::join(&server, "demo").await;
    let stalled = member.another().await;
    let mut socket = tokio::net::UnixStream::connect(server.socket())
        .await
        .unwrap();
    let request = format!(
        "GET {} HTTP/1.1\r\nhost: x\r\n\r\n",
        stalled.events_path(Some("0"))
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut events = member.events(None).await;
    let session = member.session().await;
    for n in 0..200 {
        let run = format!("run-{n}");
        member
            .prompt(
                &session,
                &run,
                &format!("{} [[say 20]]", "x".repeat(20_000)),
            )
            .await
            .ok(202);
        let mut seen = Vec::new();
        while !seen.iter().any(ends(&run)) {
            let event = events.next_within(Duration::from_secs(10)).await;
            seen.push(event.expect("the others go on").unwrap());
        }
    }
    drop(socket);
}
