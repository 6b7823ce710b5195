//! One run: a publisher and its readers as tasks of one single-threaded runtime, measured by CPU time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};

/// What each event carries, as large as a typical framed event.
pub(crate) type Frame = Arc<[u8]>;

/// A way to fan events out.
pub(crate) trait Subject: 'static {
    const NAME: &'static str;
    type Publisher: Send + Sync + 'static;
    /// Something that reads nothing but is subscribed.
    type Stalled: Send + 'static;

    fn open() -> Self::Publisher;
    fn publish(publisher: &Self::Publisher, frame: Frame);
    fn stall(publisher: &Self::Publisher) -> Self::Stalled;
    /// Reads for ever and notes each event.
    fn read(
        publisher: &Self::Publisher,
        progress: Progress,
    ) -> impl Future<Output = ()> + Send + 'static;
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) readers: usize,
    pub(crate) stalled: usize,
    /// How many events are published before the readers run.
    pub(crate) burst: usize,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    /// CPU time of all rounds: publishing, waking, receiving.
    pub(crate) total: Duration,
    /// The part of it spent in publishing, wakes included.
    pub(crate) publish: Duration,
}

/// Counts for one reader; the publisher goes on when each reader has the whole burst.
pub(crate) struct Progress {
    seen: usize,
    burst: usize,
    complete: Arc<AtomicUsize>,
}

impl Progress {
    pub(crate) fn note(&mut self, events: usize) {
        self.seen += events;
        if self.seen == self.burst {
            self.seen = 0;
            self.complete.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Runs `rounds` bursts after some to warm up.
pub(crate) fn measure<S: Subject>(load: Load, rounds: u64) -> Cost {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime without drivers starts");
    runtime.block_on(async {
        let publisher = S::open();
        let complete = Arc::new(AtomicUsize::new(0));
        let stalled: Vec<_> = (0..load.stalled).map(|_| S::stall(&publisher)).collect();
        for _ in 0..load.readers {
            let progress = Progress {
                seen: 0,
                burst: load.burst,
                complete: Arc::clone(&complete),
            };
            spawn(S::read(&publisher, progress));
        }
        // The main future of a runtime is polled differently from a task, so the publisher is a task too.
        let cost = spawn(async move {
            publish_rounds::<S>(&publisher, &complete, load, 1 + rounds / 10).await;
            publish_rounds::<S>(&publisher, &complete, load, rounds).await
        })
        .await;
        drop(stalled);
        cost.expect("the publisher does not panic")
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "the tasks of a benchmark belong to no workspace"
)]
fn spawn<F>(future: F) -> tokio::task::JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    tokio::spawn(future)
}

async fn publish_rounds<S: Subject>(
    publisher: &S::Publisher,
    complete: &AtomicUsize,
    load: Load,
    rounds: u64,
) -> Cost {
    let frame: Frame = vec![b'x'; 238].into();
    let mut publish = Duration::ZERO;
    let start = cpu_time();
    for _ in 0..rounds {
        // The clock is a system call: it is read for a large burst only, where it does not show.
        let before = (load.burst > 1).then(cpu_time);
        for _ in 0..load.burst {
            S::publish(publisher, Arc::clone(&frame));
        }
        publish += before.map_or(Duration::ZERO, |before| cpu_time() - before);
        while complete.load(Ordering::Relaxed) < load.readers {
            tokio::task::yield_now().await;
        }
        complete.store(0, Ordering::Relaxed);
    }
    Cost {
        total: cpu_time() - start,
        publish,
    }
}

/// Returns the CPU time of this thread.
pub(crate) fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}
