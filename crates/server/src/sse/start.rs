//! Owns where a request wants its stream to begin: `?after=` or `Last-Event-ID`, and in which form.
//!
//! It must never know what is kept of the story.

use axum::extract::FromRequestParts;
use http::{HeaderName, Method, Version, request::Parts};
use runwright_backend::{Attachment, Form};
use runwright_proto::{Cursor, ErrorCode};
use serde::Deserialize;

use crate::{extract::Query, problem::ApiError};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// How a request wants its stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StreamStart {
    /// The cursor to begin at; without one the stream begins now.
    pub(crate) cursor: Option<Cursor>,
    /// Whether messages that are being written are told by what comes to them.
    deltas: bool,
    /// The version of the request.
    pub(crate) version: Version,
    /// Whether only the head of the answer is asked for.
    pub(crate) head_only: bool,
}

#[derive(Deserialize)]
struct Parameters {
    after: Option<String>,
    deltas: Option<String>,
}

impl StreamStart {
    /// Tells in which form the stream is. Frames carry `id:` lines only for a request that knows cursors, since contract
    /// clients log a warning for each (semantics 3).
    pub(crate) fn form(&self) -> Form {
        Form {
            numbered: self.cursor.is_some(),
            deltas: self.deltas,
        }
    }

    /// Makes an attachment tell what this request wants to be told.
    pub(crate) fn of(&self, attachment: Attachment) -> Attachment {
        if self.deltas {
            attachment.with_deltas()
        } else {
            attachment
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for StreamStart {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Query(parameters) = Query::<Parameters>::from_request_parts(parts, state).await?;
        let deltas = match parameters.deltas.as_deref() {
            None | Some("0") => false,
            Some("1") => true,
            Some(_) => {
                return Err(ApiError::new(ErrorCode::BadRequest, "`deltas` is 0 or 1"));
            }
        };
        let last = parts.headers.get(LAST_EVENT_ID).filter(|id| !id.is_empty());
        // An `EventSource` that reconnects repeats its first address, so the header is the newer of the two.
        let cursor = match (last, &parameters.after) {
            (Some(last), _) => Some(parse(last.to_str().unwrap_or_default())?),
            (None, Some(after)) => Some(parse(after)?),
            (None, None) => None,
        };
        Ok(Self {
            cursor,
            deltas,
            version: parts.version,
            head_only: parts.method == Method::HEAD,
        })
    }
}

fn parse(cursor: &str) -> Result<Cursor, ApiError> {
    cursor
        .parse()
        .map_err(|error| ApiError::new(ErrorCode::InvalidCursor, format!("{error}")))
}
