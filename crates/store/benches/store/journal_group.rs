//! P2: what it costs to record runs so that they are on disk when their callers are told, one by one and many at once. It
//! must never know how they are stored.

use std::sync::Arc;

use runwright_agent::{Acceptance, NewRun};

use crate::{
    Result, bare,
    callers::{Callers, Cost, Names, Recorder},
    ground::Ground,
    group_loop::GroupLoop,
    product::Product,
    table::{Pairs, print},
};

const SAMPLES: usize = 9;
const SAMPLES_OF_NAMED: usize = 5;

/// With six samples, fewer than a workspace has before it looks names up in another way.
const NAMED_OF_A_SAMPLE: usize = 8_000;

/// The goal for the rate is 0.8 of the bare loop's (performance 10).
const GOAL: f64 = 1.0 / 0.8;

/// Where records go, and what that costs.
struct Contender<'a, R> {
    ground: &'a Ground,
    recorder: Arc<R>,
    costs: Vec<Cost>,
    /// How often the disk was flushed for a batch, in each sample.
    flushes: Vec<f64>,
}

pub(crate) fn run(ground: &Ground) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    for callers in [1, 64, 256] {
        runtime.block_on(async {
            plain(ground, callers).await?;
            named(ground, callers).await
        })?;
    }
    Ok(())
}

/// Runs that have only the names that we gave them.
async fn plain(ground: &Ground, count: usize) -> Result<()> {
    let dir = ground.room()?;
    let mut ours = Contender::product(ground, &dir).await?;
    let mut bare = Contender::new(ground, bare::sqlite(dir.path())?);
    let mut file = Contender::new(ground, bare::file(dir.path())?);
    let callers = Callers {
        count,
        names: Names::None,
        at_most: usize::MAX,
    };
    for _ in 0..=SAMPLES {
        bare.sample(callers).await?;
        ours.sample(callers).await?;
        file.sample(callers).await?;
    }
    let row = |pairs: Pairs, what: &str, goal| {
        let figure = format!("P2 durable accept, {count} callers, {what}; bare group commit");
        print(&pairs.row(figure, goal));
    };
    // One caller alone waits for the disk, and there is nothing to put together.
    let goal = (count > 1).then_some(GOAL);
    row(ours.against(&bare, |cost| cost.cpu), "us CPU", goal);
    row(ours.against(&bare, |cost| cost.time), "us each", goal);
    row(
        ours.against(&bare, |cost| cost.size),
        "records of a batch",
        None,
    );
    if !ours.flushes.is_empty() {
        let flushes = Pairs::of(&ours.flushes, &bare.flushes);
        row(flushes, "flushes of the disk for a batch", None);
    }
    let figure = format!("P2 bare group commit, {count} callers, us each; append to a file");
    print(&bare.against(&file, |cost| cost.time).row(figure, None));
    ours.close().await
}

/// Runs with the names that clients gave them: each might be known already.
async fn named(ground: &Ground, count: usize) -> Result<()> {
    let dir = ground.room()?;
    let mut ours = Contender::product(ground, &dir).await?;
    let mut bare = Contender::new(ground, bare::sqlite(dir.path())?);
    let callers = Callers {
        count,
        names: Names::Both,
        at_most: NAMED_OF_A_SAMPLE,
    };
    for _ in 0..=SAMPLES_OF_NAMED {
        bare.sample(callers).await?;
        ours.sample(callers).await?;
    }
    let row = |pairs: Pairs, what: &str| {
        let figure = format!(
            "P2 with run id and idempotency key, {count} callers, {what}; bare group commit"
        );
        print(&pairs.row(figure, None));
    };
    row(ours.against(&bare, |cost| cost.cpu), "us CPU");
    row(ours.against(&bare, |cost| cost.time), "us each");
    ours.close().await
}

impl<'a, R: Recorder> Contender<'a, R> {
    fn new(ground: &'a Ground, recorder: R) -> Self {
        Self {
            ground,
            recorder: Arc::new(recorder),
            costs: Vec::new(),
            flushes: Vec::new(),
        }
    }

    async fn sample(&mut self, callers: Callers) -> Result<()> {
        let before = self.ground.flushes_of_disk();
        let cost = callers.sample(&self.recorder).await?;
        if let (Some(before), Some(after)) = (before, self.ground.flushes_of_disk()) {
            self.flushes.push((after - before) as f64 / cost.batches);
        }
        self.costs.push(cost);
        Ok(())
    }

    /// The first sample has warmed both up.
    fn against<C>(&self, ceiling: &Contender<'_, C>, of: fn(&Cost) -> f64) -> Pairs {
        let column = |costs: &[Cost]| costs.iter().skip(1).map(of).collect::<Vec<_>>();
        Pairs::of(&column(&self.costs), &column(&ceiling.costs))
    }
}

impl<'a> Contender<'a, Product> {
    async fn product(ground: &'a Ground, room: &tempfile::TempDir) -> Result<Self> {
        Ok(Self::new(
            ground,
            Product::open(&room.path().join("data")).await?,
        ))
    }

    async fn close(self) -> Result<()> {
        let product = Arc::into_inner(self.recorder).ok_or("somebody still records")?;
        product.close().await;
        Ok(())
    }
}

impl Recorder for GroupLoop {
    async fn record(&self, run: NewRun) -> Result<()> {
        self.store(run).await
    }

    fn batches(&self) -> u64 {
        self.batches()
    }
}

/// As the backend records a prompt: it looks for an earlier one, and then records it.
impl Recorder for Product {
    async fn record(&self, run: NewRun) -> Result<()> {
        let journal = &self.workspace.journal;
        if journal.find(&run.call).await?.is_some() {
            return Err("a new name is known".into());
        }
        match journal.accept(run).await? {
            Acceptance::Accepted(_) => Ok(()),
            Acceptance::Known(_) => Err("a new run was not recorded".into()),
        }
    }

    fn batches(&self) -> u64 {
        self.store.stats().commits
    }
}
