//! Watches the task of one runner to its end: return, panic, cancel with its deadline, abort. It knows tasks and
//! time, never what a run is about.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use runwright_agent::{CancelReason, CancelToken, RunError, RunOutcome};
use tokio::task::{JoinError, JoinHandle};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::options::RunOptions;

/// What became of the task of a runner.
#[derive(Debug)]
pub(crate) enum Ended {
    /// It returned, and nobody had asked it to stop before.
    Returned(Result<RunOutcome, RunError>),
    /// It returned after it was asked to stop.
    Cancelled(CancelReason),
    /// It did not return when it was asked to, and was aborted.
    Aborted(CancelReason),
    /// It panicked.
    Panicked(String),
    /// There was no task: the run was cancelled before its turn came.
    NeverStarted(CancelReason),
}

type RunnerTask = JoinHandle<Result<RunOutcome, RunError>>;

/// Waits for the task; once a cancel is asked for, gives it `cancel_grace` to return, then aborts it. A task that
/// never yields cannot even be aborted: after `abort_grace` it is left behind and the run ends without it.
pub(crate) async fn supervise(
    mut task: RunnerTask,
    token: &CancelToken,
    abort: &CancellationToken,
    options: RunOptions,
) -> Ended {
    let reason = tokio::select! {
        // A task that is done is done, also when a cancel came at the same moment.
        biased;
        joined = &mut task => return joined_before_cancel(joined, token),
        reason = token.cancelled() => reason,
        () = abort.cancelled() => CancelReason::Closing,
    };
    let cooperative = async { timeout(options.cancel_grace, &mut task).await.ok() };
    let joined = tokio::select! {
        biased;
        joined = cooperative => joined,
        () = abort.cancelled() => None,
    };
    match joined {
        Some(Ok(Ok(outcome))) => Ended::Returned(Ok(outcome)),
        Some(Ok(Err(_))) => Ended::Cancelled(reason),
        Some(Err(error)) => joined_with_error(error, reason),
        None => abort_task(task, reason, options).await,
    }
}

/// Awaits a future and catches its panic, so that storage of somebody else's that panics cannot end a run without its
/// end. The future is not polled again after that.
pub(crate) async fn caught<F: Future>(future: F) -> Result<F::Output, String> {
    let mut future = pin!(future);
    std::future::poll_fn(
        |cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(polled) => polled.map(Ok),
            Err(panic) => Poll::Ready(Err(panic_text(panic.as_ref()))),
        },
    )
    .await
}

async fn abort_task(mut task: RunnerTask, reason: CancelReason, options: RunOptions) -> Ended {
    task.abort();
    if timeout(options.abort_grace, &mut task).await.is_err() {
        tracing::error!(
            "a cancelled runner does not yield: its run ends without it, its thread stays blocked"
        );
    }
    Ended::Aborted(reason)
}

fn joined_before_cancel(
    joined: Result<Result<RunOutcome, RunError>, JoinError>,
    token: &CancelToken,
) -> Ended {
    match (joined, token.reason()) {
        (Ok(Err(_)), Some(reason)) => Ended::Cancelled(reason),
        (Ok(result), _) => Ended::Returned(result),
        (Err(error), reason) => joined_with_error(error, reason.unwrap_or(CancelReason::Closing)),
    }
}

fn joined_with_error(error: JoinError, reason: CancelReason) -> Ended {
    match error.try_into_panic() {
        Ok(payload) => Ended::Panicked(panic_text(payload.as_ref())),
        Err(_aborted) => Ended::Aborted(reason),
    }
}

/// What a panic said, if it said it in words.
fn panic_text(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("without a message").to_owned()
}
