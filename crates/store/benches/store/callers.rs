//! Owns the callers: so many tasks, each of which hands over one record after the other, as soon as the one before is
//! stored. It must never know how one is stored.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use futures_util::future::try_join_all;
use runwright_agent::{AgentCall, NewRun};
use runwright_proto::{AgentMessage, RunId, SessionId};
use tokio::{task::JoinHandle, time::Instant};

use crate::{
    Result,
    usage::{cpu_time, micros},
};

const SAMPLE: Duration = Duration::from_millis(250);

/// Longer than anything that is put off until nobody waits.
const UNTIL_QUIET: Duration = Duration::from_millis(120);

/// With its two ids some 200 bytes, as those of performance 2.
const PROMPT: &str = "Tidy up the parser, run the tests again, and tell me which of them fail now that did not fail before, \
     please; change no other file.";

/// Stores records, each on its own or with those of others.
pub(crate) trait Recorder: Send + Sync + 'static {
    /// Returns when it is on disk.
    fn record(&self, run: NewRun) -> impl Future<Output = Result<()>> + Send;

    /// How many batches there have been.
    fn batches(&self) -> u64;
}

/// How the callers name their runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Names {
    /// They leave it to the server.
    None,
    /// With a run id and an idempotency key.
    Both,
}

/// Who calls.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Callers {
    pub(crate) count: usize,
    pub(crate) names: Names,
    /// The records of one sample, together.
    pub(crate) at_most: usize,
}

/// What one record cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    /// Microseconds from one record to the next.
    pub(crate) time: f64,
    /// Microseconds of CPU time.
    pub(crate) cpu: f64,
    /// Records of a batch.
    pub(crate) size: f64,
    /// Batches of the sample.
    pub(crate) batches: f64,
}

impl Callers {
    /// Lets them record for some time.
    pub(crate) async fn sample<R: Recorder>(self, recorder: &Arc<R>) -> Result<Cost> {
        let left = Arc::new(AtomicUsize::new(self.at_most));
        let (began, cpu, batches) = (Instant::now(), cpu_time(), recorder.batches());
        let tasks = (0..self.count).map(|caller| {
            let (recorder, left) = (Arc::clone(recorder), Arc::clone(&left));
            spawn(async move { call(&*recorder, caller, self.names, &left).await })
        });
        let mut all = pin!(try_join_all(tasks));
        let stored = tokio::select! {
            stored = &mut all => stored,
            () = tokio::time::sleep(SAMPLE) => {
                left.store(0, Relaxed);
                all.await
            }
        };
        let records = stored?.into_iter().sum::<Result<usize>>()? as f64;
        let (took, batches) = (began.elapsed(), (recorder.batches() - batches) as f64);
        tokio::time::sleep(UNTIL_QUIET).await;
        Ok(Cost {
            time: micros(took) / records,
            cpu: micros(cpu_time() - cpu) / records,
            size: records / batches,
            batches,
        })
    }
}

/// One caller; returns how many records it has stored.
async fn call<R: Recorder>(
    recorder: &R,
    caller: usize,
    names: Names,
    left: &AtomicUsize,
) -> Result<usize> {
    let session: SessionId = format!("2f4e4b5e-8f0a-4c39-9f0e-{caller:012x}").parse()?;
    let take = |left: usize| left.checked_sub(1);
    let mut records = 0;
    while left.fetch_update(Relaxed, Relaxed, take).is_ok() {
        recorder.record(new_run(&session, names)?).await?;
        records += 1;
    }
    Ok(records)
}

fn new_run(session: &SessionId, names: Names) -> Result<NewRun> {
    let message = AgentMessage {
        session_id: Some(session.clone()),
        run_id: (names == Names::Both).then(RunId::generate),
        prompt: PROMPT.to_owned(),
        ..AgentMessage::default()
    };
    let mut call = AgentCall::try_from(message)?;
    if names == Names::Both {
        call = call.with_idempotency_key(RunId::generate().as_str());
    }
    Ok(NewRun {
        call: Arc::new(call),
        position: 0,
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "the tasks of a benchmark belong to no workspace"
)]
fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    tokio::spawn(future)
}
