//! A factory that keeps the record and the history of every workspace in memory, also while the workspace is closed,
//! and asks the embedder only for the agent. Nothing of it survives the process.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use runwright_agent::{
    Clock, EventSink, MemoryJournal, MemoryTranscript, Publication, Runner, SystemClock,
};
use runwright_proto::{Config, Epoch, Seq, WorkspaceId};

use crate::factory::{
    KnownWorkspace, LogStart, OpenError, Recovered, WorkspaceFactory, WorkspaceParts, WorkspaceSpec,
};

/// Makes the agent of a workspace from its directory; `None` where there is none yet.
pub type MakeRunner = Box<dyn Fn(&Path) -> Option<Arc<dyn Runner>> + Send + Sync>;

/// Makes workspaces whose record and history live in memory.
///
/// A workspace that is closed and opened again finds its sessions and runs; its log begins anew, in another epoch, so
/// a reader with an old cursor is told of the gap.
pub struct MemoryFactory {
    make_runner: MakeRunner,
    config: Arc<Config>,
    data_dir: PathBuf,
    clock: Arc<dyn Clock>,
    kept: Mutex<BTreeMap<WorkspaceId, Kept>>,
}

/// What is kept of one workspace.
#[derive(Clone)]
struct Kept {
    known: KnownWorkspace,
    sink: Arc<CurrentLog>,
    journal: Arc<MemoryJournal>,
    transcript: Arc<MemoryTranscript>,
}

/// Leads what a kept history publishes to the log of the workspace's present life.
#[derive(Default)]
struct CurrentLog(Mutex<Option<Arc<dyn EventSink>>>);

impl MemoryFactory {
    /// Makes a factory. `config` is what clients are told about the agent, `data_dir` where they are told that data is.
    #[must_use]
    pub fn new(make_runner: MakeRunner, config: Config, data_dir: PathBuf) -> Self {
        Self {
            make_runner,
            config: Arc::new(config),
            data_dir,
            clock: Arc::new(SystemClock),
            kept: Mutex::default(),
        }
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<WorkspaceId, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, known: KnownWorkspace) -> Kept {
        let sink = Arc::new(CurrentLog::default());
        Kept {
            known,
            journal: Arc::new(MemoryJournal::new(sink.clone(), self.clock.clone())),
            transcript: Arc::new(MemoryTranscript::new(sink.clone(), self.clock.clone())),
            sink,
        }
    }
}

#[async_trait]
impl WorkspaceFactory for MemoryFactory {
    async fn open(&self, spec: WorkspaceSpec) -> Result<WorkspaceParts, OpenError> {
        let kept = {
            let mut kept = self.kept();
            let entry = kept.entry(spec.id);
            entry
                .or_insert_with(|| self.keep(KnownWorkspace::of(&spec)))
                .clone()
        };
        let data_dir = spec.data_dir(&self.data_dir);
        kept.sink.lead_to(spec.sink);
        Ok(WorkspaceParts {
            journal: kept.journal,
            transcript: kept.transcript,
            runner: (self.make_runner)(&spec.path),
            data_dir,
            config: self.config.clone(),
            events: None,
            recovered: Recovered::default(),
        })
    }

    async fn log(&self, _id: WorkspaceId, _path: &Path) -> Result<LogStart, OpenError> {
        Ok(LogStart {
            epoch: Epoch::generate(),
            next: Seq(1),
        })
    }

    async fn known(&self, id: WorkspaceId) -> Result<Option<KnownWorkspace>, OpenError> {
        let kept = self.kept();
        Ok(kept.get(&id).map(|kept| kept.known.clone()))
    }

    async fn runner(&self, path: &Path) -> Result<Option<Arc<dyn Runner>>, OpenError> {
        Ok((self.make_runner)(path))
    }
}

impl fmt::Debug for MemoryFactory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryFactory")
            .field("workspaces", &self.kept().len())
            .finish_non_exhaustive()
    }
}

impl CurrentLog {
    fn lead_to(&self, log: Arc<dyn EventSink>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(log);
    }

    fn current(&self) -> Option<Arc<dyn EventSink>> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl EventSink for CurrentLog {
    fn publish(&self, publication: Publication) -> Seq {
        self.current()
            .map_or_else(Seq::default, |log| log.publish(publication))
    }

    fn publish_at(&self, seq: Seq, publication: Publication) {
        if let Some(log) = self.current() {
            log.publish_at(seq, publication);
        }
    }

    fn head(&self) -> Seq {
        self.current().map_or_else(Seq::default, |log| log.head())
    }
}
