//! Workspace lifecycle for coding-agent runs: claims, closing gate, dispatch, supervision, drain.
//!
//! A [`Backend`] holds the [`Workspace`]s of a server. Clients create or join one, send prompts to it and follow its
//! events; a team that hosts its own agent implements [`WorkspaceFactory`], or hands [`MemoryFactory`] its
//! [`Runner`](runwright_agent::Runner). The crate knows no HTTP, no storage engine and no model provider.
//!
//! # The way of a prompt
//!
//! [`Backend::send_message`] checks it, enters the gate, reserves a place in its session, records it, and only then
//! answers with a receipt. From the reservation on the run belongs to the workspace: a caller that goes away changes
//! nothing. One task carries it to its end:
//!
//! | what happens | state | the terminal event says |
//! |---|---|---|
//! | the agent returns | `completed` | the answer |
//! | it fails, or stops unasked | `failed` | its own error, which observers are also told as an agent error |
//! | it panics, or its storage does | `failed` | what the panic said; no other run is affected |
//! | a cancel comes before its turn | `cancelled` | the prompt is in the history; the agent was not asked |
//! | it returns because it was asked to stop | `cancelled` | what it had said by then |
//! | it does not return within [`cancel_grace`](RunOptions::cancel_grace) | `cancelled` | reason `aborted` |
//! | it never yields, so that it cannot be aborted | `cancelled` | the same, after [`abort_grace`](RunOptions::abort_grace); what it writes later is refused |
//! | a prompt with the policy `interrupt` takes its turn | `cancelled` | reason `superseded` |
//! | its last client left, and the workspace says `cancel` | `cancelled` | reason `abandoned` |
//! | another turn takes its prompt in | `completed` | the run that it was folded into |
//! | the workspace closes, or the deadline of a drain cuts it off | `interrupted` | reason `closing` or `aborted` |
//!
//! Each has exactly one terminal event, after all of its messages and before the first event of the next run, and its
//! history is left valid: every message finished, every tool call answered. An end that cannot be recorded has not
//! happened: it is tried until the storage takes it, and the run keeps its session. Only a workspace that closes before
//! tells its readers that the run is `interrupted`, which is what the next start of the process makes of it.
//!
//! Runs that a process before this one had accepted and not started ([`Recovered`]) go on when their workspace opens,
//! before anything new is accepted.
//!
//! # The closing gate
//!
//! [`RunGate`] admits runs until it is closed, and tells when the last one has left. It is model-checked with loom.
//!
//! | the gate is | [`enter`](RunGate::enter) | [`close`](RunGate::close) | [`drained`](RunGate::drained) |
//! |---|---|---|---|
//! | open, with or without permits | gives a permit | closes it for good: `true` | waits |
//! | closing, with permits | [`Closing`] | changes nothing: `false` | waits for the last permit |
//! | closing, without permits | [`Closing`] | changes nothing: `false` | completes, for everybody who waits |
//!
//! [`Admitted`] holds a permit and a reservation and gives them back in that order's reverse: a drained gate has no
//! reservation.
//!
//! # The log and its streams
//!
//! Every workspace has one [`WorkspaceLog`], which orders its events and keeps the newest; a stream is a cursor into it,
//! and nothing is queued for a stream (see `runwright-pubsub`).
//!
//! | event | delivery |
//! |---|---|
//! | a message or a session was updated, the configuration changed | *latest*: of each message, session and configuration a slow reader is shown the newest state |
//! | everything else, terminal events among it | *every*: each once, in order |
//!
//! | [`attach`](Backend::attach) with | begins |
//! |---|---|
//! | no cursor | now; for a client that was cut off within its grace, with what it missed |
//! | `now` | now |
//! | `0` | with the oldest event that is kept, in memory or on disk |
//! | a number of this epoch | after that event, also from before the last start of the process; when some of what followed is gone, with a [`Next::Gap`] |
//! | a number of another epoch | with a [`Next::Gap`], then with the oldest event that is kept |
//! | a number that is not there yet | not at all: [`AttachError::CursorAhead`] |
//!
//! What the log in memory no longer has comes from the stored part of the log, where there is one, a page at a time
//! ([`Next::Stored`]); then memory goes on, without a gap and without telling anything twice. A stream ends after the
//! event `end`, which says why; one that ends without it was cut, and its reader comes back with its cursor.
//!
//! With [`Attachment::with_deltas`] a message that is being written is told by what came to it ([`WorkspaceLog::told`]).
//! What a reader is told depends on nothing but its number, so readers that are as far as each other share the frames.
//!
//! # The life of a workspace
//!
//! [`Registry`] has the rules, without a lock, a clock or a task. A workspace is kept by the hold of a client that has
//! just created it, by streams, by the grace of a client that was cut off, and by runs; then it lingers, and closes.
//! [`LifecycleOptions`] has the figures.
//!
//! # Example
//!
//! An agent that refuses everything, hosted in memory. The README has one that answers, with a factory of its own.
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use runwright_agent::{RunContext, RunError, RunOutcome, Runner, RunnerModel};
//! use runwright_backend::{Backend, BackendOptions, MemoryFactory};
//! use runwright_proto::{AgentMessage, ClientId, Config, CreateWorkspace, RunState};
//!
//! struct Refuses;
//!
//! #[async_trait::async_trait]
//! impl Runner for Refuses {
//!     fn model(&self) -> RunnerModel {
//!         RunnerModel::default()
//!     }
//!
//!     async fn run(&self, _cx: RunContext) -> Result<RunOutcome, RunError> {
//!         Err(RunError::failed("No model", "none is configured"))
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let make_runner = |_: &std::path::Path| Some(Arc::new(Refuses) as Arc<dyn Runner>);
//! let factory = MemoryFactory::new(Box::new(make_runner), Config::default(), "/tmp".into());
//! let backend = Backend::new(Arc::new(factory), BackendOptions::default());
//!
//! let path = std::env::temp_dir().to_string_lossy().into_owned();
//! let request = CreateWorkspace { path, ..CreateWorkspace::default() };
//! let workspace = backend.create(ClientId::random(), request).await?;
//! let session = workspace.create_session("a first session".to_owned()).await?.id;
//! let prompt = AgentMessage {
//!     session_id: Some(session.clone()),
//!     prompt: "hello".to_owned(),
//!     ..AgentMessage::default()
//! };
//! let run = workspace.send_message(prompt, None).await?.receipt.run_id;
//!
//! workspace.ended(&session, &[run.clone()], Duration::from_secs(5)).await?;
//! let record = workspace.run(&run).await?;
//! assert_eq!(record.state, RunState::Failed);
//! assert_eq!(record.error.as_deref(), Some("no model: none is configured"));
//! # Ok(())
//! # }
//! ```

