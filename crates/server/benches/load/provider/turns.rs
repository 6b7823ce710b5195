//! What a turn costs in which the model says one word: all that comes with a prompt, whatever the length of its answer. It
//! must never know how a turn is kept.

use std::time::Duration;

use super::{STREAMS, prompt, scripted::Scripted, server, settle, watch::Watcher, workspace};
use crate::{
    Result,
    server::{Server, disk},
    table::{Pairs, print},
};

const SAMPLES: usize = 5;

/// Turns of a sample, in sessions of so many.
const TURNS: usize = 100;
const IN_SESSION: usize = 10;

/// Longer than anything that the store puts off until nobody waits.
const UNTIL_QUIET: Duration = Duration::from_millis(100);

/// A product with one reader, and what its turns cost in milliseconds.
struct Turns {
    server: Server,
    workspace: String,
    reader: Watcher,
    firsts: Vec<f64>,
    others: Vec<f64>,
}

pub(super) fn run() -> Result<()> {
    let dir = disk()?;
    let provider = Scripted::start()?;
    let open = |role| Turns::open(server(role, dir.path(), &provider)?);
    let (mut stored, mut memory) = (open("durable-model")?, open("model")?);
    for _ in 0..SAMPLES {
        memory.sample()?;
        stored.sample()?;
    }
    let of = |what: &str| format!("{what}, ms CPU on disk with one reader; nothing on disk");
    let others = Pairs::of(&stored.others, &memory.others);
    print(&others.row(of("One-token turn"), None));
    let firsts = Pairs::of(&stored.firsts, &memory.firsts);
    print(&firsts.row(of("One-token turn that is the first, and its title"), None));
    Ok(())
}

impl Turns {
    fn open(server: Server) -> Result<Self> {
        let workspace = workspace(&server)?.to_owned();
        let path = format!("/v1/workspaces/{workspace}/{}", STREAMS[0]);
        Ok(Self {
            reader: Watcher::open(&server.address, &path)?,
            server,
            workspace,
            firsts: Vec::new(),
            others: Vec::new(),
        })
    }

    /// Sessions are made beforehand; a client makes one for many turns.
    fn sample(&mut self) -> Result<()> {
        let sessions = (0..TURNS)
            .map(|_| self.server.open_session(&self.workspace))
            .collect::<Result<Vec<_>>>()?;
        let firsts = self.measure(sessions.iter())?;
        self.firsts.push(firsts);
        let others = sessions[..TURNS / IN_SESSION]
            .iter()
            .flat_map(|session| std::iter::repeat_n(session, IN_SESSION));
        let others = self.measure(others)?;
        self.others.push(others);
        Ok(())
    }

    /// CPU time of a turn, one after the other.
    fn measure<'a>(&mut self, sessions: impl Iterator<Item = &'a String>) -> Result<f64> {
        settle(&self.server, UNTIL_QUIET)?;
        let before = self.server.cpu()?;
        for session in sessions {
            prompt(&self.server, &self.workspace, session)?;
            self.reader.end_of_run()?;
        }
        settle(&self.server, UNTIL_QUIET)?;
        let used = self.server.cpu()? - before;
        Ok(used.as_secs_f64() * 1e3 / TURNS as f64)
    }
}
