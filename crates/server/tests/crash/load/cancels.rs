//! A client that stops what others have started.
//!
//! It must never know why.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use tokio::time::sleep;

use super::workspace::Room;
use crate::history::Stop;
use crate::random::Random;
use crate::world::World;

/// Cancels runs and sessions until the load is over; returns what was answered with 200.
pub(super) async fn cancel(room: Arc<Room>, mut random: Random) -> Vec<Stop> {
    let mut stops = Vec::new();
    while room.world.phase().is_loading {
        room.world.up().await;
        sleep(Duration::from_millis(random.between(20, 200))).await;
        let recent = room.recent_runs();
        if recent.is_empty() {
            continue;
        }
        let receipt = random.pick(&recent);
        let (run, session) = (&receipt.run_id, &receipt.session_id);
        let of_run = |rest: &str| format!("runs/{run}{rest}");
        let of_session = |rest: &str| format!("agent/sessions/{session}/{rest}");
        let (method, path, is_of_run) = match random.between(0, 99) {
            0..30 => (Method::POST, of_run("/cancel"), true),
            30..45 => (Method::POST, of_run("/cancel?wait=true"), true),
            45..70 => (Method::DELETE, of_run(""), true),
            70..75 => (Method::POST, of_session("cancel?wait=true"), false),
            _ => (Method::POST, of_session("cancel"), false),
        };
        let waits = path.ends_with("wait=true");
        let sent = room.world.moment();
        let answer = room.ask(method, &path, &["run_not_queued"]).await;
        if answer.is_none_or(|answer| answer.status != 200) {
            continue;
        }
        stops.push(Stop {
            session: session.clone(),
            run: is_of_run.then(|| run.clone()),
            sent,
            answered_ms: World::wall_ms(),
        });
        if waits {
            is_over(&room, run).await;
        }
    }
    stops
}

/// Whoever waited for the end of a run finds it ended.
async fn is_over(room: &Room, run: &str) {
    let Some(record) = room.ask(Method::GET, &format!("runs/{run}"), &[]).await else {
        return;
    };
    let state = record.body["state"].as_str().unwrap_or_default();
    if record.status == 200 && matches!(state, "queued" | "running" | "requires_action") {
        room.world.note(format!(
            "run {run} was cancelled and waited for, and is {state}"
        ));
    }
}
