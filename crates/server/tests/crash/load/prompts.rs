//! A client that prompts: under a name or none, once or again, and again after the server was gone.
//!
//! It must never know what becomes of a run.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use tokio::join;
use tokio::time::{sleep, timeout};

use super::plan::{self, Treatment};
use super::workspace::Room;
use crate::history::{Attempt, Outcome, Policy, Request, Script};
use crate::random::Random;
use crate::wire::Answer;

/// How many prompts may wait in a session before nobody adds another.
const ENOUGH: u64 = 3;

/// Refusals that may come at any time.
const REFUSALS: &[&str] = &["session_busy", "queue_full", "idempotency_mismatch"];

/// Prompts until the load is over; returns everything it sent and was told.
pub(super) async fn prompt(room: Arc<Room>, poster: usize, mut random: Random) -> Vec<Request> {
    let mut requests = Vec::new();
    while room.world.phase().is_loading {
        room.world.up().await;
        let pause = random.between(0, room.mix.pause_ms);
        sleep(Duration::from_millis(pause)).await;
        let session = random.pick(&room.sessions).clone();
        if is_enough(&room, &session, &mut random).await {
            continue;
        }
        let marker = format!("{}-{poster}", room.marker());
        let mut request = plan::request(&mut random, &session, marker);
        let treatment = plan::treatment(&mut random, &request);
        // Not every client comes back for its answer.
        let is_patient = random.percent(90);
        send(&room, &mut request, treatment, is_patient).await;
        requests.push(request);
    }
    requests
}

/// Sends one prompt to the first session; see [`send_once_to`].
pub(crate) async fn send_once(room: Arc<Room>, script: Script, within: Duration) -> Request {
    let session = room.sessions[0].clone();
    send_once_to(room, &session, script, within).await
}

/// Sends one prompt under a name, once; the answer counts as lost if it does not come in time.
pub(crate) async fn send_once_to(
    room: Arc<Room>,
    session: &str,
    script: Script,
    within: Duration,
) -> Request {
    let marker = format!("{}-alone", room.marker());
    let mut request = Request {
        session: session.to_owned(),
        run_id: Some(format!("run-{marker}")),
        marker,
        script,
        ..Request::default()
    };
    let (sent, life) = (room.world.moment(), room.world.phase().life);
    let answered = timeout(within, attempt(&room, &request, false)).await;
    let given_up = |_| Attempt {
        sent,
        done: room.world.moment(),
        life,
        is_other: false,
        outcome: Outcome::Cut,
    };
    request.attempts.push(answered.unwrap_or_else(given_up));
    request
}

/// Whether a session has enough to do; now and then its queue is emptied then.
async fn is_enough(room: &Room, session: &str, random: &mut Random) -> bool {
    let path = format!("agent/sessions/{session}/prompts");
    let queued = room.ask(Method::GET, &format!("{path}/queued"), &[]).await;
    let is_enough = queued.is_some_and(|queued| queued.body.as_u64() >= Some(ENOUGH));
    if is_enough && random.percent(5) {
        room.ask(Method::POST, &format!("{path}/clear"), &[]).await;
    }
    is_enough
}

/// Sends a request until it is answered, or once if it has no name or its client does not care.
async fn send(room: &Room, request: &mut Request, treatment: Treatment, is_patient: bool) {
    if treatment == Treatment::Twice {
        let (one, two) = join!(attempt(room, request, false), attempt(room, request, false));
        request.attempts.extend([one, two]);
    }
    let has_name = request.run_id.is_some() || request.key.is_some();
    while !request.attempts.iter().any(is_answered) {
        let attempt = attempt(room, request, false).await;
        request.attempts.push(attempt);
        if !has_name || !is_patient {
            break;
        }
        room.world.up().await;
    }
    if let Some(receipt) = request.receipt() {
        room.remember(receipt.clone());
        if matches!(treatment, Treatment::Again | Treatment::Changed) {
            let again = attempt(room, request, treatment == Treatment::Changed).await;
            request.attempts.push(again);
        }
    }
}

fn is_answered(attempt: &Attempt) -> bool {
    attempt.outcome != Outcome::Cut
}

async fn attempt(room: &Room, request: &Request, is_other: bool) -> Attempt {
    let world = &room.world;
    let life = world.phase().life;
    let sent = world.moment();
    let path = format!("{}/agent", room.base);
    let body = body(request, is_other);
    let key = request.key.as_deref();
    let answer = world.wire.send(Method::POST, &path, key, Some(&body));
    let asked = format!("prompt {}", request.marker);
    let answer = world.expect(&asked, answer, REFUSALS).await;
    let outcome = outcome(room, answer).await;
    Attempt {
        sent,
        done: world.moment(),
        life,
        is_other,
        outcome,
    }
}

async fn outcome(room: &Room, answer: Option<Answer>) -> Outcome {
    let Some(answer) = answer else {
        return Outcome::Cut;
    };
    if answer.code() == "workspace_not_found" {
        room.come_back().await;
    }
    if answer.status != 202 {
        return Outcome::Refused {
            status: answer.status,
            code: answer.code().to_owned(),
        };
    }
    Outcome::Accepted {
        receipt: serde_json::from_value(answer.body).unwrap(),
        replayed: answer.replayed,
    }
}

fn body(request: &Request, is_other: bool) -> Value {
    let mut prompt = request.prompt();
    if is_other {
        prompt.push_str(" or something else");
    }
    let mut body = json!({ "session_id": request.session, "prompt": prompt });
    if let Some(run) = &request.run_id {
        body["run_id"] = json!(run);
    }
    let policy = match request.policy {
        Policy::Unsaid => return body,
        Policy::Queue => "queue",
        Policy::Reject => "reject",
        Policy::Interrupt => "interrupt",
        Policy::Steer => "steer",
    };
    body["when_busy"] = json!(policy);
    body
}
