//! An answer that is not streamed, put together from its pieces. It must never know how it is said.

use super::super::script::Piece;
use crate::StopReason;

/// The pieces of an answer, put together.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in super::super) struct Whole {
    pub(super) text: String,
    pub(super) reasoning: String,
    pub(super) signature: String,
    pub(super) calls: Vec<Call>,
    pub(super) stop: Option<StopReason>,
}

/// A tool call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) input: String,
}

impl Whole {
    pub(in super::super) fn add(&mut self, piece: &Piece) {
        match piece {
            Piece::Begin | Piece::Ping | Piece::CallEnd | Piece::End => {}
            Piece::Text(text) => self.text.push_str(text),
            Piece::Reasoning(text) => self.reasoning.push_str(text),
            Piece::Signature(signature) => self.signature.push_str(signature),
            Piece::CallBegin { id, name } => self.calls.push(Call {
                id: id.clone(),
                name: name.clone(),
                input: String::new(),
            }),
            Piece::CallInput(more) => {
                let call = self.calls.last_mut();
                call.expect("the script begins a call before its input")
                    .input
                    .push_str(more);
            }
            Piece::Stop(reason) => self.stop = Some(reason.clone()),
        }
    }
}
