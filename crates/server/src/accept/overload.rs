//! Owns the answer to a connection that is one too many.
//!
//! It must never know how many are allowed.

use runwright_proto::ErrorCode;

use crate::{
    listen::Connection,
    problem::{ApiError, problem_json},
};

/// A whole answer, made once: when there is no room, nothing is to be built.
#[derive(Debug)]
pub(super) struct Overload(Vec<u8>);

impl Overload {
    pub(super) fn new() -> Self {
        let error = ApiError::new(
            ErrorCode::TooManyConnections,
            "the server has as many connections as it takes",
        );
        let body = problem_json(&error.problem());
        let mut answer = format!(
            "HTTP/1.1 {}\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\nretry-after: 1\r\n\
             connection: close\r\n\r\n",
            error.status(),
            body.len(),
        )
        .into_bytes();
        answer.extend(body);
        Self(answer)
    }

    /// Answers without waiting and hangs up. It fits into the empty send buffer of a new connection; where the peer is
    /// gone already there is nobody to tell.
    pub(super) fn refuse(&self, connection: &Connection) {
        let written = connection.io.try_write(&self.0);
        tracing::debug!(peer = %connection.peer, ?written, "a connection too many was refused");
    }
}
