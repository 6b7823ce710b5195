//! Clients that make sessions, prompt in them, wait, and delete them again; and readers that come and go.
//!
//! They must never know how long it goes on.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::history::{Ending, Outcome, Receipt, Script};
use crate::load::{Room, send_once_to};
use crate::random::Random;
use crate::wire::PATIENCE;

/// How a reader reads: the end of its path, and whether it comes back to where it was.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reads {
    query: &'static str,
    has_cursor: bool,
}

/// One of each kind.
pub(super) const READERS: [Reads; 3] = [
    Reads {
        query: "",
        has_cursor: true,
    },
    Reads {
        query: "&deltas=1",
        has_cursor: true,
    },
    Reads {
        query: "",
        has_cursor: false,
    },
];

/// Works until the load is over; returns how many runs were accepted.
pub(super) async fn work(room: Arc<Room>, mut random: Random) -> u64 {
    let mut accepted = 0;
    while room.world.phase().is_loading {
        let Ok(made) = room.create_session("New Session").await else {
            room.world.note("a session is not made".to_owned());
            continue;
        };
        let session = made.ok(200)["id"].as_str().unwrap().to_owned();
        let mut last = None;
        for _ in 0..random.between(1, 6) {
            let request = send_once_to(room.clone(), &session, script(&mut random), PATIENCE).await;
            match &request.attempts[0].outcome {
                Outcome::Accepted { receipt, .. } => {
                    accepted += 1;
                    last = Some(receipt.clone());
                }
                refused @ (Outcome::Refused { .. } | Outcome::Cut) => {
                    room.world.note(format!("a prompt: {refused:?}"));
                }
            }
            sleep(Duration::from_millis(random.between(0, room.mix.pause_ms))).await;
        }
        if let Some(last) = last {
            see_it_end(&room, &last, &mut random).await;
        }
        room.ask(Method::DELETE, &format!("sessions/{session}"), &[])
            .await;
    }
    accepted
}

/// Follows a run to its end, or cancels what its session still has to do.
async fn see_it_end(room: &Room, last: &Receipt, random: &mut Random) {
    if random.percent(20) {
        let path = format!("agent/sessions/{}/cancel?wait=true", last.session_id);
        room.ask(Method::POST, &path, &[]).await;
        return;
    }
    let path = format!("{}/runs/{}/events?after=0", room.base, last.run_id);
    let seen = room
        .read_to(&path, |seen| seen.ended_run() == Some(&last.run_id))
        .await;
    if seen
        .last()
        .is_none_or(|seen| seen.ended_run() != Some(&last.run_id))
    {
        room.world
            .note(format!("the stream of run {} has no end", last.run_id));
    }
}

fn script(random: &mut Random) -> Script {
    let (words, delay_ms) = match random.between(0, 9) {
        0..5 => (random.between(1, 50), 0),
        5..8 => (random.between(20, 100), random.between(1, 5)),
        _ => (random.between(500, 3000), 0),
    };
    Script {
        words: usize::try_from(words).unwrap(),
        delay_ms,
        steps: 1,
        ending: Ending::Well,
    }
}

/// Reads until the load is over, now for a while and now not.
pub(super) async fn read(room: Arc<Room>, reads: Reads, mut random: Random) -> u64 {
    let client = Uuid::new_v4();
    let mut cursor = "0".to_owned();
    while room.world.phase().is_loading {
        let after = if reads.has_cursor {
            format!("&after={cursor}")
        } else {
            String::new()
        };
        let path = format!(
            "{}/events?client_id={client}{after}{}",
            room.base, reads.query
        );
        match room.world.wire.stream(&path).await {
            Ok(Ok(mut stream)) => {
                for _ in 0..random.between(100, 5000) {
                    match timeout(Duration::from_secs(1), stream.next()).await {
                        Ok(Some(frame)) => cursor = frame.id.unwrap_or(cursor),
                        Ok(None) => break,
                        Err(_) if room.world.phase().is_loading => {}
                        Err(_) => break,
                    }
                }
            }
            Ok(Err(answer)) => room.world.note(format!("{path}: {answer:?}")),
            Err(silence) => room.world.note(format!("{path}: {silence:?}")),
        }
        sleep(Duration::from_millis(random.between(0, 500))).await;
    }
    0
}
