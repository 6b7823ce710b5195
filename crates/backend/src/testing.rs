//! What a test of a server, of an agent's host, or of this crate needs: a backend in memory, a runner that obeys, a
//! recorder of events, and ports that fail when they are told to (feature `test-util`).
//!
//! Nothing here sleeps. A test goes on by handshake: it waits until a run has entered the runner, tells it what to do,
//! and waits for the event that follows. With paused time (`tokio::test(start_paused = true)`) the windows of the
//! lifecycle pass in no time, and in their order; and a test that waits for what never comes panics at once, where it
//! would hang for ten minutes otherwise.
//!
//! | you want | take |
//! |---|---|
//! | a [`Backend`](crate::Backend) with fresh directories, whose histories outlive their workspaces | [`TestBackend`] |
//! | one open workspace of it, and a client | [`TestWorkspace`] |
//! | an agent whose turns begin, speak, fold, fail, panic, hang and end when the test says so | [`FakeRunner`], [`Turn`] |
//! | the story that a reader of a workspace is told | [`EventRecorder`] |
//! | a stored log that outlives its workspace, forgets, and is held or fails at a read | [`TestBackend::store_logs`], [`StoredLog`] |
//! | a record or a history that fails, panics or hangs at the call that the test names | [`Faults`], [`FaultyJournal`], [`FaultyTranscript`] |
//!
//! ```
//! use runwright_backend::testing::TestBackend;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let backend = TestBackend::new();
//! let workspace = backend.open("demo").await;
//! let session = workspace.new_session().await;
//! let mut events = workspace.recorder();
//!
//! workspace.send(&session, "r1", "hello").await.expect("it is accepted");
//! let turn = backend.runner().entered().await;
//! turn.say("hi").await;
//! turn.release();
//!
//! events.end_of("r1").await;
//! assert_eq!(
//!     events.story(),
//!     [
//!         "r1 message created: user `hello` [stop]",
//!         "r1 message created: assistant",
//!         "r1 message updated: assistant `hi` [end_turn]",
//!         "r1 run_complete completed `hi`",
//!         "r1 agent_finished",
//!     ]
//! );
//! # }
//! ```

mod backend;
mod factory;
mod faults;
mod faulty_journal;
mod faulty_transcript;
mod patience;
mod recorder;
mod runner;
mod stored_log;
mod turn;
mod words;

pub use self::backend::{TestBackend, TestWorkspace, prompt};
pub use self::faults::{Call, Faults, Held, InjectedFault};
pub use self::faulty_journal::FaultyJournal;
pub use self::faulty_transcript::FaultyTranscript;
pub use self::recorder::EventRecorder;
pub use self::runner::FakeRunner;
pub use self::stored_log::StoredLog;
pub use self::turn::{BlockedTurn, Turn};
