//! Owns event streams (semantics 3): from a batch of events in a log to the bytes of an HTTP body, and their pace.
//!
//! A client's stream is one hand-written body that hands on bytes which all readers of a batch share: framed once, one
//! write for each wake (performance 9, "SSE"). The stream of one run is filtered for each reader, so it is an ordinary
//! async loop. Two clocks are shared by all streams, and neither runs while nobody waits for it.
//!
//! | module | owns |
//! |---|---|
//! | `start` | where a request wants its stream to begin |
//! | `response` | the head of the answer |
//! | `frame` | bytes of events |
//! | `page` | bytes of events from disk |
//! | `clock` | ticks that many streams share |
//! | `pace` | how long a reader of long messages waits |
//! | `heartbeat` | the bytes that show a peer that we are there |
//! | `reader` | what comes next on a stream, and when |
//! | `body` | the stream of a client |
//! | `run` | the stream of a run |
//!
//! Who does not read is cut off by the deadline on the connection's writes, [`limits`](crate::limits): a body cannot see
//! its socket. Dropping the body detaches the client, however the connection ended.
//!
//! It must never know how a workspace is found or who may read it.

mod body;
mod clock;
mod frame;
mod heartbeat;
mod pace;
mod page;
mod reader;
mod response;
mod run;
mod start;

pub(crate) use self::{
    body::EventBody, clock::Clock, response::event_stream, run::run_events, start::StreamStart,
};

use tokio_util::task::TaskTracker;

use self::{heartbeat::BEAT_TICK, pace::TICK};

/// The clocks that all streams of a server share.
#[derive(Debug, Clone)]
pub(crate) struct StreamClocks {
    pace: Clock,
    beat: Clock,
}

impl StreamClocks {
    /// Makes the clocks. Needs a tokio runtime.
    pub(crate) fn new(tasks: &TaskTracker) -> Self {
        Self {
            pace: Clock::new(TICK, tasks.clone()),
            beat: Clock::new(BEAT_TICK, tasks.clone()),
        }
    }
}
