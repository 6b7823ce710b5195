//! What the engine costs beside the bare loop that it is built around. Run by hand, in release:
//! `cargo test --release -p runwright-store --lib -- --ignored --nocapture engine::tests::bench`.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::stage::Witness;
use crate::engine::{Engine, EngineOptions};

const TABLE: &str = "CREATE TABLE bench (id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL UNIQUE, \
                     prompt TEXT NOT NULL, accepted_ms INTEGER NOT NULL)";
const INSERT: &str = "INSERT INTO bench (run_id, prompt, accepted_ms) VALUES (?1, ?2, ?3)";
const ROUND: Duration = Duration::from_millis(1500);
const ROUNDS: usize = 7;

/// A record as large as a short prompt.
struct Record {
    id: String,
    prompt: String,
}

fn insert(connection: &Connection, record: &Record) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached(INSERT)?;
    insert
        .execute((&record.id, &record.prompt, 1_795_357_488_000_i64))
        .map(drop)
}

fn record(caller: usize, count: u64) -> Record {
    let id = format!("0199{caller:04x}-{count:08x}-7000-8000-000000000000");
    Record {
        id,
        prompt: "tidy up the parser and run the tests again, please. ".repeat(4),
    }
}

/// The ceiling: everything that waits in one transaction, nothing else.
struct Bare {
    send: mpsc::UnboundedSender<(Record, oneshot::Sender<()>)>,
    batches: Arc<AtomicU64>,
}

impl Bare {
    fn open(directory: &Path) -> Self {
        let connection = Connection::open(directory.join("bare.db")).unwrap();
        connection
            .pragma_update(None, "journal_mode", "WAL")
            .unwrap();
        connection
            .pragma_update(None, "synchronous", "FULL")
            .unwrap();
        connection.execute_batch(TABLE).unwrap();
        let (send, mut receive) = mpsc::unbounded_channel::<(Record, oneshot::Sender<()>)>();
        let batches = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&batches);
        std::thread::spawn(move || {
            let mut waiting = Vec::new();
            while receive.blocking_recv_many(&mut waiting, 1024) > 0 {
                connection
                    .prepare_cached("BEGIN IMMEDIATE")
                    .unwrap()
                    .execute([])
                    .unwrap();
                for (record, _) in &waiting {
                    insert(&connection, record).unwrap();
                }
                connection
                    .prepare_cached("COMMIT")
                    .unwrap()
                    .execute([])
                    .unwrap();
                counted.fetch_add(1, Relaxed);
                for (_, reply) in waiting.drain(..) {
                    reply.send(()).ok();
                }
            }
        });
        Self { send, batches }
    }

    async fn store(&self, record: Record) {
        let (reply, answer) = oneshot::channel();
        self.send.send((record, reply)).unwrap();
        answer.await.unwrap();
    }
}

#[derive(Clone, Copy)]
struct Figure {
    records: f64,
    cpu: f64,
    batch: f64,
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// User and system time of this process.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks = |n: usize| {
        fields
            .split_ascii_whitespace()
            .nth(n)
            .unwrap()
            .parse::<u64>()
            .unwrap()
    };
    Duration::from_millis((ticks(11) + ticks(12)) * 10)
}

#[expect(clippy::disallowed_methods, reason = "a measurement")]
async fn measure<F, S>(
    callers: usize,
    count: &Arc<AtomicU64>,
    batches: impl Fn() -> u64,
    store: S,
) -> Figure
where
    S: Fn(Record) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send,
{
    let (store, stop) = (Arc::new(store), Arc::new(AtomicBool::new(false)));
    let before = (count.load(Relaxed), batches(), cpu(), Instant::now());
    let tasks: Vec<_> = (0..callers)
        .map(|caller| {
            let (store, stop, count) = (Arc::clone(&store), Arc::clone(&stop), Arc::clone(count));
            tokio::spawn(async move {
                while !stop.load(Relaxed) {
                    let n = count.fetch_add(1, Relaxed);
                    store(record(caller, n)).await;
                }
            })
        })
        .collect();
    tokio::time::sleep(ROUND).await;
    stop.store(true, Relaxed);
    for task in tasks {
        task.await.unwrap();
    }
    let records = (count.load(Relaxed) - before.0) as f64;
    Figure {
        records: records / before.3.elapsed().as_secs_f64(),
        cpu: (cpu() - before.2).as_micros() as f64 / records,
        batch: records / (batches() - before.1) as f64,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
#[ignore = "measures for half a minute; run by hand, in release"]
async fn the_engine_is_nearly_as_fast_as_the_bare_loop() {
    let directory = tempfile::tempdir_in(".").unwrap();
    let bare = Arc::new(Bare::open(directory.path()));
    let engine: Engine<Witness> =
        Engine::open(&directory.path().join("data"), EngineOptions::default()).unwrap();
    let made = engine
        .write(|batch| batch.connection().execute_batch(TABLE))
        .await;
    made.unwrap();
    let count = Arc::new(AtomicU64::new(0));
    for callers in [1, 64, 256] {
        let (mut ours, mut ceiling) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let loops = Arc::clone(&bare);
            let store = move |record| {
                let bare = Arc::clone(&loops);
                async move { bare.store(record).await }
            };
            ceiling.push(measure(callers, &count, || bare.batches.load(Relaxed), store).await);
            let writer = engine.clone();
            let store = move |record: Record| {
                let answer = writer.accept_write(move |batch| insert(batch.connection(), &record));
                async move { answer.await.unwrap() }
            };
            ours.push(measure(callers, &count, || engine.stats().commits, store).await);
        }
        let of = |figures: &[Figure], field: fn(&Figure) -> f64| {
            median(figures.iter().map(field).collect())
        };
        let ratios: Vec<f64> = ours
            .iter()
            .zip(&ceiling)
            .map(|(a, b)| a.records / b.records)
            .collect();
        let cpu: Vec<f64> = ours
            .iter()
            .zip(&ceiling)
            .map(|(a, b)| a.cpu / b.cpu)
            .collect();
        for (name, figures) in [("bare", &ceiling), ("engine", &ours)] {
            println!(
                "{callers:>4} callers {name:>7}: {:>8.0} rec/s  cpu {:>6.2} us/rec  batch {:>6.1}",
                of(figures, |f| f.records),
                of(figures, |f| f.cpu),
                of(figures, |f| f.batch),
            );
        }
        println!(
            "{callers:>4} callers   ratio: {:.2} rec/s  {:.2} cpu  {ratios:.2?}",
            median(ratios.clone()),
            median(cpu)
        );
    }
    println!("{:?}", engine.stats());
    engine.close().await;
}
