//! What a server finds again that was killed, or stopped in good order: everything it had promised, under the same
//! names and numbers.

use futures_util::future::join_all;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::http::{Answer, Events};
use crate::server::{Server, Start};
use crate::workspace::{Member, endings, ends};

/// Goes on with accepted runs at once, and closes a workspace as soon as they have ended.
const RESUMES: Start<'_> = Start {
    flags: &["--resume-queued", "--linger", "0"],
    env: &[],
    tcp: false,
};

fn ended(run: &str, state: &str) -> (String, String) {
    (run.to_owned(), state.to_owned())
}

fn numbers(events: &[Value]) -> Vec<u64> {
    let number = |event: &Value| event["seq"].as_u64().unwrap();
    events.iter().map(number).collect()
}

/// What somebody said and what was answered, and how it ended.
fn conversation(messages: &Value) -> Vec<(String, String, Value)> {
    let messages = messages.as_array().unwrap().iter();
    let told = messages.map(|message| {
        let parts = message["parts"].as_array().unwrap();
        let text = parts.iter().find(|part| part["type"] == "text");
        let finish = parts.iter().find(|part| part["type"] == "finish").unwrap();
        (
            message["role"].as_str().unwrap().to_owned(),
            text.map_or("", |text| text["data"]["text"].as_str().unwrap())
                .to_owned(),
            json!([finish["data"]["reason"], finish["data"]["message"]]),
        )
    });
    told.collect()
}

/// A server that is killed while one run speaks and two wait behind it, a client's stream, and what that was shown.
struct Killed {
    server: Server,
    member: Member,
    session: String,
    cursor: String,
    seen: Vec<Value>,
}

impl Killed {
    async fn in_the_middle() -> Self {
        let mut server = Server::start();
        let member = Member::join(&server, "demo").await;
        let mut events = member.events(Some("0")).await;
        let session = member.session().await;
        let slow = "[[say 1000]] [[delay 10]]";
        member.prompt(&session, "cut", slow).await.ok(202);
        member.prompt(&session, "next", "[[say 2]]").await.ok(202);
        member.prompt(&session, "last", "[[say 3]]").await.ok(202);
        let seen = events.until(says("word99 ")).await;
        let cursor = events.last_id.clone().unwrap();
        server.kill().await;
        Self {
            server,
            member,
            session,
            cursor,
            seen,
        }
    }

    /// Starts the server again; its client has a new connection.
    fn comes_back(self, start: &Start<'_>) -> (Server, Member, String) {
        let server = Server::start_again(self.server, start);
        let member = self.member.on(&server);
        (server, member, self.session)
    }
}

