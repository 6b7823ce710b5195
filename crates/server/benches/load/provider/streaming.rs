//! What a streamed token costs with everything that the product does to it, against the provider's stream read by the
//! adapter alone. It must never know how a reader is paced.
//!
//! Only what is streamed is measured: the answers have begun and go on when it begins, and have not ended when it ends.
//! Each answer is in a workspace of its own, with one reader, so that nothing is shared that would not be.

use std::{fs, path::Path, thread, time::Duration};

use tempfile::TempDir;

use super::{
    STREAMS, prompt,
    scripted::{Course, Load, Scripted},
    server, settle,
    watch::Crowd,
};
use crate::{
    Result,
    server::{Server, disk},
    table::{Pairs, Row, median, print},
};

const SAMPLES: usize = 5;

/// So many that a thousand tokens come in each second, a millisecond from one another, whatever the rate of one answer.
const LOADS: [Load; 4] = [
    Load {
        answers: 5,
        tokens: 2_000,
        per_second: None,
    },
    Load {
        answers: 5,
        tokens: 240,
        per_second: Some(200),
    },
    Load {
        answers: 20,
        tokens: 60,
        per_second: Some(50),
    },
    Load {
        answers: MOST_ANSWERS,
        tokens: 12,
        per_second: Some(10),
    },
];

const MOST_ANSWERS: usize = 100;

/// A token may cost so many times what it costs the adapter.
const GOAL: f64 = 2.0;

/// Longer than a beginning takes, in which nothing waits for a timer.
const UNTIL_BEGUN: Duration = Duration::from_millis(50);

/// Longer than the longest time between two frames of a reader that is paced.
const UNTIL_READ: Duration = Duration::from_millis(300);

/// Who reads the answers of a provider, and what that costs for each token.
struct Contender {
    server: Server,
    readers: Option<Readers>,
    micros: Vec<f64>,
    /// How many bytes came to the readers, for each token.
    bytes: Vec<f64>,
}

/// Workspaces, each with a reader.
struct Readers {
    workspaces: Vec<String>,
    crowd: Crowd,
}

pub(super) fn run() -> Result<()> {
    let dir = disk()?;
    let provider = Scripted::start()?;
    let mut alone = Contender::alone(dir.path(), &provider)?;
    let [whole, deltas] = STREAMS;
    let mut whole = Contender::product("model", &dir, &provider, whole)?;
    let mut deltas = Contender::product("model", &dir, &provider, deltas)?;
    let mut stored = Contender::product("durable-model", &dir, &provider, STREAMS[1])?;
    for load in LOADS {
        let mut all = [&mut alone, &mut whole, &mut deltas, &mut stored];
        for contender in &mut all {
            contender.begin();
        }
        for _ in 0..SAMPLES {
            for contender in &mut all {
                contender.sample(&provider, load)?;
            }
        }
        report(load, &alone, &whole, &deltas, &stored);
    }
    Ok(())
}

fn report(
    load: Load,
    alone: &Contender,
    whole: &Contender,
    deltas: &Contender,
    stored: &Contender,
) {
    let rate = load.per_second.map_or_else(
        || "unthrottled".to_owned(),
        |per_second| format!("at {per_second}/s"),
    );
    let of = |what: &str| {
        format!(
            "Streamed token {rate}, {} answers, us CPU with {what}; the adapter alone",
            load.answers
        )
    };
    print(
        &deltas
            .against(alone)
            .row(of("a reader of deltas"), Some(GOAL)),
    );
    print(
        &whole
            .against(alone)
            .row(of("a reader of whole messages"), Some(GOAL)),
    );
    print(
        &stored
            .against(alone)
            .row(of("a reader of deltas, on disk"), None),
    );
    let bytes = |of: &str, contender: &Contender| {
        let figure = format!("Streamed token {rate}, bytes to a reader of {of}");
        print(&Row::only(figure, median(&contender.bytes)));
    };
    bytes("deltas", deltas);
    bytes("whole messages", whole);
}

