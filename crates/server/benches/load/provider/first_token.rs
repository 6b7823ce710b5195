//! How long it takes from the moment the provider gave the first piece of an answer to its socket until a reader has it,
//! and until the adapter alone has told it. It must never know what happens in between.

use std::path::Path;

use tokio::time::Instant;

use super::{STREAMS, prompt, scripted::Scripted, server, watch::Watcher, workspace};
use crate::{
    Result,
    server::{Server, disk},
    table::{Row, print, quantile},
};

/// Sessions, one after the other, and their turns that are measured: the first of each is not, because its title is
/// asked for at the same time.
const SESSIONS: usize = 30;
const TURNS: usize = 10;

/// In milliseconds.
const LIMIT: f64 = 1.0;

/// A product that keeps everything on disk, with one reader.
struct Product {
    server: Server,
    workspace: String,
    reader: Watcher,
    waits: Vec<f64>,
}

/// The adapter, with nothing around it.
struct Alone {
    server: Server,
    waits: Vec<f64>,
}

pub(super) fn run() -> Result<()> {
    let dir = disk()?;
    let provider = Scripted::start()?;
    let mut products = Vec::with_capacity(STREAMS.len());
    for stream in STREAMS {
        // Each has a store of its own.
        let dir = tempfile::tempdir_in(dir.path())?;
        let product = Product::open(dir.path(), &provider, stream)?;
        products.push((product, dir));
    }
    let mut alone = Alone {
        server: server("provider-first", dir.path(), &provider)?,
        waits: Vec::new(),
    };
    for _ in 0..SESSIONS {
        for (product, _) in &mut products {
            product.session(&provider)?;
        }
        alone.session(&provider)?;
    }
    for ((product, _), reader) in products.iter().zip(["whole messages", "deltas"]) {
        let of =
            |part: &str| format!("First token to a reader of {reader}, on disk, ms {part}; limit");
        print(&Row::limited(
            of("p50"),
            quantile(&product.waits, 0.5),
            LIMIT,
        ));
        print(&Row::limited(
            of("p99"),
            quantile(&product.waits, 0.99),
            LIMIT,
        ));
    }
    let of = |part: &str| format!("First token to the adapter alone, ms {part}");
    print(&Row::only(of("p50"), quantile(&alone.waits, 0.5)));
    print(&Row::only(of("p99"), quantile(&alone.waits, 0.99)));
    Ok(())
}

impl Product {
    fn open(dir: &Path, provider: &Scripted, stream: &str) -> Result<Self> {
        let server = server("durable-model", dir, provider)?;
        let workspace = workspace(&server)?.to_owned();
        let path = format!("/v1/workspaces/{workspace}/{stream}");
        Ok(Self {
            reader: Watcher::open(&server.address, &path)?,
            server,
            workspace,
            waits: Vec::new(),
        })
    }

    fn session(&mut self, provider: &Scripted) -> Result<()> {
        let session = self.server.open_session(&self.workspace)?;
        for turn in 0..=TURNS {
            let number = provider.turns();
            // Nothing else on the stream says this.
            let said = format!("answer-{number}.");
            provider.script_one(&said);
            prompt(&self.server, &self.workspace, &session)?;
            let came = self.reader.find(said.as_bytes())?;
            if turn > 0 {
                self.waits.push(since(provider, number, came)?);
            }
            self.reader.end_of_run()?;
        }
        Ok(())
    }
}

impl Alone {
    fn session(&mut self, provider: &Scripted) -> Result<()> {
        for turn in 0..=TURNS {
            let number = provider.turns();
            provider.script_one("answer");
            self.server.command(1)?;
            self.server.hear()?;
            let came = Instant::now();
            if turn > 0 {
                self.waits.push(since(provider, number, came)?);
            }
        }
        Ok(())
    }
}

/// How long the first piece of an answer was on its way, in milliseconds.
fn since(provider: &Scripted, turn: usize, came: Instant) -> Result<f64> {
    let written = provider.first_written(turn)?;
    Ok((came - written).as_secs_f64() * 1e3)
}
