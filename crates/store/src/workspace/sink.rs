//! The log of a workspace that nobody reads yet.

use runwright_agent::{EventSink, Publication};
use runwright_proto::Seq;

/// Takes events to nobody: what recovery stores is read from disk later.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Nowhere;

impl EventSink for Nowhere {
    fn publish(&self, _: Publication) -> Seq {
        Seq::ZERO
    }

    fn publish_at(&self, _: Seq, _: Publication) {}

    fn head(&self) -> Seq {
        Seq::ZERO
    }
}
