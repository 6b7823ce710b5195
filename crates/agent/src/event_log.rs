//! The port to the stored part of a workspace's log: what a reader gets that comes from further back than memory
//! goes, also from before the last start of the process. It must never know who reads, nor over what.

use std::error::Error;

use async_trait::async_trait;
use bytes::Bytes;
use runwright_proto::{ClientId, RunId, Seq};

use crate::events::Publication;

/// The stored log of one workspace, beside the log in memory that its [`EventSink`](crate::EventSink) is.
///
/// It is the one who numbers: the [record of runs](crate::RunJournal) and the [history](crate::Transcript) of the
/// same workspace publish through the same order, an event that must arrive is on disk before it is published, and
/// everything reaches the sink in the order of its numbers, by [`publish_at`](crate::EventSink::publish_at). Numbers
/// are never used twice, also over a crash; they may jump.
///
/// The conformance suite `runwright_agent::testing::event_log` (feature `test-util`) says what every implementation must
/// do.
#[async_trait]
pub trait EventLog: Send + Sync {
    /// Stores an event that is neither a change of the history nor of a run, and publishes it when it is stored. Does
    /// not wait; what could not be stored is logged and never published.
    fn announce(&self, publication: Publication);

    /// Gives an event a number and publishes it, in order with all others, without storing it: present readers see
    /// it, later ones do not.
    fn tell(&self, publication: Publication);

    /// Reads what is stored after a number: every event that must arrive, and of the events that carry the state of
    /// the same thing the last one. Everything that was published up to `query.until` is there, also what memory has
    /// not told the disk yet.
    ///
    /// # Errors
    /// [`EventLogError`].
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    async fn read(&self, query: LogQuery) -> Result<LogPage, EventLogError>;

    /// Waits until everything that was published is stored, as far as it is ever stored.
    ///
    /// # Errors
    /// [`EventLogError`].
    async fn flush(&self) -> Result<(), EventLogError>;

    /// Notes that a client follows the workspace, for the case that the process dies. Does not wait.
    fn attached(&self, client: ClientId);

    /// Notes that a client does not follow the workspace any more. Does not wait.
    fn detached(&self, client: ClientId);

    /// Stores what is left and where the numbers go on. The last call: the workspace is closed in good order.
    async fn close(&self);
}

/// Which part of a log to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogQuery {
    /// What comes after this number.
    pub after: Seq,
    /// Up to this one, which has been published.
    pub until: Seq,
    /// Only what belongs to this run.
    pub run: Option<RunId>,
    /// Without messages that are still being streamed: for a reader that gets the rest of their texts another way.
    pub finished_only: bool,
}

/// A part of a log, as it is sent to readers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogPage {
    /// What is lost, because it is older than what is kept; it lies before the frames.
    pub lost: Option<Lost>,
    /// The events, each with its id line and its data line ([`write_frame_id`](runwright_proto::write_frame_id),
    /// [`write_frame`](runwright_proto::write_frame)).
    pub frames: Bytes,
    /// The part is whole up to this number; the next page begins after it. Never beyond `until`.
    pub through: Seq,
}

/// The numbers of events that are no longer kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost {
    /// The first.
    pub from: Seq,
    /// The last.
    pub to: Seq,
}

/// Why a log could not be read or stored.
#[derive(Debug, thiserror::Error)]
#[error("event storage failed")]
pub struct EventLogError(#[source] pub Box<dyn Error + Send + Sync>);