/// Whether the event is a snapshot of an answer that has come to this word.
fn says(word: &str) -> impl Fn(&Value) -> bool {
    move |event| {
        let payload = &event["payload"]["payload"];
        let parts = payload["parts"].as_array();
        let mut texts = parts
            .into_iter()
            .flatten()
            .filter_map(|part| part["data"]["text"].as_str());
        payload["role"] == "assistant" && texts.any(|text| text.contains(word))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_comes_back_with_its_cursor_is_told_how_everything_ended() {
    let killed = Killed::in_the_middle().await;
    let (cursor, seen) = (killed.cursor.clone(), killed.seen.clone());
    let (_server, member, session) = killed.comes_back(&Start::default());
    let story = member.events(Some(&cursor)).await.until(ends("last")).await;
    let expected = [
        ended("cut", "interrupted"),
        ended("next", "completed"),
        ended("last", "completed"),
    ];
    assert_eq!(endings(&story), expected);
    assert!(
        story.iter().all(|event| event["type"] != "gap"),
        "{story:#?}"
    );
    let whole = [seen, story].concat();
    let numbers = numbers(&whole);
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    let epoch = &whole[0]["epoch"];
    assert!(whole.iter().all(|event| event["epoch"] == *epoch));

    let cut = member.run("cut").await;
    assert_eq!(
        (&cut["state"], cut["error"].is_string()),
        (&json!("interrupted"), true)
    );
    let messages = member.get(&format!("sessions/{session}/messages")).await;
    let told = conversation(&messages.ok(200));
    assert_eq!(told[0].1, "[[say 1000]] [[delay 10]]");
    let (role, text, finish) = &told[1];
    assert_eq!(role, "assistant");
    assert_eq!(*finish, json!(["error", "Interrupted"]));
    // A word took 10 ms and more, and what is lost is what was said in the last 250 ms; a busy disk may be late.
    assert!(text.contains("word49 "), "what it had said: `{text}`");
    let answered = |prompt: &str, answer: &str| {
        let stopped = |reason: &str| json!([reason, null]);
        [
            ("user".to_owned(), prompt.to_owned(), stopped("stop")),
            (
                "assistant".to_owned(),
                answer.to_owned(),
                stopped("end_turn"),
            ),
        ]
    };
    let rest = [
        answered("[[say 2]]", "word0 word1 "),
        answered("[[say 3]]", "word0 word1 word2 "),
    ];
    assert_eq!(told[2..], rest.concat());
}

/// As a client of the contract does it: the same workspace, the same client id and no cursor.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_without_a_cursor_re_attaches_by_itself_and_misses_nothing() {
    let killed = Killed::in_the_middle().await;
    let last_seen = *numbers(&killed.seen).last().unwrap();
    let path = killed.member.events_path(None);
    let refused = killed.member.client.try_events(&path).await;
    assert!(refused.is_err(), "nobody is there");
    let (_server, member, _) = killed.comes_back(&Start::default());
    let story = member.events(None).await.until(ends("last")).await;
    let expected = [
        ended("cut", "interrupted"),
        ended("next", "completed"),
        ended("last", "completed"),
    ];
    assert_eq!(endings(&story), expected);
    assert!(numbers(&story)[0] > last_seen, "nothing is told twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn accepted_runs_go_on_when_their_workspace_is_used_and_not_before() {
    let killed = Killed::in_the_middle().await;
    let (server, member, _) = killed.comes_back(&Start::default());
    let status = server.client().get("/v1/status").await.ok(200);
    assert_eq!(status["workspaces"], json!([]));
    let unknown = server
        .client()
        .get("/v1/workspaces/5ad1a5e1-2f0c-5a4b-8a0f-0d4a54a4b9f1/runs")
        .await;
    assert_eq!(unknown.ok(404)["code"], "workspace_not_found");
    let mut events = member.events(Some("now")).await;
    if member.run("last").await["state"] == "queued" {
        events.until(ends("last")).await;
    }
    assert_eq!(member.run("next").await["state"], "completed");
}

#[tokio::test(flavor = "multi_thread")]
async fn accepted_runs_go_on_at_once_where_that_is_asked_for() {
    let killed = Killed::in_the_middle().await;
    let (server, _, _) = killed.comes_back(&RESUMES);
    // Nobody names the workspace.
    let log = server.log_until("workspace closed: drained");
    assert!(log.contains("accepted runs go on"), "{log}");
    let member = Member::join(&server, "demo").await;
    assert_eq!(member.run("next").await["state"], "completed");
    assert_eq!(member.run("last").await["state"], "completed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_says_at_its_start_what_it_found() {
    let killed = Killed::in_the_middle().await;
    let (server, _, _) = killed.comes_back(&Start::default());
    let log = server.log_of_start();
    let found = log.lines().find(|line| line.contains("store opened"));
    let found = found.unwrap_or_else(|| panic!("{log}"));
    assert!(found.contains("interrupted=1 queued=2"), "{found}");
    assert!(log.contains("did not stop in good order"), "{log}");
}

/// What its first client decided is kept, whichever route opens it again.
#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_keeps_its_channels_and_its_policy_over_a_restart() {
    let mut server = Server::start();
    let with_channels = |channels: &[&str]| {
        json!({
            "path": server.directory("demo"),
            "client_id": uuid::Uuid::new_v4(),
            "channels": channels,
            "on_last_detach": "keep",
        })
    };
    let (created, other) = (with_channels(&["a", "b"]), with_channels(&["b"]));
    let workspace = server.client().post("/v1/workspaces", &created).await;
    let path = format!(
        "/v1/workspaces/{}",
        workspace.ok(200)["id"].as_str().unwrap()
    );
    // They are stored with the first thing that happens in it, or a moment later.
    let (sessions, session) = (format!("{path}/sessions"), json!({ "title": "first" }));
    server.client().post(&sessions, &session).await.ok(200);
    server.kill().await;
    let server = Server::start_again(server, &Start::default());
    let found = server.client().get(&path).await.ok(200);
    assert_eq!(
        (&found["channels"], &found["on_last_detach"]),
        (&json!(["a", "b"]), &json!("keep"))
    );
    let refused = server.client().post("/v1/workspaces", &other).await;
    assert_eq!(refused.ok(409)["code"], "channels_mismatch");
    server
        .client()
        .post("/v1/workspaces", &created)
        .await
        .ok(200);
}

/// Whoever knows the directory finds the same workspace.
#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_is_joined_by_its_path_after_a_restart() {
    let killed = Killed::in_the_middle().await;
    let (server, member, session) = killed.comes_back(&Start::default());
    let other = Member::join(&server, "demo").await;
    assert_eq!(other.base, member.base);
    let messages = other.get(&format!("sessions/{session}/messages")).await;
    assert_eq!(messages.ok(200)[0]["role"], "user");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_after_a_restart_gets_the_same_receipt_and_starts_nothing() {
    let mut server = Server::start();
    let member = Member::join(&server, "demo").await;
    let mut events = member.events(None).await;
    let session = member.session().await;
    let named = json!({ "session_id": session, "run_id": "named", "prompt": "[[say 1]]" });
    let keyed = json!({ "session_id": session, "prompt": "[[say 2]]", "when_busy": "queue" });
    let path = format!("{}/agent", member.base);
    let first = [
        member.client.post(&path, &named).await,
        member.client.post_with_key(&path, &keyed, "k1").await,
    ];
    let run = first[1].ok(202)["run_id"].as_str().unwrap().to_owned();
    events.until(ends(&run)).await;
    for killed in [true, false] {
        if killed {
            server.kill().await;
        } else {
            server.signal(Signal::TERM);
            assert!(server.wait().await.success());
        }
        server = Server::start_again(server, &Start::default());
        let client = server.client();
        let again = [
            client.post(&path, &named).await,
            client.post_with_key(&path, &keyed, "k1").await,
        ];
        for (again, first) in again.iter().zip(&first) {
            assert_eq!(again.ok(202), first.json());
            assert_eq!(again.headers["idempotency-replayed"], "true");
        }
        let other = json!({ "session_id": session, "prompt": "else", "when_busy": "queue" });
        let refused = client.post_with_key(&path, &other, "k1").await;
        assert_eq!(refused.ok(422)["code"], "idempotency_mismatch");
        let runs = member.on(&server).get("runs").await.ok(200);
        assert_eq!(runs["runs"].as_array().unwrap().len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_retries_at_the_same_moment_start_one_run_and_get_one_receipt() {
    let server = Server::start();
    let member = Member::join(&server, "demo").await;
    let mut events = member.events(None).await;
    let session = member.session().await;
    let body = json!({ "session_id": session, "prompt": "[[say 3]]", "when_busy": "queue" });
    let path = format!("{}/agent", member.base);
    let retries = (0..200).map(|_| member.client.post_with_key(&path, &body, "storm"));
    let answers: Vec<Answer> = join_all(retries).await;
    let receipt = answers[0].ok(202);
    assert!(answers.iter().all(|answer| answer.ok(202) == receipt));
    let is_first = |answer: &&Answer| !answer.headers.contains_key("idempotency-replayed");
    assert_eq!(answers.iter().filter(is_first).count(), 1);
    let run = receipt["run_id"].as_str().unwrap();
    let seen = events.until(ends(run)).await;
    assert_eq!(endings(&seen), [ended(run, "completed")]);
    let runs = member.get("runs").await.ok(200);
    assert_eq!(runs["runs"].as_array().unwrap().len(), 1);
}

/// Nothing is lost and nothing is skipped: the numbers go on where they were.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stopped_in_good_order_goes_on_with_the_next_number() {
    let mut server = Server::start();
    let member = Member::join(&server, "demo").await;
    let mut events = member.events(Some("0")).await;
    let session = member.session().await;
    member.prompt(&session, "r1", "[[say 2]]").await.ok(202);
    server.signal(Signal::TERM);
    let before = events.rest_of_a_closed_stream().await;
    assert_eq!(before.last().unwrap()["type"], "end");
    assert!(server.wait().await.success());

    let server = Server::start_again(server, &Start::default());
    let log = server.log_of_start();
    assert!(log.contains("interrupted=0 queued=0"), "{log}");
    assert!(!log.contains("good order"), "{log}");
    let member = member.on(&server);
    let mut events = member.events(events.last_id.as_deref()).await;
    member.prompt(&session, "r2", "[[say 2]]").await.ok(202);
    let next = events.next().await.unwrap();
    let last = before.last().unwrap()["seq"].as_u64().unwrap();
    assert_eq!(
        (&next["type"], &next["seq"], &next["epoch"]),
        (&json!("message"), &json!(last + 1), &before[0]["epoch"])
    );
}

/// Its directory was taken away while the server was down: what was said there can still be read.
#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_whose_directory_is_gone_can_still_be_read() {
    let killed = Killed::in_the_middle().await;
    std::fs::remove_dir(&killed.member.directory).unwrap();
    let (server, member, session) = killed.comes_back(&Start::default());
    let mut events: Events = member.events(Some("0")).await;
    let story = events.until(ends("last")).await;
    assert_eq!(endings(&story)[0], ended("cut", "interrupted"));
    let messages = member.get(&format!("sessions/{session}/messages")).await;
    assert_eq!(messages.ok(200).as_array().unwrap().len(), 6);
    let request = json!({ "path": member.directory, "client_id": member.client_id });
    let refused = server.client().post("/v1/workspaces", &request).await;
    assert_eq!(refused.ok(400)["code"], "path_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_survives_in_memory() {
    let in_memory = Start {
        flags: &["--in-memory"],
        ..Start::default()
    };
    let mut server = Server::start_with(&in_memory);
    let member = Member::join(&server, "demo").await;
    let session = member.session().await;
    member.prompt(&session, "r1", "[[say 1]]").await.ok(202);
    assert!(server.log_of_start().contains("nothing survives"));
    server.kill().await;
    let server = Server::start_again(server, &in_memory);
    let runs = member.on(&server).get("runs").await;
    assert_eq!(runs.ok(404)["code"], "workspace_not_found");
    assert!(!server.data_dir().join("runwright.db").exists());
}
