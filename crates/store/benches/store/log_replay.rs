//! P7: what it costs to read a log of 300,000 events from disk, from its start, when none of it is in the memory of this
//! program. It must never know how the log keeps them.

use std::{path::Path, time::Duration};

use bytes::Bytes;
use runwright_agent::{EventLog, LogQuery, Pace, Publication};
use runwright_proto::{Change, Event, RunComplete, RunId, RunState, Seq, SessionId};
use tokio::time::Instant;

use crate::{
    Result,
    bare_rows::{Flat, Rows},
    ground::Ground,
    product::Product,
    table::{Pairs, Row, median, print},
    usage::cpu_time,
};

/// The log of performance 6: the ends of so many runs.
const RUNS: usize = 300_000;

const SAMPLES: usize = 7;

/// The goal for the rate is half that of bare rows, and three million events in a second (performance 10).
const GOAL: f64 = 1.0 / 0.5;
const LIMIT_NANOS: f64 = 1e9 / 3e6;

/// How many runs end at the same moment: few and many, as it happens, so that the rows are small ones at first.
const AT_ONCE: [usize; 12] = [1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233];

/// Nanoseconds for each event, in each sample.
#[derive(Debug, Default)]
struct Nanos {
    cpu: Vec<f64>,
    time: Vec<f64>,
}

pub(crate) fn run(ground: &Ground) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    let dir = ground.room()?;
    runtime.block_on(contest(dir.path()))
}

async fn contest(dir: &Path) -> Result<()> {
    let product = Product::open(&dir.join("data")).await?;
    let some_run = fill(&product).await?;
    settle(&product).await;
    let log = &*product.workspace.events;
    let frames = frames(&collect(log, product.head()).await?);
    let (rows, flat) = (Rows::of(&frames, dir)?, Flat::of(&frames, dir)?);
    let events = frames.len();
    let (mut ours, mut bare, mut walk) = (Nanos::default(), Nanos::default(), Nanos::default());
    for round in 0..=SAMPLES {
        bare.sample(events, async || rows.read()).await?;
        ours.sample(events, async || read(log, product.head(), None).await)
            .await?;
        walk.sample(events, async || flat.read()).await?;
        if round == 0 {
            // It warms the caches up.
            for nanos in [&mut ours, &mut bare, &mut walk] {
                nanos.clear();
            }
        }
    }
    report(frames.len(), frames.concat().len(), &ours, &bare, &walk);
    let began = Instant::now();
    read(log, product.head(), Some(some_run)).await?;
    let figure = "P7 replay from disk, the events of one run among all of them, ms";
    print(&Row::only(figure, began.elapsed().as_secs_f64() * 1e3));
    product.close().await;
    Ok(())
}

fn report(events: usize, bytes: usize, ours: &Nanos, bare: &Nanos, walk: &Nanos) {
    let of = |what: &str| {
        let each = bytes / events;
        format!("P7 replay from disk, {events} events of {each} bytes, {what}")
    };
    let cpu = |ceiling: &Nanos| Pairs::of(&ours.cpu, &ceiling.cpu);
    print(&cpu(bare).row(of("ns CPU each; bare rows of 64"), Some(GOAL)));
    let time = Pairs::of(&ours.time, &bare.time);
    print(&time.row(of("ns each; bare rows of 64"), Some(GOAL)));
    print(&cpu(walk).row(of("ns CPU each; walk through a file"), None));
    print(&Row::limited(
        of("ns each; limit"),
        median(&ours.time),
        LIMIT_NANOS,
    ));
}

/// Lets many runs end, and returns one of them.
async fn fill(product: &Product) -> Result<RunId> {
    let log = &*product.workspace.events;
    let session = SessionId::random();
    let mut last = RunId::generate();
    let mut at_once = AT_ONCE.into_iter().cycle();
    let mut left = RUNS;
    while left > 0 {
        let count = at_once.next().unwrap_or(1).min(left);
        for _ in 0..count {
            last = RunId::generate();
            log.announce(ended(&session, &last));
        }
        log.flush().await?;
        left -= count;
    }
    Ok(last)
}

fn ended(session: &SessionId, run: &RunId) -> Publication {
    let end = RunComplete::new(session.clone(), run.clone(), RunState::Completed);
    Publication {
        event: Event::RunComplete(Change::updated(end)),
        run: Some(run.clone()),
        pace: Pace::Now,
    }
}

/// Waits until the store has put its house in order: until it has not committed anything for some time.
async fn settle(product: &Product) {
    let mut before = None;
    loop {
        let now = product.store.stats().flushes;
        if before == Some(now) {
            return;
        }
        before = Some(now);
        tokio::time::sleep(Duration::from_secs(3)).await;
    }
}

/// Reads everything and returns how many bytes it is.
async fn read(log: &dyn EventLog, until: Seq, run: Option<RunId>) -> Result<usize> {
    let (mut after, mut total) = (Seq::ZERO, 0);
    while after < until {
        let page = page(log, after, until, run.clone()).await?;
        (after, total) = (page.1, total + page.0.len());
    }
    Ok(total)
}

async fn collect(log: &dyn EventLog, until: Seq) -> Result<Vec<Bytes>> {
    let (mut after, mut pages) = (Seq::ZERO, Vec::new());
    while after < until {
        let (frames, through) = page(log, after, until, None).await?;
        pages.push(frames);
        after = through;
    }
    Ok(pages)
}

async fn page(
    log: &dyn EventLog,
    after: Seq,
    until: Seq,
    run: Option<RunId>,
) -> Result<(Bytes, Seq)> {
    let query = LogQuery {
        after,
        until,
        run,
        finished_only: false,
    };
    let page = log.read(query).await?;
    if page.through <= after {
        return Err("a page does not go on".into());
    }
    Ok((page.frames, page.through))
}

/// Cuts pages into events: each ends with the one empty line it has.
fn frames(pages: &[Bytes]) -> Vec<Bytes> {
    let mut frames = Vec::new();
    for page in pages {
        let mut begin = 0;
        for at in 1..page.len() {
            if page[at - 1..=at] == *b"\n\n" {
                frames.push(page.slice(begin..=at));
                begin = at + 1;
            }
        }
    }
    frames
}

impl Nanos {
    fn clear(&mut self) {
        *self = Self::default();
    }

    async fn sample(
        &mut self,
        events: usize,
        read: impl AsyncFnOnce() -> Result<usize>,
    ) -> Result<()> {
        let (began, cpu) = (Instant::now(), cpu_time());
        read().await?;
        let each = |time: Duration| time.as_secs_f64() * 1e9 / events as f64;
        self.time.push(each(began.elapsed()));
        self.cpu.push(each(cpu_time() - cpu));
        Ok(())
    }
}