mod admitted;
mod agent_bytes;
mod attachment;
mod backend;
mod background;
mod cancel;
mod carry;
mod claims;
mod dispatch;
mod drain;
mod ended_runs;
mod ending;
mod error;
mod factory;
mod gate;
mod log;
mod memory;
mod open;
mod options;
mod path;
mod recording;
mod registry;
mod resume;
mod run_transcript;
mod sessions;
mod started_runs;
mod status;
mod steering;
mod stored_log;
mod supervise;
mod sync;
#[cfg(feature = "test-util")]
pub mod testing;
mod verdict;
mod workspace;

pub use self::admitted::{AdmitError, Admitted};
pub use self::attachment::{Attachment, Next, ReadFailed, StoredPage};
pub use self::backend::Backend;
pub use self::claims::ClientView;
pub use self::dispatch::Submitted;
pub use self::drain::BackendShutdown;
pub use self::error::{
    AttachError, CreateError, CurrentSessionError, DispatchError, RunError, SessionError,
    WorkspaceError,
};
pub use self::factory::{
    KnownWorkspace, LogStart, OpenError, Recovered, WorkspaceFactory, WorkspaceParts, WorkspaceSpec,
};
pub use self::gate::{Closing, Drained, RunGate, RunPermit};
pub use self::log::{EventKey, Form, Framed, Frames, Told, WorkspaceEvent, WorkspaceLog};
pub use self::memory::{MakeRunner, MemoryFactory};
pub use self::options::{BackendOptions, RunOptions};
pub use self::registry::{
    AttachRefusal, AttachTicket, CreateDecision, CreateRefusal, CurrentSessionRefusal, Decided,
    Effect, Generation, LifecycleOptions, Lookup, NotIdle, OpenTicket, Profile, Registry, TimerKey,
    WaitTicket,
};
pub use runwright_agent::{
    CallError, Clock, JournalError, StorageDamaged, StorageFull, SystemClock, TranscriptError,
    is_storage_damaged, is_storage_full,
};
pub use runwright_proto::OnLastDetach;
pub use runwright_pubsub::{
    Batch, Lagged, ReceivedBatch, Subscription, TopicOptions, TryRecvError,
};

pub use self::workspace::{ShutdownMode, ShutdownReport, Workspace};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
