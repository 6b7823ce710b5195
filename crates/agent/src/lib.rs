//! Admission of agent prompts, for a server that promises that *accepted means it will end* and *stop means stop*.
//!
//! The crate answers three questions and does no I/O, knows no executor and holds no clock:
//!
//! - **May this prompt run?** [`AgentCall`] is a validated prompt; [`place`] is the table of busy policies.
//! - **When is it its turn, and who may stop it?** [`Reservations`] holds every accepted run of a workspace, one
//!   [`Lane`] per session: runs start in the order in which they were accepted, at most one at a time per session; a
//!   cancel covers every run accepted before it and none after.
//! - **Who carries it out and keeps the record?** The ports [`Runner`], [`RunJournal`] and [`Transcript`], all
//!   object-safe, with a journal and a transcript in memory.
//!
//! | a run is | it is told by [`AcceptedRun::turn`] | a cancel of its session |
//! |---|---|---|
//! | accepted, not confirmed by the journal | to wait | covers it: it will never start |
//! | waiting behind another | to wait | covers it |
//! | on offer to the active turn | to wait | covers it, unless the turn takes it in |
//! | first | to run ([`Start::Active`]) | cancels its token |
//! | taken in by another turn | that it is over ([`Start::Folded`]) | comes too late |
//!
//! The locked parts are model-checked with loom under `--cfg runwright_loom`; `tests/loom.rs` names the properties.
//!
//! ```
//! use runwright_agent::{AgentCall, Reservations};
//! use runwright_proto::{AgentMessage, RunId};
//!
//! let message = AgentMessage {
//!     session_id: Some("2f4e4b5e-8f0a-4c39-9f0e-2f2c7c1f4c11".parse()?),
//!     prompt: "how many lines has README.md?".to_owned(),
//!     ..AgentMessage::default()
//! };
//! let call = AgentCall::try_from(message)?;
//! let reservations = Reservations::new(64);
//! let session = call.session_id().clone();
//! let run = reservations.accept(&session, call.run_id().clone(), call.when_busy(), call)?;
//! assert_eq!(run.position(), 0);
//! drop(run); // The journal refused it, say: nothing has happened.
//! assert!(!reservations.is_busy(&session));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod busy_policy;
mod call;
mod cancel_mark;
mod cancel_token;
mod clock;
mod closing;
mod event_log;
mod events;
mod journal;
mod lane;
mod memory;
mod reservation;
mod runner;
mod storage;
mod sync;
#[cfg(feature = "test-util")]
pub mod testing;
mod transcript;
mod waker_set;

pub use self::busy_policy::{LaneLoad, Placement, Refusal, place};
pub use self::call::{AgentCall, CallError};
pub use self::cancel_mark::{AcceptSeq, CancelMark};
pub use self::cancel_token::{CancelReason, CancelToken, Cancelled};
pub use self::clock::{Clock, FixedClock, SystemClock, Timestamp};
pub use self::closing::{Closing, ClosingStep};
pub use self::event_log::{EventLog, EventLogError, LogPage, LogQuery, Lost};
pub use self::events::{EventSink, Pace, Publication, RunEnd};
pub use self::journal::{Acceptance, Earlier, JournalError, NewRun, RunJournal, RunQuery};
pub use self::lane::{Lane, LaneEntry, Phase, Turn};
pub use self::memory::{MemoryJournal, MemoryTranscript};
pub use self::reservation::{
    AcceptedRun, Reservations, Start, SteeredPrompt, Steering, TurnFuture,
};
pub use self::runner::{
    Background, BackgroundWork, RunContext, RunError, RunOutcome, Runner, RunnerModel,
    SteeredPrompts, WorkspaceContext,
};
pub use self::storage::{StorageDamaged, StorageFull, is_storage_damaged, is_storage_full};
pub use self::transcript::{NewSession, SessionChange, Spent, Transcript, TranscriptError};
pub use self::waker_set::WakerSet;

// The example of the README is compiled with the others.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
