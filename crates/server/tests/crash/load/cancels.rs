//! A client that stops what others have started.
//!
//! It must never know why.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use tokio::time::sleep;

use super::workspace::Room;
use crate::random::Random;

/// Cancels runs and sessions until the load is over.
pub(super) async fn cancel(room: Arc<Room>, mut random: Random) {
    while room.world.phase().is_loading {
        room.world.up().await;
        sleep(Duration::from_millis(random.between(20, 200))).await;
        let recent = room.recent_runs();
        if recent.is_empty() {
            continue;
        }
        let receipt = random.pick(&recent);
        let (run, session) = (&receipt.run_id, &receipt.session_id);
        match random.between(0, 99) {
            0..35 => {
                room.ask(Method::POST, &format!("runs/{run}/cancel"), &[])
                    .await;
            }
            35..55 => cancel_and_wait(&room, run).await,
            55..85 => {
                room.ask(Method::DELETE, &format!("runs/{run}"), &["run_not_queued"])
                    .await;
            }
            _ => {
                room.ask(
                    Method::POST,
                    &format!("agent/sessions/{session}/cancel"),
                    &[],
                )
                .await;
            }
        }
    }
}

/// Whoever waited for the end of a run finds it ended.
async fn cancel_and_wait(room: &Room, run: &str) {
    let cancelled = room
        .ask(Method::POST, &format!("runs/{run}/cancel?wait=true"), &[])
        .await;
    if cancelled.is_none_or(|answer| answer.status != 200) {
        return;
    }
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
