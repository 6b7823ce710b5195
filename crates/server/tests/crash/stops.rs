//! Stop means stop, also over a death (issue 4, proof 1; semantics 2.3): what was cancelled before it started stays so in
//! the next life of the server.

use http::Method;

use crate::history::{Ending, Outcome, Script};
use crate::load::send_once_to;
use crate::shim::Number;
use crate::trial::Trial;
use crate::wire::PATIENCE;

/// A turn that goes on until the server dies.
const ENDLESS: Script = Script {
    words: 10_000,
    delay_ms: 20,
    steps: 1,
    ending: Ending::Well,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_whose_cancel_was_answered_before_the_death_does_not_start_after_it() {
    let mut trial = Trial::begin().await;
    let room = trial.room().clone();
    for stops in ["cancel", "prompts/clear"] {
        let session = room.create_session("New Session").await.unwrap().ok(200);
        let session = session["id"].as_str().unwrap();
        let mut accepted = Vec::new();
        for script in [ENDLESS, Script::default(), Script::default()] {
            let request = send_once_to(room.clone(), session, script, PATIENCE).await;
            let Outcome::Accepted { receipt, .. } = &request.attempts[0].outcome else {
                panic!("{request:?}");
            };
            accepted.push(format!("runs/{}", receipt.run_id));
            trial.keep(request);
        }
        let (running, queued) = accepted.split_first().unwrap();
        // Slow enough that an answer which does not wait for the disk comes before it.
        trial.world.site.shim.set(Number::SyncDelayMs, 200);
        let path = format!("agent/sessions/{session}/{stops}");
        let answer = room.ask(Method::POST, &path, &[]).await.unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        let mut deaths = Vec::new();
        trial.kill(&mut deaths).await;
        trial.world.site.shim.set(Number::SyncDelayMs, 0);
        trial.start_again().await;
        let state = room.get(running).await["state"].clone();
        assert!(state == "interrupted" || state == "cancelled", "{state}");
        for run in queued {
            let record = room.get(run).await;
            assert_eq!(record["state"], "cancelled", "{stops}: {record}");
            assert!(record["started_at_ms"].is_null(), "{stops}: {record}");
        }
    }
}
