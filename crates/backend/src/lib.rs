//! Workspace lifecycle for coding-agent runs: claims, closing gate, dispatch, supervision, drain.

mod admitted;
mod agent_bytes;
mod attachment;
mod backend;
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
mod recording;
mod registry;
mod run_transcript;
mod sessions;
mod status;
mod steering;
mod supervise;
mod sync;
#[cfg(feature = "test-util")]
pub mod testing;
mod verdict;
mod workspace;

pub use self::admitted::{AdmitError, Admitted};
pub use self::attachment::Attachment;
pub use self::backend::Backend;
pub use self::claims::ClientView;
pub use self::dispatch::Submitted;
pub use self::drain::BackendShutdown;
pub use self::error::{
    AttachError, CreateError, CurrentSessionError, DispatchError, RunError, SessionError,
    WorkspaceError,
};
pub use self::factory::{LogStart, OpenError, WorkspaceFactory, WorkspaceParts, WorkspaceSpec};
pub use self::gate::{Closing, Drained, RunGate, RunPermit};
pub use self::log::{EventKey, Frames, WorkspaceEvent, WorkspaceLog};
pub use self::memory::{MakeRunner, MemoryFactory};
pub use self::options::{BackendOptions, RunOptions};
pub use self::registry::{
    AttachRefusal, AttachTicket, CreateDecision, CreateRefusal, CurrentSessionRefusal, Decided,
    Effect, Generation, LifecycleOptions, Lookup, NotIdle, OpenTicket, Profile, Registry, TimerKey,
    WaitTicket,
};
pub use runwright_agent::{CallError, Clock, JournalError, SystemClock, TranscriptError};
pub use runwright_proto::OnLastDetach;
pub use runwright_pubsub::{
    Batch, Lagged, ReceivedBatch, Subscription, TopicOptions, TryRecvError,
};

pub use self::workspace::{ShutdownMode, ShutdownReport, Workspace};
