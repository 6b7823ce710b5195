//! What a test of a runner, a journal or a transcript needs: a log and a clock that obey the test, and the promises of
//! the ports as suites that every implementation runs. Knows no executor: the suites are futures, and whoever runs
//! them brings what drives the implementation.
//!
//! ```
//! use std::sync::Arc;
//!
//! use runwright_agent::{MemoryJournal, MemoryTranscript, testing};
//!
//! # fn block_on<F: Future>(future: F) -> F::Output {
//! #     let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
//! #     let mut future = std::pin::pin!(future);
//! #     loop {
//! #         if let std::task::Poll::Ready(value) = future.as_mut().poll(&mut cx) {
//! #             return value;
//! #         }
//! #     }
//! # }
//! // In the tests of a store, inside its runtime:
//! # block_on(async {
//! testing::journal::conforms(async |sink, clock| Arc::new(MemoryJournal::new(sink, clock)) as _).await;
//! testing::transcript::conforms(async |sink, clock| Arc::new(MemoryTranscript::new(sink, clock)) as _).await;
//! # });
//! ```

mod calls;
mod clock;
pub mod event_log;
pub mod journal;
mod sink;
mod together;
pub mod transcript;

pub use self::clock::ManualClock;
pub use self::sink::RecordingSink;
