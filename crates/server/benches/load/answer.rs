//! P9: what a reader is sent while a long answer is written, and what that costs. It must never know how the server paces
//! its readers.

use std::{io::Read, thread, time::Duration};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    Result, readers,
    server::Server,
    table::{Row, print},
};

/// The answers, in tokens that come 5 ms apart (performance 10).
const ANSWERS: [usize; 3] = [500, 2_000, 6_000];

/// The goal is for a text of 41 KB that comes in half a minute. The words of the offline model are longer than those
/// tokens, so there are fewer of them; a timer of 5 ms takes 6, so they take as long.
const BYTES_FOR_TOKENS: (usize, usize) = (41, 6);

/// How many megabytes the reader of the longest may be sent (performance 10).
const LIMIT: f64 = 4.0;

/// How many bytes a reader of deltas may be sent for each of the text, however long it is (performance 10).
const LIMIT_WITH_DELTAS: f64 = 8.0;

/// A server that writes one answer.
struct Answer {
    server: Server,
    /// The path of the workspace.
    workspace: String,
    session: String,
    _dir: TempDir,
}

/// What an answer took.
#[derive(Debug)]
struct Took {
    text: usize,
    whole: Reader,
    deltas: Reader,
    /// CPU time of the server without a reader, in milliseconds.
    alone: f64,
}

/// What a reader of an answer was sent, and what its server took, in milliseconds.
#[derive(Debug)]
struct Reader {
    bytes: usize,
    cpu: f64,
}

/// All answers are written at the same time, each by servers of its own.
pub(crate) fn run() -> Result<()> {
    let took = thread::scope(|scope| {
        let follow =
            |tokens| scope.spawn(move || follow(tokens).map_err(|error| error.to_string()));
        let followed = ANSWERS.map(follow);
        followed.map(|thread| {
            thread
                .join()
                .unwrap_or_else(|_| Err("a reader panicked".to_owned()))
        })
    });
    for (tokens, took) in ANSWERS.into_iter().zip(took) {
        let took = took?;
        report(tokens, &took);
        report_deltas(tokens, &took);
    }
    Ok(())
}

fn report(tokens: usize, took: &Took) {
    let of = |what: &str| format!("P9 watched answer of {tokens} tokens, {what}");
    let megabytes = took.whole.bytes as f64 / 1e6;
    if Some(&tokens) == ANSWERS.last() {
        print(&Row::limited(
            of("MB to its reader; limit"),
            megabytes,
            LIMIT,
        ));
    } else {
        print(&Row::only(of("MB to its reader"), megabytes));
    }
    print(&Row::only(
        of("bytes to its reader for each of the text"),
        took.whole.bytes as f64 / took.text as f64,
    ));
    print(&Row::only(
        of("CPU ms for its reader"),
        took.whole.cpu - took.alone,
    ));
    print(&Row::only(of("CPU ms for nobody"), took.alone));
}

fn report_deltas(tokens: usize, took: &Took) {
    let of = |what: &str| format!("P9 watched answer of {tokens} tokens with deltas, {what}");
    print(&Row::limited(
        of("bytes to its reader for each of the text; limit"),
        took.deltas.bytes as f64 / took.text as f64,
        LIMIT_WITH_DELTAS,
    ));
    let cpu = took.deltas.cpu - took.alone;
    print(&Row::only(of("CPU ms for its reader"), cpu));
    // The same for every length, if it is linear.
    print(&Row::only(
        of("CPU us for its reader and each KB of the text"),
        cpu * 1e6 / took.text as f64,
    ));
}

/// Has an answer written three times at the same time, for a reader of each kind and for nobody, so that the difference
/// is the reader's.
fn follow(tokens: usize) -> Result<Took> {
    let (words, text) = words(tokens);
    let alone = Answer::open()?;
    let before = alone.server.cpu()?;
    let (whole, deltas) = thread::scope(|scope| {
        let read =
            |query| scope.spawn(move || read(words, query).map_err(|error| error.to_string()));
        let (whole, deltas) = (read(""), read("?deltas=1"));
        let run = alone.ask_for(words);
        let read = |reader: thread::ScopedJoinHandle<'_, _>| {
            let read = reader.join();
            read.unwrap_or_else(|_| Err("a reader panicked".to_owned()))
        };
        let read = (read(whole), read(deltas));
        run.and_then(|run| alone.wait_for(&run)).map(|()| read)
    })?;
    Ok(Took {
        text,
        whole: whole?,
        deltas: deltas?,
        alone: milliseconds(alone.server.cpu()? - before),
    })
}

/// Has an answer written and reads it.
fn read(words: usize, query: &str) -> Result<Reader> {
    let answer = Answer::open()?;
    let path = format!("{}/events{query}", answer.workspace);
    let stream = readers::open(&answer.server.address, &path)?;
    let before = answer.server.cpu()?;
    answer.ask_for(words)?;
    let bytes = read_to_end_of_run(stream)?;
    let cpu = milliseconds(answer.server.cpu()? - before);
    Ok(Reader { bytes, cpu })
}

/// How many words of the offline model are as long as so many tokens, and how long they are.
fn words(tokens: usize) -> (usize, usize) {
    let (bytes, per) = BYTES_FOR_TOKENS;
    let (mut words, mut text) = (0, 0);
    while text < tokens * bytes / per {
        text += format!("word{words} ").len();
        words += 1;
    }
    (words, text)
}

impl Answer {
    fn open() -> Result<Self> {
        let dir = TempDir::new()?;
        let server = Server::binary(dir.path(), &[])?;
        let workspace = server.open_workspace(dir.path())?;
        let session = server.open_session(&workspace)?;
        Ok(Self {
            server,
            workspace: format!("/v1/workspaces/{workspace}"),
            session,
            _dir: dir,
        })
    }

    /// Asks for so many words, 5 ms apart, and returns the run.
    fn ask_for(&self, words: usize) -> Result<String> {
        let prompt = json!({
            "session_id": self.session,
            "prompt": format!("[[say {words}]] [[delay 5]]"),
        });
        let path = format!("{}/agent", self.workspace);
        let receipt = self
            .server
            .address
            .tell("POST", &path, &prompt.to_string())?;
        let receipt: Value = serde_json::from_str(&receipt)?;
        let run = receipt["run_id"]
            .as_str()
            .ok_or("the receipt names no run")?;
        Ok(run.to_owned())
    }

    /// Waits for a run that should be over by now. Its stream would be a reader, so it is asked for instead.
    #[expect(
        clippy::disallowed_methods,
        reason = "the other process cannot be waited for otherwise"
    )]
    fn wait_for(&self, run: &str) -> Result<()> {
        for _ in 0..600 {
            let path = format!("{}/runs/{run}", self.workspace);
            let run: Value = serde_json::from_str(&self.server.address.tell("GET", &path, "")?)?;
            if run["state"] == "completed" {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(100));
        }
        Err("a run did not end".into())
    }
}

/// Reads a stream up to the terminal event and counts its bytes.
fn read_to_end_of_run(mut stream: impl Read) -> Result<usize> {
    const MARKER: &[u8] = br#"data: {"type":"run_complete""#;
    let mut buffer = vec![0; 64 * 1024];
    let mut read = Vec::new();
    let mut total = 0;
    while !read.windows(MARKER.len()).any(|window| window == MARKER) {
        // What may be the beginning of the marker stays.
        read.drain(..read.len().saturating_sub(MARKER.len()));
        let more = stream.read(&mut buffer)?;
        if more == 0 {
            return Err("the stream ended before the run".into());
        }
        total += more;
        read.extend_from_slice(&buffer[..more]);
    }
    Ok(total)
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