impl Contender {
    fn alone(dir: &Path, provider: &Scripted) -> Result<Self> {
        Ok(Self {
            server: server("provider-alone", dir, provider)?,
            readers: None,
            micros: Vec::new(),
            bytes: Vec::new(),
        })
    }

    fn product(role: &str, dir: &TempDir, provider: &Scripted, stream: &str) -> Result<Self> {
        let server = server(role, dir.path(), provider)?;
        let mut workspaces = Vec::with_capacity(MOST_ANSWERS);
        for number in 0..MOST_ANSWERS {
            let path = dir.path().join(format!("workspace-{number}"));
            fs::create_dir_all(&path)?;
            workspaces.push(server.open_workspace(&path)?);
        }
        let paths = workspaces
            .iter()
            .map(|workspace| format!("/v1/workspaces/{workspace}/{stream}"));
        let crowd = Crowd::open(&server.address, paths)?;
        Ok(Self {
            server,
            readers: Some(Readers { workspaces, crowd }),
            micros: Vec::new(),
            bytes: Vec::new(),
        })
    }

    fn begin(&mut self) {
        self.micros.clear();
        self.bytes.clear();
    }

    fn sample(&mut self, provider: &Scripted, load: Load) -> Result<()> {
        let course = provider.script(load);
        let (micros, bytes) = match &mut self.readers {
            None => {
                self.server.command(u32::try_from(load.answers)?)?;
                let micros = measure(&self.server, provider, load, &course)?;
                (micros, said(&mut self.server, load)?)
            }
            Some(readers) => readers.sample(&self.server, provider, load, &course)?,
        };
        self.micros.push(micros);
        self.bytes.push(bytes as f64 / load.measured() as f64);
        Ok(())
    }

    fn against(&self, ceiling: &Self) -> Pairs {
        Pairs::of(&self.micros, &ceiling.micros)
    }
}

impl Readers {
    /// Has something asked in a new session of each workspace, whose title is there before the answer goes on, and reads
    /// all that comes of it.
    fn sample(
        &mut self,
        server: &Server,
        provider: &Scripted,
        load: Load,
        course: &Course,
    ) -> Result<(f64, usize)> {
        let Self { workspaces, crowd } = self;
        thread::scope(|scope| {
            let measuring = scope.spawn(|| {
                let measured = ask_and_measure(workspaces, server, provider, load, course);
                measured.map_err(|error| error.to_string())
            });
            let bytes = crowd.ends_of_runs(load.answers);
            let measured = measuring.join();
            let micros = measured.unwrap_or_else(|_| Err("a client panicked".to_owned()))?;
            Ok((micros, bytes?))
        })
    }
}

fn ask_and_measure(
    workspaces: &[String],
    server: &Server,
    provider: &Scripted,
    load: Load,
    course: &Course,
) -> Result<f64> {
    for workspace in &workspaces[..load.answers] {
        let session = server.open_session(workspace)?;
        prompt(server, workspace, &session)?;
    }
    measure(server, provider, load, course)
}

/// CPU time for each token that comes between the beginning of the answers and their end, in microseconds.
fn measure(server: &Server, provider: &Scripted, load: Load, course: &Course) -> Result<f64> {
    provider.has_begun(course, load)?;
    settle(server, UNTIL_BEGUN)?;
    let before = server.cpu()?;
    provider.goes_on(course, load)?;
    settle(server, UNTIL_READ)?;
    let used = server.cpu()? - before;
    Scripted::ends(course);
    Ok(used.as_secs_f64() * 1e6 / load.measured() as f64)
}

/// What the adapter says that it read, which has to be all.
fn said(server: &mut Server, load: Load) -> Result<usize> {
    let bytes = server.hear()?.parse()?;
    if bytes == load.bytes() {
        Ok(bytes)
    } else {
        Err(format!("{bytes} bytes of text came of {}", load.bytes()).into())
    }
}
