//! What a store takes on disk: for a run, and for an answer that comes in pieces; how much is written for them; and what
//! it costs to open a store that has much. It must never know how anything is kept.

use std::{fs, path::Path, time::Duration};

use tokio::time::Instant;

use crate::{
    Result,
    ground::Ground,
    product::Product,
    stories::{Answer, sessions, tell},
    table::{Pairs, Row, print},
    usage::bytes_written,
};

/// Runs of so many sessions.
const RUNS: usize = 10_000;
const SESSIONS_OF_RUNS: usize = 100;

/// Some 200 bytes, in one piece.
const ANSWER: Answer = Answer {
    delta: "The parser is tidy now, and all of the tests pass but two of them, which have failed before: they want a \
            network. I have changed three files, all of them in the directory of the parser, and no name of a rule.",
    deltas: 1,
    pause: Duration::ZERO,
};

/// Deltas as long and as fast as those of performance 10, P9.
const DELTAS: usize = 1_000;
const DELTA: &str = "token, ";
const PAUSE: Duration = Duration::from_millis(5);

/// So many answers tell what one takes to better than a page.
const MANY: usize = 50;

/// How many sessions a workspace has that is opened.
const SESSIONS: usize = 10_000;

/// By how much the files grew, and what was written to them.
#[derive(Debug, Clone, Copy)]
struct Took {
    disk: f64,
    written: f64,
}

pub(crate) fn run(ground: &Ground) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    let room = ground.room()?;
    runtime.block_on(async {
        runs(&room.path().join("runs")).await?;
        deltas(room.path()).await?;
        opening(&room.path().join("sessions")).await
    })
}

async fn runs(dir: &Path) -> Result<()> {
    let took = took(dir, SESSIONS_OF_RUNS, RUNS / SESSIONS_OF_RUNS, ANSWER).await?;
    let texts = 2.0 * ANSWER.delta.len() as f64;
    let row = |what: &str, bytes: f64| {
        let figure = format!("{what} for a run; its prompt and its answer");
        Pairs::of(&[bytes / RUNS as f64], &[texts]).row(figure, None)
    };
    print(&row("bytes on disk", took.disk));
    print(&row("bytes written", took.written));
    Ok(())
}

async fn deltas(room: &Path) -> Result<()> {
    let of = |deltas| Answer {
        delta: DELTA,
        deltas,
        pause: PAUSE,
    };
    // An answer of one delta takes what any answer takes.
    let long = of(1 + DELTAS);
    let many = took(&room.join("many"), MANY, 1, long).await?.disk
        - took(&room.join("many-short"), MANY, 1, of(1)).await?.disk;
    let alone = took(&room.join("one"), 1, 1, long).await?.written
        - took(&room.join("one-short"), 1, 1, of(1)).await?.written;
    let text = (DELTAS * DELTA.len()) as f64;
    let row = |what: &str, bytes: f64| {
        let figure = format!("{what} for {DELTAS} deltas of an answer, 5 ms apart; their text");
        Pairs::of(&[bytes], &[text]).row(figure, None)
    };
    print(&row("bytes on disk", many / MANY as f64));
    print(&row("bytes written", alone));
    Ok(())
}

/// What runs take, between two ends in good order: the log of the database is empty then.
async fn took(dir: &Path, count: usize, runs: usize, answer: Answer) -> Result<Took> {
    let product = Product::open(dir).await?;
    let sessions = sessions(&product, count).await?;
    product.close().await;
    let (size, written) = (size_of(dir)?, bytes_written()?);
    let product = Product::open(dir).await?;
    tell(&product, &sessions, runs, answer).await?;
    product.close().await;
    Ok(Took {
        disk: size_of(dir)? - size,
        written: bytes_written()? - written,
    })
}

async fn opening(dir: &Path) -> Result<()> {
    let product = Product::open(dir).await?;
    sessions(&product, SESSIONS).await?;
    product.close().await;
    let began = Instant::now();
    let product = Product::open(dir).await?;
    let opened = began.elapsed();
    product.workspace.transcript.sessions().await?;
    let listed = began.elapsed() - opened;
    let row = |what: &str, took: Duration| {
        Row::only(
            format!("{what} with {SESSIONS} sessions, ms"),
            took.as_secs_f64() * 1e3,
        )
    };
    print(&row("open the store and a workspace", opened));
    print(&row("list the sessions of a workspace", listed));
    product.close().await;
    Ok(())
}

/// The bytes of all files in a directory.
fn size_of(dir: &Path) -> Result<f64> {
    let mut total = 0;
    for file in fs::read_dir(dir)? {
        total += file?.metadata()?.len();
    }
    Ok(total as f64)
}
