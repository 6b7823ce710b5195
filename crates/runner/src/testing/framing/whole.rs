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

/// The call that a script has begun, for protocols that send calls whole.
#[derive(Debug, Default)]
pub(super) struct OpenCall(Option<Call>);

impl OpenCall {
    pub(super) fn begin(&mut self, id: &str, name: &str) {
        self.0 = Some(Call::new(id, name));
    }

    pub(super) fn push(&mut self, more: &str) {
        let call = self.0.as_mut();
        call.expect("the script begins a call before its input")
            .input
            .push_str(more);
    }

    pub(super) fn end(&mut self) -> Call {
        let call = self.0.take();
        call.expect("the script begins a call before it ends it")
    }
}

impl Call {
    fn new(id: &str, name: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            input: String::new(),
        }
    }
}

impl Whole {
    pub(in super::super) fn add(&mut self, piece: &Piece) {
        match piece {
            Piece::Begin | Piece::Ping | Piece::CallEnd | Piece::End => {}
            Piece::Text(text) => self.text.push_str(text),
            Piece::Reasoning(text) => self.reasoning.push_str(text),
            Piece::Signature(signature) => self.signature.push_str(signature),
            Piece::CallBegin { id, name } => self.calls.push(Call::new(id, name)),
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
